"""Sounds that are neither speech nor a recording: chords, and noise of many colours.

Every maker takes a random generator and a number of samples at 16 kHz, and returns ``(sample,)``
with a peak of 0.9.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from corpora.corpus import SAMPLE_RATE

Sound = NDArray[np.float32]

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9))


def coloured(rng: np.random.Generator, samples: int, slope: float | None = None) -> Sound:
    """Noise whose power falls with frequency to the power of ``slope`` (0 white, 2 brown)."""
    exponent = rng.uniform(-0.5, 2.2) if slope is None else slope
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLE_RATE), 30.0)
    return _finished(np.fft.irfft(spectrum * frequency ** (-exponent / 2), samples))


def modulated(rng: np.random.Generator, samples: int) -> Sound:
    """Coloured noise that swells and ebbs, as wind, surf or traffic do."""
    slow = np.fft.rfft(rng.standard_normal(samples))
    cutoff = rng.uniform(0.3, 5.0)
    slow[np.fft.rfftfreq(samples, 1 / SAMPLE_RATE) > cutoff] = 0
    envelope = np.fft.irfft(slow, samples)
    depth = 10 ** (rng.uniform(0.2, 0.6) * envelope / envelope.std())
    return _finished(coloured(rng, samples) * depth)


def impulsive(rng: np.random.Generator, samples: int) -> Sound:
    """Knocks and clinks at random times over a faint coloured floor."""
    rate_hz = rng.uniform(2, 8)
    hits = np.zeros(samples)
    times = rng.integers(samples, size=max(1, rng.poisson(rate_hz * samples / SAMPLE_RATE)))
    hits[times] = rng.uniform(0.3, 1.0, len(times))
    length = int(0.25 * SAMPLE_RATE)
    time_s = np.arange(length) / SAMPLE_RATE
    knock = np.exp(-time_s / rng.uniform(0.01, 0.06)) * (
        np.sin(2 * np.pi * rng.uniform(150, 3000) * time_s) + 0.7 * rng.standard_normal(length)
    )
    size = samples + length - 1
    rung = np.fft.irfft(np.fft.rfft(hits, size) * np.fft.rfft(knock, size), size)[:samples]
    return _finished(rung / np.abs(rung).max() + 0.02 * coloured(rng, samples))


def hum(rng: np.random.Generator, samples: int) -> Sound:
    """An engine or a fan: harmonics of a wavering low tone in coloured noise."""
    time_s = np.arange(samples) / SAMPLE_RATE
    wobble = 1 + 0.03 * np.sin(2 * np.pi * rng.uniform(0.1, 1.5) * time_s + rng.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(rng.uniform(40, 180) * wobble) / SAMPLE_RATE
    tone = sum(
        rng.uniform(0.2, 1.0) / n**0.7 * np.sin(n * phase + rng.uniform(0, 6)) for n in range(1, 16)
    )
    return _finished(np.asarray(tone) / 3 + rng.uniform(0.3, 1.0) * coloured(rng, samples))


def resonant(rng: np.random.Generator, samples: int) -> Sound:
    """Noise through a few resonances: water, steam, a crowd far away."""
    from scipy.signal import lfilter  # here, for it takes a second to import

    source = rng.standard_normal(samples)
    total = np.zeros(samples)
    for _ in range(int(rng.integers(2, 5))):
        centre, width = rng.uniform(200, 6000), rng.uniform(100, 900)
        radius = np.exp(-np.pi * width / SAMPLE_RATE)
        cosine = np.cos(2 * np.pi * centre / SAMPLE_RATE)
        band = lfilter([1.0], [1.0, -2 * radius * cosine, radius**2], source)
        total += band / band.std() * rng.uniform(0.3, 1.0)
    return _finished(total)


NOISES: list[Callable[[np.random.Generator, int], Sound]] = [
    coloured,
    modulated,
    impulsive,
    hum,
    resonant,
]


def melody(rng: np.random.Generator, samples: int) -> Sound:
    """A sequence of chords with a tune over it, in a random key, tempo and timbre."""
    beat = int(rng.uniform(0.2, 0.5) * SAMPLE_RATE)
    scale = _SCALES[int(rng.integers(len(_SCALES)))]
    root = rng.uniform(45, 60)
    partials = rng.uniform(0.05, 1.0, 8) / np.arange(1, 9) ** rng.uniform(0.6, 1.6)
    decay_s = rng.uniform(0.15, 1.2)
    total = np.zeros(samples + 8 * beat)
    for start in range(0, samples, 4 * beat):
        degree = int(rng.integers(len(scale)))
        for third in (0, 2, 4):
            note = _note(root + _pitch(scale, degree + third), 4 * beat, partials, 2 * decay_s)
            total[start : start + 4 * beat] += 0.5 * note
    start = 0
    while start < samples:
        length = beat * int(rng.choice([1, 1, 2, 3]))
        if rng.random() < 0.85:
            pitch = root + 12 + _pitch(scale, int(rng.integers(2 * len(scale))))
            total[start : start + length] += _note(pitch, length, partials, decay_s)
        start += length
    return _finished(total[:samples] + 1e-3 * rng.standard_normal(samples))


def _pitch(scale: tuple[int, ...], degree: int) -> int:
    octave, place = divmod(degree, len(scale))
    return 12 * octave + scale[place]


def _note(midi: float, samples: int, partials: NDArray[np.float64], decay_s: float) -> Sound:
    time_s = np.arange(samples) / SAMPLE_RATE
    frequency = 440 * 2 ** ((midi - 69) / 12)
    tone = np.zeros(samples)
    for n, strength in enumerate(partials, start=1):
        if n * frequency < SAMPLE_RATE / 2:
            tone += strength * np.sin(2 * np.pi * n * frequency * time_s)
    attack = np.minimum(1.0, np.arange(samples) / (0.01 * SAMPLE_RATE))
    release = np.minimum(1.0, np.arange(samples)[::-1] / (0.02 * SAMPLE_RATE))
    shaped: Sound = (tone * attack * release * np.exp(-time_s / decay_s)).astype(np.float32)
    return shaped


def _finished(signal: NDArray[np.float64]) -> Sound:
    return (0.9 * signal / np.abs(signal).max()).astype(np.float32)
