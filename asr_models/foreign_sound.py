"""Sound as a foreign network wants it."""

from jaxtyping import Float, Int
from torch import Tensor

from acoustics.errors import UserError
from acoustics.frames import valid_mask
from acoustics.mel import SAMPLE_RATE

VARIANCE_FLOOR = 1e-7  # as Hugging Face's; silence stays silent


def normalised(
    waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, "batch sample"]:
    """Each utterance with mean 0 and variance 1 over its own samples; zero beyond it.

    torchaudio's bundles take the whole padded batch together, so that a state would depend on its
    batch mates.
    """
    mask = valid_mask(lengths, waveform.shape[1]).to(waveform.dtype)
    count = lengths[:, None]
    centred = (waveform - (waveform * mask).sum(1, keepdim=True) / count) * mask
    variance = centred.square().sum(1, keepdim=True) / count
    return centred / (variance + VARIANCE_FLOOR).sqrt()


def check_sample_rate(rate: float, what: str) -> None:
    """Refuse a network for another sample rate.

    Raises:
        UserError: it is not 16 kHz.
    """
    if rate != SAMPLE_RATE:
        raise UserError(
            f"{what} hears {rate:g} Hz, but Otoscope's speech has {SAMPLE_RATE} Hz; take another"
        )
