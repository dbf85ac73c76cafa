"""The recognisers' input: frames of a waveform, normalised per utterance over its valid ones.

A front-end works in three steps that can be taken apart: `frames` (log-mel of a waveform),
`normalise` (frames whose mean is 0) and `expand` (what the first layer reads). Each can be
differentiated, in silence too.
"""

from abc import ABC, abstractmethod

from jaxtyping import Float, Int
from torch import Tensor, cat, nn, stack
from torchaudio.functional import compute_deltas

from acoustics.frames import valid_mask
from acoustics.mel import LogMel

CHANNELS = 3  # mel, deltas, accelerations
PRE_EMPHASIS = 0.97
SMALLEST_DEVIATION = 1e-3  # of an utterance; a quieter one is not blown up


class Frontend(nn.Module, ABC):
    """Waveform to what the first layer of a recogniser reads.

    Frames lie as those of `log_mel`: frame `t` is centred on sample `t * hop_length`. A front-end
    whose frames are not log-mel overrides `from_log_mel` and `to_log_mel`.

    Args:
        log_mel: the transform.
        pre_emphasis: share of the sample before that is taken from every sample.

    Attributes:
        bands: values of one frame.
    """

    bands: int

    def __init__(self, log_mel: LogMel, pre_emphasis: float = 0.0) -> None:
        super().__init__()
        self.log_mel = log_mel
        self.pre_emphasis = pre_emphasis
        self.bands = log_mel.n_mels

    def frames(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch frame band"], Int[Tensor, " batch"]]:
        """Frames `(batch, frame, band)` as measured, and how many of them are valid."""
        if self.pre_emphasis:
            steps = waveform[:, 1:] - self.pre_emphasis * waveform[:, :-1]
            waveform = cat([waveform[:, :1], steps], dim=1)
            waveform = waveform * valid_mask(lengths, waveform.shape[1])
        mel, counts = self.log_mel(waveform, lengths)
        return self.from_log_mel(mel), counts

    def from_log_mel(
        self, mel: Float[Tensor, "batch frame mel"]
    ) -> Float[Tensor, "batch frame band"]:
        """Frames of a log-mel spectrogram."""
        return mel

    def to_log_mel(
        self, frames: Float[Tensor, "batch frame band"]
    ) -> Float[Tensor, "batch frame mel"]:
        """The log-mel spectrogram that frames (not normalised ones) describe, to be heard."""
        return frames

    @abstractmethod
    def normalise(
        self, frames: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch frame band"]:
        """Frames with mean 0 over the valid ones of an utterance; zero beyond them."""

    @abstractmethod
    def expand(
        self, normal: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> Tensor:
        """What the first layer reads of normalised frames: with deltas, context, axes of its own.

        Frames beyond an utterance must be zero.
        """

    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Tensor, Int[Tensor, " batch"]]:
        """All three steps: what the first layer reads, and valid frames."""
        frames, counts = self.frames(waveform, lengths)
        return self.expand(self.normalise(frames, counts), counts), counts


class MelDeltas(Frontend):
    """Mel, deltas and accelerations as three channels (the resynthesis paper, section 3.1).

    Each utterance is brought to zero mean and unit variance over its own valid frames. One mean
    and one variance for all bands: the spectral shape, and so the voice, is left alone.
    """

    def __init__(self, log_mel: LogMel) -> None:
        super().__init__(log_mel)

    def normalise(
        self, frames: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch frame band"]:
        """Frames with mean 0 and variance 1 over all bands together; zero beyond an utterance."""
        mask = valid_mask(counts, frames.shape[1])[..., None].to(frames.dtype)
        count = (counts * frames.shape[2])[:, None, None]
        mean = (frames * mask).sum((1, 2), keepdim=True) / count
        centred = (frames - mean) * mask
        variance = centred.square().sum((1, 2), keepdim=True) / count
        # Limited before the root, whose slope at 0 is infinite.
        return centred / variance.clamp(min=SMALLEST_DEVIATION**2).sqrt()

    def expand(
        self, normal: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch channel frame band"]:
        """Channels `(batch, 3, frame, band)`: frames, deltas, accelerations."""
        mask = valid_mask(counts, normal.shape[1])[..., None].to(normal.dtype)
        delta = self._slope(normal) * mask
        acceleration = self._slope(delta) * mask
        return stack([normal, delta, acceleration], dim=1)

    @staticmethod
    def _slope(values: Tensor) -> Tensor:
        # Continued with zeros, not with the last frame: the same alone and in a padded batch.
        return compute_deltas(values.transpose(1, 2), mode="constant").transpose(1, 2)


class NormalisedBands(Frontend):
    """Pre-emphasis and log-mel, each band with mean 0 and variance 1 over an utterance.

    What Jasper hears (Li et al. 2019; NVIDIA's `per_feature`): the average spectrum, and so part of
    the voice and of the channel, is taken away.
    """

    def __init__(self, log_mel: LogMel) -> None:
        super().__init__(log_mel, PRE_EMPHASIS)

    def normalise(
        self, frames: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch frame band"]:
        """Frames with mean 0 and variance 1 in every band; zero beyond an utterance."""
        mask = valid_mask(counts, frames.shape[1])[..., None].to(frames.dtype)
        count = counts[:, None, None]
        change = (frames - frames[:, :1]) * mask  # of a band that never changes exactly 0
        centred = (change - change.sum(1, keepdim=True) / count) * mask
        variance = centred.square().sum(1, keepdim=True) / (count - 1).clamp(min=1)
        # The limit changes no value, but keeps the root's slope finite where nothing changes.
        return centred / (variance.clamp(min=1e-30).sqrt() + 1e-5)

    def expand(
        self, normal: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch band frame 1"]:
        """Bands as channels, `(batch, band, frame, 1)`."""
        return normal.transpose(1, 2)[..., None]
