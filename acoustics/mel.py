"""`LogMel`: the one implementation of mel, for front-ends, probe targets and the vocoder."""

from typing import Literal, NotRequired, TypedDict

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from acoustics.frames import mel_frames, valid_mask

SAMPLE_RATE, HOP_LENGTH = 16000, 160
HOP_S = HOP_LENGTH / SAMPLE_RATE
"""Seconds from one frame to the next, where nothing else is asked for."""

MelScale = Literal["htk", "slaney"]


class MelConfig(TypedDict):
    """What fixes a `LogMel`; a checkpoint stores it and refuses another one.

    The last two are there only where they are not the usual ones.
    """

    sample_rate: int
    n_mels: int
    win_length: int
    hop_length: int
    n_fft: int
    f_min: float
    f_max: float
    floor: float
    mel_scale: NotRequired[MelScale]
    power: NotRequired[int]


class LogMel(nn.Module):
    """Natural logarithm of a mel-weighted magnitude (or power) spectrum.

    Frames are centred and the signal is continued with zeros, so the padding of a batch changes
    nothing: an utterance of `n` samples has `n // hop_length + 1` frames, frame `t` centred on
    sample `t * hop_length`.

    Args:
        sample_rate: in Hz.
        n_mels: mel bands between `f_min` and `f_max` Hz (default: half the sample rate).
        win_length, hop_length, n_fft: in samples.
        floor: magnitudes (or powers) below it are raised to it before the logarithm.
        mel_scale: where the bands lie: `htk`, or `slaney`, which is linear up to 1 kHz.
        power: of the magnitudes that are weighted: 1, or 2 for a power spectrum.

    Example:
        >>> mel, frames = LogMel()(torch.zeros(1, 1600), torch.tensor([1600]))
        >>> tuple(mel.shape), frames.tolist()
        ((1, 11, 80), [11])
    """

    window: Tensor
    bank: Tensor

    def __init__(
        self,
        sample_rate: int = SAMPLE_RATE,
        n_mels: int = 80,
        win_length: int = 400,
        hop_length: int = HOP_LENGTH,
        n_fft: int = 512,
        f_min: float = 0.0,
        f_max: float | None = None,
        floor: float = 1e-3,
        mel_scale: MelScale = "htk",
        power: Literal[1, 2] = 1,
    ) -> None:
        super().__init__()
        top = sample_rate / 2 if f_max is None else f_max
        self.config: MelConfig = {
            "sample_rate": sample_rate,
            "n_mels": n_mels,
            "win_length": win_length,
            "hop_length": hop_length,
            "n_fft": n_fft,
            "f_min": float(f_min),
            "f_max": float(top),
            "floor": floor,
        }
        if mel_scale != "htk":
            self.config["mel_scale"] = mel_scale
        if power != 1:
            self.config["power"] = power
        self.power = power
        bank = melscale_fbanks(n_fft // 2 + 1, f_min, top, n_mels, sample_rate, mel_scale=mel_scale)
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("window", torch.hann_window(win_length), persistent=False)

    @property
    def n_mels(self) -> int:
        """Mel bands."""
        return self.config["n_mels"]

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return self.config["hop_length"]

    @property
    def silence(self) -> float:
        """Value of a band without energy."""
        return float(torch.tensor(self.config["floor"]).log())

    def stft(self, waveform: Float[Tensor, "batch sample"]) -> Tensor:
        """Complex spectrum `(batch, bin, frame)`."""
        return torch.stft(
            waveform,
            self.config["n_fft"],
            self.config["hop_length"],
            self.config["win_length"],
            self.window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )

    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch frame mel"], Int[Tensor, " batch"]]:
        """Log-mel `(batch, frame, mel)` and its valid frames; `silence` beyond them.

        `waveform` must be zero beyond `lengths` (in samples).

        Raises:
            ValueError: a length exceeds the waveform.
        """
        if int(lengths.max()) > waveform.shape[1]:
            raise ValueError(f"length {int(lengths.max())} exceeds {waveform.shape[1]} samples")
        spectrum = self.stft(waveform).abs().pow(self.power).transpose(1, 2)
        mel = (spectrum @ self.bank).clamp(min=self.config["floor"]).log()
        frames = mel_frames(lengths, self.hop_length)
        mel = mel[:, : int(frames.max())]
        return mel.masked_fill(~valid_mask(frames, mel.shape[1])[..., None], self.silence), frames
