"""The target, its masked loss, and the best constant."""

import pytest
import torch

from acoustics.frames import Rate
from probes.targets import (
    RunningStatistics,
    flatten_target,
    gather_frames,
    masked_l1,
    target_statistics,
    utterance_l1,
)


def test_the_floor_is_the_median_which_no_constant_beats() -> None:
    frames = torch.distributions.Exponential(1.0).sample((501, 4))
    statistics = target_statistics(frames)

    def loss(constant: torch.Tensor) -> float:
        return float((frames - constant).abs().mean())

    assert statistics.constant.equal(frames.median(0).values)
    for other in (statistics.mean, statistics.constant + 0.05, statistics.constant - 0.05):
        assert loss(statistics.constant) < loss(other)
    torch.testing.assert_close(statistics.mean, frames.mean(0))
    torch.testing.assert_close(statistics.deviation, frames.std(0, correction=0))


def test_no_frame_has_no_statistics() -> None:
    with pytest.raises(ValueError, match="no frame"):
        target_statistics(torch.zeros(0, 80))


@pytest.mark.parametrize("rate", [Rate(), Rate(expand=4), Rate(stack=2)], ids=str)
def test_the_loss_is_the_mean_over_valid_frames(rate) -> None:
    torch.manual_seed(0)
    frames = torch.tensor([11, 6, 1])
    states = (frames + rate.expand - 1) // rate.expand * rate.stack
    mel, guess = torch.randn(3, 11, 8), torch.randn(3, rate.frames(int(states.max())), 8)
    target = flatten_target(mel, frames, states, rate)
    pieces = guess.reshape(3, -1, rate.expand, 8)[target.states[:, :: rate.stack]]
    found = masked_l1(pieces.flatten(0, 1), target)
    errors = [(guess[i, :n] - mel[i, :n]).abs() for i, n in enumerate(frames.tolist())]
    torch.testing.assert_close(found, torch.cat(errors).mean())
    each = utterance_l1(guess[:, :11], mel, frames)
    torch.testing.assert_close(each, torch.stack([error.mean() for error in errors]))
    assert gather_frames(mel, frames).equal(torch.cat([mel[0], mel[1, :6], mel[2, :1]]))


def test_states_that_do_not_fit_the_frames_raise() -> None:
    with pytest.raises(ValueError, match="has 2 states, but its 11 mel frames want 3"):
        flatten_target(torch.zeros(1, 11, 8), torch.tensor([11]), torch.tensor([2]), Rate(expand=4))


def test_running_statistics_equal_those_of_all_states_at_once() -> None:
    torch.manual_seed(0)
    batches = [3 + 5 * torch.randn(count, 4) for count in (7, 0, 1, 40)]
    batches = [torch.cat([batch, torch.full((len(batch), 1), 2.0)], 1) for batch in batches]
    running = RunningStatistics()
    for batch in batches:
        running.update(batch)
    found, states = running.statistics(), torch.cat(batches)
    torch.testing.assert_close(found.mean, states.mean(0))
    torch.testing.assert_close(found.deviation[:4], states.std(0, correction=0)[:4])
    assert found.deviation[4] == pytest.approx(1e-2)  # what never moves
