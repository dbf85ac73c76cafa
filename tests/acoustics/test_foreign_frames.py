"""States of foreign networks: as many as the mel frames ask for, and where they say they are."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from acoustics.foreign_frames import Alignment, Natural
from acoustics.frames import Timing, mel_frames, rate_of

WAV2VEC2 = ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))


def chain(shapes=WAV2VEC2) -> dict[str, Natural]:
    found, natural = {}, Natural(1)
    for i, (kernel, stride) in enumerate(shapes, start=1):
        natural = found[f"cnn{i}"] = natural.convolved(kernel, stride)
    return found


def test_timing_of_wav2vec2_is_the_published_one() -> None:
    assert chain()["cnn1"] == Natural(5, Fraction(9, 2), 10)
    assert chain()["cnn7"] == Natural(320, Fraction(799, 4) - Fraction(1, 4), 400)


def counts(samples: int, shapes=WAV2VEC2) -> list[int]:
    """States of every convolution, by the convolutions' own arithmetic."""
    found = []
    for kernel, stride in shapes:
        samples = (samples - kernel) // stride + 1
        found.append(samples)
    return found


@given(st.integers(1, 100_000))
def test_padding_gives_every_layer_the_states_that_its_mel_frames_want(samples: int) -> None:
    alignment, lengths = Alignment(chain(), 160), torch.tensor([samples])
    padded = int(alignment.padded(lengths))
    frames = mel_frames(lengths, 160)
    for (name, natural), there in zip(chain().items(), counts(padded), strict=True):
        wanted = alignment.states(name, lengths)
        rate_of(natural.stride, 160).check(wanted, frames)
        assert there >= alignment.surplus[name] + int(wanted)
    assert counts(padded)[-1] == int(alignment.states("cnn7", lengths))  # and not one more
    assert padded >= alignment.left + samples  # the whole sound is heard


def test_states_lie_within_half_a_stride_of_the_middle_of_their_mel_frames() -> None:
    alignment = Alignment(chain(), 160)
    for name, natural in chain().items():
        timing, middle = alignment.timings[name], Fraction(natural.stride - 160, 2)
        assert abs(timing.offset - middle) <= Fraction(max(natural.stride, 1), 2), name
        start = natural.centre - alignment.left
        assert timing.offset == start + alignment.surplus[name] * natural.stride


def test_a_network_that_pads_for_itself_is_left_alone() -> None:
    alignment = Alignment({"fine": Natural(160), "coarse": Natural(320)}, 160)
    assert alignment.left == 0 and set(alignment.surplus.values()) == {0}
    assert alignment.timings == {"fine": Timing(160), "coarse": Timing(320)}


def test_a_stride_that_does_not_fit_a_mel_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="441"):
        Alignment({"odd": Natural(441)}, 160)
