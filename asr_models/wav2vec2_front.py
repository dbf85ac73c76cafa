"""What all of wav2vec 2.0's family have in front: convolutions over the waveform.

The smaller ones normalise the first convolution's channels over the whole row of a batch, padding
included (torchaudio issue 2242). Here each utterance is normalised over its own states.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from acoustics.foreign_frames import Natural
from acoustics.frames import valid_mask
from asr_models.foreign_states import TapPoint


class UtteranceGroupNorm(nn.GroupNorm):
    """A group norm with one channel per group, over the valid states of each utterance.

    Args:
        norm: what it replaces; its weights are shared.

    Attributes:
        lengths: valid states of each utterance of the batch to come; None: all are.
    """

    lengths: Int[Tensor, " batch"] | None = None

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__(norm.num_groups, norm.num_channels, norm.eps, norm.affine)
        self.weight, self.bias = norm.weight, norm.bias

    def forward(
        self, x: Float[Tensor, "batch channel state"]
    ) -> Float[Tensor, "batch channel state"]:
        """Each channel with mean 0 and variance 1 over each utterance, then scaled and shifted."""
        if self.lengths is None or bool((self.lengths == x.shape[2]).all()):
            return super().forward(x)
        mask = valid_mask(self.lengths, x.shape[2])[:, None].to(x.dtype)
        count = self.lengths[:, None, None]
        centred = x - (x * mask).sum(2, keepdim=True) / count
        variance = (centred.square() * mask).sum(2, keepdim=True) / count
        normal = centred * (variance + self.eps).rsqrt()
        return normal * self.weight[:, None] + self.bias[:, None]


class ConvFront:
    """The convolutions of a network of the family, their timing and their first norm.

    Args:
        blocks: modules with `conv` and `layer_norm`, in order of depth; a group norm is replaced.
        path: of the list of them within the network.
    """

    def __init__(self, blocks: nn.ModuleList, path: str) -> None:
        self.blocks: list[Any] = [*blocks]
        self.path = path
        self.norms: list[tuple[UtteranceGroupNorm, Natural]] = []
        self.naturals: list[Natural] = []
        natural = Natural(1, Fraction(0), 1)
        for block in self.blocks:
            conv = block.conv
            natural = natural.convolved(conv.kernel_size[0], conv.stride[0])
            self.naturals.append(natural)
            norm = getattr(block, "layer_norm", None)
            if isinstance(norm, nn.GroupNorm) and norm.num_groups == norm.num_channels:
                block.layer_norm = UtteranceGroupNorm(norm)
                self.norms.append((block.layer_norm, natural))

    def points(self, take: str) -> list[TapPoint]:
        """`cnn1`, `cnn2`, ...: states behind norm and non-linearity."""
        return [
            TapPoint(
                f"cnn{i}",
                f"{self.path}.{i - 1}",
                natural,
                block.conv.out_channels,
                block.conv.out_channels,
                take=take,
                time_axis=2,
            )
            for i, (block, natural) in enumerate(zip(self.blocks, self.naturals, strict=True), 1)
        ]

    def transformer_points(self, path: str, count: int, width: int, take: str) -> list[TapPoint]:
        """`transformer1`, ...: what each layer hands on, as often as the last convolution."""
        return [
            TapPoint(f"transformer{i + 1}", f"{path}.{i}", self.naturals[-1], width, width, take)
            for i in range(count)
        ]

    @contextmanager
    def lengths(self, samples: Int[Tensor, " batch"]) -> Iterator[None]:
        """Tell the norms how much of the batch is sound while a pass is made."""
        try:
            for norm, natural in self.norms:
                norm.lengths = (samples - natural.needs) // natural.stride + 1
            yield
        finally:
            for norm, _ in self.norms:
                norm.lengths = None
