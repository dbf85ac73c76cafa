"""The bootstrap over speakers: what it draws, what it leaves out; differences are paired."""

import numpy as np
import pytest

from evaluation.bootstrap import (
    Estimate,
    detection_estimates,
    highest,
    mean_estimate,
    ratio_estimate,
    speaker_weights,
    trial_weights,
)
from evaluation.verification import eer, min_dcf

SPEAKERS = np.repeat(np.arange(8), 5)
WEIGHTS = speaker_weights(8, 400, seed=0)


def test_every_replicate_draws_as_many_speakers_as_there_are() -> None:
    assert WEIGHTS.shape == (400, 8)
    assert (WEIGHTS.sum(axis=1) == 8).all()
    assert (speaker_weights(8, 400, seed=0) == WEIGHTS).all()
    assert (speaker_weights(8, 400, seed=1) != WEIGHTS).any()


def test_a_constant_has_an_interval_of_zero_width() -> None:
    estimate = mean_estimate(np.full(40, 3.5), SPEAKERS, WEIGHTS)
    assert estimate.value == 3.5
    assert estimate.interval() == pytest.approx((3.5, 3.5))


def test_replicates_are_means_over_the_speakers_drawn() -> None:
    values = np.random.default_rng(0).normal(size=40)
    estimate = mean_estimate(values, SPEAKERS, WEIGHTS)
    assert estimate.value == pytest.approx(values.mean())
    for drawn, replicate in zip(WEIGHTS[:20], estimate.replicates, strict=False):
        utterances = [v for s, n in enumerate(drawn) for v in np.tile(values[s == SPEAKERS], n)]
        assert replicate == pytest.approx(np.mean(utterances))


def test_rates_are_pooled_not_averaged() -> None:
    """1 error in 1 word and 0 in 9 is 10 %, not 50 %."""
    estimate = ratio_estimate(
        np.array([1.0, 0.0]), np.array([1.0, 9.0]), np.array([0, 1]), speaker_weights(2, 50, 0)
    )
    assert estimate.value == pytest.approx(0.1)
    assert set(np.round(estimate.replicates, 6)) == {0.0, 0.1, 1.0}


def test_interval_covers_the_mean_of_a_population_of_speakers() -> None:
    generator = np.random.default_rng(0)
    speakers, hits = np.repeat(np.arange(25), 4), 0
    weights = speaker_weights(25, 500, seed=0)
    for _ in range(200):
        values = generator.normal(size=25)[speakers] + 0.3 * generator.normal(size=100)
        low, high = mean_estimate(values, speakers, weights).interval()
        hits += low <= 0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_a_paired_difference_is_sharper_than_its_parts() -> None:
    """Speakers differ a lot, the effect on each is the same: the difference is certain."""
    values = 10.0 * SPEAKERS
    first = mean_estimate(values + 1, SPEAKERS, WEIGHTS)
    second = mean_estimate(values, SPEAKERS, WEIGHTS)
    low, high = first.interval()
    assert high - low > 10
    difference = first - second
    assert difference.value == pytest.approx(1)
    assert difference.interval() == pytest.approx((1, 1))


def test_highest_is_taken_in_each_replicate() -> None:
    first = Estimate(1.0, np.array([1.0, 5.0]))
    second = Estimate(2.0, np.array([2.0, 1.0]))
    both = highest([first, second])
    assert both.value == 2.0 and both.replicates.tolist() == [2.0, 5.0]


def test_one_speaker_says_nothing_about_others() -> None:
    estimate = mean_estimate(np.array([1.0, 2.0]), np.array([0, 0]), speaker_weights(1, 100, 0))
    assert estimate.value == 1.5 and estimate.interval() is None


def test_trial_weights_by_hand() -> None:
    """Speaker 0 drawn twice, 1 once, 2 not: what occurs among the copies, counted on fingers."""
    weights = np.array([[2, 1, 0]])
    enrol, test = np.array([0, 1, 2, 0, 0, 1]), np.array([0, 1, 2, 1, 2, 2])
    drawn = trial_weights(enrol == test, enrol, test, weights)
    # 00: once per copy, and not between the two copies; 01: two copies times one
    assert drawn.tolist() == [[2, 1, 0, 2, 0, 0]]


def copies(drawn: np.ndarray, enrol: np.ndarray, test: np.ndarray) -> list[int]:
    """All trials among the copies of speakers drawn, those between copies of one left out."""
    people = [s for s, n in enumerate(drawn) for _ in range(n)]
    chosen = []
    for trial, (a, b) in enumerate(zip(enrol, test, strict=True)):
        if a == b:
            chosen += [trial for person in people if person == a]
        else:
            chosen += [trial for i in people for j in people if i == a and j == b]
    return chosen


def test_detection_replicates_equal_those_of_the_copied_trials() -> None:
    generator = np.random.default_rng(3)
    enrol, test = generator.integers(0, 6, (2, 150))
    test[:60] = enrol[:60]
    targets = enrol == test
    scores = generator.normal(size=150) + targets
    weights = speaker_weights(6, 40, seed=2)
    estimates = detection_estimates(scores, targets, enrol, test, weights)
    assert estimates["eer"].value == pytest.approx(100 * eer(scores, targets))
    assert estimates["min_dcf"].value == pytest.approx(min_dcf(scores, targets))
    for i, drawn in enumerate(weights):
        chosen = copies(drawn, enrol, test)
        expected = 100 * eer(scores[chosen], targets[chosen])
        assert estimates["eer"].replicates[i] == pytest.approx(expected)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(4)
    enrol, test = generator.integers(0, 8, (2, 80))
    scores = generator.normal(size=80)
    whole = detection_estimates(scores, enrol == test, enrol, test, WEIGHTS)
    monkeypatch.setattr("evaluation.bootstrap.MAX_WEIGHTS", 80 * 7)
    parts = detection_estimates(scores, enrol == test, enrol, test, WEIGHTS)
    assert (whole["eer"].replicates == parts["eer"].replicates).all()


def test_undefined_replicates_are_left_out_of_the_interval() -> None:
    """With three speakers one draw in nine has no two different ones."""
    enrol, test = np.array([0, 1, 2, 0, 0, 1]), np.array([0, 1, 2, 1, 2, 2])
    scores = np.array([3.0, 2.0, 1.0, 0.0, 1.5, 0.5])
    weights = speaker_weights(3, 900, seed=0)
    estimate = detection_estimates(scores, enrol == test, enrol, test, weights)["eer"]
    undefined = np.isnan(estimate.replicates)
    assert (undefined == (weights.max(axis=1) == 3)).all() and 0.05 < undefined.mean() < 0.2
    assert estimate.interval() is not None
