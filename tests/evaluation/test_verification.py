"""EER and minDCF: by hand, against brute force over all thresholds, and under monotone maps."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.verification import eer, error_rates, min_dcf, weighted_error_rates


def trials(target_scores: list[float], other_scores: list[float]):
    scores = np.array(target_scores + other_scores, dtype=float)
    targets = np.array([True] * len(target_scores) + [False] * len(other_scores))
    return scores, targets


# Each by hand: walk the threshold up and follow (miss, false alarm).
BY_HAND = {
    "separated": ([3.0, 4.0], [1.0, 2.0], 0.0),
    "reversed": ([1.0, 2.0], [3.0, 4.0], 1.0),
    # (0, 1/2) when 1 and 2 are rejected, (1/2, 1/2) after the target at 2.5
    "one swap of two": ([2.5, 4.0], [1.0, 3.0], 0.5),
    # 4 targets, 4 others; at a threshold above 5: miss 1/4, false alarm 1/4
    "one of four": ([5.0, 7.0, 8.0, 9.0], [1.0, 2.0, 3.0, 6.0], 0.25),
    # from (0, 1) straight to (1, 0): crossing in the middle
    "all tied": ([1.0, 1.0, 1.0], [1.0, 1.0], 0.5),
    # (0, 1/2) to (1/2, 0) in one step, both at 2: crossing at 1/4
    "tie at the crossing": ([2.0, 3.0], [1.0, 2.0], 0.25),
    # 3 targets, 2 others: (1/3, 1/2) then (1/3, 0): vertical, crosses at miss 1/3
    "vertical step": ([1.0, 5.0, 6.0], [0.0, 3.0], 1 / 3),
    # 2 targets, 3 others: (0, 1/3) then (1/2, 1/3): horizontal, crosses at 1/3
    "horizontal step": ([1.0, 5.0], [0.0, 0.5, 3.0], 1 / 3),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_eer_by_hand(name: str) -> None:
    target_scores, other_scores, expected = BY_HAND[name]
    assert eer(*trials(target_scores, other_scores)) == pytest.approx(expected, abs=1e-12)


def brute_force(scores: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Every threshold tried by counting, in exact fractions; the crossing segment by segment."""
    thresholds = [*sorted(set(scores.tolist())), np.inf]
    points = []
    for threshold in thresholds:
        missed = sum(1 for s, t in zip(scores, targets, strict=True) if t and s < threshold)
        alarms = sum(1 for s, t in zip(scores, targets, strict=True) if not t and s >= threshold)
        points.append(
            (Fraction(missed, int(targets.sum())), Fraction(alarms, int((~targets).sum())))
        )
    cost = min(Fraction(1, 100) * m + Fraction(99, 100) * f for m, f in points) * 100
    for (m0, f0), (m1, f1) in pairwise(points):
        if m0 <= f0 and m1 >= f1:
            along = (f0 - m0) / ((m1 - m0) + (f0 - f1))
            return float(m0 + along * (m1 - m0)), float(cost)
    raise AssertionError("no crossing")


def drawn(values: list[tuple[float, bool]]):
    scores = np.array([score for score, _ in values], dtype=float)
    return scores, np.array([target for _, target in values])


both_kinds = st.lists(
    st.tuples(st.integers(-6, 6).map(float), st.booleans()), min_size=2, max_size=60
).filter(lambda pairs: len({target for _, target in pairs}) == 2)


