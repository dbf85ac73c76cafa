"""Jasper's building blocks: a dense block of sub-blocks, each tapped behind its ReLU.

Time is the only axis of these convolutions. They are 2-D with a second axis of 1, so a state
`(batch, channel, state, 1)` is tapped, normed and calibrated like that of every other convolution.
"""

from collections.abc import Sequence

from jaxtyping import Bool, Float
from torch import Tensor, nn

from asr_models.blocks import conv_norm

EPSILON = 1e-3  # of the batch norms in NVIDIA's weights


class ConvNorm(nn.Module):
    """Convolution over time without bias, then batch norm; as many states as before per `stride`.

    Args:
        channels_in, channels: before and behind it.
        kernel: an odd number of states.
        stride, dilation: in states.
    """

    def __init__(
        self, channels_in: int, channels: int, kernel: int, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels_in,
            channels,
            (kernel, 1),
            stride=(stride, 1),
            padding=(kernel // 2 * dilation, 0),
            dilation=(dilation, 1),
            bias=False,
        )
        self.norm = nn.BatchNorm2d(channels, eps=EPSILON)

    def forward(
        self, x: Float[Tensor, "batch channel_in state_in 1"]
    ) -> Float[Tensor, "batch channel state 1"]:
        """What is not yet masked, `(batch, channel, state, 1)`."""
        return conv_norm(x, self.conv, self.norm)


class SubBlock(nn.Module):
    """Convolution, batch norm, shortcuts if any, ReLU, zeros beyond each utterance, dropout.

    Args:
        main: the convolution and its batch norm.
        channels: behind it.
        shortcuts: channels of each earlier input that is added, through a 1 x 1 convolution and
            batch norm of its own, before the ReLU.
        dropout: in training only.
    """

    def __init__(
        self, main: ConvNorm, channels: int, dropout: float, shortcuts: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.main = main
        self.shortcuts = nn.ModuleList(ConvNorm(n, channels, 1) for n in shortcuts)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "batch channel_in state_in 1"],
        mask: Bool[Tensor, "batch 1 state 1"],
        earlier: Sequence[Tensor] = (),
    ) -> Float[Tensor, "batch channel state 1"]:
        """States `(batch, channel, state, 1)`; `earlier` are the inputs of the shortcuts."""
        out = self.main(x)
        for shortcut, given in zip(self.shortcuts, earlier, strict=True):
            out += shortcut(given)
        return self.dropout(out.mul_(mask).relu_())  # in place: a third of the memory


class DenseBlock(nn.Module):
    """Sub-blocks in a row; the last one also gets the inputs of this and all blocks before.

    Args:
        inputs: channels of the inputs of this block (the last one) and of all before.
        channels: of every sub-block.
        kernel: of every sub-block's convolution, an odd number of states.
        sub_blocks: how many.
        dropout: in training only.
    """

    def __init__(
        self, inputs: Sequence[int], channels: int, kernel: int, sub_blocks: int, dropout: float
    ) -> None:
        super().__init__()
        self.subs = nn.ModuleList(
            SubBlock(
                ConvNorm(inputs[-1] if i == 0 else channels, channels, kernel),
                channels,
                dropout,
                inputs if i == sub_blocks - 1 else (),
            )
            for i in range(sub_blocks)
        )

    def forward(
        self, inputs: Sequence[Tensor], mask: Bool[Tensor, "batch 1 state 1"]
    ) -> Float[Tensor, "batch channel state 1"]:
        """States of the last sub-block, from the inputs of this and all blocks before."""
        x = inputs[-1]
        *inner, last = self.subs
        for sub in inner:
            x = sub(x, mask)
        return last(x, mask, inputs)
