"""The same word by two speakers: the draw, the expected value, overlaps and their references."""

import numpy as np
import pytest
import torch

from evaluation.bootstrap import speaker_weights
from evaluation.paper.verdicts import HOLDS, OPEN
from evaluation.sonification.same_word import (
    LayerOverlap,
    chance_overlap,
    jaccard,
    layer_overlap,
    pair_mean,
    same_word_claims,
    same_word_rows,
)
from evaluation.sonification.word_triplets import KeptWords, WordActivations, draw_triplets

N = 12  # speakers, the first half men
SPEAKER = np.repeat(np.arange(N), 8)
WORD = np.tile(np.repeat(["sea", "noon", "river", "bird"], 2), N)
SEX = np.where(SPEAKER < N // 2, "male", "female")
WEIGHTS = speaker_weights(N, 300, seed=1)


def test_triplets_are_one_word_two_sexes_three_speakers() -> None:
    triplets = draw_triplets(WORD, SPEAKER.astype(str), SEX, 96, seed=0)
    a, b, c = triplets.anchor, triplets.other, triplets.alike
    assert len(a) == 96 and len(set(zip(a, b, c, strict=True))) == 96
    assert (WORD[a] == WORD[b]).all() and (WORD[a] == WORD[c]).all()
    assert (
        (SEX[a] != SEX[b]).all() and (SEX[a] == SEX[c]).all() and (SPEAKER[a] != SPEAKER[c]).all()
    )
    assert abs((SEX[a] == "male").sum() - 48) <= 2
    assert np.ptp(np.unique(WORD[a], return_counts=True)[1]) <= 2
    again = draw_triplets(WORD, SPEAKER.astype(str), SEX, 96, seed=0)
    assert (again.anchor == a).all() and (again.alike == c).all()


def test_few_or_no_triplets() -> None:
    """Two men and one woman say one word: two triplets with a man, none with a woman."""
    words, speakers, sexes = ["sea"] * 3, list("abc"), ["male", "male", "female"]
    assert sorted(draw_triplets(words, speakers, sexes, 50, 0).anchor.tolist()) == [0, 1]
    for sex in ("male", ""):
        assert len(draw_triplets(words, speakers, [sex] * 3, 50, 0).anchor) == 0
    assert len(draw_triplets([], [], [], 5, 0).occurrences) == 0


def kept_of(states: np.ndarray, occurrences: np.ndarray, batch: int = 7) -> WordActivations:
    kept = KeptWords(occurrences, states.shape[1])
    for place in torch.arange(len(states)).split(batch):
        kept.update(torch.from_numpy(states)[place], place)
    return kept.compute()


def test_kept_words_are_those_of_keeping_everything() -> None:
    states = np.random.default_rng(2).random((50, 6)).astype(np.float32)
    states[4, 2] = np.nan
    chosen = np.array([0, 4, 21, 49])
    kept = kept_of(states, chosen)
    assert kept.expected == pytest.approx(np.nanmean(states, axis=0), rel=1e-6)
    assert np.array_equal(kept.of(chosen), states[chosen], equal_nan=True)
    order = np.random.default_rng(3).permutation(50)
    shuffled = KeptWords(chosen, 6)
    for places in torch.from_numpy(order).split(20):
        shuffled.update(torch.from_numpy(states)[places], places)
    assert shuffled.compute().expected == pytest.approx(kept.expected, rel=1e-12)
    assert np.array_equal(shuffled.compute().rows, kept.rows, equal_nan=True)


def test_one_and_a_half_times_the_expected_value() -> None:
    """Expected are 2, 1 and 0 (dead): 3 is activated, 2.75 is not."""
    states = np.array([[3.0, 0.0, 0.0], [2.75, 2.0, 0.0], [0.25, 1.0, 0.0]], dtype=np.float32)
    kept = kept_of(states, np.arange(3))
    assert kept.activated(np.arange(3), 1.5).astype(int).tolist() == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 0],
    ]


