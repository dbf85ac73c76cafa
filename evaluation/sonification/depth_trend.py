"""Does a number rise or fall with depth? Slope with its interval, rank correlation, verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from evaluation.bootstrap import Estimate
from evaluation.paper.verdicts import FAILS, HOLDS, OPEN, Margin, spearman

FEWEST_LAYERS = 3
FEWEST_SPEAKERS = 8
"""A bootstrap over fewer tells too narrow an interval."""


@dataclass(frozen=True)
class Trend:
    """How a number goes over depth: slope per layer, and Spearman's rank correlation with depth."""

    slope: Margin | None
    order: float | None

    def verdict(self, rises: bool) -> str:
        """Of the claim that it rises (or falls): only where the ranks agree with a sure slope."""
        if self.slope is None:
            return OPEN
        verdict = self.slope.verdict()
        if not rises and verdict != OPEN:
            verdict = FAILS if verdict == HOLDS else HOLDS
        agrees = self.order is not None and self.order * self.slope.value > 0
        return verdict if agrees else OPEN

    def spell(self, unit: str) -> str:
        """As in `slope +0.21 phones per layer [0.10, 0.32], Spearman 0.93`.

        The rank correlation has no interval: in every draw the ranks of layers that lie close
        together are shuffled, so that draws lie below the number itself.
        """
        if self.slope is None:
            return "its slope has no interval"
        per_layer = f"{unit} per layer".strip()
        size = max(map(abs, self.slope)) or 1.0
        digits = min(9, max(1, 1 - math.floor(math.log10(size))))  # two that tell something
        text = f"slope {self.slope.spell(per_layer, digits)}"
        if self.order is not None:
            text += f", Spearman {self.order:.2f}"
        return text


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of the article in one model (claims.csv), with the number that decides it."""

    claim: str
    model: str
    unit: str
    verdict: str
    quantity: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    sentence: str

    @classmethod
    def of(
        cls,
        claim: str,
        model: str,
        unit: str,
        verdict: str,
        quantity: str,
        margin: Margin | None,
        sentence: str,
    ) -> "Claim":
        """A row from a number with its interval, or from none."""
        value, low, high = margin or (None, None, None)
        return cls(claim, model, unit, verdict, quantity, value, low, high, sentence)


def hedged(claim: Claim, n_speakers: int) -> Claim:
    """The claim, or its number without a verdict where it rests on too few speakers.

    Args:
        claim: with an interval from a bootstrap over speakers.
        n_speakers: how many there are.
    """
    if n_speakers >= FEWEST_SPEAKERS or claim.verdict == OPEN:
        return claim
    sentence = f"{claim.sentence} But of {n_speakers} speakers only: nothing is claimed."
    return replace(claim, verdict=OPEN, sentence=sentence)


def trend_claim(
    claim: str, model: str, unit: str, quantity: str, trend: Trend, rises: bool, per: str = ""
) -> Claim:
    """The row of a claim that a quantity rises (or falls) with depth.

    Args:
        claim: short name of it.
        model: where it is looked at.
        unit: of search.
        quantity: what is said to rise or fall, as in a sentence.
        trend: how it goes.
        rises: the direction that is claimed.
        per: unit of the quantity, if it has one.
    """
    verdict = trend.verdict(rises)
    direction = "rises" if rises else "falls"
    found = {HOLDS: direction, FAILS: "falls" if rises else "rises"}.get(verdict)
    sentence = f"{quantity[0].upper()}{quantity[1:]} " + (
        f"{found} with depth in {model}" if found else f"has no sure trend with depth in {model}"
    )
    sentence += f": {trend.spell(per)}."
    return Claim.of(claim, model, unit, verdict, f"slope of {quantity}", trend.slope, sentence)


def unknown_claim(claim: str, model: str, unit: str, quantity: str, why: str) -> Claim:
    """The row of a claim about which nothing can be said, and why."""
    sentence = f"{why[0].upper()}{why[1:]}."
    return Claim(claim, model, unit, OPEN, quantity, None, None, None, sentence)


def slopes(
    depths: Sequence[float], values: Float[np.ndarray, "case layer"]
) -> Float[np.ndarray, " case"]:
    """Least-squares slope over depth of each case."""
    centred = np.asarray(depths, dtype=float) - np.mean(depths)
    return values @ (centred / (centred**2).sum())


def bootstrap_trend(depths: Sequence[float], estimates: Sequence[Estimate]) -> Trend:
    """Trend of numbers with replicates, all from the same draws; at least `FEWEST_LAYERS` of them.

    Args:
        depths: of the layers.
        estimates: one per layer.
    """
    values = np.array([estimate.value for estimate in estimates])
    drawn = np.stack([estimate.replicates for estimate in estimates], axis=1)
    found = Estimate(float(slopes(depths, values[None])[0]), slopes(depths, drawn))
    span = found.interval()
    margin = Margin(found.value, *span) if span else None
    return Trend(margin, spearman(list(depths), [float(v) for v in values]))
