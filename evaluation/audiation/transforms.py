"""Small changes of an input, new ones at every step, that an audiation must survive.

A transform takes signals `(row, sample)` or log-mel `(row, frame, mel)`: time is axis 1. Time is
circular, as it is for the Fourier coefficients that a waveform is made of.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from acoustics.errors import UserError
from evaluation.audiation.draws import Draws


class Transform(ABC):
    """A random change of every row of a batch.

    Attributes:
        spectral: applies to log-mel too, not to waveforms only.
    """

    spectral: bool = True

    @abstractmethod
    def __call__(
        self, signal: Float[Tensor, "row time *rest"], draws: Draws, rate: float
    ) -> Float[Tensor, "row time *rest"]:
        """The changed signals.

        Args:
            signal: waveforms, or log-mel.
            draws: the random numbers of the rows.
            rate: samples, or frames, of a second.
        """


class Chain(Transform):
    """One transform after the other; none leaves signals as they are."""

    def __init__(self, parts: Sequence[Transform] = ()) -> None:
        self.parts = list(parts)
        self.spectral = all(part.spectral for part in self.parts)

    def __call__(
        self, signal: Float[Tensor, "row time *rest"], draws: Draws, rate: float
    ) -> Float[Tensor, "row time *rest"]:
        """All of them, in order."""
        for part in self.parts:
            signal = part(signal, draws, rate)
        return signal


class TimeShift(Transform):
    """Moves a signal by up to `most_s` seconds, earlier or later."""

    def __init__(self, most_s: float = 0.01) -> None:
        self.most_s = not_negative("TimeShift", "most_s", most_s)

    def __call__(
        self, signal: Float[Tensor, "row time *rest"], draws: Draws, rate: float
    ) -> Float[Tensor, "row time *rest"]:
        """Each row later by a whole number of samples or frames of its own."""
        most = self.most_s * rate
        shift = draws.uniform(-most, most).round().long().to(signal.device)
        here = torch.arange(signal.shape[1], device=signal.device)
        return at(signal, here - shift[:, None])


class Noise(Transform):
    """Adds Gaussian noise, `snr_db` below the deviation of a row."""

    def __init__(self, snr_db: float = 25.0) -> None:
        self.snr_db = snr_db

    def __call__(
        self, signal: Float[Tensor, "row time *rest"], draws: Draws, rate: float
    ) -> Float[Tensor, "row time *rest"]:
        """Each row with noise of its own."""
        rest = tuple(range(1, signal.ndim))
        still = signal.detach()
        centred = still - still.mean(rest, keepdim=True)
        # Not `std`, which is ten times slower.
        power = centred.square().sum(rest, keepdim=True) / (centred[0].numel() - 1)
        deviation = power.sqrt() * 10 ** (-self.snr_db / 20)
        return signal + deviation * draws.normal(*signal.shape[1:]).to(signal)


class Resample(Transform):
    """Plays a signal faster or slower by a factor of up to `1 + most`, around its middle.

    By cubic interpolation (Catmull-Rom), whose weights sum to 1.
    """

    def __init__(self, most: float = 0.01) -> None:
        self.most = not_negative("Resample", "most", most)

    def __call__(
        self, signal: Float[Tensor, "row time *rest"], draws: Draws, rate: float
    ) -> Float[Tensor, "row time *rest"]:
        """As many samples or frames as before; what comes in at an end left at the other."""
        count = signal.shape[1]
        limit = math.log1p(self.most)
        factor = draws.uniform(-limit, limit).exp().to(signal)
        here = torch.arange(count, device=signal.device)
        moved = (here - (count - 1) / 2) * (factor - 1)[:, None]  # exact enough: it is small
        whole = moved.floor()
        u = moved - whole
        v = 1 - u
        outer, inner = -u * v * v / 2, -v * u * u / 2
        weights = (outer, v + inner - 2 * outer, u + outer - 2 * inner, inner)
        # Four neighbours each: the circle is closed once, not at every look-up.
        first = (here + whole.long() - 1) % count
        circle = torch.cat([signal, at(signal, here.new_tensor([[0, 1, 2]] * len(signal)))], 1)
        out = torch.zeros_like(signal)
        for offset, weight in enumerate(weights):
            shape = weight.shape + (1,) * (signal.ndim - 2)
            out = out + weight.view(shape) * taken(circle, first + offset)
        return out


class Gain(Transform):
    """Makes a waveform louder or softer by up to `most_db`."""

    spectral = False  # normalisation takes an offset of log-mel away

    def __init__(self, most_db: float = 6.0) -> None:
        self.most_db = not_negative("Gain", "most_db", most_db)

    def __call__(
        self, signal: Float[Tensor, "row time"], draws: Draws, rate: float
    ) -> Float[Tensor, "row time"]:
        """Each row with a gain of its own."""
        gain = 10 ** (draws.uniform(-self.most_db, self.most_db) / 20)
        return signal * gain.to(signal)[:, None]


class BandLimit(Transform):
    """Takes away what lies below a frequency of `low_hz` and above one of `high_hz`.

    Each edge is a raised cosine over half an octave, -6 dB at its frequency.
    """

    spectral = False

    def __init__(
        self,
        low_hz: tuple[float, float] = (30.0, 100.0),
        high_hz: tuple[float, float] = (5000.0, 7500.0),
    ) -> None:
        edges = (0.0, *low_hz, *high_hz)
        if not all(a <= b for a, b in pairwise(edges)) or low_hz[0] == 0:
            raise UserError(f"BandLimit: low_hz {low_hz} and high_hz {high_hz} must rise above 0")
        self.low_hz, self.high_hz = low_hz, high_hz

    def __call__(
        self, signal: Float[Tensor, "row time"], draws: Draws, rate: float
    ) -> Float[Tensor, "row time"]:
        """Each row between edges of its own."""
        count = signal.shape[1]
        hertz = torch.fft.rfftfreq(count, 1 / rate, device=signal.device, dtype=signal.dtype)
        octave = hertz.clamp(min=1e-3).log2()
        gain = torch.ones((), device=signal.device, dtype=signal.dtype)
        for (low, high), sign in ((self.low_hz, 1), (self.high_hz, -1)):
            edge = draws.uniform(low, high).to(signal).log2()[:, None]
            slope = (sign * (octave - edge) * 2 + 0.5).clamp(0, 1)
            gain = gain * (1 - torch.cos(torch.pi * slope)) / 2
        return torch.fft.irfft(torch.fft.rfft(signal) * gain, n=count)


def at(signal: Float[Tensor, "row time *rest"], index: Tensor) -> Float[Tensor, "row place *rest"]:
    """The values of every row at times `index` `(row, place)`, in a circle."""
    return taken(signal, index % signal.shape[1])


def taken(
    signal: Float[Tensor, "row time *rest"], index: Tensor
) -> Float[Tensor, "row place *rest"]:
    """The values of every row at times `index` `(row, place)` within it."""
    shape = index.shape + (1,) * (signal.ndim - 2)
    return signal.gather(1, index.view(shape).expand(*index.shape, *signal.shape[2:]))


def robust() -> Chain:
    """All of them at the strength that is usual here; for waveforms."""
    return Chain([TimeShift(), Resample(), BandLimit(), Gain(), Noise()])


def robust_log_mel() -> Chain:
    """Those that apply to log-mel."""
    return Chain([TimeShift(most_s=0.02), Resample(), Noise()])


def not_negative(owner: str, name: str, value: float) -> float:
    """The value.

    Raises:
        UserError: it is negative.
    """
    if value < 0:
        raise UserError(f"{owner}: {name} is {value}; it must be 0 or more")
    return value
