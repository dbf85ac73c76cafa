"""Claims about noise (section 3.3 of the paper, and the end of "Objective evaluation")."""

from typing import NamedTuple

from evaluation.contrasts import LESS
from evaluation.paper.finished_run import FinishedRun
from evaluation.paper.published import CLEAN
from evaluation.paper.verdicts import (
    BEYOND_CLEAN,
    DIFFERENCE,
    FAILS,
    HOLDS,
    OPEN,
    ClaimRow,
    combine,
    differences,
    tally,
    unknown,
)
from evaluation.steps import layer_groups


class _Measure(NamedTuple):
    """A metric by which robust and baseline are compared, and the sign that speaks for robust."""

    metric: str
    scorer: str
    sign: int
    label: str
    unit: str
    digits: int


def discards_interference(run: FinishedRun) -> list[ClaimRow]:
    """Claim 2: robust has a lower EER and a higher STOI than baseline in noise."""
    measures = [_Measure("eer", name, -1, f"EER ({name})", "points", 1) for name in run.verifiers]
    measures.append(_Measure("stoi", "", 1, "STOI", "", 3))
    return _per_condition(2, run, measures)


def comes_closer(run: FinishedRun) -> list[ClaimRow]:
    """Claim 7: noisy and clean inputs are closer together in the layers of robust."""
    label = "distance of noisy and clean states"
    return _per_condition(7, run, [_Measure("state_distance", "", -1, label, "", 3)])


def _per_condition(claim: int, run: FinishedRun, measures: list[_Measure]) -> list[ClaimRow]:
    noisy = [name for name in run.conditions if name != CLEAN]
    if not noisy:
        return [unknown(claim, run, "the run has no noisy condition")]
    return [_compare(claim, run, condition, measure) for condition in noisy for measure in measures]


def _compare(claim: int, run: FinishedRun, condition: str, measure: _Measure) -> ClaimRow:
    metric, scorer, sign, label, unit, digits = measure
    found, how = differences(run, DIFFERENCE, condition, metric, scorer)
    if not found:
        why = f"baseline and robust do not both have a {label} with an interval"
        return unknown(claim, run, f"at {condition} {why}", condition, scorer)
    count = tally(found, sign, len(run.depths))
    better, worse = ("lower", "higher") if sign < 0 else ("higher", "lower")
    sentence = (
        f"At {condition} robust has the {better} {label} at {count.claimed} of {count.n} layers,"
        f" surely at {count.surely}, and surely the {worse} one at {count.contrary};"
        f" at the middle layer of these differences, {count.layer}, robust minus baseline is"
        f" {count.middle.spell(unit, digits)} ({how})."
    )
    missing = count.n - len(found)
    if missing:
        sentence += f" {missing} of the {count.n} layers lack a number."
    quantity = f"{metric}, robust - baseline at {count.layer}"
    return ClaimRow(
        claim, run.name, condition, scorer, count.verdict, quantity, *count.middle, sentence
    )


def gap_widens(run: FinishedRun) -> list[ClaimRow]:
    """Claim 3: the STOI gap between robust and baseline widens beyond that on clean speech.

    It holds where the gap beyond clean is above zero at the deepest layer and greater there than
    at the first layer of the last group (blstm1), both with intervals.
    """
    noisy = [name for name in run.conditions if name != CLEAN]
    if not noisy or CLEAN not in run.conditions:
        return [unknown(3, run, "it takes clean speech and a noisy condition")]
    group = layer_groups(run.depths)[-1]
    if len(group) < 2:
        return [unknown(3, run, f"{group[0]} is the only layer of its kind")]
    return [_widening(run, condition, group[0], group[-1]) for condition in noisy]


def _widening(run: FinishedRun, condition: str, first: str, deepest: str) -> ClaimRow:
    gaps, how = differences(run, BEYOND_CLEAN, condition, "stoi")
    if first not in gaps or deepest not in gaps:
        why = f"at {condition} baseline and robust do not both have a STOI at {first} and {deepest}"
        return unknown(3, run, why, condition)
    paired, _ = differences(run, BEYOND_CLEAN + LESS + first, condition, "stoi")
    growth = paired.get(deepest) or combine([(1.0, gaps[deepest]), (-1.0, gaps[first])])
    alone = "" if deepest in paired else "; the change takes the two layers for independent"
    verdicts = (growth.verdict(), gaps[deepest].verdict())
    verdict = FAILS if FAILS in verdicts else OPEN if OPEN in verdicts else HOLDS
    sentence = (
        f"From {first} to {deepest} the STOI gap at {condition}, less that on clean speech, changes"
        f" by {growth.spell('', 3)}; at {deepest} it is {gaps[deepest].spell('', 3)}"
        f" ({how}{alone})."
    )
    quantity = f"stoi, gap beyond clean at {deepest} - at {first}"
    return ClaimRow(3, run.name, condition, "", verdict, quantity, *growth, sentence)
