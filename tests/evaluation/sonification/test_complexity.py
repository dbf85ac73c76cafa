"""Phones per activating segment: the union of searches, the means, their bootstrap, the trend."""

import numpy as np
import pytest

from evaluation.bootstrap import speaker_weights
from evaluation.paper.verdicts import FAILS, HOLDS, OPEN
from evaluation.sonification.complexity import MEMORY, complexity_claim, complexity_rows
from evaluation.sonification.layer_complexity import LayerComplexity, layer_complexity, union_top

WEIGHTS = speaker_weights(5, 400, seed=0)


def test_the_union_is_the_top_of_everything() -> None:
    """Against keeping all scores of three searches with 9, 6 and 3 segments, ties included."""
    generator = np.random.default_rng(0)
    sizes, k = (9, 6, 3), 4
    whole = [generator.integers(0, 6, (20, size)).astype(np.float32) for size in sizes]
    tops = [np.argsort(-scores, axis=1, kind="stable")[:, :k] for scores in whole]
    ids = [np.pad(top, ((0, 0), (0, k - top.shape[1])), constant_values=-1) for top in tops]
    scores = [
        np.pad(np.take_along_axis(s, top, 1), ((0, 0), (0, k - top.shape[1])))
        for s, top in zip(whole, tops, strict=True)
    ]
    best, found = union_top(scores, ids, offsets=(0, 9, 15), k=k)
    everything = np.concatenate(whole, axis=1)
    assert (found == np.argsort(-everything, axis=1, kind="stable")[:, :k]).all()
    assert (best == np.take_along_axis(everything, found, 1)).all()


def test_an_owner_has_one_place_in_the_union_too() -> None:
    """Against going through all segments of two searches, each of which kept one of an owner."""
    generator = np.random.default_rng(3)
    sizes, k, owners = (30, 24), 4, generator.integers(0, 6, 54)
    whole = generator.integers(0, 9, (20, 54)).astype(np.float64)

    def taken(row: np.ndarray, among: list[int]) -> list[int]:
        kept: list[int] = []
        for segment in sorted(among, key=lambda i: (-row[i], i)):
            if owners[segment] not in owners[kept] and len(kept) < k:
                kept.append(segment)
        return kept

    tops = [
        np.array([taken(row, list(range(at, at + size))) for row in whole])
        for at, size in zip((0, 30), sizes, strict=True)
    ]
    scores = [np.take_along_axis(whole, top, 1) for top in tops]
    _, found = union_top(scores, [tops[0], tops[1] - 30], (0, 30), k, owners)
    assert found.tolist() == [taken(row, list(range(54))) for row in whole]
    few = np.where(owners < 2, owners, 0)  # two owners fill two places
    best, found = union_top([scores[0]], [tops[0]], (0,), k, few)
    assert (found[:, 2:] == -1).all() and (best[:, 2:] == -np.inf).all()


def test_a_score_that_is_no_number_has_no_place() -> None:
    best, ids = union_top([np.array([[np.nan, 2.0, np.nan]])], [np.array([[4, 5, 6]])], (0,), k=3)
    assert ids.tolist() == [[5, -1, -1]] and best.tolist() == [[2.0, -np.inf, -np.inf]]


def test_empty_places_come_last() -> None:
    scores = [np.array([[-5.0, 0.0]]), np.array([[-6.0, 9.0]])]
    best, ids = union_top(scores, [np.array([[3, -1]]), np.array([[0, -1]])], (0, 10), k=3)
    assert ids.tolist() == [[3, 10, -1]] and best.tolist() == [[-5.0, -6.0, -np.inf]]


def test_a_layer_by_hand() -> None:
    """A word without known phones, an empty place and a dead feature count nowhere."""
    n_phones = np.array([1.0, 3.0, 8.0, np.nan])
    ids = np.array([[0, 1, -1], [2, 2, 3], [-1, -1, -1], [3, -1, -1]])
    found = layer_complexity(ids, n_phones, np.array([0, 1, 2, 3]), WEIGHTS)
    assert found.of_feature == pytest.approx([2.0, 8.0, np.nan, np.nan], nan_ok=True)
    row = complexity_rows("trained", "words", {"cnn1": found}, {"cnn1": 1}, base=4.0)[0]
    assert (row.minimum, row.mean, row.maximum, row.n_empty) == (2.0, 5.0, 8.0, 2)


