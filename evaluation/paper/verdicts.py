"""Numbers with intervals, what follows from them, and the row that says so.

Where a run has no paired difference, intervals of single numbers are combined by MOVER (Zou and
Donner 2008, "Construction of confidence limits about effect measures"), which takes the numbers for
independent. Ours are not: they come of the same utterances and the same draws of speakers. Of a
difference of two numbers that rise and fall together the interval comes out too wide, but of other
sums it may come out too narrow. Rows say `unpaired` where that was done.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scipy.stats import spearmanr

from evaluation.contrasts import BEYOND, ROBUST_BASELINE, ContrastRow
from evaluation.paper.finished_run import FinishedRun
from evaluation.paper.published import BASELINE, CLEAN, ROBUST
from evaluation.records import SummaryRow
from evaluation.steps import StepRow

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be said"
DIFFERENCE, BEYOND_CLEAN = ROBUST_BASELINE, ROBUST_BASELINE + BEYOND

PROBELESS = ("state_distance",)
"""Metrics of the states themselves, where no probe has a seed."""


def tally_text(verdicts: Iterable[str]) -> str:
    """As in `holds 3, cannot be said 1`."""
    counts = Counter(verdicts)
    return ", ".join(f"{name} {counts[name]}" for name in (HOLDS, FAILS, OPEN) if counts[name])


class Margin(NamedTuple):
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float

    def verdict(self) -> str:
        """Of the claim that the number is above zero: undecided while the interval has zero."""
        return HOLDS if self.low > 0 else FAILS if self.high < 0 else OPEN

    def spell(self, unit: str, digits: int) -> str:
        """As in `+1.2 points [0.3, 2.1]`."""
        text = f"{self.value:+.{digits}f}" + (f" {unit}" if unit else "")
        return f"{text} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One claim in one architecture (claims.csv), with the number that decides it."""

    claim: int
    architecture: str
    condition: str
    scorer: str
    verdict: str
    quantity: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    sentence: str


def margin_of(row: SummaryRow | StepRow | ContrastRow | None) -> Margin | None:
    """The number of a row, None where it or its interval is lacking."""
    if row is None or row.ci_low is None or row.ci_high is None:
        return None
    value = row.mean if isinstance(row, SummaryRow) else row.difference
    return None if value is None else Margin(value, row.ci_low, row.ci_high)


def combine(terms: Sequence[tuple[float, Margin]]) -> Margin:
    """A weighted sum of numbers taken for independent, by MOVER."""
    value = sum(weight * margin.value for weight, margin in terms)
    down = up = 0.0
    for weight, margin in terms:
        ends = sorted((weight * margin.low, weight * margin.high))
        down += (weight * margin.value - ends[0]) ** 2
        up += (ends[1] - weight * margin.value) ** 2
    return Margin(value, value - math.sqrt(down), value + math.sqrt(up))


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Rank correlation, None of fewer than three pairs or where one side is constant."""
    if len(first) < 3 or len(set(first)) < 2 or len(set(second)) < 2:
        return None
    return float(spearmanr(first, second).statistic)


class Tally(NamedTuple):
    """Layers at which a difference has the claimed sign, and the one in the middle of them."""

    verdict: str
    layer: str
    middle: Margin
    n: int
    claimed: int
    surely: int
    contrary: int


def tally(differences: Mapping[str, Margin], sign: int, n: int) -> Tally:
    """Does a difference have the sign at a majority of layers, its intervals excluding zero?

    The majority is of all `n` layers, those without a difference among them. It does not hold where
    a majority surely has the other sign. The middle layer is the one whose
    difference a majority of layers reaches or exceeds in the claimed direction.
    """
    turned = {
        layer: margin if sign > 0 else Margin(-margin.value, -margin.high, -margin.low)
        for layer, margin in differences.items()
    }
    ordered = sorted(turned, key=lambda layer: turned[layer].value, reverse=True)
    middle = ordered[len(ordered) // 2]
    verdicts = [margin.verdict() for margin in turned.values()]
    surely, contrary = verdicts.count(HOLDS), verdicts.count(FAILS)
    verdict = HOLDS if 2 * surely > n else FAILS if 2 * contrary > n else OPEN
    claimed = sum(margin.value > 0 for margin in turned.values())
    return Tally(verdict, middle, differences[middle], n, claimed, surely, contrary)


def differences(
    run: FinishedRun, contrast: str, condition: str, metric: str, scorer: str = ""
) -> tuple[dict[str, Margin], str]:
    """Robust minus baseline of every layer, and how it was made.

    Paired, from `contrasts.csv`, where that has it; else, and if `contrast` is one of the two that
    those allow, from the intervals of `summary.csv`.
    """
    key = (contrast, "", condition, metric, scorer)
    rows = [
        row
        for row in run.contrasts
        if (row.contrast, row.model, row.condition, row.metric, row.scorer) == key
        and row.layer in run.depths
    ]
    paired = {row.layer: margin for row in rows if (margin := margin_of(row)) is not None}
    if paired:
        seeds = min(row.n_seeds for row in rows)
        probes = f", {seeds} probe seed{'s' if seeds > 1 else ''}"
        return paired, "paired" + (probes if metric not in PROBELESS else "")
    if contrast not in (DIFFERENCE, BEYOND_CLEAN):
        return {}, ""
    signs = [(1.0, ROBUST, condition), (-1.0, BASELINE, condition)]
    if contrast == BEYOND_CLEAN:
        signs += [(-1.0, ROBUST, CLEAN), (1.0, BASELINE, CLEAN)]
    found = {}
    for layer in run.depths:
        margins = [(sign, margin_of(run.find(model, where, layer, metric, scorer)))
                   for sign, model, where in signs]  # fmt: skip
        known = [(sign, margin) for sign, margin in margins if margin is not None]
        if len(known) == len(signs):
            found[layer] = combine(known)
    return found, "unpaired"


def unknown(
    claim: int, run: FinishedRun, why: str, condition: str = "", scorer: str = ""
) -> ClaimRow:
    """The row of a claim about which the run says nothing."""
    none = (None, None, None)
    return ClaimRow(
        claim, run.name, condition, scorer, OPEN, "", *none, f"{why[0].upper()}{why[1:]}."
    )


def worst(verdicts: Sequence[str]) -> str:
    """A claim of several cases holds if it holds in all, and fails if it fails in one."""
    return next(verdict for verdict in (FAILS, OPEN, HOLDS) if verdict in verdicts)


def unless_missing(verdict: str, sentence: str, missing: Sequence[str]) -> tuple[str, str]:
    """A claim about all of something does not hold while some of it is missing; which is said."""
    if not missing:
        return verdict, sentence
    verdict = OPEN if verdict == HOLDS else verdict
    return verdict, f"{sentence} Not all is known of {', '.join(missing)}."
