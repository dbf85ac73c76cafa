"""A linear speaker probe on states: is the speaker gone, or only its sound?

A verifier that hears rendered speech may fail because the rendering is damaged. This probe looks at
the states themselves: mean and standard deviation over an utterance, and a linear map learnt from
training speakers (`speaker_space`). Test speakers are strangers to it, compared by cosine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from asr_models.tap import States
from evaluation.speaker_space import SpeakerSpace, TooFewSpeakersError, fit_speaker_space
from evaluation.verifiers.verifier import Embeddings

HELD_OUT = 5  # every speaker's last utterances, one in so many, test the probe
_NOT_FINITE = "the states are not finite"


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """How often a probe names the right training speaker (accuracy.csv), in percent.

    It is measured on `n_held_out` utterances that the probe was not fitted on; chance is
    100 / `n_speakers`.
    """

    model: str
    layer: str
    n_speakers: int
    n_fitted: int
    n_held_out: int
    accuracy: float | None
    failure: str = ""


def utterance_statistics(states: States) -> Float[Tensor, "batch statistic"]:
    """Mean and standard deviation over the valid states of each utterance, `(batch, 2 width)`."""
    rows = []
    for values, length in zip(states.values, states.lengths.tolist(), strict=True):
        valid = values[:length]
        mean = valid.mean(0)
        deviation = torch.linalg.vector_norm(valid - mean, dim=0) / length**0.5
        rows.append(torch.cat([mean, deviation]))
    return torch.stack(rows)


def held_out(speakers: Mapping[str, str]) -> set[str]:
    """Utterances to test a probe on: the last fifth of each speaker's, in order of their ids.

    At least one of a speaker with three, none of one with fewer.
    """
    by_speaker: dict[str, list[str]] = {}
    for utterance in sorted(speakers):
        by_speaker.setdefault(speakers[utterance], []).append(utterance)
    chosen: set[str] = set()
    for names in by_speaker.values():
        count = max(len(names) // HELD_OUT, 1) if len(names) > 2 else 0
        chosen.update(names[len(names) - count :])
    return chosen


@dataclass
class SpeakerStatistics:
    """Statistics of training utterances by layer, gathered batch by batch.

    They take `utterances * 2 * width * 4` bytes for each layer.
    """

    speakers: dict[str, str] = field(default_factory=dict)
    vectors: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def add(
        self, utterances: Sequence[str], speakers: Sequence[str], states: Mapping[str, States]
    ) -> None:
        """Take in a batch; states that are not finite are left out."""
        self.speakers.update(zip(utterances, speakers, strict=True))
        for layer, found in states.items():
            rows = utterance_statistics(found).cpu().numpy()
            kept = self.vectors.setdefault(layer, {})
            pairs = zip(utterances, rows, strict=True)
            kept.update({name: row for name, row in pairs if np.isfinite(row).all()})

    def fit(self, layer: str) -> "SpeakerProbe":
        """The probe of a layer, fitted on all but the held-out utterances."""
        vectors, reserved = self.vectors.get(layer, {}), held_out(self.speakers)
        fitted = sorted(name for name in vectors if name not in reserved)
        tested = sorted(name for name in vectors if name in reserved)
        try:
            space = fit_speaker_space(_stack(vectors, fitted), [self.speakers[n] for n in fitted])
        except TooFewSpeakersError as error:
            return SpeakerProbe(None, str(error), 0, len(fitted), len(tested), None)
        known = [name for name in tested if self.speakers[name] in space.speakers]
        named = space.recognise(_stack(vectors, known)) if known else []
        right = [self.speakers[n] == found for n, found in zip(known, named, strict=True)]
        accuracy = 100 * float(np.mean(right)) if right else None
        counts = len(space.speakers), len(fitted), len(known)
        return SpeakerProbe(space, "", *counts, accuracy)


@dataclass(frozen=True)
class SpeakerProbe:
    """The probe of one layer, or the reason why there is none.

    Attributes:
        space: what was learnt.
        failure: why nothing was.
        n_speakers: training speakers that it knows.
        n_fitted: utterances that it was fitted on.
        n_held_out: others of the same speakers that it was tested on.
        accuracy: of naming their speaker, in percent; None without any.
    """

    space: SpeakerSpace | None
    failure: str
    n_speakers: int
    n_fitted: int
    n_held_out: int
    accuracy: float | None

    def embed(self, states: States) -> Embeddings:
        """A unit vector for each utterance of a batch, or why it has none."""
        count = len(states.lengths)
        if self.space is None:
            return Embeddings(np.full((count, 1), np.nan, np.float32), [self.failure] * count)
        vectors = self.space.embed(utterance_statistics(states).cpu().numpy())
        finite = np.isfinite(vectors).all(1)
        return Embeddings(vectors, ["" if good else _NOT_FINITE for good in finite])

    def row(self, model: str, layer: str) -> AccuracyRow:
        """What accuracy.csv says of it."""
        failure = self.failure or ("" if self.accuracy is not None else "no utterance is held out")
        counts = self.n_speakers, self.n_fitted, self.n_held_out
        return AccuracyRow(model, layer, *counts, self.accuracy, failure)


def _stack(
    vectors: Mapping[str, np.ndarray], names: Iterable[str]
) -> Float[np.ndarray, "utterance statistic"]:
    """Vectors of these utterances, also of none."""
    rows = [vectors[name] for name in names]
    return np.stack(rows) if rows else np.zeros((0, 1), np.float32)