def test_the_bootstrap_is_copies_of_speakers() -> None:
    generator = np.random.default_rng(1)
    n_phones, speaker = generator.integers(1, 9, 40).astype(float), generator.integers(0, 5, 40)
    ids = generator.integers(-1, 40, (6, 8))
    found = layer_complexity(ids, n_phones, speaker, WEIGHTS)
    expected = []
    for replicate in range(len(WEIGHTS)):
        means = []
        for row in ids:
            times = WEIGHTS[replicate, speaker[row[row >= 0]]]
            copies = np.repeat(n_phones[row[row >= 0]], times)
            means += [copies.mean()] if len(copies) else []
        expected.append(np.mean(means))
    moved = np.array(expected) - np.mean(expected) + found.mean.value
    assert found.mean.replicates == pytest.approx(moved)


def test_the_excess_is_what_is_beyond_moved_segments_in_the_same_draws() -> None:
    generator = np.random.default_rng(2)
    n_phones, speaker = generator.integers(1, 9, 40).astype(float), generator.integers(0, 5, 40)
    ids, moved = generator.integers(-1, 40, (2, 6, 8))
    found = layer_complexity(ids, n_phones, speaker, WEIGHTS, moved)
    null = layer_complexity(moved, n_phones, speaker, WEIGHTS).mean
    assert found.null is not None and found.excess is not None
    assert found.excess.value == found.mean.value - null.value
    assert (found.excess.replicates == found.mean.replicates - null.replicates).all()
    row = complexity_rows("trained", "words", {"cnn1": found}, {"cnn1": 1}, 4.0)[0]
    assert (row.null, row.excess) == (null.value, found.excess.value)
    assert (row.excess_low, row.excess_high) == found.excess.interval()
    alone = layer_complexity(ids, n_phones, speaker, WEIGHTS)
    row = complexity_rows("trained", "words", {"cnn1": alone}, {"cnn1": 1}, 4.0)[0]
    assert (row.null, row.excess, row.excess_low, row.excess_high) == (None,) * 4


def test_one_speaker_gives_no_interval() -> None:
    found = layer_complexity(np.array([[0, 1]]), np.array([2.0, 4.0]), np.zeros(2, int), WEIGHTS)
    row = complexity_rows("trained", "words", {"cnn1": found}, {"cnn1": 1}, None)[0]
    assert (row.mean, row.ci_low, row.ci_high) == (3.0, None, None)


def test_a_dead_layer_is_a_row_without_numbers() -> None:
    dead = layer_complexity(np.full((3, 2), -1), np.ones(4), np.zeros(4, int), WEIGHTS)
    row = complexity_rows("trained", "words", {"cnn1": dead}, {"cnn1": 1}, 2.0)[0]
    assert row.mean is None and row.n_empty == 3
    claim = complexity_claim("trained", "words", {"cnn1": dead.mean}, {"cnn1": 1})
    assert claim.verdict == OPEN and "Fewer than 3 layers" in claim.sentence


def rising(slope: float, seed: int) -> dict[str, LayerComplexity]:
    """Five layers whose words have 3 + slope x depth phones on average, give or take."""
    generator = np.random.default_rng(seed)
    phones, speaker = np.tile(np.arange(1.0, 11.0), 20), generator.integers(0, 5, 200)
    layers = {}
    for depth in range(1, 6):
        wanted = 3 + slope * depth + generator.normal(0, 1, (30, 20))
        ids = (wanted.round().clip(1, 10) - 1).astype(int) + 10 * generator.integers(
            0, 20, (30, 20)
        )
        layers[f"cnn{depth}"] = layer_complexity(ids, phones, speaker, WEIGHTS)
    return layers


def test_a_rise_is_found_with_its_slope_and_beyond_the_untrained() -> None:
    depths = {f"cnn{i}": i for i in range(1, 6)}
    slopes = {"trained": 0.5, "flat": 0.0, "untrained": -0.5}
    means = {
        name: {layer: found.mean for layer, found in rising(slope, seed).items()}
        for seed, (name, slope) in enumerate(slopes.items(), start=1)
    }
    claims = {name: complexity_claim(name, "words", of, depths) for name, of in means.items()}
    assert (claims["trained"].verdict, claims["untrained"].verdict) == (HOLDS, FAILS)
    assert claims["trained"].value == pytest.approx(0.5, abs=0.05)
    assert claims["trained"].ci_low is not None
    assert "phones per layer" in claims["trained"].sentence
    assert "Spearman 1.00" in claims["trained"].sentence
    assert "falls with depth in untrained" in claims["untrained"].sentence
    assert claims["trained"].sentence.endswith(MEMORY)
    excess = complexity_claim("trained", "words", means["trained"], depths, beyond_moved=True)
    assert (excess.verdict, excess.value) == (HOLDS, claims["trained"].value)
    assert "beyond moved segments (words)" in excess.quantity and MEMORY not in excess.sentence
    beyond = {layer: means["flat"][layer] - means["untrained"][layer] for layer in depths}
    claim = complexity_claim("flat", "words", beyond, depths, less="untrained")
    assert claim.verdict == HOLDS and claim.quantity.endswith("less untrained,")
