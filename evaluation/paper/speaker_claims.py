"""Claims about the speaker at single layers and by several verifiers (section 3.2 of the paper)."""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

from evaluation.paper.depth_claim import eers
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
    unless_missing,
    worst,
)
from evaluation.steps import layer_groups, worst_of

AGREEMENT = 0.9
"""Spearman of two verifiers' layer orders that counts as agreement; the paper says "similar"."""

SIMILAR = 5.0
"""EER points: the paper calls differences of up to 2.84 similar; short of twice that still is."""

HARDLY = 3.0
"""Convolutions hardly touch the speaker if the BLSTMs raise the EER more than this many times."""

WIPED_OUT = 35.0
"""EER in percent above which the deepest BLSTM must lie for the speaker to be wiped out."""


class _Wipe(NamedTuple):
    """What the layers of one model do to the EER; `convolutions` is None where it has none."""

    model: str
    blstms: Margin
    convolutions: Margin | None
    deepest: Margin

    @property
    def surplus(self) -> Margin:
        """Rise of the BLSTMs less `HARDLY` times that of the convolutions, which is never credit.

        An EER that falls along the convolutions counts as one that does not rise.
        """
        if self.convolutions is None:
            return self.blstms
        rise = Margin(*(max(0.0, value) for value in self.convolutions))
        return combine([(1.0, self.blstms), (-HARDLY, rise)])

    @property
    def beyond(self) -> Margin:
        """EER of the deepest BLSTM above the bar."""
        return Margin(*(value - WIPED_OUT for value in self.deepest))

    @property
    def verdict(self) -> str:
        return worst([self.surplus.verdict(), self.beyond.verdict()])

    @property
    def decides(self) -> Margin:
        """The number that the verdict hangs on; where both agree, the comparison."""
        return self.surplus if self.surplus.verdict() == self.verdict else self.beyond


def blstms_wipe_out(run: FinishedRun) -> list[ClaimRow]:
    """Claim 4: convolutions hardly touch the speaker, BLSTMs wipe it out (on clean speech).

    The BLSTMs' rise of EER must surely be more than `HARDLY` times that of the convolutions (zero
    for a recogniser without them), and the EER of the deepest BLSTM surely above `WIPED_OUT`. The
    worse of robust and baseline counts.
    """
    groups = {group[0].rstrip("0123456789"): group for group in layer_groups(run.depths)}
    if "blstm" not in groups:
        return [unknown(4, run, "the recogniser has no BLSTM layers")]
    return [_wipe(run, verifier, groups) for verifier in run.verifiers] or [
        unknown(4, run, "no verifier has scored the layers")
    ]


def _wipe(run: FinishedRun, verifier: str, groups: Mapping[str, list[str]]) -> ClaimRow:
    judged = {model: _wipe_of(run, model, verifier, groups) for model in (ROBUST, BASELINE)}
    found = [wipe for wipe in judged.values() if wipe is not None]
    if not found:
        why = f"the run lacks the EER steps by {verifier} on clean speech"
        return unknown(4, run, why, CLEAN, verifier)
    verdict = worst([wipe.verdict for wipe in found])
    wipe = min((w for w in found if w.verdict == verdict), key=lambda w: w.decides.low)
    sentence = (
        f"On clean speech the BLSTMs of {wipe.model} raise the EER ({verifier}) by"
        f" {wipe.blstms.spell('points', 1)}"
    )
    if wipe.convolutions is not None:
        sentence += (
            f", the convolutions {wipe.convolutions.spell('points', 1)}; the former less"
            f" {HARDLY:g} times the latter (zero where it falls) is"
            f" {wipe.surplus.spell('points', 1)}."
        )
    else:
        sentence += "; there are no convolutions."
    deepest, low, high = wipe.deepest
    sentence += (
        f" At {groups['blstm'][-1]} the EER is {deepest:.1f} % [{low:.1f}, {high:.1f}]"
        f" (bar {WIPED_OUT:g} %)."
    )
    missing = [model for model, one in judged.items() if one is None]
    verdict, sentence = unless_missing(verdict, sentence, missing)
    quantity = f"eer, rise of BLSTMs - {HARDLY:g} x rise of convolutions, {wipe.model}"
    if wipe.decides != wipe.surplus:
        quantity = f"eer, {groups['blstm'][-1]} of {wipe.model} - {WIPED_OUT:g}"
    return ClaimRow(4, run.name, CLEAN, verifier, verdict, quantity, *wipe.decides, sentence)


