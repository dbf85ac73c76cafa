"""A probe is non-contextual: one state, its own frames, nothing else."""

import pytest
import torch

from acoustics.frames import Rate
from probes.bodies import Highway
from probes.probe import Probe

SLOWER = [Rate(expand=1), Rate(expand=2), Rate(expand=4)]
FASTER = [Rate(stack=2), Rate(stack=4)]


def changed_frames(rate: Rate, body: str, batch: int, state: int) -> torch.Tensor:
    """`(batch, frame)`: which frames are not the same, bit for bit, when one state is another."""
    torch.manual_seed(0)
    probe = Probe(24, rate, body=body, hidden=32)
    states = torch.randn(batch, 12, 24)
    before = probe(states)
    states[0, state] += torch.randn(24)
    return (probe(states) != before).any(-1)


@pytest.mark.parametrize("body", ["highway", "linear"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("state", [0, 5, 11])
@pytest.mark.parametrize("rate", SLOWER, ids=str)
def test_one_state_changes_exactly_its_r_frames(rate, state, batch, body) -> None:
    changed = changed_frames(rate, body, batch, state)
    assert changed.shape == (batch, 12 * rate.expand)
    r = rate.expand
    assert changed.nonzero().tolist() == [[0, frame] for frame in range(state * r, state * r + r)]


@pytest.mark.parametrize("body", ["highway", "linear"])
@pytest.mark.parametrize("state", [0, 5, 11])
@pytest.mark.parametrize("rate", FASTER, ids=str)
def test_one_state_of_a_faster_layer_changes_exactly_the_frame_it_falls_into(
    rate, state, body
) -> None:
    changed = changed_frames(rate, body, 2, state)
    assert changed.shape == (2, 12 // rate.stack)
    assert changed.nonzero().tolist() == [[0, state // rate.stack]]


def test_states_that_do_not_fill_their_last_frame_raise() -> None:
    with pytest.raises(ValueError, match="11 states do not divide into stacks of 2"):
        Probe(4, Rate(stack=2))(torch.zeros(1, 11, 4))


def test_weights_follow_the_seed_and_leave_the_random_state_alone() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    first, second, other = (Probe(8, Rate(), seed=seed) for seed in (1, 1, 2))
    assert torch.rand(1).equal(wanted)
    x = torch.randn(5, 8)
    assert first(x).equal(second(x))
    assert not first(x).equal(other(x))


def test_output_is_in_units_of_the_targets_deviation() -> None:
    probe, x = Probe(8, Rate()), torch.randn(5, 8)
    plain = probe(x)
    probe.mean, probe.deviation = torch.full((80,), -5.0), torch.full((80,), 2.0)
    torch.testing.assert_close(probe(x), -5 + 2 * plain)


def test_a_closed_highway_carries_its_input() -> None:
    highway, x = Highway(6, layers=4), torch.randn(3, 6)
    for layer in highway.layers:
        torch.nn.init.constant_(layer.bias[6:], -100.0)
    assert highway(x).equal(x)


def test_the_linear_probe_is_linear() -> None:
    probe, a, b = Probe(8, Rate(expand=2), body="linear"), torch.randn(4, 8), torch.randn(4, 8)
    middle = (probe(a) + probe(b)) / 2
    torch.testing.assert_close(probe((a + b) / 2), middle, rtol=1e-4, atol=1e-5)
