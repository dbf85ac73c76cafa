"""Numbers with intervals: combined by hand, and what is paired comes first."""

import math

import pytest

from evaluation.contrasts import ContrastRow
from evaluation.paper.verdicts import (
    BEYOND_CLEAN,
    DIFFERENCE,
    FAILS,
    HOLDS,
    OPEN,
    Margin,
    combine,
    differences,
    spearman,
    tally,
    worst,
)


def test_a_difference_by_mover_is_that_computed_by_hand() -> None:
    margin = combine([(1.0, Margin(10.0, 8.0, 13.0)), (-1.0, Margin(4.0, 3.0, 6.0))])
    assert margin.value == 6.0
    assert margin.low == pytest.approx(6 - math.sqrt(2**2 + 2**2))
    assert margin.high == pytest.approx(6 + math.sqrt(3**2 + 1**2))


def test_a_verdict_needs_an_interval_that_excludes_zero() -> None:
    assert Margin(1.0, 0.1, 2.0).verdict() == HOLDS
    assert Margin(1.0, 0.0, 2.0).verdict() == OPEN  # zero is not excluded
    assert Margin(-1.0, -2.0, -0.1).verdict() == FAILS
    assert worst([HOLDS, OPEN, FAILS]) == FAILS and worst([HOLDS, OPEN]) == OPEN
    assert Margin(1.25, -0.5, 3.0).spell("points", 1) == "+1.2 points [-0.5, 3.0]"


def test_the_middle_of_a_tally_is_reached_by_a_majority() -> None:
    found = {"a": Margin(-3.0, -4.0, -2.0), "b": Margin(-2.0, -3.0, -1.0),
             "c": Margin(-1.0, -2.5, 0.5), "d": Margin(2.0, 1.0, 3.0)}  # fmt: skip
    count = tally(found, sign=-1, n=4)
    assert (count.n, count.claimed, count.surely, count.contrary) == (4, 3, 2, 1)
    assert count.layer == "c" and count.middle == found["c"]  # 3 of 4 are as low or lower
    assert count.verdict == OPEN  # two of four are no majority
    del found["d"]
    assert tally(found, sign=-1, n=3).verdict == HOLDS
    assert tally(found, sign=1, n=3).verdict == FAILS
    assert tally(found, sign=-1, n=4).verdict == OPEN  # the fourth layer has no difference


def test_spearman_of_too_little_is_none() -> None:
    assert spearman([1, 2, 3, 4], [10, 20, 30, 5]) == pytest.approx(-0.2)
    assert spearman([1, 2], [1, 2]) is None and spearman([1, 2, 3], [5, 5, 5]) is None


def test_paired_differences_come_before_those_of_the_summary(make_run) -> None:
    numbers = {(model, condition, "cnn1", "stoi", ""): value
               for (model, condition), value in {
                   ("robust", "clean"): 0.80, ("baseline", "clean"): 0.82,
                   ("robust", "snr0"): 0.70, ("baseline", "snr0"): 0.60}.items()}  # fmt: skip
    alone = make_run(numbers, half=0.01)
    found, how = differences(alone, DIFFERENCE, "snr0", "stoi")
    assert found["cnn1"] == pytest.approx((0.1, 0.1 - 0.01 * 2**0.5, 0.1 + 0.01 * 2**0.5))
    assert how == "unpaired"
    beyond, _ = differences(alone, BEYOND_CLEAN, "snr0", "stoi")
    assert beyond["cnn1"] == pytest.approx((0.12, 0.10, 0.14))
    row = ContrastRow(DIFFERENCE, "", "snr0", "cnn1", 1, "stoi", "", 0.1, 0.09, 0.11, 3, 0.09, 0.12)
    paired = make_run(numbers, half=0.01, contrasts=[row])
    assert differences(paired, DIFFERENCE, "snr0", "stoi") == (
        {"cnn1": Margin(0.1, 0.09, 0.11)}, "paired, 3 probe seeds",
    )  # fmt: skip
    assert differences(paired, DIFFERENCE, "snr0", "estoi")[0] == {}