def _wipe_of(
    run: FinishedRun, model: str, verifier: str, groups: Mapping[str, list[str]]
) -> _Wipe | None:
    """What BLSTMs (the step into them included) and convolutions add to the EER, from steps.csv."""
    place = (model, CLEAN, "eer", verifier)
    steps = [s for s in run.steps if (s.model, s.condition, s.metric, s.scorer) == place]
    ends = {(step.earlier, step.later): margin_of(step) for step in steps}
    blstms, convolutions = groups["blstm"], groups.get("cnn")
    within = ends.get((blstms[0], blstms[-1]))
    deepest = margin_of(run.find(model, CLEAN, blstms[-1], "eer", verifier))
    if within is None or deepest is None:
        return None
    if convolutions is None:
        return _Wipe(model, within, None, deepest)
    own = ends.get((convolutions[0], convolutions[-1]))
    through = ends.get((worst_of(convolutions), blstms[-1]))
    if own is None or through is None:
        return None
    return _Wipe(model, through, own, deepest)


def verifiers_agree(run: FinishedRun) -> list[ClaimRow]:
    """Claim 5: two verifiers order the layers alike, in every model and condition.

    Only layers count that differ from each other by more than their intervals, by both verifiers;
    a model and condition with fewer than three of them cannot be compared. It holds where the
    least of the rank correlations reaches the bar and half of the models and conditions can be
    compared; it fails where one that can be compared does not reach it.
    """
    pairs = list(combinations(run.verifiers, 2))
    if not pairs:
        return [unknown(5, run, "it takes two verifiers")]
    return [_agreement(run, *pair) for pair in pairs]


def _agreement(run: FinishedRun, first: str, second: str) -> ClaimRow:
    found: list[tuple[float, str, list[str]]] = []
    unheard = []
    for model in (ROBUST, BASELINE):
        for condition in run.conditions:
            pair = [eers(run, model, condition, name) for name in (first, second)]
            if not all(len(each) == len(run.depths) for each in pair):
                unheard.append(f"{model} at {condition}")
            layers = told_apart(*pair)
            order = spearman(*([margins[layer].value for layer in layers] for margins in pair))
            if order is not None:
                found.append((order, f"{model} at {condition}", layers))
    scorer = f"{first}, {second}"
    if not found:
        why = f"nowhere do three layers differ by more than their intervals by {first} and {second}"
        return unknown(5, run, why, "", scorer)
    order, place, layers = min(found)
    places = 2 * len(run.conditions)
    sentence = (
        f"{first} and {second} order the layers with a Spearman of at least {order:.2f} in"
        f" {len(found)} of {places} models and conditions (bar {AGREEMENT:g}); least for {place},"
        f" over {', '.join(layers)}, which differ by more than their intervals."
    )
    if places > len(found):
        sentence += f" {places - len(found)} of {places} could not be compared."
    agreed = HOLDS if 2 * len(found) >= places else OPEN
    verdict = agreed if round(order, 9) >= AGREEMENT else FAILS
    verdict, sentence = unless_missing(verdict, sentence, unheard)
    quantity = f"spearman over {len(layers)} layers of {place}"
    return ClaimRow(5, run.name, "", scorer, verdict, quantity, order, None, None, sentence)


def told_apart(first: Mapping[str, Margin], second: Mapping[str, Margin]) -> list[str]:
    """Layers, walked by depth, whose intervals overlap no kept one's, by either verifier."""
    kept: list[str] = []
    for layer in first:
        if layer in second and all(
            _apart(margins[layer], margins[other]) for margins in (first, second) for other in kept
        ):
            kept.append(layer)
    return kept


def _apart(one: Margin, other: Margin) -> bool:
    return one.low > other.high or other.low > one.high


def similar_on_clean(run: FinishedRun) -> list[ClaimRow]:
    """Claim 6: on clean speech robust and baseline have a similar EER at every layer.

    It holds where the interval of every tapped layer lies within `SIMILAR` points, and fails where
    one lies beyond them.
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
    missing = [layer for layer in run.depths if layer not in found]
    layer = max(beyond or found, key=lambda name: abs(found[name].value))
    sentence = (
        f"On clean speech the EER ({verifier}) of robust and baseline is surely within"
        f" {SIMILAR:g} points at {len(within)} of {len(run.depths)} layers and surely beyond at"
        f" {len(beyond)}; most apart at {layer}, where robust minus baseline is"
        f" {found[layer].spell('points', 1)} ({how})."
    )
    verdict, sentence = unless_missing(verdict, sentence, missing)
    quantity = f"eer, robust - baseline at {layer}"
    return ClaimRow(6, run.name, CLEAN, verifier, verdict, quantity, *found[layer], sentence)
