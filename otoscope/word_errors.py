"""The stage that counts a recogniser's own errors on whole splits: the paper's table 1."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from asr_models.checkpoint import load_recogniser
from asr_models.recogniser import Recogniser
from corpora.batch import SpeechBatch
from corpora.corpus import Progress
from corpora.datamodule import SpeechDataModule
from evaluation.bootstrap import ratio_estimate, speaker_weights
from evaluation.paper.finished_run import WerRow
from evaluation.records import write_rows
from evaluation.transcripts import transcribe, transcript_errors
from otoscope.experiment import Experiment
from otoscope.training import device_of


def count_word_errors(
    experiment: Experiment, run: Path, model: str, folder: Path, report: Progress
) -> None:
    """Write `wer.csv` of a model: every utterance of the dev and the test split, clean."""
    recogniser = load_recogniser(run / "recognisers" / model).to(device_of(experiment))
    data = SpeechDataModule(
        experiment.corpus,
        conditions=["clean"],
        batch_duration_s=experiment.evaluation.batch_duration_s,
        seed=experiment.seed,
        alphabet=recogniser.alphabet,
    )
    dev = data.val_dataloader()
    loaders: dict[str, Iterable[SpeechBatch]]
    loaders = {"dev": dev[0] if dev else [], "test": data.condition_dataloader("clean")}
    rows = []
    for share, (split, loader) in enumerate(loaders.items()):
        counts: list[tuple[str, int, int]] = []
        heard = 0
        for batch in loader:
            data.note(split, batch)
            counts += _errors(recogniser, batch)
            heard += len(batch)
            report(share / 2, f"{split}, {heard} utterances")
        lost = {name for where, name, _ in data.unusable if where == split}
        rows.append(_row(experiment, split, counts, len(lost) + heard - len(counts)))
    folder.mkdir(parents=True)
    write_rows(folder / "wer.csv", WerRow, rows)


def _errors(recogniser: Recogniser, batch: SpeechBatch) -> list[tuple[str, int, int]]:
    """Speaker, word errors and words of what can be spelled."""
    if not batch.ids:
        return []
    waveforms = [w[:n].numpy() for w, n in zip(batch.waveform, batch.lengths, strict=True)]
    heard = transcribe(recogniser, waveforms)
    found = []
    for speaker, text, said in zip(batch.speakers, batch.texts, heard, strict=True):
        errors = transcript_errors(text, said)
        if errors.n_words and not set(text) - set(recogniser.alphabet):
            found.append((speaker, errors.word_errors, errors.n_words))
    return found


def _row(
    experiment: Experiment, split: str, counts: Sequence[tuple[str, int, int]], lost: int
) -> WerRow:
    if not counts:
        return WerRow(split, None, None, None, 0, lost)
    names, errors, words = zip(*counts, strict=True)
    known = sorted(set(names))
    speakers = np.array([known.index(name) for name in names])
    draws = experiment.evaluation.bootstrap_replicates
    weights = speaker_weights(len(known), draws, experiment.seed)
    rate = ratio_estimate(100.0 * np.array(errors), np.array(words), speakers, weights)
    low, high = rate.interval() or (None, None)
    return WerRow(split, rate.value, low, high, len(counts), lost)
