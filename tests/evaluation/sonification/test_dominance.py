"""Dominance by a sex: the 90 %, what chance gives of it, and whether it falls with depth."""

from itertools import permutations

import numpy as np
import pytest

from evaluation.paper.verdicts import FAILS, HOLDS, OPEN
from evaluation.sonification.dominance import (
    LayerDominance,
    SpeakerDraws,
    draw_speakers,
    layer_dominance,
)
from evaluation.sonification.dominance_table import dominance_claim, dominance_rows
from evaluation.sonification.speaker_groups import SpeakerGroups, group_speakers

SPEAKERS = [f"s{i:02d}" for i in range(60)]
SEXES = group_speakers("sex", {s: "male" if i < 30 else "female" for i, s in enumerate(SPEAKERS)})
SEGMENTS = np.repeat(SPEAKERS, 10)  # ten of each, men first


def picks(share_selective: float, seed: int, features: int = 100) -> np.ndarray:
    """Top 20 of features, some of which hear men only, the others anybody."""
    generator = np.random.default_rng(seed)
    ids = np.stack([generator.permutation(600)[:20] for _ in range(features)])
    ids[: int(share_selective * features)] %= 300
    return ids


def draws_of(groups: SpeakerGroups) -> SpeakerDraws:
    return draw_speakers(groups, seed=0, n_deals=300, n_replicates=200)


def layer(ids: np.ndarray) -> LayerDominance:
    return layer_dominance(ids, SEGMENTS, SEXES, draws_of(SEXES))


def test_more_than_ninety_percent() -> None:
    """18 of 20 are not dominated, 19 are; empty places and unknown speakers do not count."""
    ids = np.array([[0] * 18 + [300] * 2, [0] * 19 + [300], [0] * 9 + [300] + [-1] * 10, [-1] * 20])
    found = layer(ids)
    assert found.dominated[:, 1].tolist() == [False, True, False, False] and found.n_empty == 1
    assert [found.share(g).value for g in (0, 1)] == [0.0, 1 / 3]


def test_chance_is_that_of_all_deals() -> None:
    """Two men and two women: all 24 deals, each feature judged by hand."""
    groups = group_speakers("sex", {"a": "m", "b": "m", "c": "w", "d": "w"})
    ids = np.array([[0, 0, 1], [0, 2, 2], [1, 1, 1]])  # segments 0..3 are of a..d
    deals = np.array(list(permutations(groups.of_speaker)))
    found = layer_dominance(ids, list("abcd"), groups, SpeakerDraws(deals, deals), 0.9)
    # by men: a and b together (1/6), a and c together (1/6), b a man (1/2)
    assert found.chance[:, 0].mean() == pytest.approx((1 / 6 + 1 / 6 + 1 / 2) / 3)
    assert found.share(0).value == pytest.approx(2 / 3)
    row = dominance_rows("trained", "words", {"cnn1": found}, {"cnn1": 1})[0]
    as_many = np.mean(
        [(set(d[:2]) == {0}) + (set(d[[0, 2]]) == {0}) + (d[1] == 0) >= 2 for d in deals]
    )
    assert row.p == pytest.approx((1 + 24 * as_many) / 25) and row.n_speakers == 2


def test_a_replicate_is_a_corpus_of_copies() -> None:
    """Of each group as many speakers as there are; replicates are moved to the share itself."""
    ids, draws = picks(0.3, seed=1), draws_of(SEXES)
    assert (draws.weights[:, :30].sum(1) == 30).all() and (draws.weights.sum(1) == 60).all()
    found = layer_dominance(ids, SEGMENTS, SEXES, draws)
    for replicate in (0, 7):
        times = np.repeat(draws.weights[replicate], 10)
        copies = [np.repeat(row < 300, times[row]) for row in ids]
        share = np.mean([copy.mean() > 0.9 for copy in copies if len(copy)])
        assert found.drawn[replicate, 1] == pytest.approx(share)
    moved = found.share(1)
    assert moved.replicates.mean() == pytest.approx(moved.value)
    assert moved.replicates - moved.value == pytest.approx(
        found.drawn[:, 1] - found.drawn[:, 1].mean()
    )


