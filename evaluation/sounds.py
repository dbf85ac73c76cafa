"""Sound to scores, whoever made it: embedded, transcribed and handed to the metric workers.

What has been scored is forgotten: memory does not grow with the number of utterances (a speaker
embedding of 1 kB stays).
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from asr_models.recogniser import Recogniser
from evaluation.embeddings import Place, Voices, save_embeddings, score_voices, trial_rows
from evaluation.quality import QUALITY_METRICS, Score, score_quality
from evaluation.records import OrderedRows, RowWriter, ScoreRow, TrialScoreRow, write_rows
from evaluation.transcripts import score_transcript, transcribe
from evaluation.trials import Trial
from evaluation.verifiers.verifier import Verifier
from evaluation.workers import GuardedPool, Outcome

PCM_PEAK = 32767
TRANSCRIPT_METRICS = ("wer", "cer")


@dataclass(frozen=True)
class Sounds:
    """Utterances of one layer in one condition; the lists are parallel.

    Attributes:
        condition: as in every table.
        layer: as in every table.
        ids: of the utterances.
        speakers: "" where unknown.
        texts: normalised transcripts.
        noises: what was mixed in, "" for nothing.
        pcm: 16-bit samples to be scored, each at its true length.
        clean: 16-bit samples of the clean speech, as long.
    """

    condition: str
    layer: str
    ids: list[str]
    speakers: list[str]
    texts: list[str]
    noises: list[str]
    pcm: list[np.ndarray]
    clean: list[np.ndarray]


def as_pcm(waveform: Float[np.ndarray, " sample"]) -> np.ndarray:
    """16-bit samples as they go into the file; what would clip is scaled down as a whole."""
    peak = float(np.abs(waveform).max(initial=0.0))
    return np.round(waveform * (PCM_PEAK / max(1.0, peak))).astype(np.int16)


class SoundScorer:
    """Scores sounds and writes `scores.csv` and `trial_scores.csv`; use it in a `with`.

    The rows of `scores.csv` stand in the order in which the sounds came.

    Args:
        tables: folder for the two tables.
        model: name in the tables.
        sample_rate: of the sounds, in Hz.
        trials: pairs of utterances that verification compares.
        verifiers: speaker verifiers.
        recognisers: name to frozen recogniser, for WER and CER.
        quality: which of PESQ, STOI and ESTOI to measure against the clean speech.
        with_quality: utterances that get them (None: all).
        workers: processes that measure quality.
        keep_embeddings: whether to leave the speaker embeddings beside the tables.
    """

    def __init__(
        self,
        tables: Path,
        model: str,
        sample_rate: int,
        trials: Sequence[Trial],
        verifiers: Sequence[Verifier],
        recognisers: Mapping[str, Recogniser],
        quality: Sequence[str] = QUALITY_METRICS,
        with_quality: Set[str] | None = None,
        workers: int = 1,
        keep_embeddings: bool = False,
    ) -> None:
        self.keep_embeddings = keep_embeddings
        self.tables, self.model, self.sample_rate = tables, model, sample_rate
        self.trials, self.verifiers, self.recognisers = trials, verifiers, recognisers
        self.quality, self.with_quality = list(quality), with_quality
        pesq = tuple(metric for metric in self.quality if metric.startswith("pesq"))
        others = tuple(metric for metric in self.quality if metric not in pesq)
        self._tasks = [task for task in (pesq, others) if task]  # a crash in PESQ costs PESQ only
        self.voices: dict[Place, Voices] = {}
        tables.mkdir(parents=True, exist_ok=True)
        self._file = RowWriter(tables / "scores.csv", ScoreRow)
        self._rows = OrderedRows(self._file)
        self._pool = GuardedPool(self._keep_quality, n_workers=workers)

    def __enter__(self) -> "SoundScorer":
        self._file.__enter__()
        if self._tasks:
            self._pool.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if self._tasks:
                self._pool.__exit__(kind, *rest)
            if kind is None:
                self._write_trials()
                if self.keep_embeddings:
                    save_embeddings(self.tables, self.voices)
        finally:
            self._file.__exit__(kind, *rest)

    def add(self, sounds: Sounds) -> None:
        """Score what was heard of one layer."""
        self._embed(sounds)
        self._transcribe(sounds)
        self._submit_quality(sounds)

    def write(
        self, sounds: Sounds, i: int, metric: str, scorer: str, value: float | None, failure: str
    ) -> None:
        """Add a row on one utterance; a value that is not finite is a failure."""
        if value is not None and not np.isfinite(value):
            value, failure = None, f"{metric} is not finite"
        place = _place(sounds, i)
        self._rows.write([ScoreRow(self.model, *place, metric, scorer, value, failure)])

    def fail(
        self,
        condition: str,
        layer: str,
        utterance: str,
        speaker: str,
        reason: str,
        also: Sequence[str] = (),
    ) -> None:
        """Record why an utterance could not be used as failure of every score, and of `also`."""
        scored = [(metric, "") for metric in self.quality if self._wants_quality(utterance)]
        scored += [(metric, name) for name in self.recognisers for metric in TRANSCRIPT_METRICS]
        scored += [(metric, "") for metric in also]
        where = self.model, condition, "", layer, utterance, speaker
        self._rows.write([ScoreRow(*where, *what, None, reason) for what in scored])
        for verifier in self.verifiers:
            self._voices(condition, layer, verifier).failures[utterance] = reason

    def _voices(self, condition: str, layer: str, verifier: Verifier) -> Voices:
        return self.voices.setdefault((condition, layer, verifier.name), Voices())

    def _embed(self, sounds: Sounds) -> None:
        for verifier in self.verifiers:
            found = verifier.embed(sounds.pcm)
            self._voices(sounds.condition, sounds.layer, verifier).add(sounds.ids, found)

    def _transcribe(self, sounds: Sounds) -> None:
        waveforms = [samples / (PCM_PEAK + 1.0) for samples in sounds.pcm]
        for name, recogniser in self.recognisers.items():
            for i, heard in enumerate(transcribe(recogniser, waveforms)):
                for metric in TRANSCRIPT_METRICS:
                    score = score_transcript(metric, sounds.texts[i], heard, recogniser.alphabet)
                    self.write(sounds, i, metric, name, *score)

    def _submit_quality(self, sounds: Sounds) -> None:
        for i, utterance in enumerate(sounds.ids):
            for task in self._tasks if self._wants_quality(utterance) else ():
                key = self._rows.reserve(), _place(sounds, i), task
                pair = sounds.clean[i], sounds.pcm[i]
                self._pool.submit(key, score_quality, *pair, self.sample_rate, task)

    def _wants_quality(self, utterance: str) -> bool:
        return self.with_quality is None or utterance in self.with_quality

    def _keep_quality(self, outcome: Outcome) -> None:
        assert isinstance(outcome.key, tuple)  # noqa: S101 - for the type checker
        number, place, metrics = outcome.key
        condition, noise, layer, utterance, speaker = place
        where = self.model, condition, noise, layer, utterance, speaker
        failed = dict.fromkeys(metrics, Score(None, outcome.failure))
        scores = failed if outcome.failure else outcome.value
        self._rows.put(number, [ScoreRow(*where, name, "", *scores[name]) for name in metrics])

    def _write_trials(self) -> None:
        rows: list[TrialScoreRow] = []
        for place, voices in self.voices.items():
            scores = score_voices(self.trials, voices)
            rows += trial_rows(self.model, place, self.trials, scores)
        write_rows(self.tables / "trial_scores.csv", TrialScoreRow, rows)


def _place(sounds: Sounds, i: int) -> tuple[str, str, str, str, str]:
    """What stands in a row between the model and the metric."""
    whose = sounds.ids[i], sounds.speakers[i]
    return sounds.condition, sounds.noises[i], sounds.layer, *whose
