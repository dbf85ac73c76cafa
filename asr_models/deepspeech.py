"""DeepSpeech as Mozilla built it (0.8; after Hannun et al. 2014, arXiv:1412.5567)."""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import pad

from acoustics.frames import Timing, valid_mask
from acoustics.mel import LogMel
from acoustics.mfcc import MFCC
from asr_models.frontend import Frontend
from asr_models.layer import Layer
from asr_models.recogniser import FrameRecogniser
from corpora.text import DEFAULT_ALPHABET

N_MELS, WINDOW, HOP, LOWEST_HZ = 40, 512, 320, 20.0  # TensorFlow's `mfcc`, 32 and 20 ms
CLIP = 20.0
SMALLEST_DEVIATION = 1e-3  # of a coefficient over an utterance
NAMES = ("layer_1", "layer_2", "layer_3", "rnn_output", "layer_5", "layer_6")


class ContextWindows(Frontend):
    """MFCCs, each with mean 0 and variance 1 over an utterance, and the frames around each frame.

    Mozilla's are not normalised; here a mask can set a coefficient to its mean, which is 0.

    Args:
        log_mel: the transform under the coefficients.
        n_mfcc: coefficients of a frame.
        context: frames before, and as many behind, that are read with each frame.
    """

    def __init__(self, log_mel: LogMel, n_mfcc: int, context: int) -> None:
        super().__init__(log_mel)
        self.mfcc, self.bands = MFCC(log_mel.n_mels, n_mfcc), n_mfcc
        self.context = context

    def from_log_mel(
        self, mel: Float[Tensor, "batch frame mel"]
    ) -> Float[Tensor, "batch frame band"]:
        """Coefficients of a log-mel spectrogram."""
        return self.mfcc(mel)

    def to_log_mel(
        self, frames: Float[Tensor, "batch frame band"]
    ) -> Float[Tensor, "batch frame mel"]:
        """The smoothest log-mel spectrogram with these coefficients."""
        return self.mfcc.inverse(frames)

    def normalise(
        self, frames: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch frame band"]:
        """Coefficients with mean 0 and variance 1 over an utterance; zero beyond it."""
        mask = valid_mask(counts, frames.shape[1])[..., None].to(frames.dtype)
        count = counts[:, None, None]
        change = (frames - frames[:, :1]) * mask  # of a coefficient that never changes exactly 0
        centred = (change - change.sum(1, keepdim=True) / count) * mask
        variance = centred.square().sum(1, keepdim=True) / count
        return centred / variance.clamp(min=SMALLEST_DEVIATION**2).sqrt()

    def expand(
        self, normal: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch frame window"]:
        """Windows `(batch, frame, window)`, frame after frame; zeros stand for frames outside."""
        around = pad(normal, (0, 0, self.context, self.context))
        windows = around.unfold(1, 2 * self.context + 1, 1).transpose(2, 3).flatten(2)
        return windows * valid_mask(counts, normal.shape[1])[..., None]


class DenseBlock(nn.Module):
    """Linear, layer norm if asked for, ReLU that stops at 20, and zeros beyond each utterance."""

    def __init__(self, width_in: int, width: int, layer_norm: bool, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(width_in, width)
        self.norm = nn.LayerNorm(width) if layer_norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "batch state width_in"], states: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state width"]:
        """States `(batch, state, width)`, from 0 to 20."""
        out = self.dropout(self.norm(self.linear(x)).clamp(0.0, CLIP))
        return out * valid_mask(states, x.shape[1])[..., None]


class ForwardLSTM(nn.Module):
    """LSTM in the direction of time, layer norm if asked for, and zeros beyond each utterance."""

    def __init__(self, width: int, layer_norm: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.norm = nn.LayerNorm(width) if layer_norm else nn.Identity()

    def forward(
        self, x: Float[Tensor, "batch state width"], states: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state width"]:
        """States `(batch, state, width)`; none depends on what follows it."""
        return self.norm(self.lstm(x)[0]) * valid_mask(states, x.shape[1])[..., None]


class Masked(nn.Module):
    """Zeros beyond each utterance, and nothing else: where the output can be tapped."""

    def forward(
        self, x: Float[Tensor, "batch state token"], states: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state token"]:
        """The same within each utterance."""
        return x * valid_mask(states, x.shape[1])[..., None]


class DeepSpeech(FrameRecogniser):
    """Three dense layers over windows of MFCCs, a forward LSTM, a dense layer, the output.

    Layers have the names of Mozilla's graph: `layer_1`, `layer_2`, `layer_3`, `rnn_output`,
    `layer_5` and `layer_6`, the last being the tokens' scores before the softmax. A state every
    20 ms, centred on the first of its two mel frames.

    What differs from Mozilla's: MFCCs are normalised per utterance, the window is Hann's periodic
    one, the first and the last frame are centred on the first and the last sample, and layer norm
    (Mozilla's option, there behind the ReLU) stands before it.

    Args:
        width: units of the dense layers and of the LSTM; Mozilla's have 2048.
        n_mfcc: coefficients of a frame.
        context: frames before, and as many behind, that are read with each frame.
        layer_norm: normalise each layer's states; without it a small one learns little.
        dropout: behind each dense layer, in training only.
        alphabet: characters; token `i + 1` is `alphabet[i]`, token 0 the blank.
    """

    def __init__(
        self,
        width: int = 256,
        n_mfcc: int = 26,
        context: int = 9,
        layer_norm: bool = True,
        dropout: float = 0.0,
        alphabet: str = DEFAULT_ALPHABET,
    ) -> None:
        super().__init__()
        self.config = {
            "width": width,
            "n_mfcc": n_mfcc,
            "context": context,
            "layer_norm": layer_norm,
            "dropout": dropout,
            "alphabet": alphabet,
        }
        self.alphabet = alphabet
        self.log_mel = LogMel(
            n_mels=N_MELS, win_length=WINDOW, n_fft=WINDOW, hop_length=HOP, f_min=LOWEST_HZ
        )
        self.frontend = ContextWindows(self.log_mel, n_mfcc, context)
        window = n_mfcc * (2 * context + 1)
        self.layer_1 = DenseBlock(window, width, layer_norm, dropout)
        self.layer_2 = DenseBlock(width, width, layer_norm, dropout)
        self.layer_3 = DenseBlock(width, width, layer_norm, dropout)
        self.rnn_output = ForwardLSTM(width, layer_norm)
        self.layer_5 = DenseBlock(width, width, layer_norm, dropout)
        self.head = nn.Linear(width, len(alphabet) + 1)
        self.layer_6 = Masked()
        widths = dict.fromkeys(NAMES, width) | {"layer_6": len(alphabet) + 1}
        kinds = {"layer_6": "feed-forward"}  # of the head, whose output is only masked there
        self.layers = {
            name: Layer(
                name, name, depth, Timing(HOP), widths[name], widths[name], kind=kinds.get(name, "")
            )
            for depth, name in enumerate(NAMES, start=1)
        }

    def from_frames(
        self, normal: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch state token"], Int[Tensor, " batch"]]:
        """Log-probabilities `(batch, state, token)` at half of the usual mel rate."""
        x = self.frontend.expand(normal, counts)
        for block in (self.layer_1, self.layer_2, self.layer_3, self.rnn_output, self.layer_5):
            x = block(x, counts)
        return self.layer_6(self.head(x), counts).log_softmax(-1), counts
