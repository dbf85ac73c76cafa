"""How far noise moves the states of a layer, measured in the distance between two utterances.

The question of the resynthesis paper's section 3.3: do noisy and clean inputs come closer in the
hidden layers? For each utterance and layer, `state_distance` is the Euclidean distance between the
states of the noisy and of the clean version, frame by frame and averaged over frames, divided by
the layer's mean distance between clean states of two utterances by different speakers, over the
frames that both have. 0: the noise is gone; 1: as far away as another utterance. A layer's scale
cancels, so layers and recognisers of different widths can be compared.

The denominator is a constant: one number per layer and condition, computed once over all
utterances and not drawn again by the bootstrap. So the interval of a layer's `state_distance` does
not contain the error of the denominator; it is that of the numerator, scaled. Pairs whose distance
is not finite are left out of the denominator.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from acoustics.frames import valid_mask
from asr_models.tap import States
from evaluation.quality import Score

METRIC = "state_distance"


def frame_distances(
    first: Float[Tensor, "batch state width"],
    second: Float[Tensor, "batch state width"],
    lengths: Int[Tensor, " batch"],
) -> Float[Tensor, " batch"]:
    """Euclidean distance of states at the same time, `(batch,)`, mean over the valid ones."""
    distances = torch.linalg.vector_norm(first - second, dim=-1)
    return (distances * valid_mask(lengths, first.shape[1])).sum(1) / lengths


@dataclass
class _Clean:
    """Clean states of one utterance, each `(state, width)`, by layer."""

    speaker: str
    states: dict[str, Tensor]


@dataclass
class _Mean:
    """A mean that is still growing."""

    total: float = 0.0
    count: int = 0


@dataclass
class StateDistances:
    """Distances of one condition, gathered batch by batch.

    The pairs of different utterances are fixed by the order in which utterances come (test loaders
    go by duration, then by id): each is compared with the last one before it that another speaker
    said. Kept are a number per utterance and layer, and the clean states of two utterances.

    Example:
        >>> distances = StateDistances()
        >>> distances.add(batch.ids, batch.speakers, noisy, clean)  # doctest: +SKIP
        >>> distances.ratios()["blstm3"]["utterance-1"].value  # doctest: +SKIP
    """

    _moved: dict[str, dict[str, float]] = field(default_factory=dict)
    _between: dict[str, _Mean] = field(default_factory=dict)
    _last: _Clean | None = None
    _last_of_another: _Clean | None = None

    def add(
        self,
        utterances: Sequence[str],
        speakers: Sequence[str],
        noisy: Mapping[str, States],
        clean: Mapping[str, States],
    ) -> None:
        """Take in a batch: states of both versions of its utterances, by layer."""
        for layer, states in noisy.items():
            moved = frame_distances(states.values, clean[layer].values, states.lengths)
            names = zip(utterances, moved.tolist(), strict=True)
            self._moved.setdefault(layer, {}).update(names)
        for i, speaker in enumerate(speakers):
            own = {n: s.values[i, : int(s.lengths[i])].clone() for n, s in clean.items()}
            self._compare(_Clean(speaker, own))

    def ratios(self) -> dict[str, dict[str, Score]]:
        """The metric of every utterance, by layer, or why there is none."""
        return {
            layer: {name: _ratio(value, self._between.get(layer)) for name, value in moved.items()}
            for layer, moved in self._moved.items()
        }

    def _compare(self, clean: _Clean) -> None:
        if self._last is not None and self._last.speaker != clean.speaker:
            self._last_of_another = self._last
        self._last = clean
        if self._last_of_another is None:
            return
        for layer, states in clean.states.items():
            other = self._last_of_another.states[layer]
            shared = min(len(states), len(other))
            apart = torch.linalg.vector_norm(states[:shared] - other[:shared], dim=-1).mean().item()
            if not math.isfinite(apart):
                continue  # one broken utterance must not cost all others theirs
            mean = self._between.setdefault(layer, _Mean())
            mean.total, mean.count = mean.total + apart, mean.count + 1


def _ratio(moved: float, between: _Mean | None) -> Score:
    if between is None:
        return Score(None, "no two utterances of different speakers to compare with")
    if not between.total > 0:
        return Score(None, "the layer's states are the same for all utterances")
    value = moved / (between.total / between.count)
    finite = value == value and abs(value) != float("inf")
    return Score(value) if finite else Score(None, f"{METRIC} is not finite")
