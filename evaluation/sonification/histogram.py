"""Histograms of activations on one fixed scale, so that they add up over batches and processes.

A bin is an eighth of an octave, linearly: the bits of a float32 down to three of its mantissa. From
2^-10 to 2^12 on either side; what is smaller counts as 0, what is larger goes to the outermost bin.
A quantile is therefore off by an eighth of itself at most.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from evaluation.sonification.pooling import all_finite

LOWEST, HIGHEST = -10, 12  # powers of two
PER_OCTAVE = 8
SIDE = PER_OCTAVE * (HIGHEST - LOWEST)
BINS = 2 * SIDE + 1
_MANTISSA, _BIAS = 23, 127
_SHIFT = _MANTISSA - 3
_FIRST = (LOWEST + _BIAS) * PER_OCTAVE

_octaves, _eighths = np.divmod(np.arange(SIDE + 1), PER_OCTAVE)
_POSITIVE = 2.0 ** (LOWEST + _octaves) * (1 + _eighths / PER_OCTAVE)
EDGES: np.ndarray = np.concatenate([-_POSITIVE[::-1], _POSITIVE])
"""Where bin `i` begins, and `i + 1` where it ends, shape (BINS + 1,)."""


def histogram(values: Float[Tensor, "state feature"]) -> Int[Tensor, "feature bin"]:
    """How many values of each feature fall into each bin; those that are not finite into none."""
    bits = values.float().contiguous().view(torch.int32)
    sign = bits >> 31  # -1 below 0
    step = (bits & 0x7FFFFFFF).bitwise_right_shift_(_SHIFT).sub_(_FIRST - 1).clamp_(0, SIDE)
    features = values.shape[1]
    middle = torch.arange(SIDE, features * BINS, BINS, dtype=torch.int32, device=values.device)
    place = step.bitwise_xor_(sign).sub_(sign).add_(middle)  # the bin of 0 and the step, signed
    place = place if all_finite(values) else place[torch.isfinite(values)]
    counts = torch.bincount(place.flatten(), minlength=features * BINS)
    return counts.view(features, BINS).to(torch.int32)


def quantile(
    counts: Int[np.ndarray, "feature bin"],
    low: Float[np.ndarray, " feature"],
    high: Float[np.ndarray, " feature"],
    share: float,
) -> Float[np.ndarray, " feature"]:
    """The value that a share of each feature's values lie below; NaN where there are none.

    Args:
        counts: a histogram.
        low: smallest value of each feature.
        high: largest value of each feature.
        share: from 0 to 1.
    """
    reached = counts.cumsum(1)
    target = share * reached[:, -1]
    place = np.argmax(reached >= np.maximum(target, 1)[:, None], axis=1)
    rows = np.arange(len(counts))
    inside = np.maximum(counts[rows, place], 1)
    part = 1 - (reached[rows, place] - target) / inside
    begin, end = _ends(place, low, high)
    value = begin + np.clip(part, 0, 1) * (end - begin)
    value = np.where(place == SIDE, 0.0, value)
    return np.where(reached[:, -1] > 0, np.clip(value, low, high), np.nan)


def share_above(
    counts: Int[np.ndarray, "feature bin"],
    low: Float[np.ndarray, " feature"],
    high: Float[np.ndarray, " feature"],
    threshold: Float[np.ndarray, " feature"],
) -> Float[np.ndarray, " feature"]:
    """Share of each feature's values above a threshold of its own; NaN where there are none."""
    place = np.clip(np.searchsorted(EDGES, threshold, side="right") - 1, 0, BINS - 1)
    reached = counts.cumsum(1)
    rows = np.arange(len(counts))
    begin, end = _ends(place, low, high)
    with np.errstate(invalid="ignore", divide="ignore"):
        above = np.clip((end - threshold) / (end - begin), 0, 1)
        above = np.where(end > begin, above, end > threshold)
        over = reached[:, -1] - reached[rows, place] + counts[rows, place] * above
        return np.where(reached[:, -1] > 0, over / reached[:, -1], np.nan)


def _ends(place: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the values of a bin begin and end; the outermost bins reach to the extremes."""
    begin = np.where(place == 0, np.minimum(low, EDGES[0]), EDGES[place])
    end = np.where(place == BINS - 1, np.maximum(high, EDGES[-1]), EDGES[place + 1])
    return np.maximum(begin, low), np.minimum(end, high)
