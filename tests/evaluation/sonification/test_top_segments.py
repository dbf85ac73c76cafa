"""The top k: equal to sorting everything, for any batches, order, limit and number of ranks."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation.sonification.top_segments import TopSegments, id_of, pack, score_of


def streamed(
    scores: np.ndarray, batches: list[np.ndarray], k: int, owners: np.ndarray | None = None
) -> TopSegments:
    top = TopSegments(len(scores), k, None if owners is None else torch.from_numpy(owners))
    for ids in batches:
        top.update(torch.from_numpy(scores[:, ids]), torch.from_numpy(ids))
    return top


def split(count: int, size: int, seed: int) -> list[np.ndarray]:
    order = np.random.default_rng(seed).permutation(count)
    return [order[at : at + size] for at in range(0, count, size)]


def tied_scores(seed: int = 0, features: int = 6, segments: int = 97) -> np.ndarray:
    """Scores with many ties, negative ones, both zeros, and some that are no number."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(-3, 4, (features, segments)).astype(np.float32) / 2
    scores[scores == 0] *= -1
    scores[0] = rng.normal(size=segments)
    scores[rng.random(scores.shape) < 0.05] = np.nan
    scores[1, :3] = np.inf, -np.inf, np.nan
    scores[2] = -5.0
    scores[3] = np.nan
    return scores


def check(top: TopSegments, expected: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(top.compute().scores, expected[0])
    np.testing.assert_array_equal(top.compute().ids, expected[1])


@pytest.mark.parametrize("limit", [None, 4, 30])
@pytest.mark.parametrize(("k", "size"), [(1, 1), (5, 7), (20, 40), (20, 97), (120, 11)])
def test_it_equals_sorting_everything(toy, k, size, limit) -> None:
    scores = tied_scores()
    owners = None if limit is None else np.random.default_rng(9).integers(0, limit, 97)
    expected = toy.top(scores, k, owners)
    for seed in range(3):
        top = streamed(scores, split(97, size, seed), k, owners)
        check(top, expected)
        assert (top.compute().broken == (~np.isfinite(scores)).sum(1)).all()


@pytest.mark.parametrize("owned", [False, True])
@pytest.mark.parametrize("ranks", [2, 3])
def test_merged_ranks_give_the_result_of_one(toy, ranks, owned) -> None:
    scores = tied_scores(1)
    owners = np.random.default_rng(3).integers(0, 15, 97) if owned else None
    batches = split(97, 9, 0)
    parts = [streamed(scores, batches[rank::ranks], 10, owners) for rank in range(ranks)]
    for part in parts[1:]:
        parts[0].merge_state(part)
    check(parts[0], toy.top(scores, 10, owners))


def test_equal_scores_go_to_the_lower_id(toy) -> None:
    top = streamed(np.zeros((1, 9), np.float32), [np.array([8, 3]), np.array([5, 1, 7])], 3)
    assert top.compute().ids.tolist() == [[1, 3, 5]]


def test_an_owner_that_was_displaced_comes_back_by_a_better_segment() -> None:
    scores = np.array([[1.0, 5.0, 4.0, 6.0]], np.float32)
    top = streamed(scores, [np.array([i]) for i in range(4)], 2, np.array([0, 1, 2, 0]))
    assert top.compute().ids.tolist() == [[3, 1]]


def test_fewer_segments_than_places_leave_places_empty() -> None:
    found = streamed(np.array([[2.0]], np.float32), [np.array([0])], 3).compute()
    assert found.ids.tolist() == [[0, -1, -1]]
    assert np.isnan(found.scores[0, 1:]).all()


def test_keys_keep_scores_and_ids_and_sort_as_they_do() -> None:
    scores = torch.tensor([[-3e38, -1.5, -1e-45, 0.0, 1e-45, 2.0, 3e38]])
    ids = torch.tensor([0, 1, 2, 2**31, 4, 5, 2**32 - 1])
    keys = pack(scores, ids)
    assert score_of(keys).equal(scores)
    assert id_of(keys)[0].equal(ids)
    assert (keys.diff() > 0).all()


def test_the_state_of_the_articles_network_is_small() -> None:
    top = TopSegments(26752, 20)
    assert sum(state.nbytes for state in top.metric_state.values()) < 10e6


def rank_of_two(rank: int, folder: Path, scores: np.ndarray, owners: np.ndarray) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    found = streamed(scores, split(97, 10, 0)[rank::2], 10, owners).compute()
    np.savez(folder / f"{rank}.npz", ids=found.ids, scores=found.scores, broken=found.broken)
    torch.distributed.destroy_process_group()


def test_two_processes_find_what_one_does(toy, tmp_path) -> None:
    scores, owners = tied_scores(2), np.random.default_rng(3).integers(0, 40, 97)
    fork = multiprocessing.get_context("fork")
    pair = [fork.Process(target=rank_of_two, args=(i, tmp_path, scores, owners)) for i in (0, 1)]
    for process in pair:
        process.start()
    for process in pair:
        process.join(120)
        assert process.exitcode == 0
    values, ids = toy.top(scores, 10, owners)
    for rank in (0, 1):
        with np.load(tmp_path / f"{rank}.npz") as found:
            np.testing.assert_array_equal(found["ids"], ids)
            np.testing.assert_array_equal(found["scores"], values)
            assert (found["broken"] == (~np.isfinite(scores)).sum(1)).all()
