"""Frames of a network that was not built here, brought to ours: padding, surplus states, offset.

A network of another make has states of its own number: wav2vec 2.0 gives one for every whole window
of 400 samples, 320 apart, and so fewer than the mel frames ask for. The sound is continued with
zeros, as for a mel frame at the edge, until each layer has a state for every mel frame (or group
of them); states that only the continuation has are left out. What that does to a layer's offset
is worked out here, in exact fractions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import torch
from jaxtyping import Int
from torch import Tensor

from acoustics.frames import Timing, mel_frames, rate_of


@dataclass(frozen=True)
class Natural:
    """When a layer's states happen in the network's own input.

    Attributes:
        stride: samples from one state to the next.
        centre: sample on which state 0 is centred.
        needs: samples of input without which there is no state 0.
    """

    stride: int
    centre: Fraction = Fraction(0)
    needs: int = 1

    def convolved(self, kernel: int, stride: int) -> "Natural":
        """Timing behind a convolution without padding over the states."""
        return Natural(
            self.stride * stride,
            self.centre + Fraction(self.stride * (kernel - 1), 2),
            self.needs + self.stride * (kernel - 1),
        )


class Alignment:
    """What makes a network's states fit the mel frames of `hop_length` samples.

    Args:
        layers: natural timing of each layer.
        hop_length: in samples.

    Attributes:
        left: zeros before the sound, in samples.
        surplus: states of each layer that lie before the sound and are left out.
        timings: stride and offset of what remains.

    Raises:
        ValueError: a stride neither divides the hop nor is divided by it.

    Example:
        >>> alignment = Alignment({"cnn7": Natural(320, Fraction(399, 2), 400)}, 160)
        >>> alignment.left, alignment.timings["cnn7"].offset
        (120, Fraction(159, 2))
        >>> alignment.padded(torch.tensor([16000]))
        tensor([16400])
    """

    def __init__(self, layers: Mapping[str, Natural], hop_length: int) -> None:
        self.layers, self.hop_length = dict(layers), hop_length
        self.rates = {name: rate_of(natural.stride, hop_length) for name, natural in layers.items()}
        wanted = {n: Fraction(natural.stride - hop_length, 2) for n, natural in layers.items()}
        late = [natural.centre - wanted[n] for n, natural in layers.items()]
        self.left = max(0, *(ceil(samples) for samples in late))
        self.surplus, self.timings = {}, {}
        for name, natural in layers.items():
            first = natural.centre - self.left
            cut = max(0, round((wanted[name] - first) / natural.stride))
            self.surplus[name] = cut
            self.timings[name] = Timing(natural.stride, first + cut * natural.stride)

    def states(self, layer: str, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """States that utterances of `lengths` samples have: those that their mel frames ask for."""
        return self.rates[layer].states(mel_frames(lengths, self.hop_length))

    def padded(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Samples to feed in, zeros before and behind included, for utterances of `lengths`."""
        wanted = [self.left + lengths]
        for name, natural in self.layers.items():
            last = self.surplus[name] + self.states(name, lengths) - 1
            wanted.append(last * natural.stride + natural.needs)
        return torch.stack(wanted).amax(0)
