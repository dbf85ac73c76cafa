"""Claims about the speaker (section 3.2 of the paper)."""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

from evaluation.paper.finished_run import FinishedRun
from evaluation.paper.published import BASELINE, CLEAN, ROBUST
from evaluation.paper.verdicts import (
    DIFFERENCE,
    FAILS,
    HOLDS,
    OPEN,
    ClaimRow,
    Margin,
    combine,
    differences,
    margin_of,
    spearman,
    unknown,
    worst,
)
from evaluation.steps import StepRow, layer_groups

AGREEMENT = 0.9
"""Spearman that issue and paper ask of two verifiers' layer orders."""

SIMILAR = 5.0
"""EER points: the paper calls differences of up to 2.84 similar; short of twice that still is."""

HARDLY = 3.0
"""Convolutions hardly touch the speaker if the BLSTMs raise the EER more than this many times."""


class _Rise(NamedTuple):
    """How EER goes over depth in one model and condition."""

    place: str
    rise: Margin
    order: float | None
    steps: list[StepRow]

    @property
    def falling(self) -> int:
        return sum(step.ci_high is not None and step.ci_high < 0 for step in self.steps)

    @property
    def rising(self) -> int:
        return sum(step.ci_low is not None and step.ci_low > 0 for step in self.steps)

    @property
    def verdict(self) -> str:
        if self.falling or self.rise.high < 0:
            return FAILS
        sure = self.rise.low > 0 and self.order is not None and self.order > 0
        return HOLDS if sure else OPEN


def falls_with_depth(run: FinishedRun) -> list[ClaimRow]:
    """Claim 1: EER rises with depth, in every model and condition.

    A model and condition fail where a step's interval is below zero, and pass where the rise from
    the first layer to the deepest is surely above it and the rank correlation with depth positive.
    """
    if not run.verifiers:
        return [unknown(1, run, "no verifier has scored the layers")]
    return [_fall(run, verifier) for verifier in run.verifiers]


def _fall(run: FinishedRun, verifier: str) -> ClaimRow:
    places = [(model, condition) for model in (ROBUST, BASELINE) for condition in run.conditions]
    rises = [rise for place in places if (rise := _rise(run, *place, verifier)) is not None]
    if not rises:
        return unknown(1, run, f"fewer than two layers have an EER by {verifier}", "", verifier)
    verdict = worst([rise.verdict for rise in rises])
    decisive = min((r for r in rises if r.verdict == verdict), key=lambda r: r.rise.low)
    orders = [rise.order for rise in rises if rise.order is not None]
    layers = list(run.depths)
    sentence = (
        f"EER ({verifier}) rises from {layers[0]} to {layers[-1]} in"
        f" {sum(r.verdict == HOLDS for r in rises)} of {len(rises)} models and conditions; it is"
        f" decided by {decisive.place}: {decisive.rise.spell('points', 1)}, where {decisive.rising}"
        f" of {len(decisive.steps)} steps surely rise and {decisive.falling} surely fall."
    )
    if orders:
        sentence += f" Spearman of EER and depth: {min(orders):.2f} to {max(orders):.2f}."
    quantity = f"eer, {layers[-1]} - {layers[0]} of {decisive.place}"
    return ClaimRow(1, run.name, "", verifier, verdict, quantity, *decisive.rise, sentence)


def _rise(run: FinishedRun, model: str, condition: str, verifier: str) -> _Rise | None:
    found = _eers(run, model, condition, verifier)
    layers = list(run.depths)
    if len(layers) < 2 or layers[0] not in found or layers[-1] not in found:
        return None
    rise = combine([(1.0, found[layers[-1]]), (-1.0, found[layers[0]])])
    depths = [float(run.depths[layer]) for layer in found]
    order = spearman(depths, [margin.value for margin in found.values()])
    place = (model, condition, "eer", verifier)
    mine = [s for s in run.steps if (s.model, s.condition, s.metric, s.scorer) == place]
    return _Rise(f"{model} at {condition}", rise, order, mine)


def _eers(run: FinishedRun, model: str, condition: str, verifier: str) -> dict[str, Margin]:
    """EER of every layer that has one with an interval, by depth."""
    margins = {
        layer: margin_of(run.find(model, condition, layer, "eer", verifier)) for layer in run.depths
    }
    return {layer: margin for layer, margin in margins.items() if margin is not None}


def blstms_wipe_out(run: FinishedRun) -> list[ClaimRow]:
    """Claim 4: convolutions hardly touch the speaker, BLSTMs wipe it out (on clean speech).

    The BLSTMs' rise of EER must surely be more than `HARDLY` times that of the convolutions; a
    recogniser without convolutions has a rise of zero there. The worse of robust and baseline
    counts.
    """
    groups = {group[0].rstrip("0123456789"): group for group in layer_groups(run.depths)}
    if "blstm" not in groups:
        return [unknown(4, run, "the recogniser has no BLSTM layers")]
    return [_wipe(run, verifier, groups) for verifier in run.verifiers] or [
        unknown(4, run, "no verifier has scored the layers")
    ]


