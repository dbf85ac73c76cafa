"""From log-mels to scored sound: the streaming heart of an evaluation.

Every batch is rendered, written and scored, then forgotten.
"""

from collections.abc import Mapping, Sequence, Set
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from lhotse import CutSet
from torch import Tensor

from acoustics.griffin_lim import GriffinLim, phase_seed
from asr_models.checkpoint import load_recogniser
from asr_models.recogniser import Recogniser
from corpora.batch import SpeechBatch
from corpora.selection import first_of_each_speaker
from evaluation.listening import audio_path, write_audio
from evaluation.quality import QUALITY_METRICS
from evaluation.sounds import Sounds, SoundScorer, as_pcm
from evaluation.summary import CEILINGS
from evaluation.trials import Trial, load_trials
from evaluation.verifiers.resemblyzer import GE2EVerifier
from evaluation.verifiers.verifier import Verifier
from probes.bank import ProbeBank


class SpeechScorer:
    """Renders and scores the layers of one model; use it in a `with`.

    Args:
        run: the run folder; scored audio goes to `audio/`.
        tables: folder for this model's `scores.csv` and `trial_scores.csv`.
        model: name in the tables.
        vocoder: the one vocoder of the run.
        seed: of the initial phases; each utterance derives its own.
        trials: the run's trial list.
        verifiers: speaker verifiers.
        recognisers: name to frozen recogniser, for WER and CER of the rendered speech.
        quality: which of PESQ, STOI and ESTOI to measure against the clean speech.
        with_quality: utterances that get them (None: all).
        with_audio: utterances whose audio is written (None: all).
        workers: processes that measure quality.
        keep_embeddings: whether to leave the speaker embeddings beside the tables.
    """

    def __init__(
        self,
        run: Path,
        tables: Path,
        model: str,
        vocoder: GriffinLim,
        trials: Sequence[Trial],
        verifiers: Sequence[Verifier],
        recognisers: Mapping[str, Recogniser],
        seed: int = 0,
        quality: Sequence[str] = QUALITY_METRICS,
        with_quality: Set[str] | None = None,
        with_audio: Set[str] | None = None,
        workers: int = 1,
        keep_embeddings: bool = False,
    ) -> None:
        self.run, self.model, self.vocoder = run, model, vocoder
        self.seed, self.with_audio = seed, with_audio
        self.sample_rate = vocoder.log_mel.config["sample_rate"]
        self.sounds = SoundScorer(
            tables,
            model,
            self.sample_rate,
            trials,
            verifiers,
            recognisers,
            quality,
            with_quality,
            workers,
            keep_embeddings,
        )

    def __enter__(self) -> "SpeechScorer":
        self.sounds.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.sounds.__exit__(kind, *rest)

    def add(
        self,
        condition: str,
        batch: SpeechBatch,
        mels: Mapping[str, Float[Tensor, "batch frame mel"]],
        losses: Mapping[str, Float[Tensor, " batch"]],
        sounds: Mapping[str, Float[Tensor, "batch sample"]] | None = None,
    ) -> None:
        """Score one batch: `mels` are rendered first, `sounds` are scored as they are.

        Args:
            condition: name of the condition.
            batch: what was fed in.
            mels: log-mel of each layer.
            losses: `mel_l1` of each utterance for some layers.
            sounds: waveforms of layers that need no vocoder, e.g. `natural`.
        """
        if not batch.ids:
            return
        layers = [*(sounds or {}), *mels]
        clean = pcm_list(batch.clean, batch.lengths)
        seeds = [phase_seed(self.seed, utterance) for utterance in batch.ids]
        whose = batch.ids, batch.speakers, batch.texts, batch.noises
        for layer in layers:
            if sounds and layer in sounds:
                waveform = sounds[layer]
            else:
                waveform = self.vocoder(mels[layer], batch.lengths, seeds)
            heard = Sounds(condition, layer, *whose, pcm_list(waveform, batch.lengths), clean)
            self._write_audio(heard)
            self.sounds.add(heard)
            for i, loss in enumerate(losses.get(layer, [])):
                self.sounds.write(heard, i, "mel_l1", "", float(loss), "")

    def _write_audio(self, heard: Sounds) -> None:
        for utterance, samples in zip(heard.ids, heard.pcm, strict=True):
            if self.with_audio is None or utterance in self.with_audio:
                path = audio_path(self.model, heard.condition, heard.layer, utterance)
                write_audio(self.run / path, samples, self.sample_rate)

    def fail(
        self, condition: str, layers: Sequence[str], utterances: Sequence[tuple[str, str]]
    ) -> None:
        """Record `(utterance, reason)` of what could not be used as failure of every score."""
        trials = self.sounds.trials
        speakers = {t.enrol: t.enrol_speaker for t in trials}
        speakers |= {t.test: t.test_speaker for t in trials}
        for layer, (utterance, reason) in product(layers, utterances):
            rebuilt = () if layer in CEILINGS else ("mel_l1",)
            speaker = speakers.get(utterance, "")
            self.sounds.fail(condition, layer, utterance, speaker, reason, rebuilt)


def pcm_list(
    waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
) -> list[np.ndarray]:
    """16-bit samples of each utterance at its true length."""
    return [
        as_pcm(row[:length].cpu().numpy())
        for row, length in zip(waveform.detach(), lengths.tolist(), strict=True)
    ]


def bank_scorer(
    bank: ProbeBank,
    cuts: CutSet,
    *,
    trials: Path,
    verifiers: Sequence[Verifier] | None,
    recognisers: Mapping[str, str],
    n_iter: int,
    quality_per_speaker: int | None,
    keep_audio: int | None,
    **settings: Any,
) -> SpeechScorer:
    """A scorer of what a bank makes of `cuts`, with all that listens on the bank's device.

    Args:
        bank: the probes.
        cuts: the test set.
        trials: the saved list.
        verifiers: speaker verifiers (None: GE2E).
        recognisers: name to folder of the recognisers that transcribe.
        n_iter: Griffin-Lim iterations.
        quality_per_speaker: utterances of each speaker whose quality is measured (None: all).
        keep_audio: utterances of each speaker whose audio is written (None: all).
        **settings: the other arguments of `SpeechScorer`.
    """
    listeners = [GE2EVerifier()] if verifiers is None else verifiers
    for verifier in listeners:
        verifier.move_to(str(bank.device))
    return SpeechScorer(
        vocoder=GriffinLim(bank.log_mel, n_iter).to(bank.device),
        trials=load_trials(trials),
        verifiers=listeners,
        recognisers={k: load_recogniser(v).to(bank.device) for k, v in recognisers.items()},
        with_quality=_first_ids(cuts, quality_per_speaker),
        with_audio=_first_ids(cuts, keep_audio),
        **settings,
    )


def _first_ids(cuts: CutSet, count: int | None) -> set[str] | None:
    """Ids of the first `count` utterances of each speaker, None for all."""
    return None if count is None else {str(cut.id) for cut in first_of_each_speaker(cuts, count)}


def never_heard(unusable: Sequence[tuple[str, str, str]], told: Set[str]) -> list[tuple[str, str]]:
    """`(utterance, reason)` of test utterances that came in no batch, those of `told` left out.

    Args:
        unusable: `(split, utterance, reason)`, as the data module found them.
        told: utterances whose batch said that they failed.
    """
    reasons = {name: reason for split, name, reason in unusable if split == "test"}
    return [(name, reason) for name, reason in reasons.items() if name not in told]
