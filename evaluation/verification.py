"""Equal error rate and detection cost of verification scores, exact, by one sort.

Scores above a threshold are accepted. Trials of equal score move together, so the operating points
are those of the distinct scores, plus "accept all" and "reject all". The EER is where the polyline
through these points, from (miss 0, false alarm 1) to (1, 0), crosses miss = false alarm, linearly
interpolated; it is the step ROC, not its convex hull. Only the order of the scores matters.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float


@dataclass(frozen=True)
class ErrorRates:
    """Miss and false alarm rates at every threshold, in ascending order.

    Both have shape (replicate, threshold); a replicate without targets or without non-targets
    holds NaN.
    """

    miss: Float[np.ndarray, "replicate threshold"]
    false_alarm: Float[np.ndarray, "replicate threshold"]

    def eer(self) -> Float[np.ndarray, " replicate"]:
        """Equal error rate of each replicate, as a fraction, shape (replicate,)."""
        gap = self.miss - self.false_alarm  # rises from -1 to 1
        above = np.argmax(gap >= 0, axis=1)[:, None]
        below = np.maximum(above - 1, 0)
        gap_below, gap_above = (np.take_along_axis(gap, i, 1) for i in (below, above))
        miss_below, miss_above = (np.take_along_axis(self.miss, i, 1) for i in (below, above))
        step = np.where(gap_above > gap_below, gap_above - gap_below, 1.0)
        crossing = miss_below - gap_below / step * (miss_above - miss_below)
        return np.where(np.isnan(gap).any(axis=1), np.nan, crossing[:, 0])

    def min_dcf(
        self, p_target: float = 0.01, c_miss: float = 1.0, c_fa: float = 1.0
    ) -> Float[np.ndarray, " replicate"]:
        """Smallest detection cost over all thresholds, shape (replicate,).

        Normalised by the cost of the better of accepting and rejecting everything
        (NIST speaker recognition evaluations), so it is at most 1.
        """
        cost = c_miss * p_target * self.miss + c_fa * (1 - p_target) * self.false_alarm
        return cost.min(axis=1) / min(c_miss * p_target, c_fa * (1 - p_target))


def eer(scores: Float[np.ndarray, " trial"], targets: Bool[np.ndarray, " trial"]) -> float:
    """Equal error rate, as a fraction.

    Args:
        scores: similarity of each trial, higher for the same speaker, shape (trial,).
        targets: whether the trial is of one speaker, shape (trial,).

    Raises:
        ValueError: for NaN scores, or without targets or without non-targets.
    """
    return float(error_rates(scores, targets).eer()[0])


def min_dcf(
    scores: Float[np.ndarray, " trial"],
    targets: Bool[np.ndarray, " trial"],
    p_target: float = 0.01,
    c_miss: float = 1.0,
    c_fa: float = 1.0,
) -> float:
    """Normalised minimum detection cost; arguments and errors as in `eer`."""
    return float(error_rates(scores, targets).min_dcf(p_target, c_miss, c_fa)[0])


def error_rates(
    scores: Float[np.ndarray, " trial"], targets: Bool[np.ndarray, " trial"]
) -> ErrorRates:
    """Error rates with every trial counted once; arguments and errors as in `eer`."""
    if not targets.any() or targets.all():
        kind = "non-target" if targets.any() else "target"
        raise ValueError(f"error rates need both kinds of trials: there is no {kind} trial")
    return weighted_error_rates(scores, targets, np.ones((1, len(scores))))


def weighted_error_rates(
    scores: Float[np.ndarray, " trial"],
    targets: Bool[np.ndarray, " trial"],
    weights: Float[np.ndarray, "replicate trial"],
) -> ErrorRates:
    """Error rates of many weightings of the same trials, after one sort.

    Args:
        scores: shape (trial,).
        targets: shape (trial,).
        weights: how often each replicate counts each trial, shape (replicate, trial).

    Raises:
        ValueError: for NaN scores.
    """
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN")
    order = np.argsort(scores, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    ordered, is_target = weights[:, order], targets[order]
    rejected_targets = _cumulated(ordered * is_target, last_of_tie)
    rejected_others = _cumulated(ordered * ~is_target, last_of_tie)
    with np.errstate(invalid="ignore"):
        miss = rejected_targets / rejected_targets[:, -1:]
        false_alarm = 1 - rejected_others / rejected_others[:, -1:]
    return ErrorRates(miss, false_alarm)


def _cumulated(weights: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Sums of `weights` up to each of `ends`, after a column of zeros."""
    sums = np.cumsum(weights, axis=1)[:, ends]
    return np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)
