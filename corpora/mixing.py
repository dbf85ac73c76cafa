"""Speech and noise at a signal-to-noise ratio, measured where there is speech."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from corpora.corpus import SAMPLE_RATE

FRAME_S = 0.02
ACTIVE_BELOW_PEAK_DB = 40.0
CEILING = 0.99
SILENCE = 1e-10
"""Mean power (-100 dB re full scale) below which a signal counts as silent."""


class MixingError(ValueError):
    """The two signals have no signal-to-noise ratio: one of them is silent."""


@dataclass(frozen=True)
class Mixture:
    """What :func:`mix_at_snr` or :func:`corpora.room_acoustics.reverberate` made.

    Attributes:
        waveform: ``(sample,)`` speech plus noise, or in a room.
        clean: ``(sample,)`` the clean speech under ``waveform``, at the scale it has there.
        gain: Factor on the noise, or on the speech in the room, before ``scale``.
        scale: Factor on the mixture, at most 1, that keeps its peak at or below 0.99.
    """

    waveform: Float[np.ndarray, " sample"]
    clean: Float[np.ndarray, " sample"]
    gain: float
    scale: float


def active(speech: Float[np.ndarray, " sample"]) -> Bool[np.ndarray, " sample"]:
    """Where there is speech: frames of 20 ms at most 40 dB below the loudest frame.

    Returns:
        ``(sample,)`` True for every sample of an active frame; the last frame may be shorter.
    """
    frame = round(FRAME_S * SAMPLE_RATE)
    starts = np.arange(0, len(speech), frame)
    sizes = np.diff(np.append(starts, len(speech)))
    powers = np.add.reduceat(np.square(speech, dtype=np.float64), starts) / sizes
    loud = powers > powers.max() * 10 ** (-ACTIVE_BELOW_PEAK_DB / 10)
    return np.repeat(loud, sizes)


def mix_at_snr(
    speech: Float[np.ndarray, " sample"], noise: Float[np.ndarray, " noise_sample"], snr_db: float
) -> Mixture:
    """Add ``noise`` so that speech over noise power is ``snr_db`` on the speech's active part.

    Mixture and clean speech are scaled down together where the mixture would pass 0.99; nothing is
    ever clipped.

    Args:
        speech: ``(sample,)`` clean speech at 16 kHz.
        noise: ``(sample,)`` noise of the same length.
        snr_db: Signal-to-noise ratio in dB.

    Raises:
        MixingError: When speech or noise is silent where they are compared.
        ValueError: When the lengths differ.
    """
    if speech.shape != noise.shape:
        raise ValueError(f"speech has {len(speech)} samples, noise {len(noise)}")
    if len(speech) == 0:
        raise MixingError("empty speech")
    where = active(speech)
    speech_power = mean_power(speech[where]) if where.any() else 0.0
    noise_power = mean_power(noise[where]) if where.any() else 0.0
    if speech_power < SILENCE:
        raise MixingError("silent speech")
    if noise_power < SILENCE:
        raise MixingError("the noise is silent where the speech is active")
    gain = float(np.sqrt(speech_power / noise_power * 10 ** (-snr_db / 10)))
    mixture = speech + np.float32(gain) * noise
    scale = min(1.0, CEILING / float(np.abs(mixture).max()))
    return Mixture(mixture * np.float32(scale), speech * np.float32(scale), gain, scale)


def mean_power(signal: Float[np.ndarray, " sample"]) -> float:
    """Mean square of ``(sample,)``."""
    return float(np.mean(np.square(signal, dtype=np.float64)))


def looped(
    recording: Float[np.ndarray, " sample"], offset: int, count: int
) -> Float[np.ndarray, " out"]:
    """``count`` samples of a recording from ``offset`` on, from its beginning again at its end."""
    return recording[(offset + np.arange(count)) % len(recording)]
