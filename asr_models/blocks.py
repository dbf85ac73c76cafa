"""Building blocks whose outputs are the states that are tapped."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from acoustics.frames import valid_mask


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
        x = torch.relu(self.norm(self.conv(x)))
        return x * valid_mask(frames, x.shape[2])[:, None, :, None]


class BLSTMBlock(nn.Module):
    """Bidirectional LSTM on packed sequences, layer norm, and zeros beyond each utterance."""

    def __init__(self, width_in: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width_in, hidden, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(2 * hidden)
        self.dropout = nn.Dropout(dropout)

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