def test_overlaps_by_hand() -> None:
    first = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=bool)
    second = np.array([[0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=bool)
    assert jaccard(first, second) == pytest.approx([1 / 3, np.nan, 1.0], nan_ok=True)
    assert chance_overlap(first, second, 4) == pytest.approx([1 / 3, np.nan, 1.0], nan_ok=True)
    assert jaccard(first, second) == pytest.approx(jaccard(second, first), nan_ok=True)


def test_chance_is_what_unrelated_sets_have() -> None:
    generator = np.random.default_rng(5)
    first, second = generator.random((2, 400, 500)) < np.array([0.2, 0.4])[:, None, None]
    expected = chance_overlap(first, second, 500).mean()
    assert jaccard(first, second).mean() == pytest.approx(expected, abs=0.005)


def test_pairs_count_as_often_as_both_speakers() -> None:
    generator = np.random.default_rng(6)
    first, second, values = (
        generator.integers(0, 6, 30),
        generator.integers(6, 12, 30),
        generator.random(30),
    )
    values[3] = np.nan
    estimate = pair_mean(values, first, second, WEIGHTS)
    assert estimate.value == pytest.approx(np.nanmean(values))
    copies = [
        value
        for value, a, b in zip(values, first, second, strict=True)
        for _ in range(WEIGHTS[0, a] * WEIGHTS[0, b])
        if np.isfinite(value)
    ]
    assert estimate.replicates[0] == pytest.approx(np.mean(copies))


def layer_of(speaker_part: float, seed: int, of_sex: bool = True) -> LayerOverlap:
    """Features that hear the word, and, as much as is asked, the sex or the speaker instead."""
    generator = np.random.default_rng(seed)
    words = generator.normal(size=(4, 200))[np.unique(WORD, return_inverse=True)[1]]
    who = (SPEAKER < N // 2).astype(int) if of_sex else SPEAKER
    voices = generator.normal(size=(N, 200))[who]
    mixed = (1 - speaker_part) * words + speaker_part * voices
    states = (mixed + 0.02 * generator.normal(size=mixed.shape)).clip(min=0).astype(np.float32)
    triplets = draw_triplets(WORD, SPEAKER.astype(str), SEX, 150, seed=0)
    return layer_overlap(kept_of(states, triplets.occurrences), triplets, SPEAKER, WEIGHTS)


def test_a_layer_that_hears_the_sex_and_one_that_does_not() -> None:
    sex, word, voice = layer_of(0.9, 1), layer_of(0.0, 2), layer_of(0.9, 3, of_sex=False)
    rows = same_word_rows("trained", {"a": sex, "b": word, "c": voice}, {"a": 1, "b": 2, "c": 3})
    hears_sex, hears_word, hears_voice = rows
    assert hears_sex.overlap < 0.3 < 0.8 < hears_sex.alike  # type: ignore[operator]
    assert hears_sex.difference_low > 0.4 and hears_word.overlap > 0.8  # type: ignore[operator]
    assert hears_word.difference_low <= 0.01  # type: ignore[operator]
    assert hears_voice.alike < 0.3 and abs(hears_voice.difference) < 0.05  # type: ignore[operator, arg-type]
    assert (
        hears_voice.overlap == pytest.approx(hears_voice.chance, abs=0.1)
        and hears_sex.n_pairs == 150
    )


def test_sexes_grow_alike_with_depth() -> None:
    layers = {f"cnn{i}": layer_of(part, i) for i, part in enumerate((0.9, 0.6, 0.4, 0.1), start=1)}
    claims = same_word_claims("trained", layers, {f"cnn{i}": i for i in range(1, 5)})
    assert [claim.verdict for claim in claims] == [HOLDS, HOLDS]
    few = same_word_claims("trained", {"cnn1": layers["cnn1"]}, {"cnn1": 1})
    assert [claim.verdict for claim in few] == [OPEN, OPEN] and "pairs" in few[0].sentence


def test_words_that_never_came_and_dead_layers() -> None:
    triplets = draw_triplets(WORD, SPEAKER.astype(str), SEX, 20, seed=0)
    kept = KeptWords(triplets.occurrences, 3)
    nothing = layer_overlap(kept.compute(), triplets, SPEAKER, WEIGHTS)
    row = same_word_rows("trained", {"cnn1": nothing}, {"cnn1": 1})[0]
    assert (row.n_pairs, row.overlap, row.ci_low, row.n_dead) == (0, None, None, 3)
    kept.update(torch.zeros(len(WORD), 3), torch.arange(len(WORD)))
    dead = layer_overlap(kept.compute(), triplets, SPEAKER, WEIGHTS)
    assert (dead.n_pairs, dead.n_undefined, dead.n_dead) == (20, 20, 3)


def test_a_feature_that_is_no_number_takes_nothing_from_the_others() -> None:
    """Always NaN: as if it were not there. In one occurrence: in no set of its triplets."""
    triplets = draw_triplets(WORD, SPEAKER.astype(str), SEX, 40, seed=0)
    states = np.random.default_rng(9).random((len(WORD), 30)).astype(np.float32) ** 3
    without = layer_overlap(kept_of(states, triplets.occurrences), triplets, SPEAKER, WEIGHTS)
    broken = np.insert(states, 7, np.nan, axis=1)
    found = layer_overlap(kept_of(broken, triplets.occurrences), triplets, SPEAKER, WEIGHTS)
    assert (found.n_pairs, found.n_dead, found.sizes) == (40, 1, without.sizes)
    for name in ("across", "alike", "chance"):
        mine, its = getattr(found, name), getattr(without, name)
        assert mine.value == its.value and np.array_equal(mine.replicates, its.replicates, True)
    one = triplets.alike[0]
    broken = states.copy()
    broken[one, 3] = np.nan
    kept = kept_of(broken, triplets.occurrences)
    found = layer_overlap(kept, triplets, SPEAKER, WEIGHTS)
    man, woman = (kept.activated(place, 1.5) for place in (triplets.anchor, triplets.other))
    touched = (np.stack([triplets.anchor, triplets.other, triplets.alike]) == one).any(0)
    man[touched, 3] = woman[touched, 3] = False
    assert found.n_pairs == 40 and found.across.value == np.nanmean(jaccard(man, woman))


def test_replicates_carry_their_own_chance() -> None:
    """Each replicate's pairs have sizes of their own; a pair with no overlap has no chance."""
    found = layer_of(0.5, 7)
    assert np.ptp(found.chance.replicates[np.isfinite(found.chance.replicates)]) > 0
    triplets = draw_triplets(WORD, SPEAKER.astype(str), SEX, 40, seed=0)
    states = np.random.default_rng(8).random((len(WORD), 30)).astype(np.float32) ** 3
    states[triplets.anchor[0]] = states[triplets.other[0]] = 0
    kept = kept_of(states, triplets.occurrences)
    found = layer_overlap(kept, triplets, SPEAKER, WEIGHTS)
    man, woman = (kept.activated(place, 1.5) for place in (triplets.anchor, triplets.other))
    beyond = jaccard(man, woman) - chance_overlap(man, woman, 30)
    assert np.isnan(beyond).sum() == found.n_undefined >= 1
    expected = pair_mean(beyond, SPEAKER[triplets.anchor], SPEAKER[triplets.other], WEIGHTS)
    difference = found.across - found.chance
    assert difference.value == pytest.approx(expected.value)
    assert difference.replicates == pytest.approx(expected.replicates, nan_ok=True)
