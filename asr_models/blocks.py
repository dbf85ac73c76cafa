"""Building blocks whose outputs are the states that are tapped."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from acoustics.frames import valid_mask

INPUT_GATE, FORGET_GATE, OUTPUT_GATE = 0, 1, 3  # rows of PyTorch's LSTM; 2 is the candidate
OPEN = 2.0  # initial bias of an open gate


class ConvBlock(nn.Module):
    """3 x 3 convolution, batch norm, ReLU, and zeros beyond each utterance."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(
        self, x: Float[Tensor, "batch channel_in frame mel"], frames: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch channel frame mel"]:
        """States `(batch, channel, frame, mel)`."""
        mask = valid_mask(frames, x.shape[2])[:, None, :, None]
        out = conv_norm(x, self.conv, self.norm)
        return out.mul_(mask).relu_()  # in place: a third of the memory


def conv_norm(
    x: Float[Tensor, "batch channel_in frame bin"], conv: nn.Conv2d, norm: nn.Module
) -> Float[Tensor, "batch channel frame_out bin_out"]:
    """Convolution without bias and batch norm; outside training the norm is a scale and a shift."""
    assert isinstance(norm, nn.BatchNorm2d)  # noqa: S101 - for the type checker
    if norm.training:
        return norm(conv(x))
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None and variance is not None  # noqa: S101 - for the type checker
    scale = norm.weight * (variance + norm.eps).rsqrt()
    weight, shift = conv.weight * scale[:, None, None, None], norm.bias - mean * scale
    return functional.conv2d(x, weight, shift, conv.stride, conv.padding, conv.dilation)


class BLSTMBlock(nn.Module):
    """Bidirectional LSTM, layer norm, and zeros beyond each utterance.

    The second direction reads every utterance reversed at its own length, so padding changes
    nothing, as with packed sequences; on a CPU whole batches are three times faster than those.

    A deep stack with PyTorch's initial weights passes on so little of its input that CTC may learn
    nothing for hundreds of steps. Here a layer starts out handing its input upwards: its gates are
    open, its memory is short and, where its width allows, its candidate is its input.
    """

    def __init__(self, width_in: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.ahead = nn.LSTM(width_in, hidden, batch_first=True)
        self.back = nn.LSTM(width_in, hidden, batch_first=True)
        self.norm = nn.LayerNorm(2 * hidden)
        self.dropout = nn.Dropout(dropout)
        with torch.no_grad():
            open_up(self.ahead, 0)
            open_up(self.back, hidden)

    def forward(
        self, x: Float[Tensor, "batch state width_in"], states: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state width"]:
        """States `(batch, state, width)`."""
        x = self.dropout(x)
        turned = reversal(states, x.shape[1])[..., None]
        back = self.back(x.gather(1, turned.expand_as(x)))[0]
        back = back.gather(1, turned.expand_as(back))
        out = self.norm(torch.cat([self.ahead(x)[0], back], dim=-1))
        return out * valid_mask(states, x.shape[1])[..., None]


def reversal(lengths: Int[Tensor, " batch"], count: int) -> Int[Tensor, "batch state"]:
    """Indices that reverse each utterance at its own length and leave its padding in place."""
    here = torch.arange(count, device=lengths.device).expand(len(lengths), -1)
    return torch.where(here < lengths[:, None], lengths[:, None] - 1 - here, here)


def open_up(lstm: nn.LSTM, first: int) -> None:
    """Open the gates of a new LSTM; if twice its width comes in, hand on half from `first`."""
    hidden, width = lstm.hidden_size, lstm.input_size
    carries = width == 2 * hidden
    weight, recurrent, bias, other_bias = lstm.all_weights[0]
    for gate in recurrent.chunk(4):
        nn.init.orthogonal_(gate, gain=0.3 if carries else 1.0)
    bound = (3 / width) ** 0.5
    weight.uniform_(-bound, bound)
    weight.sub_(weight.mean(1, keepdim=True))  # deaf to what all inputs have in common
    if carries:
        weight.mul_(0.3)
        weight[2 * hidden : 3 * hidden, first : first + hidden] += torch.eye(hidden)
    gates = bias.zero_().view(4, hidden)
    gates[INPUT_GATE] = gates[OUTPUT_GATE] = OPEN
    gates[FORGET_GATE] = -OPEN
    other_bias.zero_()