def _wipe(run: FinishedRun, verifier: str, groups: Mapping[str, list[str]]) -> ClaimRow:
    found = []
    for model in (ROBUST, BASELINE):
        pair = _rises_of_kinds(run, model, verifier, groups)
        if pair is not None:
            blstms, convolutions = pair
            terms = [(1.0, blstms), *([(-HARDLY, convolutions)] if convolutions else [])]
            found.append((combine(terms), model, blstms, convolutions))
    if not found:
        why = f"steps.csv lacks the EER steps by {verifier} on clean speech"
        return unknown(4, run, why, CLEAN, verifier)
    verdict = worst([margin.verdict() for margin, *_ in found])
    deciding = [entry for entry in found if entry[0].verdict() == verdict]
    margin, model, blstms, convolutions = min(deciding, key=lambda entry: entry[0].low)
    sentence = (
        f"On clean speech the BLSTMs of {model} raise the EER ({verifier}) by"
        f" {blstms.spell('points', 1)}"
    )
    if convolutions:
        sentence += (
            f", the convolutions {convolutions.spell('points', 1)}; the former less"
            f" {HARDLY:g} times the latter is {margin.spell('points', 1)}."
        )
    else:
        sentence += "; there are no convolutions."
    quantity = f"eer, rise of BLSTMs - {HARDLY:g} x rise of convolutions, {model}"
    return ClaimRow(4, run.name, CLEAN, verifier, verdict, quantity, *margin, sentence)


def _rises_of_kinds(
    run: FinishedRun, model: str, verifier: str, groups: Mapping[str, list[str]]
) -> tuple[Margin, Margin | None] | None:
    """What BLSTMs (the step into them included) and convolutions add to the EER, from steps.csv."""
    place = (model, CLEAN, "eer", verifier)
    steps = [s for s in run.steps if (s.model, s.condition, s.metric, s.scorer) == place]
    ends = {(step.earlier, step.later): margin_of(step) for step in steps}
    blstms, convolutions = groups["blstm"], groups.get("cnn")
    within = ends.get((blstms[0], blstms[-1]))
    if convolutions is None:
        return None if within is None else (within, None)
    own = ends.get((convolutions[0], convolutions[-1]))
    into = next((m for (_, later), m in ends.items() if later == blstms[0]), None)
    if within is None or own is None or into is None:
        return None
    return combine([(1.0, into), (1.0, within)]), own


def verifiers_agree(run: FinishedRun) -> list[ClaimRow]:
    """Claim 5: two verifiers order the layers alike, in every model and condition.

    Only layers count that differ from each other by more than their intervals, by both verifiers.
    """
    pairs = list(combinations(run.verifiers, 2))
    if not pairs:
        return [unknown(5, run, "it takes two verifiers")]
    return [_agreement(run, *pair) for pair in pairs]


def _agreement(run: FinishedRun, first: str, second: str) -> ClaimRow:
    found: list[tuple[float, str, list[str]]] = []
    for model in (ROBUST, BASELINE):
        for condition in run.conditions:
            pair = [_eers(run, model, condition, name) for name in (first, second)]
            layers = told_apart(*pair)
            order = spearman(*([eers[layer].value for layer in layers] for eers in pair))
            if order is not None:
                found.append((order, f"{model} at {condition}", layers))
    scorer = f"{first}, {second}"
    if not found:
        why = f"nowhere do three layers differ by more than their intervals by {first} and {second}"
        return unknown(5, run, why, "", scorer)
    order, place, layers = min(found)
    sentence = (
        f"{first} and {second} order the layers with a Spearman of at least {order:.2f} in"
        f" {len(found)} models and conditions (bar {AGREEMENT:g}); least for {place}, over"
        f" {', '.join(layers)}, which differ by more than their intervals."
    )
    verdict = HOLDS if order >= AGREEMENT else FAILS
    quantity = f"spearman over {len(layers)} layers of {place}"
    return ClaimRow(5, run.name, "", scorer, verdict, quantity, order, None, None, sentence)


def told_apart(first: Mapping[str, Margin], second: Mapping[str, Margin]) -> list[str]:
    """Layers, walked by depth, whose intervals overlap no kept one's, by either verifier."""
    kept: list[str] = []
    for layer in first:
        if layer in second and all(
            _apart(eers[layer], eers[other]) for eers in (first, second) for other in kept
        ):
            kept.append(layer)
    return kept


def _apart(one: Margin, other: Margin) -> bool:
    return one.low > other.high or other.low > one.high


def similar_on_clean(run: FinishedRun) -> list[ClaimRow]:
    """Claim 6: on clean speech robust and baseline have a similar EER at every layer.

    It holds where every layer's interval lies within `SIMILAR` points, and fails where one lies
    beyond them.
    """
    if not run.verifiers:
        return [unknown(6, run, "no verifier has scored the layers", CLEAN)]
    return [_similarity(run, verifier) for verifier in run.verifiers]


def _similarity(run: FinishedRun, verifier: str) -> ClaimRow:
    found, how = differences(run, DIFFERENCE, CLEAN, "eer", verifier)
    if not found:
        why = f"baseline and robust do not both have an EER by {verifier} on clean speech"
        return unknown(6, run, why, CLEAN, verifier)
    beyond = [layer for layer, m in found.items() if m.low > SIMILAR or m.high < -SIMILAR]
    within = [layer for layer, m in found.items() if m.low > -SIMILAR and m.high < SIMILAR]
    verdict = FAILS if beyond else HOLDS if len(within) == len(found) else OPEN
    layer = max(beyond or found, key=lambda name: abs(found[name].value))
    sentence = (
        f"On clean speech the EER ({verifier}) of robust and baseline is surely within"
        f" {SIMILAR:g} points at {len(within)} of {len(found)} layers and surely beyond at"
        f" {len(beyond)}; most apart at {layer}, where robust minus baseline is"
        f" {found[layer].spell('points', 1)} ({how})."
    )
    quantity = f"eer, robust - baseline at {layer}"
    return ClaimRow(6, run.name, CLEAN, verifier, verdict, quantity, *found[layer], sentence)
