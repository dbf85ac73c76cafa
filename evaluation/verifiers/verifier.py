"""Speaker verifiers: utterances to unit vectors, whose inner product scores a trial.

No voice-activity trimming: it would cut other parts of every layer's speech.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evaluation.quality import SILENCE_PEAK, Score
from evaluation.trials import Trial


@dataclass(frozen=True)
class Embeddings:
    """Unit vectors, and why some are missing.

    Attributes:
        vectors: shape (utterance, embedding), float32; NaN where there is a failure.
        failures: per utterance a reason, or "".
    """

    vectors: Float[np.ndarray, "utterance embedding"]
    failures: list[str]


class Verifier(ABC):
    """Maps utterances to vectors that lie close together for one speaker.

    Attributes:
        name: the `scorer` of its rows in the tables.
        sample_rate: of the waveforms it takes, in Hz.
        width: length of a vector.
        min_samples: an utterance needs that many.
    """

    name: str
    sample_rate: int
    width: int
    min_samples: int

    @abstractmethod
    def embed_valid(self, waveforms: list[np.ndarray]) -> Float[np.ndarray, "utterance embedding"]:
        """Embeds utterances that are neither too short nor silent.

        Args:
            waveforms: float32 in [-1, 1], each of shape (sample,).

        Returns:
            One row per utterance, shape (utterance, embedding), of any length and finite or not.
        """

    def move_to(self, device: str) -> None:
        """Move to a device, such as `cuda:0`."""
        return None

    def embed(self, waveforms: Sequence[np.ndarray]) -> Embeddings:
        """Embeds utterances; one that cannot be embedded costs only itself.

        Args:
            waveforms: each of shape (sample,), 16-bit integers or floats in [-1, 1].
        """
        failures = [self._unusable(waveform) for waveform in waveforms]
        vectors = np.full((len(waveforms), self.width), np.nan, dtype=np.float32)
        usable = [i for i, failure in enumerate(failures) if not failure]
        if usable:
            vectors[usable] = self.embed_valid([_as_float(waveforms[i]) for i in usable])
        with np.errstate(invalid="ignore", divide="ignore"):
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        for i in usable:
            if not np.isfinite(vectors[i]).all():
                vectors[i], failures[i] = np.nan, f"{self.name}: the embedding is not finite"
        return Embeddings(vectors, failures)

    def _unusable(self, waveform: np.ndarray) -> str:
        if waveform.ndim != 1:
            return f"not one channel: shape {waveform.shape}"
        if len(waveform) < self.min_samples:
            return f"too short for {self.name}: {len(waveform)} of {self.min_samples} samples"
        signal = _as_float(waveform)
        if not np.isfinite(signal).all():
            return "not finite"
        return "silent" if np.abs(signal - signal.mean()).max() <= SILENCE_PEAK / 32768 else ""


def sorted_batches(lengths: list[int], most: int) -> list[list[int]]:
    """Indices in batches of similar length, each of at most `most` samples with its padding.

    An utterance longer than that has a batch of its own.
    """
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[i] <= most:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def _as_float(waveform: np.ndarray) -> np.ndarray:
    """Float32 in [-1, 1], as soundfile reads a 16-bit file."""
    scale = 32768.0 if np.issubdtype(waveform.dtype, np.integer) else 1.0
    return (waveform / scale).astype(np.float32)


def score_trials(
    trials: Sequence[Trial],
    embeddings: Mapping[str, Float[np.ndarray, " embedding"]],
    failures: Mapping[str, str],
    enrolled: tuple[Mapping[str, np.ndarray], Mapping[str, str]] | None = None,
) -> list[Score]:
    """Cosine similarity of both utterances of each trial.

    Args:
        trials: the saved list.
        embeddings: unit vector of each utterance that has one.
        failures: reason for each utterance that has none.
        enrolled: both for the first utterances, where these were heard in another sound.

    Returns:
        A score per trial; a trial of an utterance without embedding fails with its reason.

    Raises:
        KeyError: if a trial names an utterance that is in neither.
    """
    first, not_first = (embeddings, failures) if enrolled is None else enrolled
    scores = []
    for trial in trials:
        sides = (trial.enrol, not_first), (trial.test, failures)
        missing = [f"{name}: {reasons[name]}" for name, reasons in sides if reasons.get(name)]
        if missing:
            scores.append(Score(None, missing[0]))
        else:
            scores.append(Score(float(first[trial.enrol] @ embeddings[trial.test])))
    return scores
