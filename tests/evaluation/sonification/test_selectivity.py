"""The exact test over speakers is the enumeration of all deals, and BH the hand-worked one."""

from itertools import combinations
from math import comb

import numpy as np
import pytest

from evaluation.sonification.selectivity import adjusted, chance_of_at_least, group_selectivity
from evaluation.sonification.speaker_groups import SpeakerGroups, group_speakers


def sexes(men: int, women: int) -> SpeakerGroups:
    """Speakers m0, m1, ... w0, w1, ..., in this order."""
    names = {f"m{i}": "male" for i in range(men)} | {f"w{i}": "female" for i in range(women)}
    return group_speakers("sex", names)


def enumerated(counts: np.ndarray, men: int) -> tuple[np.ndarray, np.ndarray]:
    """Every deal of `men` over the speakers, (deal, speaker), and its sums, (deal, feature)."""
    chosen = list(combinations(range(counts.shape[1]), men))
    member = np.zeros((len(chosen), counts.shape[1]))
    for row, places in enumerate(chosen):
        member[row, list(places)] = 1
    return member, member @ counts.T


def test_four_speakers_by_hand() -> None:
    """Of the six ways of having two men, one has both who speak; two sexes double it."""
    found = group_selectivity(np.array([[3.0, 1.0, 0.0, 0.0]]), sexes(2, 2))
    assert found.shares.tolist() == [[0.0, 1.0]]
    assert found.p == pytest.approx([2 / 6]) and found.favourite.tolist() == [1]


@pytest.mark.parametrize(("speakers", "men", "seed"), [(4, 2, 0), (7, 3, 1), (9, 2, 2), (8, 7, 3)])
def test_it_is_the_enumeration_of_all_deals(speakers: int, men: int, seed: int) -> None:
    counts = np.random.default_rng(seed).poisson(1.2, (40, speakers)).astype(float)
    _, sums = enumerated(counts, men)
    for real in (0, len(sums) // 2, -1):
        expected = (sums >= sums[real]).mean(0)
        assert chance_of_at_least(sums[real], counts, men) == pytest.approx(expected, abs=1e-12)


def test_shuffling_comes_to_the_same() -> None:
    """Monte-Carlo p-values with the +1 correction lie within four of their standard errors."""
    generator = np.random.default_rng(4)
    counts, groups = generator.multinomial(20, np.full(30, 1 / 30), 50).astype(float), sexes(12, 18)
    exact = group_selectivity(counts, groups).p
    deals = generator.permuted(np.tile(groups.of_speaker, (20_000, 1)), axis=1)
    tails = []
    for g in (0, 1):
        real = counts[:, groups.of_speaker == g].sum(1)
        tails.append((1 + ((counts @ (deals == g).T) >= real[:, None]).sum(1)) / 20_001)
    shuffled = np.minimum(1, 2 * np.minimum(*tails))
    assert (np.abs(shuffled - exact) <= 4 * np.sqrt(exact / 10_000) + 1e-3).all()


def test_swapping_the_labels_changes_nothing() -> None:
    counts = np.random.default_rng(5).poisson(0.7, (60, 11)).astype(float)
    groups = sexes(4, 7)
    turned = SpeakerGroups("sex", groups.speakers, groups.names, 1 - groups.of_speaker)
    first, second = group_selectivity(counts, groups), group_selectivity(counts, turned)
    assert first.p == pytest.approx(second.p) and first.shares[:, ::-1] == pytest.approx(
        second.shares, nan_ok=True
    )


def test_p_is_never_too_small_under_the_null() -> None:
    """Over all 70 deals of four men and four women, P(p <= a) <= a, whatever the counts."""
    counts = np.random.default_rng(6).poisson(1.5, (25, 8)).astype(float)
    member, _ = enumerated(counts, 4)
    found = [
        group_selectivity(counts, SpeakerGroups("sex", tuple("abcdefgh"), ("f", "m"), row)).p
        for row in member.astype(int)
    ]
    for level in (0.03, 0.1, 0.3, 0.6):
        assert (np.mean(np.array(found) <= level, axis=0) <= level + 1e-9).all()


def test_many_segments_of_one_speaker_prove_nothing() -> None:
    """Twenty segments by one man of thirty: one speaker's sex is a coin. Ten men of ten are not."""
    counts = np.zeros((2, 60))
    counts[0, 0], counts[1, :10] = 20, 2
    p = group_selectivity(counts, sexes(30, 30)).p
    assert p[0] == pytest.approx(1.0)
    assert p[1] == pytest.approx(2 * comb(30, 10) / comb(60, 10)) and p[1] < 0.001


def test_one_feature_of_a_small_layer_can_be_found() -> None:
    """Where 2,000 shuffles could not: 64 features x 2/2001 exceeds 5 %."""
    counts = np.random.default_rng(7).multinomial(20, np.full(60, 1 / 60), 64).astype(float)
    counts[5] = np.repeat([1.0, 0.0], [20, 40])
    found = group_selectivity(counts, sexes(30, 30))
    assert np.flatnonzero(found.q <= 0.05).tolist() == [5] and found.favourite[5] == 1


def test_three_accents() -> None:
    """Each accent may be the favourite, so the smallest tail counts three times."""
    names = {f"s{i}": "abc"[i % 3] for i in range(9)}
    counts = np.zeros((1, 9))
    counts[0, [0, 3, 6]] = 4
    found = group_selectivity(counts, group_speakers("accent", names))
    assert found.p == pytest.approx([3 / comb(9, 3)]) and found.favourite.tolist() == [0]


def test_a_silent_feature_and_one_sex() -> None:
    counts = np.array([[2.0, 1.0, 3.0], [0.0, 0.0, 0.0]])
    found = group_selectivity(counts, sexes(2, 1))
    assert np.isnan(found.p[1]) and np.isnan(found.shares[1]).all() and found.favourite[1] == -1
    alone = group_selectivity(counts, sexes(3, 0))
    assert np.isnan(alone.p).all() and alone.shares[0].tolist() == [1.0]
    nobody = group_selectivity(np.zeros((2, 0)), sexes(0, 0))
    assert np.isnan(nobody.q).all() and nobody.shares.shape == (2, 0)


def test_benjamini_hochberg_by_hand() -> None:
    """0.005 x 3/1, and min(0.03 x 3/2, 0.04 x 3/3) for the others; NaN is no test."""
    assert adjusted(np.array([0.04, np.nan, 0.005, 0.03])) == pytest.approx(
        [0.04, np.nan, 0.015, 0.04], nan_ok=True
    )
    assert np.isnan(adjusted(np.array([np.nan]))).all()
