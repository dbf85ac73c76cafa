"""The voices of rendered training speech, and the tables of the two ways to verify rendered speech.

Nothing of the test speech is rendered here: its embeddings were kept by the evaluation.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import torch

from acoustics.griffin_lim import GriffinLim, phase_seed
from asr_models.memory import give_back_freed
from corpora.batch import SpeechBatch
from corpora.corpus import Progress
from corpora.datamodule import SpeechDataModule
from corpora.selection import first_of_each_speaker
from evaluation.embeddings import Place, Voices
from evaluation.identity import TrainingVoices, adapted_trials, natural_trials
from evaluation.records import TrialScoreRow, write_rows
from evaluation.references import reference_mels, reference_sounds
from evaluation.scoring import pcm_list
from evaluation.summary import FLOOR
from evaluation.trials import Trial
from evaluation.verifiers.verifier import Verifier
from probes.bank import ProbeBank


@torch.inference_mode()
def render_training_embeddings(
    bank: ProbeBank,
    vocoder: GriffinLim,
    verifiers: Sequence[Verifier],
    batches: Iterable[SpeechBatch],
    seed: int = 0,
    references: bool = False,
    progress: Callable[[int], None] = lambda utterances: None,
) -> TrainingVoices:
    """Embed training speech as every layer renders it, the way test speech is rendered.

    Args:
        bank: trained probes.
        vocoder: the one vocoder of the run.
        verifiers: who listens.
        batches: training speech.
        seed: of the vocoder's initial phases.
        references: embed natural speech and its copy-synthesis too.
        progress: called with the utterances done so far.
    """
    found = TrainingVoices()
    for batch in batches:
        if not batch.ids:
            continue
        batch = bank.transfer_batch_to_device(batch, bank.device, 0)
        found.speakers.update(zip(batch.ids, batch.speakers, strict=True))
        mels = bank.eval().reconstruct(batch)
        if references:
            mels |= reference_mels(batch, bank.log_mel, bank.constant)
            mels.pop(FLOOR)
        seeds = [phase_seed(seed, name) for name in batch.ids]
        sounds = reference_sounds(batch) if references else {}
        for layer in (*sounds, *mels):
            waveform = sounds.get(layer)
            if waveform is None:
                waveform = vocoder(mels[layer], batch.lengths, seeds)
            pcm = pcm_list(waveform, batch.lengths)
            for verifier in verifiers:
                voices = found.voices.setdefault((layer, verifier.name), Voices())
                voices.add(batch.ids, verifier.embed(pcm))
        progress(len(found.speakers))
        give_back_freed()
    return found


def score_identity(
    bank: ProbeBank,
    vocoder: GriffinLim,
    verifiers: Sequence[Verifier],
    training: SpeechDataModule,
    trials: Sequence[Trial],
    voices: Mapping[Place, Voices],
    natural: Mapping[str, Voices],
    folder: Path,
    model: str = "baseline",
    references: bool = True,
    per_speaker: int = 4,
    seed: int = 0,
    report: Progress = lambda fraction, text: None,
) -> None:
    """Write `trial_scores.csv` of both ways for one model.

    Args:
        bank: its trained probes.
        vocoder: the one vocoder of the run.
        verifiers: those that are adapted; all of `voices` are compared with natural speech.
        training: what the probes were trained on; its speakers and noise.
        trials: the run's trial list.
        voices: `load_embeddings` of this model's tables.
        natural: `natural_voices` of the embeddings of the model that has the references.
        folder: where the table goes.
        model: name in the tables.
        references: adapt to natural speech and copy-synthesis too.
        per_speaker: utterances of each training speaker that are rendered.
        seed: of the vocoder's initial phases.
        report: called with the fraction done and what is going on.
    """
    total = len(first_of_each_speaker(training.cuts("train"), per_speaker))

    def progress(done: int) -> None:
        report(done / total, f"adapting verifiers, {done}/{total} utterances")

    batches = training.noted("train", training.first_training_dataloader(per_speaker))
    found = render_training_embeddings(
        bank, vocoder, verifiers, batches, seed, references, progress
    )
    rows = natural_trials(model, trials, voices, natural)
    rows += adapted_trials(model, trials, voices, found)
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "trial_scores.csv", TrialScoreRow, rows)
