"""Frame arithmetic: the only place where samples, mel frames and hidden states are converted.

A mel frame `t` is centred on sample `t * hop`, so an utterance of `n` samples has `n // hop + 1`
frames. A layer of stride `s` covers those frames with states of `s / hop` frames each; the last
state of an utterance may reach past its end, and this module says by how much.
"""

from dataclasses import dataclass
from fractions import Fraction

import torch
from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True)
class Timing:
    """When a layer's states happen.

    Attributes:
        stride: samples from one state to the next.
        offset: sample on which state 0 is centred; a fraction only where a pool has even width.
    """

    stride: int
    offset: Fraction = Fraction(0)

    def pooled(self, kernel: int) -> "Timing":
        """Timing behind a pooling of `kernel` states with the same stride and no padding."""
        return Timing(self.stride * kernel, self.offset + Fraction(self.stride * (kernel - 1), 2))

    def centre(self, state: int) -> Fraction:
        """Sample on which `state` is centred."""
        return self.offset + state * self.stride


def mel_frames(lengths: Int[Tensor, " batch"], hop_length: int) -> Int[Tensor, " batch"]:
    """Mel frames of utterances of `lengths` samples."""
    return lengths // hop_length + 1


def mel_samples(frames: Int[Tensor, " batch"], hop_length: int) -> Int[Tensor, " batch"]:
    """Samples of the shortest utterances that have so many mel frames."""
    return (frames - 1) * hop_length


def pooled_length(lengths: Int[Tensor, " batch"], kernel: int) -> Int[Tensor, " batch"]:
    """States left after a pooling of `kernel` that keeps an incomplete last window (ceil mode)."""
    return (lengths + kernel - 1) // kernel


@dataclass(frozen=True)
class Rate:
    """How many mel frames one state stands for (`expand`), or how many states one frame (`stack`).

    One of the two is always 1. `expand` is the reduction factor `r` of the design.
    """

    expand: int = 1
    stack: int = 1

    def frames(self, states: int) -> int:
        """Mel frames that a probe emits for `states` states.

        Raises:
            ValueError: a layer finer than the hop does not fill its last frame.
        """
        if states % self.stack:
            raise ValueError(f"{states} states do not divide into stacks of {self.stack}")
        return states * self.expand // self.stack

    def states(self, frames: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """States that stand for `frames` mel frames; an incomplete last one counts."""
        return pooled_length(frames, self.expand) * self.stack

    def check(self, states: Int[Tensor, " batch"], frames: Int[Tensor, " batch"]) -> None:
        """Raise unless the states of every utterance cover its mel frames exactly.

        The last state may stand for up to `expand - 1` frames past the end, never for more.

        Raises:
            ValueError: names the first utterance of the batch that does not fit.
        """
        expected = self.states(frames)
        if not bool((states == expected).all()):
            bad = int((states != expected).nonzero()[0])
            raise ValueError(
                f"utterance {bad} of the batch has {int(states[bad])} states, but its "
                f"{int(frames[bad])} mel frames want {int(expected[bad])} "
                f"(expand {self.expand}, stack {self.stack})"
            )


def rate_of(stride: int, hop_length: int) -> Rate:
    """Rate of a layer of `stride` samples against a mel hop of `hop_length` samples.

    Raises:
        ValueError: neither divides the other.
    """
    if stride % hop_length == 0:
        return Rate(expand=stride // hop_length)
    if hop_length % stride == 0:
        return Rate(stack=hop_length // stride)
    raise ValueError(f"a stride of {stride} samples does not fit a mel hop of {hop_length}")


def states_between(
    timing: Timing,
    start: Int[Tensor, " span"],
    end: Int[Tensor, " span"],
    states: Int[Tensor, " span"],
) -> tuple[Int[Tensor, " span"], Int[Tensor, " span"]]:
    """The states whose centre lies in each span of samples `[start, end)`.

    A span that no centre falls into has the one state that is centred nearest to its middle.

    Args:
        timing: of the layer.
        start: first sample of each span.
        end: the sample behind its last one.
        states: how many states, at least one, the utterance of each span has.

    Returns:
        The first state of each span, and the one behind its last.
    """
    offset, scale = timing.offset.numerator, timing.offset.denominator
    step = timing.stride * scale
    first = (-((offset - start * scale) // step)).clamp(min=0)
    stop = torch.minimum(-((offset - end * scale) // step), states)
    nearest = ((start + end) * scale - 2 * offset + step) // (2 * step)
    nearest = torch.minimum(nearest, states - 1).clamp(min=0)
    empty = first >= stop
    return torch.where(empty, nearest, first), torch.where(empty, nearest + 1, stop)


def valid_mask(lengths: Int[Tensor, " batch"], frames: int) -> Tensor:
    """Boolean mask `(batch, frame)`: true where a frame lies inside its utterance."""
    return torch.arange(frames, device=lengths.device)[None, :] < lengths[:, None]
