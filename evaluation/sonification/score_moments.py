"""Mean and spread of every feature's scores, so that segments of unlike lengths can be compared.

The mean of one phone's activation reaches further than that of nine: without these, the best of all
n-grams are nearly always single phones.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric


class Moments(NamedTuple):
    """Of the scores of all segments, by feature; NaN where there are none."""

    mean: Float[np.ndarray, " feature"]
    deviation: Float[np.ndarray, " feature"]

    def standardised(
        self, scores: Float[np.ndarray, "feature k"]
    ) -> Float[np.ndarray, "feature k"]:
        """Scores in standard deviations from the mean; NaN of a constant feature."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return (scores - self.mean[:, None]) / self.deviation[:, None]


class ScoreMoments(Metric):
    """Gathers them as scores go by; sums in double precision, added up over processes.

    Args:
        features: how many there are.
    """

    full_state_update = False
    count: Tensor
    first: Tensor
    second: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        for name in ("count", "first", "second"):
            zeros = torch.zeros(features, dtype=torch.float64)
            self.add_state(name, zeros, dist_reduce_fx="sum")

    def update(self, scores: Float[Tensor, "segment feature"]) -> None:
        """Take in segments; a score that is not a finite number is left out."""
        finite = scores.isfinite()
        values = scores.double().masked_fill(~finite, 0.0)
        self.count += finite.sum(0)
        self.first += values.sum(0)
        self.second += values.square().sum(0)

    def compute(self) -> Moments:
        """The moments so far, of all processes."""
        mean = self.first / self.count
        variance = (self.second / self.count - mean.square()).clamp(min=0)
        return Moments(mean.cpu().numpy(), variance.sqrt().cpu().numpy())
