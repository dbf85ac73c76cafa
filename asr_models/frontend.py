"""The recognisers' input: log-mel with deltas and accelerations, normalised per utterance."""

from jaxtyping import Float, Int
from torch import Tensor, nn, stack
from torchaudio.functional import compute_deltas

from acoustics.frames import valid_mask
from acoustics.mel import LogMel

CHANNELS = 3  # mel, deltas, accelerations


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
