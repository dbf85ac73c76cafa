"""VGG-LSTM of the resynthesis paper (section 3.1, after Hori et al. 2017)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from acoustics.errors import UserError
from acoustics.frames import Timing, pooled_length
from acoustics.mel import LogMel
from asr_models.blocks import BLSTMBlock, ConvBlock
from asr_models.frontend import CHANNELS, MelDeltas
from asr_models.layer import Layer
from asr_models.recogniser import FrameRecogniser
from corpora.text import DEFAULT_ALPHABET

POOL = 2


class VGGLSTM(FrameRecogniser):
    """4 convolutions with pooling after every second, then 5 BLSTM and CTC over characters.

    Layers `cnn1..cnn4` are tapped before their pooling, `blstm1..blstm5` behind their layer norm.
    The paper gives no widths: `channels` 64-64-128-128 with `hidden` 320 is our reading of the
    size usual for it, 16-16-32-32 with 96 is the embedded run's.

    Args:
        channels: of the four convolutions.
        hidden: units of each BLSTM per direction.
        n_mels: bands of the front-end.
        blstm_layers: number of BLSTM layers.
        dropout: on the input of each BLSTM, in training only.
        alphabet: characters; token `i + 1` is `alphabet[i]`, token 0 the blank.

    Raises:
        UserError: `channels` are not four.
    """

    def __init__(
        self,
        channels: Sequence[int] = (16, 16, 32, 32),
        hidden: int = 64,
        n_mels: int = 80,
        blstm_layers: int = 5,
        dropout: float = 0.0,
        alphabet: str = DEFAULT_ALPHABET,
    ) -> None:
        super().__init__()
        if len(channels) != 4:
            raise UserError(f"VGGLSTM: channels {list(channels)} must be four numbers")
        self.config = {
            "channels": list(channels),
            "hidden": hidden,
            "n_mels": n_mels,
            "blstm_layers": blstm_layers,
            "dropout": dropout,
            "alphabet": alphabet,
        }
        self.alphabet = alphabet
        self.log_mel = LogMel(n_mels=n_mels)
        self.frontend = MelDeltas(self.log_mel)
        widths = [CHANNELS, *channels]
        self.cnn = nn.ModuleList(ConvBlock(a, b) for a, b in pairwise(widths))
        self.cnn.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        bands = -(-n_mels // POOL**2)
        self.blstm = nn.ModuleList(
            BLSTMBlock(channels[-1] * bands if i == 0 else 2 * hidden, hidden, dropout)
            for i in range(blstm_layers)
        )
        self.head = nn.Linear(2 * hidden, len(alphabet) + 1)
        self.layers = self._describe(channels, hidden, n_mels, blstm_layers)

    def _describe(
        self, channels: Sequence[int], hidden: int, n_mels: int, blstm_layers: int
    ) -> dict[str, Layer]:
        timing, bands, layers = Timing(self.log_mel.hop_length), n_mels, []
        for i, width in enumerate(channels):
            layers.append(
                Layer(f"cnn{i + 1}", f"cnn.{i}", i + 1, timing, width * bands, features=width)
            )
            if i % 2:
                timing, bands = timing.pooled(POOL), -(-bands // POOL)
        for i in range(blstm_layers):
            depth = len(channels) + i + 1
            layers.append(
                Layer(f"blstm{i + 1}", f"blstm.{i}", depth, timing, 2 * hidden, 2 * hidden)
            )
        return {layer.name: layer for layer in layers}

    def from_frames(
        self, normal: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch state token"], Int[Tensor, " batch"]]:
        """Log-probabilities `(batch, state, token)` at a quarter of the mel rate."""
        frames, x = counts, self.frontend.expand(normal, counts)
        x = x.contiguous(memory_format=torch.channels_last)
        for i, block in enumerate(self.cnn):
            x = block(x, frames)
            if i % 2:
                x = nn.functional.max_pool2d(x, POOL, ceil_mode=True)
                frames = pooled_length(frames, POOL)
        x = x.permute(0, 2, 1, 3).flatten(2)
        for block in self.blstm:
            x = block(x, frames)
        return self.head(x).log_softmax(-1), frames
