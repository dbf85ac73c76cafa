"""The encoder of Whisper (Radford et al. 2022, arXiv:2212.04356) under study."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import gelu, pad
from torchaudio.functional import melscale_fbanks

from acoustics.errors import UserError
from acoustics.foreign_frames import Natural
from acoustics.mel import SAMPLE_RATE, LogMel
from asr_models.adapter import Adapter
from asr_models.foreign_states import TapPoint
from asr_models.hugging_face import check_one, plain_config, pretrained, random_model

N_FFT, HOP = 400, 160  # samples
LEAST_POWER, RANGE = 1e-10, 8.0  # floor, and decades kept below the loudest value
LOG_10 = 2.302585092994046


class WhisperMel(nn.Module):
    """Whisper's log-mel spectrogram of a window, as its own feature extractor makes it.

    Decades of power in bands of equal area, at most eight below the loudest, moved and scaled. It
    is built on `LogMel`: the bands' areas are factors, so they are summands behind the logarithm.

    Args:
        n_mels: bands.
        frames: of a window.
    """

    areas: Tensor

    def __init__(self, n_mels: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        # Lower than the floor that counts, which is taken behind the areas.
        self.log_mel = LogMel(n_mels=n_mels, n_fft=N_FFT, floor=1e-20, mel_scale="slaney", power=2)
        bins, top = N_FFT // 2 + 1, SAMPLE_RATE / 2
        normed = melscale_fbanks(bins, 0.0, top, n_mels, SAMPLE_RATE, "slaney", "slaney")
        peak = self.log_mel.bank.amax(0)  # 0 for a band between two bins: it stays at the floor
        areas = torch.where(peak > 0, normed.amax(0) / peak, 1.0)
        self.register_buffer("areas", areas.log(), persistent=False)

    def forward(self, window: Float[Tensor, "batch sample"]) -> Float[Tensor, "batch mel frame"]:
        """Bands `(batch, mel, frame)` of windows of `frames * 160` samples."""
        # Mirrored at both ends; with 120 more samples in front, two whole frames are too many.
        mirrored = pad(window, (N_FFT // 2, N_FFT // 2), mode="reflect")
        sound = pad(mirrored, (2 * HOP - N_FFT // 2, 0))
        lengths = torch.full((len(sound),), sound.shape[1], device=sound.device)
        mel = self.log_mel(sound, lengths)[0][:, 2 : 2 + self.frames]
        decades = (mel + self.areas).clamp(min=torch.tensor(LEAST_POWER).log().item()) / LOG_10
        kept = torch.maximum(decades, decades.amax((1, 2), keepdim=True) - RANGE)
        return (kept.transpose(1, 2) + 4.0) / 4.0


class WhisperEncoder(Adapter):
    """Whisper's encoder; every utterance stands at the beginning of a window of 30 s of silence.

    Layers: `cnn1` and `cnn2` behind their GELU, and `transformer1`, ..., what each layer hands on.
    States of the silence behind an utterance are left out. The encoder has no classes.

    Args:
        source: name on the hub, or folder, of a pretrained model.
        architecture: instead, values of a `WhisperConfig`; the weights are random.

    Raises:
        UserError: both or none of them are given, or the model cannot be had.
    """

    def __init__(
        self, source: str | None = None, architecture: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        check_one(type(self).__name__, source, architecture)
        if source is not None:
            encoder = pretrained("WhisperModel", source).encoder
        else:
            values = {"model_type": "whisper", **(architecture or {})}
            encoder = random_model("WhisperModel", values).encoder
        config = encoder.config
        self.config = {"source": None, "architecture": plain_config(config)}
        self.window = 2 * HOP * config.max_source_positions
        self.mel = WhisperMel(config.num_mel_bins, 2 * config.max_source_positions)
        width, fine, coarse = config.d_model, Natural(HOP), Natural(2 * HOP, Fraction(0))
        points = [
            TapPoint("cnn1", "conv1", fine, width, width, time_axis=2, activation=gelu),
            TapPoint("cnn2", "conv2", coarse, width, width, time_axis=2, activation=gelu),
        ]
        for i in range(config.encoder_layers):
            points.append(TapPoint(f"transformer{i + 1}", f"layers.{i}", coarse, width, width))
        self.attach(encoder, points)

    def listen(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state token"] | None:
        """One pass; there are no classes.

        Raises:
            UserError: an utterance is longer than the window.
        """
        if waveform.shape[1] > self.window:
            raise UserError(
                f"an utterance of {waveform.shape[1] / SAMPLE_RATE:.1f} s is too long for Whisper, "
                f"which hears {self.window / SAMPLE_RATE:g} s; cut it"
            )
        self.model(self.mel(pad(waveform, (0, self.window - waveform.shape[1]))))
        return None
