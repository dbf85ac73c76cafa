"""From log-mels to scored sound: the streaming heart of an evaluation.

Every batch is rendered, written, embedded, transcribed and handed to the metric workers, then
forgotten: memory does not grow with the number of utterances (a speaker embedding of 1 kB stays).
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from acoustics.griffin_lim import GriffinLim, phase_seed
from asr_models.decoding import greedy_decode
from asr_models.recogniser import Recogniser
from corpora.batch import SpeechBatch
from evaluation.listening import audio_path, write_audio
from evaluation.quality import QUALITY_METRICS, score_quality
from evaluation.records import RowWriter, ScoreRow, TrialScoreRow, write_rows
from evaluation.summary import CEILINGS
from evaluation.transcripts import transcript_errors
from evaluation.trials import Trial
from evaluation.verifiers.verifier import Verifier, score_trials
from evaluation.workers import GuardedPool, Outcome

PCM_PEAK = 32767


@dataclass
class Voices:
    """Embeddings of one layer in one condition by one verifier, as they come in."""

    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def as_pcm(waveform: Float[np.ndarray, " sample"]) -> np.ndarray:
    """16-bit samples as they go into the file; what would clip is scaled down as a whole."""
    peak = float(np.abs(waveform).max(initial=0.0))
    return np.round(waveform * (PCM_PEAK / max(1.0, peak))).astype(np.int16)


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
    ) -> None:
        self.run, self.tables, self.model, self.vocoder = run, tables, model, vocoder
        self.trials, self.verifiers, self.recognisers = trials, verifiers, recognisers
        self.seed, self.quality = seed, list(quality)
        pesq = tuple(metric for metric in self.quality if metric.startswith("pesq"))
        others = tuple(metric for metric in self.quality if metric not in pesq)
        self._tasks = [task for task in (pesq, others) if task]  # a crash in PESQ costs PESQ only
        self.with_quality, self.with_audio = with_quality, with_audio
        self.sample_rate = vocoder.log_mel.config["sample_rate"]
        self.voices: dict[tuple[str, str, str], Voices] = {}
        tables.mkdir(parents=True, exist_ok=True)
        self._rows = RowWriter(tables / "scores.csv", ScoreRow)
        self._pool = GuardedPool(self._keep_quality, n_workers=workers)

    def __enter__(self) -> "SpeechScorer":
        self._rows.__enter__()
        self._pool.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            self._pool.__exit__(kind, *rest)
            if kind is None:
                self._write_trials()
        finally:
            self._rows.__exit__(kind, *rest)

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
        clean = _as_list(batch.clean, batch.lengths)
        seeds = [phase_seed(self.seed, utterance) for utterance in batch.ids]
        for layer in layers:
            if sounds and layer in sounds:
                waveform = sounds[layer]
            else:
                waveform = self.vocoder(mels[layer], batch.lengths, seeds)
            pcm = _as_list(waveform, batch.lengths)
            self._write_audio(condition, layer, batch, pcm)
            self._embed(condition, layer, batch, pcm)
            self._transcribe(condition, layer, batch, pcm)
            self._submit_quality(condition, layer, batch, clean, pcm)
            for i, loss in enumerate(losses.get(layer, [])):
                self._rows.write(self._row(condition, batch, i, layer, "mel_l1", "", float(loss)))

    def _row(
        self,
        condition: str,
        batch: SpeechBatch,
        i: int,
        layer: str,
        metric: str,
        scorer: str,
        value: float | None,
        failure: str = "",
    ) -> ScoreRow:
        if value is not None and not np.isfinite(value):
            value, failure = None, f"{metric} is not finite"
        place = self.model, condition, batch.noises[i], layer, batch.ids[i], batch.speakers[i]
        return ScoreRow(*place, metric, scorer, value, failure)

    def _write_audio(
        self,
        condition: str,
        layer: str,
        batch: SpeechBatch,
        pcm: list[np.ndarray],
    ) -> None:
        for utterance, samples in zip(batch.ids, pcm, strict=True):
            if self.with_audio is None or utterance in self.with_audio:
                path = self.run / audio_path(self.model, condition, layer, utterance)
                write_audio(path, samples, self.sample_rate)

    def _embed(self, condition: str, layer: str, batch: SpeechBatch, pcm: list[np.ndarray]) -> None:
        for verifier in self.verifiers:
            found = verifier.embed(pcm)
            voices = self.voices.setdefault((condition, layer, verifier.name), Voices())
            for utterance, vector, failure in zip(
                batch.ids, found.vectors, found.failures, strict=True
            ):
                if failure:
                    voices.failures[utterance] = failure
                else:
                    voices.vectors[utterance] = vector

    @torch.no_grad()
    def _transcribe(
        self, condition: str, layer: str, batch: SpeechBatch, pcm: list[np.ndarray]
    ) -> None:
        heard = torch.zeros_like(batch.waveform)
        for i, samples in enumerate(pcm):
            heard[i, : len(samples)] = torch.from_numpy(samples / (PCM_PEAK + 1.0))
        for name, recogniser in self.recognisers.items():
            log_probs, lengths = recogniser(heard, batch.lengths)
            texts = greedy_decode(log_probs, lengths, recogniser.alphabet)
            for i, text in enumerate(texts):
                unknown = sorted(set(batch.texts[i]) - set(recogniser.alphabet))
                errors = transcript_errors(batch.texts[i], text)
                for metric in ("wer", "cer"):
                    score = errors.score(metric)
                    value, failure = score.value, score.failure
                    if unknown:
                        value = None
                        failure = f"transcript outside the alphabet: {''.join(unknown)}"
                    self._rows.write(
                        self._row(condition, batch, i, layer, metric, name, value, failure)
                    )

    def _submit_quality(
        self,
        condition: str,
        layer: str,
        batch: SpeechBatch,
        clean: list[np.ndarray],
        pcm: list[np.ndarray],
    ) -> None:
        for i, utterance in enumerate(batch.ids):
            if self.with_quality is None or utterance in self.with_quality:
                place = condition, batch.noises[i], layer, batch.ids[i], batch.speakers[i]
                for task in self._tasks:
                    pair = clean[i], pcm[i]
                    self._pool.submit((*place, task), score_quality, *pair, self.sample_rate, task)

    def _keep_quality(self, outcome: Outcome) -> None:
        assert isinstance(outcome.key, tuple)  # noqa: S101 - for the type checker
        condition, noise, layer, utterance, speaker, metrics = outcome.key
        place = self.model, condition, noise, layer, utterance, speaker
        for metric in metrics:
            if outcome.failure:
                value, failure = None, outcome.failure
            else:
                value, failure = outcome.value[metric]
            self._rows.write(ScoreRow(*place, metric, "", value, failure))

    def fail(
        self, condition: str, layers: Sequence[str], utterances: Sequence[tuple[str, str]]
    ) -> None:
        """Record `(utterance, reason)` of what could not be used as failure of every score."""
        speakers = {t.enrol: t.enrol_speaker for t in self.trials}
        speakers |= {t.test: t.test_speaker for t in self.trials}
        heard = [(metric, name) for name in self.recognisers for metric in ("wer", "cer")]
        for layer, (utterance, reason) in product(layers, utterances):
            where = self.model, condition, "", layer, utterance, speakers.get(utterance, "")
            wanted = self.with_quality is None or utterance in self.with_quality
            quality = [(metric, "") for metric in self.quality if wanted]
            rebuilt = [] if layer in CEILINGS else [("mel_l1", "")]
            for metric, scorer in [*quality, *heard, *rebuilt]:
                self._rows.write(ScoreRow(*where, metric, scorer, None, reason))
            for verifier in self.verifiers:
                voices = self.voices.setdefault((condition, layer, verifier.name), Voices())
                voices.failures[utterance] = reason

    def _write_trials(self) -> None:
        rows = []
        for (condition, layer, scorer), voices in self.voices.items():
            missing = {
                name: "the utterance was never rendered"
                for trial in self.trials
                for name in (trial.enrol, trial.test)
                if name not in voices.vectors and name not in voices.failures
            }
            scores = score_trials(self.trials, voices.vectors, voices.failures | missing)
            where = self.model, condition, layer, scorer
            rows += [
                TrialScoreRow(*where, trial.trial, score.value, score.failure)
                for trial, score in zip(self.trials, scores, strict=True)
            ]
        write_rows(self.tables / "trial_scores.csv", TrialScoreRow, rows)


def _as_list(waveform: Tensor, lengths: Tensor) -> list[np.ndarray]:
    return [
        as_pcm(row[:length].cpu().numpy())
        for row, length in zip(waveform.detach(), lengths.tolist(), strict=True)
    ]