def test_selective_features_are_counted_apart_from_chance() -> None:
    women, men = dominance_rows("trained", "words", {"cnn1": layer(picks(0.3, 2))}, {"cnn1": 1})
    assert (women.group, men.group) == ("female", "male")
    assert men.dominated == 30 and men.share == 0.3 and 30 <= men.significant <= 33  # type: ignore[operator]
    assert men.chance is not None and men.chance < 0.02 and men.p == pytest.approx(1 / 301)
    assert women.dominated == 0 and women.significant in (0, 1, 2) and women.p == 1.0


def test_unequal_numbers_are_held_against_their_own_chance() -> None:
    """With 57 men of 60, most features are dominated by men, and that says nothing."""
    groups = group_speakers(
        "sex", {s: "male" if i < 57 else "female" for i, s in enumerate(SPEAKERS)}
    )
    found = layer_dominance(picks(0.0, 3), SEGMENTS, groups, draws_of(groups))
    men = dominance_rows("trained", "words", {"cnn1": found}, {"cnn1": 1})[1]
    assert men.share is not None and men.share > 0.5 and men.chance_low is not None
    assert men.chance_low <= men.share <= (men.chance_high or 0) and men.significant == 0


def test_a_group_of_one_speaker_has_no_interval() -> None:
    """Of one man every draw is the same one; the 59 women have an interval."""
    alone = {s: "female" if i else "male" for i, s in enumerate(SPEAKERS)}
    groups = group_speakers("sex", alone)
    found = layer_dominance(picks(0.0, 5), SEGMENTS, groups, draws_of(groups))
    women, man = dominance_rows("trained", "words", {"cnn1": found}, {"cnn1": 1})
    assert (man.n_speakers, man.share, man.ci_low, man.ci_high) == (1, 0.0, None, None)
    assert women.ci_low is not None and women.ci_high is not None


def test_one_sex_only_is_named_and_nothing_claimed() -> None:
    women = group_speakers("sex", dict.fromkeys(SPEAKERS, "female"))
    found = layer_dominance(picks(0.3, 4), SEGMENTS, women, draws_of(women))
    layers = dict.fromkeys(("cnn1", "cnn2", "cnn3"), found)
    depths = {"cnn1": 1, "cnn2": 2, "cnn3": 3}
    row = dominance_rows("trained", "words", layers, depths)[0]
    assert row.share is None and row.significant is None
    assert (row.group, row.n_speakers) == ("female", 60) and "is female: there is" in row.remark
    claim = dominance_claim("trained", "words", "male", layers, depths)
    assert claim.verdict == OPEN and "nothing to compare" in claim.sentence
    nobody = group_speakers("sex", {})
    found = layer_dominance(picks(0.3, 4), SEGMENTS, nobody, draws_of(nobody))
    assert (
        dominance_rows("trained", "words", {"a": found}, {"a": 1})[0].remark
        == "sex of no speaker is known"
    )


def test_a_dead_layer_has_no_share() -> None:
    dead = layer(np.full((5, 20), -1))
    rows = dominance_rows("trained", "words", {"cnn1": dead}, {"cnn1": 1})
    assert [row.share for row in rows] == [None, None] and rows[0].n_empty == 5
    assert dominance_claim("trained", "words", "male", {"cnn1": dead}, {"cnn1": 1}).verdict == OPEN


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [((0.6, 0.4, 0.2, 0.1), HOLDS), ((0.1, 0.2, 0.4, 0.6), FAILS), ((0.3, 0.3, 0.3, 0.3), OPEN)],
)
def test_dominance_over_depth(shares: tuple[float, ...], verdict: str) -> None:
    layers = {f"cnn{i}": layer(picks(share, seed=i)) for i, share in enumerate(shares)}
    claim = dominance_claim("trained", "words", "male", layers, {f"cnn{i}": i for i in range(4)})
    assert claim.verdict == verdict and "points per layer" in claim.sentence


def test_draws_are_seeded_and_keep_the_numbers() -> None:
    draws, again = draws_of(SEXES), draws_of(SEXES)
    assert (draws.deals == again.deals).all() and (draws.weights == again.weights).all()
    assert (draws.deals.sum(1) == 30).all() and len(np.unique(draws.deals, axis=0)) == 300
