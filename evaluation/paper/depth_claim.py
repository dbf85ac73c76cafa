"""Claim 1: speaker information falls with depth (section 3.2 of the paper)."""

from itertools import pairwise
from typing import NamedTuple

from evaluation.paper.finished_run import FinishedRun
from evaluation.paper.published import BASELINE, ROBUST
from evaluation.paper.verdicts import (
    FAILS,
    HOLDS,
    OPEN,
    ClaimRow,
    Margin,
    combine,
    margin_of,
    spearman,
    unknown,
    unless_missing,
    worst,
)

ORDERED = 0.9
"""Spearman of EER and depth from which on a curve counts as one that rises with depth."""


class _Rise(NamedTuple):
    """How EER goes over depth in one model and condition.

    `steps` are those between neighbouring layers, and those of steps.csv between groups.
    """

    place: str
    rise: Margin
    order: float | None
    steps: list[Margin]
    missing: list[str]

    @property
    def falling(self) -> int:
        return sum(step.high < 0 for step in self.steps)

    @property
    def rising(self) -> int:
        return sum(step.low > 0 for step in self.steps)

    @property
    def verdict(self) -> str:
        if self.falling or self.rise.high < 0:
            return FAILS
        ordered = self.order is not None and round(self.order, 9) >= ORDERED
        sure = self.rise.low > 0 and ordered and not self.missing
        return HOLDS if sure else OPEN


def falls_with_depth(run: FinishedRun) -> list[ClaimRow]:
    """Claim 1: EER rises with depth, in every model and condition.

    A model and condition fail where the EER surely falls from one layer to the next, or over a step
    of steps.csv. They pass where it surely rises from the first layer to the deepest, its rank
    correlation with depth is at least `ORDERED`, and no layer is missing.
    """
    if not run.verifiers:
        return [unknown(1, run, "no verifier has scored the layers")]
    return [_fall(run, verifier) for verifier in run.verifiers]


def eers(run: FinishedRun, model: str, condition: str, verifier: str) -> dict[str, Margin]:
    """EER of every layer that has one with an interval, by depth."""
    margins = {
        layer: margin_of(run.find(model, condition, layer, "eer", verifier)) for layer in run.depths
    }
    return {layer: margin for layer, margin in margins.items() if margin is not None}


def _fall(run: FinishedRun, verifier: str) -> ClaimRow:
    places = [(model, condition) for model in (ROBUST, BASELINE) for condition in run.conditions]
    found = {place: _rise(run, *place, verifier) for place in places}
    rises = [rise for rise in found.values() if rise is not None]
    if not rises:
        return unknown(1, run, f"fewer than two layers have an EER by {verifier}", "", verifier)
    missing = [f"{model} at {condition}" for (model, condition), rise in found.items()
               if rise is None or rise.missing]  # fmt: skip
    verdict = worst([rise.verdict for rise in rises])
    decisive = min((r for r in rises if r.verdict == verdict), key=lambda r: r.rise.low)
    orders = [rise.order for rise in rises if rise.order is not None]
    layers = list(run.depths)
    sentence = (
        f"EER ({verifier}) rises from {layers[0]} to {layers[-1]} in"
        f" {sum(r.verdict == HOLDS for r in rises)} of {len(places)} models and conditions; it is"
        f" decided by {decisive.place}: {decisive.rise.spell('points', 1)}, where {decisive.rising}"
        f" of {len(decisive.steps)} steps surely rise and {decisive.falling} surely fall."
    )
    if orders:
        sentence += (
            f" Spearman of EER and depth: {min(orders):.2f} to {max(orders):.2f} (bar {ORDERED:g})."
        )
    verdict, sentence = unless_missing(verdict, sentence, missing)
    quantity = f"eer, {layers[-1]} - {layers[0]} of {decisive.place}"
    return ClaimRow(1, run.name, "", verifier, verdict, quantity, *decisive.rise, sentence)


def _rise(run: FinishedRun, model: str, condition: str, verifier: str) -> _Rise | None:
    found = eers(run, model, condition, verifier)
    layers = list(run.depths)
    if len(layers) < 2 or layers[0] not in found or layers[-1] not in found:
        return None
    depths = [float(run.depths[layer]) for layer in found]
    order = spearman(depths, [margin.value for margin in found.values()])
    steps: dict[tuple[str, str], Margin] = {
        (earlier, later): combine([(1.0, found[later]), (-1.0, found[earlier])])
        for earlier, later in pairwise(found)
    }
    place = (model, condition, "eer", verifier)
    for step in run.steps:  # paired, so they come before those of single numbers
        paired = margin_of(step)
        if (step.model, step.condition, step.metric, step.scorer) == place and paired is not None:
            steps[step.earlier, step.later] = paired
    ends = steps.get((layers[0], layers[-1]))
    rise = ends or combine([(1.0, found[layers[-1]]), (-1.0, found[layers[0]])])
    missing = [layer for layer in layers if layer not in found]
    return _Rise(f"{model} at {condition}", rise, order, list(steps.values()), missing)
