"""Confidence intervals by a bootstrap over speakers: seeded, vectorised, paired.

Speakers, not utterances, are drawn with replacement: utterances of one speaker are not
independent. All numbers of a run use the same draws, so the difference of two of them is paired.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from evaluation.verification import ErrorRates, error_rates, weighted_error_rates

MAX_WEIGHTS = 2_000_000  # trial weights held at a time: 16 MB and a few temporaries


@dataclass(frozen=True)
class Estimate:
    """A number and its bootstrap replicates, shape (replicate,); NaN where undefined."""

    value: float
    replicates: Float[np.ndarray, " replicate"]

    def __sub__(self, other: "Estimate") -> "Estimate":
        """The paired difference; both must come from the same draws of speakers."""
        return Estimate(self.value - other.value, self.replicates - other.replicates)

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Percentile interval over the defined replicates; None with fewer than half of them."""
        defined = self.replicates[np.isfinite(self.replicates)]
        if 2 * len(defined) < len(self.replicates):
            return None
        low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def highest(estimates: list[Estimate]) -> Estimate:
    """The largest of several numbers, replicate by replicate (e.g. the worst convolution)."""
    replicates = np.max([estimate.replicates for estimate in estimates], axis=0)
    return Estimate(max(estimate.value for estimate in estimates), replicates)


def speaker_weights(
    n_speakers: int, n_replicates: int, seed: int
) -> Int[np.ndarray, "replicate speaker"]:
    """How often each replicate draws each speaker, shape (replicate, speaker)."""
    generator = np.random.default_rng(seed)
    even = np.full(n_speakers, 1 / n_speakers)
    return generator.multinomial(n_speakers, even, size=n_replicates)


def mean_estimate(
    values: Float[np.ndarray, " utterance"],
    speakers: Int[np.ndarray, " utterance"],
    weights: Int[np.ndarray, "replicate speaker"],
) -> Estimate:
    """Mean over utterances, each counted as often as its speaker was drawn.

    Args:
        values: one number per utterance, shape (utterance,).
        speakers: index of each utterance's speaker, shape (utterance,).
        weights: from `speaker_weights`, shape (replicate, speaker).
    """
    return ratio_estimate(values, np.ones_like(values), speakers, weights)


def ratio_estimate(
    numerators: Float[np.ndarray, " utterance"],
    denominators: Float[np.ndarray, " utterance"],
    speakers: Int[np.ndarray, " utterance"],
    weights: Int[np.ndarray, "replicate speaker"],
) -> Estimate:
    """Sum of `numerators` over sum of `denominators`: WER from errors and words.

    Arguments as in `mean_estimate`. With fewer than two speakers the replicates are NaN: nothing
    is known of other speakers.
    """
    n_speakers = weights.shape[1]
    above = np.bincount(speakers, numerators, n_speakers)
    below = np.bincount(speakers, denominators, n_speakers)
    value = float(above.sum() / below.sum())
    if len(np.unique(speakers)) < 2:
        return Estimate(value, np.full(len(weights), np.nan))
    with np.errstate(invalid="ignore", divide="ignore"):
        replicates = (weights @ above) / (weights @ below)
    return Estimate(value, np.where(np.isfinite(replicates), replicates, np.nan))


def trial_weights(
    targets: Bool[np.ndarray, " trial"],
    enrol: Int[np.ndarray, " trial"],
    test: Int[np.ndarray, " trial"],
    weights: Int[np.ndarray, "replicate speaker"],
) -> Float[np.ndarray, "replicate trial"]:
    """How often each trial occurs among the speakers drawn, shape (replicate, trial).

    A target trial of speaker s occurs once per copy of s; a non-target trial of a and b once per
    pair of a copy of each. Trials between two copies of one speaker are left out: they would be
    non-targets that sound like targets.

    Args:
        targets: whether the trial is of one speaker, shape (trial,).
        enrol: index of the speaker of the first utterance, shape (trial,).
        test: index of the speaker of the second, shape (trial,).
        weights: from `speaker_weights`, shape (replicate, speaker).
    """
    of_enrol = weights[:, enrol].astype(np.float64)
    return np.where(targets, of_enrol, of_enrol * weights[:, test])


def detection_estimates(
    scores: Float[np.ndarray, " trial"],
    targets: Bool[np.ndarray, " trial"],
    enrol: Int[np.ndarray, " trial"],
    test: Int[np.ndarray, " trial"],
    weights: Int[np.ndarray, "replicate speaker"],
) -> dict[str, Estimate]:
    """`eer` in percent and `min_dcf`, arguments as in `trial_weights` and `verification.eer`.

    A replicate that draws no pair of different speakers, or none with two utterances, is NaN.
    """
    measures: dict[str, Callable[[ErrorRates], np.ndarray]] = {
        "eer": lambda rates: 100 * rates.eer(),
        "min_dcf": lambda rates: rates.min_dcf(),
    }
    whole = error_rates(scores, targets)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in measures}
    chunk = max(1, MAX_WEIGHTS // len(scores))
    for start in range(0, len(weights), chunk):
        drawn = trial_weights(targets, enrol, test, weights[start : start + chunk])
        rates = weighted_error_rates(scores, targets, drawn)
        for name, measure in measures.items():
            parts[name].append(measure(rates))
    return {
        name: Estimate(float(measure(whole)[0]), np.concatenate(parts[name]))
        for name, measure in measures.items()
    }
