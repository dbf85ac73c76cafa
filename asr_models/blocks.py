"""Building blocks whose outputs are the states that are tapped."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

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
        return self.norm(self.conv(x)).mul_(mask).relu_()  # in place: a third of the memory


class BLSTMBlock(nn.Module):
    """Bidirectional LSTM on packed sequences, layer norm, and zeros beyond each utterance.

    A deep stack with PyTorch's initial weights passes on so little of its input that CTC may learn
    nothing for hundreds of steps. Here a layer starts out handing its input upwards: its gates are
    open, its memory is short and, where its width allows, its candidate is its input.
    """

    def __init__(self, width_in: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width_in, hidden, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(2 * hidden)
        self.dropout = nn.Dropout(dropout)
        with torch.no_grad():
            self._open_up()

    def _open_up(self) -> None:
        hidden, width = self.lstm.hidden_size, self.lstm.input_size
        carries = width == 2 * hidden
        for suffix, first in (("", 0), ("_reverse", hidden)):
            weight = getattr(self.lstm, f"weight_ih_l0{suffix}")
            recurrent = getattr(self.lstm, f"weight_hh_l0{suffix}")
            for gate in recurrent.chunk(4):
                nn.init.orthogonal_(gate, gain=0.3 if carries else 1.0)
            bound = (3 / width) ** 0.5
            weight.uniform_(-bound, bound)
            weight -= weight.mean(1, keepdim=True)  # deaf to what all inputs have in common
            if carries:
                weight *= 0.3
                weight[2 * hidden : 3 * hidden, first : first + hidden] += torch.eye(hidden)
            bias = getattr(self.lstm, f"bias_ih_l0{suffix}").zero_().view(4, hidden)
            bias[INPUT_GATE] = bias[OUTPUT_GATE] = OPEN
            bias[FORGET_GATE] = -OPEN
            getattr(self.lstm, f"bias_hh_l0{suffix}").zero_()

    def forward(
        self, x: Float[Tensor, "batch state width_in"], states: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state width"]:
        """States `(batch, state, width)`."""
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(x), states.cpu(), batch_first=True, enforce_sorted=False
        )
        out, _ = nn.utils.rnn.pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=x.shape[1]
        )
        return self.norm(out) * valid_mask(states, x.shape[1])[..., None]
