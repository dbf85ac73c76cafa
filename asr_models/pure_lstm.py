"""Pure-LSTM of the resynthesis paper (section 3.1): nothing but BLSTM, ever slower with depth."""

from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor, nn

from acoustics.errors import UserError
from acoustics.frames import Timing, pooled_length, valid_mask
from acoustics.mel import LogMel
from asr_models.blocks import BLSTMBlock
from asr_models.frontend import CHANNELS, MelDeltas
from asr_models.layer import Layer
from asr_models.recogniser import FrameRecogniser
from corpora.text import DEFAULT_ALPHABET

POOL = 2


def halved(
    x: Float[Tensor, "batch state width"], states: Int[Tensor, " batch"]
) -> Float[Tensor, "batch half width"]:
    """Mean of each pair of states; an odd last state stays as it is, whatever pads it.

    Dropping every second state instead would centre a state beside the frames it stands for.
    """
    pairs = nn.functional.pad(x, (0, 0, 0, x.shape[1] % POOL)).unflatten(1, (-1, POOL))
    kept = valid_mask(states, x.shape[1] + x.shape[1] % POOL).unflatten(1, (-1, POOL))
    return pairs.sum(2) / kept.sum(2).clamp(min=1)[..., None]


class PureLSTM(FrameRecogniser):
    """5 BLSTM over mel, deltas and accelerations, with half as many states after 2, 3 and 4.

    Layers `blstm1..blstm5` are tapped behind their layer norm and before the down-sampling. The
    last one has a state every 80 ms, fewer than English has letters, so each of them says
    `tokens_per_state` tokens: CTC then sees the token rate of the VGG-LSTM. The paper gives no
    widths and no output units; `hidden` 320 is our reading of the size usual for it.

    Args:
        hidden: units of each BLSTM per direction.
        n_mels: bands of the front-end.
        blstm_layers: number of BLSTM layers.
        downsample_after: layers, counted from 1, behind which pairs of states are averaged.
        tokens_per_state: tokens that each state of the last layer says.
        dropout: on the input of each BLSTM, in training only.
        alphabet: characters; token `i + 1` is `alphabet[i]`, token 0 the blank.

    Raises:
        UserError: `downsample_after` names a layer that is not there or has none behind it.
    """

    def __init__(
        self,
        hidden: int = 96,
        n_mels: int = 80,
        blstm_layers: int = 5,
        downsample_after: Sequence[int] = (2, 3, 4),
        tokens_per_state: int = 2,
        dropout: float = 0.0,
        alphabet: str = DEFAULT_ALPHABET,
    ) -> None:
        super().__init__()
        self.downsample_after = set(downsample_after)
        if not self.downsample_after <= set(range(1, blstm_layers)):
            raise UserError(
                f"PureLSTM: downsample_after {list(downsample_after)} must name layers "
                f"between 1 and {blstm_layers - 1}"
            )
        self.config = {
            "hidden": hidden,
            "n_mels": n_mels,
            "blstm_layers": blstm_layers,
            "downsample_after": sorted(self.downsample_after),
            "tokens_per_state": tokens_per_state,
            "dropout": dropout,
            "alphabet": alphabet,
        }
        self.alphabet, self.tokens_per_state = alphabet, tokens_per_state
        self.log_mel = LogMel(n_mels=n_mels)
        self.frontend = MelDeltas(self.log_mel)
        self.blstm = nn.ModuleList(
            BLSTMBlock(CHANNELS * n_mels if i == 0 else 2 * hidden, hidden, dropout)
            for i in range(blstm_layers)
        )
        self.head = nn.Linear(2 * hidden, tokens_per_state * (len(alphabet) + 1))
        timing = Timing(self.log_mel.hop_length)
        self.layers = {}
        for depth in range(1, blstm_layers + 1):
            name = f"blstm{depth}"
            self.layers[name] = Layer(
                name, f"blstm.{depth - 1}", depth, timing, 2 * hidden, 2 * hidden
            )
            if depth in self.downsample_after:
                timing = timing.pooled(POOL)

    def from_frames(
        self, normal: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch step token"], Int[Tensor, " batch"]]:
        """Log-probabilities `(batch, step, token)`, `tokens_per_state` steps to a state."""
        states, x = counts, self.frontend.expand(normal, counts)
        x = x.transpose(1, 2).flatten(2)
        for depth, block in enumerate(self.blstm, start=1):
            x = block(x, states)
            if depth in self.downsample_after:
                x, states = halved(x, states), pooled_length(states, POOL)
        tokens = self.head(x).unflatten(-1, (self.tokens_per_state, -1)).flatten(1, 2)
        return tokens.log_softmax(-1), states * self.tokens_per_state
