"""The recognisers' input: log-mel, normalised per utterance over its valid frames."""

from jaxtyping import Float, Int
from torch import Tensor, cat, nn, stack
from torchaudio.functional import compute_deltas

from acoustics.frames import valid_mask
from acoustics.mel import LogMel

CHANNELS = 3  # mel, deltas, accelerations
PRE_EMPHASIS = 0.97


class MelDeltas(nn.Module):
    """Mel, deltas and accelerations as three channels (the resynthesis paper, section 3.1).

    Each utterance is brought to zero mean and unit variance over its own valid frames. One mean
    and one variance for all bands: the spectral shape, and so the voice, is left alone.
    """

    def __init__(self, log_mel: LogMel) -> None:
        super().__init__()
        self.log_mel = log_mel

    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch channel frame mel"], Int[Tensor, " batch"]]:
        """Channels `(batch, 3, frame, mel)`, zero beyond each utterance, and valid frames."""
        mel, frames = self.log_mel(waveform, lengths)
        mask = valid_mask(frames, mel.shape[1])[..., None].to(mel.dtype)
        count = (frames * self.log_mel.n_mels)[:, None, None]
        mean = (mel * mask).sum((1, 2), keepdim=True) / count
        centred = (mel - mean) * mask
        deviation = (centred.square().sum((1, 2), keepdim=True) / count).sqrt()
        static = centred / deviation.clamp(min=1e-3)
        delta = self._slope(static) * mask
        acceleration = self._slope(delta) * mask
        return stack([static, delta, acceleration], dim=1), frames

    @staticmethod
    def _slope(values: Tensor) -> Tensor:
        # Continued with zeros, not with the last frame: the same alone and in a padded batch.
        return compute_deltas(values.transpose(1, 2), mode="constant").transpose(1, 2)


class NormalisedBands(nn.Module):
    """Pre-emphasis and log-mel, each band with mean 0 and variance 1 over an utterance.

    What Jasper hears (Li et al. 2019; NVIDIA's `per_feature`): the average spectrum, and so part of
    the voice and of the channel, is taken away.
    """

    def __init__(self, log_mel: LogMel) -> None:
        super().__init__()
        self.log_mel = log_mel

    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch mel frame 1"], Int[Tensor, " batch"]]:
        """Bands as channels `(batch, mel, frame, 1)`, zero beyond each utterance, valid frames."""
        steps = waveform[:, 1:] - PRE_EMPHASIS * waveform[:, :-1]
        sharp = cat([waveform[:, :1], steps], dim=1) * valid_mask(lengths, waveform.shape[1])
        mel, frames = self.log_mel(sharp, lengths)
        mask = valid_mask(frames, mel.shape[1])[..., None].to(mel.dtype)
        count = frames[:, None, None]
        change = (mel - mel[:, :1]) * mask  # of a band that never changes exactly 0
        centred = (change - change.sum(1, keepdim=True) / count) * mask
        variance = centred.square().sum(1, keepdim=True) / (count - 1).clamp(min=1)
        normal = centred / (variance.sqrt() + 1e-5)
        return normal.transpose(1, 2)[..., None], frames
