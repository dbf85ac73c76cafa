"""How a layer's features are active over time: dense or sparse, short or long, spiky or smooth.

The article (Ghiasi et al. 2021) calls shallow layers dense and spiky, deep ones sparse and long. As
numbers, of the half-wave rectified activation (after a ReLU: of the activation) of one feature:

- share of active frames: those above a tenth of the feature's peak;
- length of activations: mean length of runs of active frames, in seconds;
- spikiness: half the mean squared change over 40 ms, divided by the variance. 0 where nothing
  changes in 40 ms, 1 where activations 40 ms apart have nothing to do with each other.

Peak over mean and the kurtosis of differences are not used: both grow when the same bumps come less
often, so they cannot tell "dense and spiky" from "sparse and long". This one does not care about
scale, offset or how often bumps come.

No run is shorter than a state, and its length is a whole number of them. So layers are compared
only where their states are equally far apart: see `equal_stride`.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torchmetrics import Metric

from acoustics.frames import Timing, valid_mask

ACTIVE = 0.1
LAG_S = 0.04
MEASURES = ("active_share", "length_s", "spikiness")
SUMS = ("active", "runs", "changes", "first", "second", "frames", "pairs")


class Pattern(NamedTuple):
    """Measures of each feature, shape (..., feature); NaN for a feature that was never active."""

    active_share: Float[np.ndarray, "... feature"]
    length_s: Float[np.ndarray, "... feature"]
    spikiness: Float[np.ndarray, "... feature"]


def peak_activations(
    states: Float[Tensor, "batch state feature"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, " feature"]:
    """Highest rectified activation of each feature in a batch, of what `ActivityPattern` counts.

    Peaks of several batches are joined by `torch.maximum`.
    """
    counted, _ = _counted(states, lengths)
    return states.where(counted, states.new_zeros(())).clamp(min=0).amax((0, 1))


def _counted(
    states: Float[Tensor, "batch state feature"], lengths: Int[Tensor, " batch"]
) -> tuple[Bool[Tensor, "batch state feature"], Bool[Tensor, "batch feature"]]:
    """Which states count, and which features are finite all through which utterance."""
    valid = valid_mask(lengths, states.shape[1])[..., None]
    finite = (states.isfinite() | ~valid).all(1)
    return valid & finite[:, None], finite


class ActivityPattern(Metric):
    """Gathers the activity of one layer's features, batch by batch, apart for every speaker.

    Sums only, in double precision: batches may come in any order, and ranks are added. Memory is
    seven numbers for every speaker and feature. An utterance is left out for the features that are
    not finite all through it, and for no other; `n_failed` counts utterances with such a feature.

    Args:
        peaks: of each feature, from `peak_activations` over a first pass through the same states.
        n_speakers: number of speakers.
        timing: of the layer.
        sample_rate: in Hz.
        active: part of the peak above which a frame is active.
        lag_s: over how many seconds changes are taken; at least one state.
    """

    full_state_update = False
    thresholds: Tensor
    active: Tensor
    runs: Tensor
    changes: Tensor
    first: Tensor
    second: Tensor
    frames: Tensor
    pairs: Tensor
    n_failed: Tensor

    def __init__(
        self,
        peaks: Float[Tensor, " feature"],
        n_speakers: int,
        timing: Timing,
        sample_rate: int = 16000,
        active: float = ACTIVE,
        lag_s: float = LAG_S,
    ) -> None:
        super().__init__()
        self.register_buffer("thresholds", active * peaks.double(), persistent=False)
        self.stride_s = timing.stride / sample_rate
        self.lag = max(1, round(lag_s / self.stride_s))
        table = torch.zeros(n_speakers, len(peaks), dtype=torch.float64)
        for name in SUMS:
            self.add_state(name, table.clone(), dist_reduce_fx="sum")
        self.add_state("n_failed", torch.tensor(0), dist_reduce_fx="sum")

    def update(
        self,
        states: Float[Tensor, "batch state feature"],
        lengths: Int[Tensor, " batch"],
        speakers: Int[Tensor, " batch"],
    ) -> None:
        """Adds a batch.

        Args:
            states: of the layer; anything may stand beyond `lengths`.
            lengths: valid states of each utterance.
            speakers: index of each utterance's speaker.
        """
        counted, finite = _counted(states, lengths)
        self.n_failed += (~finite).any(1).sum()
        values = states.double().clamp(min=0).where(counted, 0.0)
        on = (values > self.thresholds) & counted
        starts = on[:, 1:] & ~on[:, :-1]
        both = counted[:, self.lag :]  # an utterance that reaches the later state has the earlier
        change = (values[:, self.lag :] - values[:, : -self.lag]).square() * both / 2
        self.active.index_add_(0, speakers, on.sum(1).double())
        self.runs.index_add_(0, speakers, (starts.sum(1) + on[:, :1].sum(1)).double())
        self.changes.index_add_(0, speakers, change.sum(1))
        self.first.index_add_(0, speakers, values.sum(1))
        self.second.index_add_(0, speakers, values.square().sum(1))
        self.frames.index_add_(0, speakers, counted.sum(1).double())
        self.pairs.index_add_(0, speakers, both.sum(1).double())

    def compute(self) -> Pattern:
        """Measures of each feature over all speakers, shape (feature,)."""
        whole = self.weighted(np.ones((1, len(self.frames)), dtype=np.int64))
        return Pattern(*(measure[0] for measure in whole))

    def weighted(self, weights: Int[np.ndarray, "replicate speaker"]) -> Pattern:
        """Measures of each feature with speakers counted as often as drawn.

        Args:
            weights: from `bootstrap.speaker_weights`.

        Returns:
            Shape (replicate, feature).
        """
        active, runs, changes, first, second, frames, pairs = (
            weights @ getattr(self, name).cpu().numpy() for name in SUMS
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = second / frames - (first / frames) ** 2
            found = active / frames, active / runs * self.stride_s, changes / pairs / variance
        return Pattern(*(np.where((active > 0) & np.isfinite(m), m, np.nan) for m in found))
