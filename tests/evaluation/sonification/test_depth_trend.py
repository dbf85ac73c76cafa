"""Trends over depth: slopes and ranks by hand, and intervals that hold what they say."""

import numpy as np
import pytest

from evaluation.bootstrap import Estimate
from evaluation.paper.verdicts import FAILS, HOLDS, OPEN, Margin
from evaluation.sonification.depth_trend import (
    Trend,
    bootstrap_trend,
    hedged,
    slopes,
    trend_claim,
)


def test_slopes_by_hand() -> None:
    assert slopes([1, 2, 3], np.array([[2.0, 4.0, 6.0], [1.0, 1.0, 0.0]])) == pytest.approx(
        [2.0, -0.5]
    )


def test_bootstrap_of_an_exact_line() -> None:
    lines = [Estimate(depth * 0.5, depth * np.linspace(0.4, 0.6, 101)) for depth in (1.0, 2.0, 4.0)]
    trend = bootstrap_trend([1, 2, 4], lines)
    assert trend.slope == pytest.approx((0.5, 0.405, 0.595)) and trend.order == 1.0
    assert trend.verdict(rises=True) == HOLDS
    assert trend.spell("s") == "slope +0.50 s per layer [0.40, 0.59], Spearman 1.00"


def test_too_few_replicates_give_no_verdict() -> None:
    undefined = [Estimate(float(d), np.full(10, np.nan)) for d in range(3)]
    trend = bootstrap_trend([1, 2, 3], undefined)
    assert trend.slope is None and trend.verdict(rises=True) == OPEN
    assert "no interval" in trend_claim("x", "m", "u", "number", trend, True).sentence


def test_verdicts_mirror_each_other() -> None:
    up = Trend(Margin(1.0, 0.5, 1.5), 0.9)
    assert (up.verdict(True), up.verdict(False)) == (HOLDS, FAILS)
    down = Trend(Margin(-1.0, -1.5, -0.5), -0.9)
    assert (down.verdict(True), down.verdict(False)) == (FAILS, HOLDS)
    assert Trend(Margin(1.0, -0.5, 1.5), 0.9).verdict(True) == OPEN
    for order in (-0.2, 0.0, None):  # one outlier makes the slope
        lone = Trend(Margin(1.0, 0.5, 1.5), order)
        assert lone.verdict(True) == lone.verdict(False) == OPEN


def test_few_speakers_claim_nothing() -> None:
    trend = Trend(Margin(0.5, 0.2, 0.8), 1.0)
    claim = trend_claim("complexity", "mine", "words", "mean phones", trend, rises=True)
    assert hedged(claim, 8) == claim and claim.verdict == HOLDS
    few = hedged(claim, 7)
    assert few.verdict == OPEN and few.value == 0.5
    assert few.sentence.endswith("But of 7 speakers only: nothing is claimed.")
