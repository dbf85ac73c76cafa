"""How often and how strongly each feature is active, and which features are dead.

A state is active above a threshold. Where no state of a layer is below 0 (ReLU), that is 0.
Elsewhere (tanh, layer norm) 0 is nothing special: the threshold is half-way from the feature's mean
to its maximum. A feature whose value never changes is dead.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torchmetrics import Metric

from evaluation.sonification.histogram import BINS, histogram, quantile, share_above
from evaluation.sonification.pooling import all_finite

QUANTILES = (0.5, 0.9, 0.99)
SAMPLED_EVERY = 4  # states; neighbours are alike, and a histogram of all costs as much as the rest
UNCHANGED = 1e-6  # of the largest value: what batching may move

NEVER_ACTIVE = "never active"
CONSTANT = "constant"
NOT_FINITE = "no finite activation"


class Activity(NamedTuple):
    """One layer's features; NaN where a feature has no finite activation.

    Attributes:
        states: states heard, of the layer.
        rectified: whether no state of the layer is below 0.
        density: share of states above the threshold; counted where rectified, else from a
            histogram.
        threshold: see the module.
        mean: over states.
        minimum: of all states.
        maximum: of all states.
        quantiles: at `QUANTILES`, from a histogram of every fourth state.
        dead: why a feature is dead, "" where it is not.
        broken: states of each feature that are not a finite number.
    """

    states: int
    rectified: bool
    density: Float[np.ndarray, " feature"]
    threshold: Float[np.ndarray, " feature"]
    mean: Float[np.ndarray, " feature"]
    minimum: Float[np.ndarray, " feature"]
    maximum: Float[np.ndarray, " feature"]
    quantiles: Float[np.ndarray, "feature quantile"]
    dead: Shaped[np.ndarray, " feature"]
    broken: Int[np.ndarray, " feature"]


class FeatureActivity(Metric):
    """Streaming statistics of all features of a layer, added up over processes.

    Args:
        features: of the layer.
    """

    full_state_update = False
    states: Tensor
    positive: Tensor
    broken: Tensor
    total: Tensor
    low: Tensor
    high: Tensor
    histogram: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.add_state("states", torch.tensor(0), dist_reduce_fx="sum")
        for name in ("positive", "broken"):
            zeros = torch.zeros(features, dtype=torch.int64)
            self.add_state(name, zeros, dist_reduce_fx="sum")
        self.add_state("total", torch.zeros(features, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("low", torch.full((features,), torch.inf), dist_reduce_fx="min")
        self.add_state("high", torch.full((features,), -torch.inf), dist_reduce_fx="max")
        bins = torch.zeros(features, BINS, dtype=torch.int32)
        self.add_state("histogram", bins, dist_reduce_fx="sum")

    def update(
        self, values: Float[Tensor, "state feature"], sampled: Int[Tensor, " sample"]
    ) -> None:
        """Take in states.

        Args:
            values: valid states of a batch.
            sampled: rows of them that go into the histogram; see `sampled_rows`.
        """
        if not len(values):
            return
        values = values.float()
        self.states += len(values)
        self.histogram += histogram(values.index_select(0, sampled))
        low, high = values.amin(0), values.amax(0)
        if not all_finite(torch.stack([low, high])):
            broken = ~torch.isfinite(values)
            self.broken += broken.sum(0)
            low = values.masked_fill(broken, torch.inf).amin(0)
            high = values.masked_fill(broken, -torch.inf).amax(0)
            values = values.masked_fill(broken, 0.0)
        signs = values.sign()
        self.positive += (signs if low.amin() >= 0 else signs.clamp_(min=0)).sum(0).to(torch.int64)
        self.total += values.sum(0, dtype=torch.float64)
        torch.minimum(self.low, low, out=self.low)
        torch.maximum(self.high, high, out=self.high)

    def compute(self) -> Activity:
        """The statistics so far, of all processes."""
        low, high, total, positive, broken, counts = (
            state.cpu().numpy()
            for state in (
                self.low, self.high, self.total, self.positive, self.broken, self.histogram
            )
        )  # fmt: skip
        states = int(self.states)
        finite = states - broken
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / finite
            low, high = (np.where(finite > 0, end, np.nan) for end in (low, high))
            rectified = bool((finite > 0).any() and np.nanmin(low, initial=np.inf) >= 0)
            threshold = np.zeros_like(mean) if rectified else (mean + high) / 2
            threshold = np.where(finite > 0, threshold, np.nan)
            density = positive / finite if rectified else share_above(counts, low, high, threshold)
        quantiles = np.stack([quantile(counts, low, high, share) for share in QUANTILES], axis=1)
        dead = why_dead(low, high)
        return Activity(
            *(states, rectified, density, threshold, mean, low, high, quantiles, dead, broken)
        )


def sampled_rows(lengths: Int[Tensor, " batch"]) -> Int[Tensor, " sample"]:
    """Every fourth state of every utterance, from its first, among the valid states of a batch."""
    within = torch.cat([torch.arange(length) for length in lengths.tolist()])
    return (within % SAMPLED_EVERY == 0).nonzero()[:, 0]


def why_dead(
    low: Float[np.ndarray, " feature"], high: Float[np.ndarray, " feature"]
) -> Shaped[np.ndarray, " feature"]:
    """Why each feature is dead, "" where it is not, by its smallest and largest value."""
    reasons = np.full(len(low), "", object)
    largest = np.maximum(np.abs(low), np.abs(high))
    reasons[high - low <= UNCHANGED * largest] = CONSTANT
    reasons[largest == 0] = NEVER_ACTIVE
    reasons[np.isnan(high)] = NOT_FINITE
    return reasons
