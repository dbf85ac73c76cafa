"""Speaker-discarded sonification: by hand, against brute force, for any order and split."""

import numpy as np
import pytest
import torch
from lhotse.supervision import AlignmentItem

from evaluation.sonification.units import build_units
from evaluation.sonification.word_table import WordTable, table_labels

SAID = [("ann", "sea sea sea old"), ("dan", "sea old"), ("ann", "moon"), ("eli", "the old the")]


@pytest.fixture
def words(toy):
    cuts = []
    for i, (speaker, text) in enumerate(SAID):
        tier = [AlignmentItem(word, 0.1 * j, 0.1) for j, word in enumerate(text.split())]
        cuts.append(toy.cut(f"u{i}", 16000, speaker, tiers={"word": tier}))
    return build_units(cuts, ["words"]).tiers["word"]


def test_by_hand(words) -> None:
    table = WordTable(table_labels(words, 10), 1)
    #                      sea  sea  sea  old  sea  old  moon the  old  the
    sums = torch.tensor([1.0, 2.0, 3.0, 1.0, 8.0, 2.0, 7.0, 4.0, 6.0, 6.0])[:, None]
    table.update(sums, torch.arange(10))
    labels, found = table_labels(words, 10), table.compute()
    assert labels.names.tolist() == ["sea", "old", "the", "moon"]  # by frequency, then alphabet
    assert labels.occurrences.tolist() == [4, 3, 2, 1]
    assert labels.speakers.tolist() == [2, 3, 1, 1]
    assert found.mean[:, 0].tolist() == [3.5, 3.0, 5.0, 7.0]
    assert found.speaker_mean[:, 0].tolist() == [5.0, 3.0, 5.0, 7.0]  # sea: (2 + 8) / 2
    assert found.expected.tolist() == [4.0]


def brute_force(words, sums: np.ndarray, kept: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of everything, without what is no number."""
    means = np.full((2, len(kept), sums.shape[1]), np.nan)
    for row, label in enumerate(kept):
        for feature in range(sums.shape[1]):
            said: dict[str, list[float]] = {}
            for i in np.flatnonzero(words.label == label):
                if np.isfinite(sums[i, feature]):
                    said.setdefault(words.speaker[i], []).append(sums[i, feature])
            if said:
                means[0, row, feature] = np.mean(np.concatenate(list(said.values())))
                means[1, row, feature] = np.mean([np.mean(own) for own in said.values()])
    return means[0], means[1]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_any_order_any_batches_any_ranks(toy, size) -> None:
    words = build_units(toy.corpus().cuts, ["words"]).tiers["word"]
    labels = table_labels(words, 100)
    rng = np.random.default_rng(size)
    sums, order = rng.normal(size=(len(words), 3)).astype(np.float32), rng.permutation(len(words))
    tables = [WordTable(labels, 3) for _ in range(3)]
    for number, at in enumerate(range(0, len(order), size)):
        ids = torch.from_numpy(order[at : at + size])
        tables[number % 3].update(torch.from_numpy(sums)[ids], ids)
    for table in tables[1:]:
        tables[0].merge_state(table)
    found, expected = tables[0].compute(), brute_force(words, sums, labels.names.tolist())
    np.testing.assert_allclose(found.mean, expected[0], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.speaker_mean, expected[1], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.expected, sums.mean(0), rtol=1e-5, atol=1e-7)


def test_what_is_no_number_is_left_out_of_its_label_and_feature_only(words) -> None:
    sums = torch.arange(20.0).reshape(10, 2)
    sums[0, 0] = sums[6, 0] = torch.nan
    table = WordTable(table_labels(words, 10), 2)
    table.update(sums, torch.arange(10))
    found = table.compute()
    expected, by_speaker = brute_force(words, sums.numpy(), ["sea", "old", "the", "moon"])
    np.testing.assert_allclose(found.mean, expected)
    np.testing.assert_allclose(found.speaker_mean[1:], by_speaker[1:])
    assert found.broken[:, 0].tolist() == [1, 0, 0, 1]
    assert not found.broken[:, 1].any()
    # ann's mean of `sea` is over the two of three that were heard, and weighs as much
    assert found.speaker_mean[0, 0] == pytest.approx((2 / 3 * (2 + 4) / 2 + 8) / (2 / 3 + 1))


def test_occurrences_that_never_come_leave_the_means_over_the_others(words) -> None:
    sums = torch.arange(10.0)[:, None]
    table = WordTable(table_labels(words, 10), 1)
    ids = torch.tensor([0, 1, 2, 3, 6, 7, 8, 9])  # u1 was lost
    table.update(sums[ids], ids)
    assert table.compute().heard.tolist() == [3, 2, 2, 1]
    assert table.compute().mean[:2, 0].tolist() == [1.0, 5.5]
    assert table.compute().speaker_mean[:2, 0].tolist() == [1.0, 5.5]


def test_the_most_frequent_labels_are_kept_and_the_others_counted(words) -> None:
    labels = table_labels(words, 2)
    table = WordTable(labels, 1)
    table.update(torch.arange(10.0)[:, None], torch.arange(10))
    assert labels.names.tolist() == ["sea", "old"]
    assert (labels.left_out, labels.left_out_occurrences) == (2, 3)
    assert table.compute().mean.shape == (2, 1)
    assert table.compute().expected.tolist() == [4.5]  # of all occurrences


def test_memory_is_linear_in_labels_and_features() -> None:
    rows = np.zeros(0, np.int64)
    size = {}
    for labels, features in ((10, 7), (20, 7), (20, 14)):
        from evaluation.sonification.word_table import TableLabels

        names = np.array(["x"] * labels, object)
        counts = np.ones(labels, np.int64)
        empty = torch.from_numpy(rows)
        made = TableLabels(names, counts, counts, 0, 0, empty, empty.double())
        table = WordTable(made, features)
        size[labels, features] = sum(state.nbytes for state in table.metric_state.values())
    assert size[20, 14] == 24 * 21 * 14 + 16 * 21
    assert size[10, 7] == 24 * 11 * 7 + 16 * 11