@settings(max_examples=150, deadline=None)
@given(both_kinds)
def test_equal_to_brute_force_with_many_ties(values: list[tuple[float, bool]]) -> None:
    scores, targets = drawn(values)
    expected_eer, expected_cost = brute_force(scores, targets)
    assert eer(scores, targets) == pytest.approx(expected_eer, abs=1e-12)
    assert min_dcf(scores, targets) == pytest.approx(expected_cost, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(both_kinds)
def test_only_the_order_of_scores_matters(values: list[tuple[float, bool]]) -> None:
    scores, targets = drawn(values)
    for monotone in (np.exp, np.arctan, lambda x: 5 * x**3 - 100):
        assert eer(monotone(scores), targets) == eer(scores, targets)
        assert min_dcf(monotone(scores), targets) == min_dcf(scores, targets)


@settings(max_examples=50, deadline=None)
@given(both_kinds)
def test_negated_scores_and_exchanged_kinds_change_nothing(values) -> None:
    """Miss and false alarm swap places, the diagonal stays."""
    scores, targets = drawn(values)
    assert eer(-scores, ~targets) == pytest.approx(eer(scores, targets), abs=1e-12)


def test_random_continuous_scores_against_brute_force() -> None:
    generator = np.random.default_rng(0)
    targets = generator.random(300) < 0.3
    scores = generator.normal(size=300) + targets
    expected_eer, expected_cost = brute_force(scores, targets)
    assert eer(scores, targets) == pytest.approx(expected_eer, abs=1e-12)
    assert min_dcf(scores, targets) == pytest.approx(expected_cost, abs=1e-12)


def test_two_normal_distributions() -> None:
    """Shifted by 2 standard deviations, the EER is the normal tail beyond 1: 15.87 %."""
    generator = np.random.default_rng(0)
    n = 200_000
    scores = np.concatenate([generator.normal(2, 1, n), generator.normal(0, 1, n)])
    assert eer(scores, np.arange(2 * n) < n) == pytest.approx(0.15866, abs=0.002)


def test_min_dcf_by_hand() -> None:
    """Accepting above 4: one target of four missed, no false alarm; the best for p = 0.01."""
    scores, targets = trials([3.0, 7.0, 8.0, 9.0], [1.0, 2.0, 4.0, 0.0])
    assert min_dcf(scores, targets) == pytest.approx(0.25)
    # p = 0.5: accept from 3 on costs (0 + 1/4) / 1, above 4 (1/4 + 0): the same
    assert min_dcf(scores, targets, p_target=0.5) == pytest.approx(0.25)
    # false alarms ten times cheaper: accept from 3 on, (0.1 * 1/4) / 0.1
    assert min_dcf(scores, targets, p_target=0.5, c_fa=0.1) == pytest.approx(0.25)
    assert min_dcf(-scores, targets) == 1.0


def test_a_weight_is_a_repetition() -> None:
    generator = np.random.default_rng(1)
    scores = generator.integers(0, 9, 60).astype(float)
    targets = generator.random(60) < 0.5
    weights = generator.integers(0, 4, (20, 60))
    rates = weighted_error_rates(scores, targets, weights.astype(float))
    for i, repeats in enumerate(weights):
        repeated = np.repeat(scores, repeats), np.repeat(targets, repeats)
        assert rates.eer()[i] == pytest.approx(eer(*repeated), abs=1e-12)
        assert rates.min_dcf()[i] == pytest.approx(min_dcf(*repeated), abs=1e-12)


def test_a_replicate_of_one_kind_is_undefined_the_others_are_not() -> None:
    scores, targets = trials([1.0, 2.0], [0.0, 3.0])
    weights = np.array([[1.0, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]])
    rates = weighted_error_rates(scores, targets, weights)
    assert np.isnan(rates.eer()).tolist() == [True, True, False]
    assert np.isnan(rates.min_dcf()).tolist() == [True, True, False]


def test_errors() -> None:
    with pytest.raises(ValueError, match="1 of 3 scores are NaN"):
        eer(np.array([0.0, np.nan, 1.0]), np.array([True, False, True]))
    with pytest.raises(ValueError, match="there is no non-target trial"):
        eer(np.array([0.0, 1.0]), np.array([True, True]))
    with pytest.raises(ValueError, match="there is no target trial"):
        min_dcf(np.array([0.0, 1.0]), np.array([False, False]))
    with pytest.raises(ValueError, match="there is no target trial"):
        error_rates(np.array([]), np.array([], dtype=bool))
