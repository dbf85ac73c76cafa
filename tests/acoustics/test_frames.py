"""Frame arithmetic: what fits is accepted, everything else raises."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from acoustics.frames import (
    Rate,
    Timing,
    mel_frames,
    pooled_length,
    rate_of,
    states_between,
    valid_mask,
)

LENGTHS = st.lists(st.integers(1, 50_000), min_size=1, max_size=4)


def test_a_frame_is_centred_on_every_hop_within_the_utterance() -> None:
    lengths = torch.tensor([1, 159, 160, 161, 16000])
    assert mel_frames(lengths, 160).tolist() == [1, 1, 2, 2, 101]


@given(LENGTHS, st.sampled_from([1, 2, 4, 8]))
def test_slower_layers_cover_every_frame_and_less_than_one_state_more(
    samples: list[int], r: int
) -> None:
    frames = mel_frames(torch.tensor(samples), 160)
    states, rate = pooled_length(frames, r), rate_of(160 * r, 160)
    rate.check(states, frames)
    surplus = torch.tensor([rate.frames(int(n)) for n in states]) - frames
    assert ((surplus >= 0) & (surplus < r)).all()


@given(LENGTHS, st.sampled_from([1, 2, 4]), st.sampled_from([-1, 1]), st.booleans())
def test_a_state_too_few_or_too_many_raises(
    samples: list[int], factor: int, off: int, faster: bool
) -> None:
    frames = mel_frames(torch.tensor(samples), 160)
    rate = Rate(stack=factor) if faster else Rate(expand=factor)
    states = frames * factor if faster else pooled_length(frames, factor)
    rate.check(states, frames)
    states[-1] += off
    with pytest.raises(ValueError, match=f"utterance {len(samples) - 1} of the batch"):
        rate.check(states, frames)


def test_a_faster_layer_must_fill_its_last_frame() -> None:
    assert rate_of(40, 160) == Rate(stack=4)
    assert Rate(stack=4).frames(12) == 3
    with pytest.raises(ValueError, match="13 states do not divide into stacks of 4"):
        Rate(stack=4).frames(13)


def test_a_stride_that_fits_no_hop_raises() -> None:
    with pytest.raises(ValueError, match="stride of 200 samples does not fit a mel hop of 160"):
        rate_of(200, 160)


def test_pooling_moves_the_centre_to_the_middle_of_what_was_pooled() -> None:
    once = Timing(160).pooled(2)
    assert once == Timing(320, Fraction(80))
    assert once.pooled(2) == Timing(160).pooled(4) == Timing(640, Fraction(240))
    assert Timing(640, Fraction(240)).centre(2) == 1520


def test_the_mask_is_true_inside_each_utterance() -> None:
    assert valid_mask(torch.tensor([2, 0, 3]), 3).int().tolist() == [
        [1, 1, 0],
        [0, 0, 0],
        [1, 1, 1],
    ]


@given(
    stride=st.integers(1, 40),
    offset=st.fractions(-20, 60, max_denominator=4),
    start=st.integers(0, 300),
    length=st.integers(1, 100),
    states=st.integers(1, 20),
)
def test_states_between_are_those_centred_there_or_the_nearest(
    stride: int, offset: Fraction, start: int, length: int, states: int
) -> None:
    timing, end = Timing(stride, offset), start + length
    first, stop = states_between(timing, *(torch.tensor([n]) for n in (start, end, states)))
    inside = [i for i in range(states) if start <= timing.centre(i) < end]
    middle = Fraction(start + end, 2)
    nearest = min(range(states), key=lambda i: (abs(timing.centre(i) - middle), -i))
    assert list(range(int(first), int(stop))) == (inside or [nearest])
