"""Pooling: by hand, without padding, whatever the batch, and NaN where a state is none."""

import numpy as np
import pytest
import torch

from acoustics.frames import Timing
from evaluation.sonification.pooling import (
    channel_states,
    pooled,
    pooled_sum,
    rectified_sum,
    segment_spans,
    valid_rows,
)

STATES = torch.tensor([[1.0, -1.0], [2.0, 5.0], [6.0, 0.0], [4.0, 4.0], [8.0, 3.0]])
LENGTHS = torch.tensor([3, 2])  # two utterances; states at samples 0, 10, 20


def scores(score: str, *segments: tuple[int, int, int], states: torch.Tensor = STATES):
    row, start, end = np.array(segments, np.int64).T
    return pooled(states, segment_spans(Timing(10), LENGTHS, row, start, end), score)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("mean", [[1.5, 2.0], [3.0, 4 / 3], [6.0, 3.5]]),
        ("sum", [[3.0, 4.0], [9.0, 4.0], [12.0, 7.0]]),
        ("max", [[2.0, 5.0], [6.0, 5.0], [8.0, 4.0]]),
    ],
)
def test_a_segment_has_the_states_centred_in_it(score, expected) -> None:
    found = scores(score, (0, 0, 20), (0, 0, 25), (1, 0, 11))
    torch.testing.assert_close(found, torch.tensor(expected))


def test_where_no_state_is_centred_the_nearest_counts() -> None:
    found = scores("sum", (0, 1, 3), (0, 6, 10), (0, 4, 6), (1, 11, 20))
    assert found[:, 0].tolist() == [1.0, 2.0, 2.0, 8.0]  # the later of two that are as near


def test_segments_may_overlap() -> None:
    assert scores("sum", (0, 0, 15), (0, 5, 25))[:, 0].tolist() == [3.0, 8.0]


@pytest.mark.parametrize("broken", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("score", ["mean", "sum", "max"])
def test_a_state_that_is_no_number_spoils_its_own_segments_and_feature(score, broken) -> None:
    states = STATES.clone()
    states[1, 0] = broken
    found = scores(score, (0, 0, 5), (0, 5, 15), (0, 15, 25), (1, 0, 20), states=states)
    assert found.isnan().tolist() == [[False, False], [True, False], [False, False], [False, False]]


@pytest.mark.parametrize("broken", [torch.nan, torch.inf, -torch.inf])
def test_states_are_rectified_before_they_are_added(broken) -> None:
    """Of -1, 5 and 0 the rectified sum is 5; what is no number spoils what it spoils of the sum."""
    segments = np.array([[0, 0, 25], [0, 15, 25], [1, 0, 20]]).T
    spans = segment_spans(Timing(10), LENGTHS, *segments)
    assert rectified_sum(STATES, spans, pooled_sum(STATES, spans)).tolist() == [
        [9.0, 5.0], [6.0, 0.0], [12.0, 7.0],
    ]  # fmt: skip
    states = STATES.clone()
    states[1, 0] = broken
    total = pooled_sum(states, spans)
    assert rectified_sum(states, spans, total).isnan().equal(total.isnan())
    total = pooled_sum(STATES.abs(), spans)
    assert rectified_sum(STATES.abs(), spans, total) is total


def test_padding_never_scores() -> None:
    padded = torch.tensor([[[1.0], [2.0], [3.0]], [[4.0], [1e9], [torch.nan]]])
    rows = valid_rows(torch.tensor([3, 1]), 3)
    assert padded.flatten(0, 1)[rows, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_channel_is_the_mean_of_its_bands() -> None:
    output = torch.tensor([[[[1.0, 3.0], [5.0, 5.0]], [[10.0, 20.0], [0.0, 1.0]]]])
    assert channel_states(output).tolist() == [[[2.0, 15.0], [5.0, 0.5]]]
    assert channel_states(output[0]).equal(output[0])


def test_the_result_does_not_depend_on_the_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(int(n), 33, generator=generator) for n in (7, 90, 250)]
    lengths = torch.tensor([len(part) for part in parts])
    row, start, end = np.repeat(np.arange(3), 2), np.array([0, 31] * 3), np.array([45, 900] * 3)
    for score in ("mean", "sum", "max"):
        spans = segment_spans(Timing(10), lengths, row, start, end)
        together = pooled(torch.cat(parts), spans, score)
        for i, part in enumerate(parts):
            spans = segment_spans(Timing(10), lengths[i : i + 1], np.zeros(2, np.int64), start[:2],
                                  end[:2])  # fmt: skip
            assert pooled(part, spans, score).equal(together[2 * i : 2 * i + 2])
