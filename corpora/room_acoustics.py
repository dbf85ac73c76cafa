"""What a room does to speech, and for how long."""

import numpy as np
from jaxtyping import Float
from lhotse import MonoCut, Recording

from corpora.corpus import REVERB, SAMPLE_RATE
from corpora.mixing import CEILING, SILENCE, MixingError, Mixture, active, mean_power

ONSET = 0.25  # of the largest value: an arrival 12 dB below it may be the direct one
_LEAD = 32  # samples kept before the direct path: where a band-limited click rings ahead of itself


def direct_path(response: Float[np.ndarray, " tap"]) -> int:
    """Where the sound arrives first: the peak within 1 ms of the first value that is loud enough.

    Later reflections may be louder, up to 12 dB.

    Args:
        response: ``(tap,)`` impulse response of a room at 16 kHz.

    Raises:
        MixingError: When it is silent.
    """
    level = np.abs(response)
    if level.max(initial=0.0) ** 2 < SILENCE:
        raise MixingError("the impulse response is silent")
    first = int(np.argmax(level >= ONSET * level.max()))
    return first + int(np.argmax(level[first : first + SAMPLE_RATE // 1000]))


def reverberation_time_s(response: Float[np.ndarray, " tap"]) -> float:
    """RT60: the time in which sound falls by 60 dB, after its fall from -5 to -25 dB.

    Backward integration (Schroeder 1965), evaluated as ISO 3382 does for T20.

    Args:
        response: ``(tap,)`` impulse response of a room at 16 kHz.
    """
    energy = np.square(response[direct_path(response) :], dtype=np.float64)
    left = np.cumsum(energy[::-1])[::-1]
    level_db = 10 * np.log10(left[left > 0] / left[0])
    fall = np.flatnonzero((level_db <= -5) & (level_db >= -25))
    if len(fall) < 2:
        return 0.0  # it is over within a sample
    per_second = np.polyfit(fall / SAMPLE_RATE, level_db[fall], 1)[0]
    return float(-60 / per_second)


def reverberate(
    speech: Float[np.ndarray, " sample"], response: Float[np.ndarray, " tap"]
) -> Mixture:
    """Speech as a room makes it sound, as long, as loud where it is active, and not delayed.

    The direct path is moved to sample 0, so what was said when stays true. Reverberant and clean
    speech are scaled down together where the former would pass 0.99; nothing is ever clipped.

    Args:
        speech: ``(sample,)`` clean speech at 16 kHz.
        response: ``(tap,)`` impulse response of a room at 16 kHz, of any level and delay.

    Raises:
        MixingError: When speech or impulse response are silent.
    """
    from scipy.signal import oaconvolve  # here, for it takes a second to import

    if len(speech) == 0:
        raise MixingError("empty speech")
    arrival = direct_path(response)
    lead = min(arrival, _LEAD)
    wet = oaconvolve(speech, response[arrival - lead :])[lead : lead + len(speech)]
    where = active(speech)
    speech_power = mean_power(speech[where]) if where.any() else 0.0
    if speech_power < SILENCE:
        raise MixingError("silent speech")
    gain = float(np.sqrt(speech_power / mean_power(wet[where])))
    scale = min(1.0, CEILING / (gain * float(np.abs(wet).max())))
    wet = (wet * (gain * scale)).astype(np.float32)
    return Mixture(wet, speech * np.float32(scale), gain, scale)


def room_cut(recording: Recording) -> MonoCut:
    """The first channel of an impulse response, as the bank wants it."""
    name = recording.id
    cut = MonoCut(name, 0.0, recording.duration, recording.channel_ids[0], recording=recording)
    cut.custom = {"kind": REVERB}
    return cut
