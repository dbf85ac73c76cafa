"""Parameterisations: what noise they begin as, and that no free number is idle."""

from itertools import pairwise

import pytest
import torch

from acoustics.mel import LogMel
from acoustics.mfcc import MFCC
from evaluation.audiation.draws import Draws
from evaluation.audiation.parameterisations import (
    CepstralFrames,
    MelFrames,
    Samples,
    Spectrum,
    frame_statistics,
    limited,
)


def draws(*rows: int) -> Draws:
    return Draws([(row,) for row in rows], "test")


def level_db(sounds: torch.Tensor) -> torch.Tensor:
    return 20 * sounds.square().mean().sqrt().log10()


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0, 2.0])
def test_noise_begins_at_speech_level_and_falls_by_the_decay(decay: float) -> None:
    """Power spectrum over 200 sounds: a straight line above the corner, flat below it."""
    spectrum = Spectrum(4000, decay, corner_hz=200)
    sounds = spectrum(spectrum.start(draws(*range(200))))
    assert abs(level_db(sounds) + 26) < 0.3
    power = torch.fft.rfft(sounds).abs().square().mean(0)
    octaves = [10 * power[50 * 2**k : 100 * 2**k].mean().log10() for k in range(5)]
    for one, next_ in pairwise(octaves):
        assert abs(float(one - next_) - 6.02 * decay) < 0.7
    low = 10 * power[1:25].mean().log10() - 10 * power[25:50].mean().log10()
    assert abs(low) < 0.7


@pytest.mark.parametrize("samples", [15, 16])
def test_no_coefficient_is_redundant(samples: int) -> None:
    """Every sound without constant and Nyquist has one set of free numbers, and only one."""
    spectrum = Spectrum(samples)
    free = spectrum.start(draws(0))
    assert free.numel() == samples - (1 if samples % 2 else 2)
    slopes = torch.autograd.functional.jacobian(spectrum, free).reshape(samples, -1)
    assert torch.linalg.matrix_rank(slopes) == free.numel()
    assert abs(float(spectrum(free).sum())) < 1e-4


def test_samples_are_white_noise_at_speech_level() -> None:
    samples = Samples(16000)
    sounds = samples(samples.start(draws(0, 1)))
    assert sounds.shape == (2, 16000)
    assert abs(level_db(sounds) + 26) < 0.2


def test_what_begins_in_a_row_depends_on_the_row_alone() -> None:
    for made in (Spectrum(100), Samples(100)):
        together = made.start(draws(3, 4))
        assert together[1].equal(made.start(draws(4))[0])
        assert not together[0].equal(together[1])


def test_a_sound_is_scaled_where_it_would_pass_full_scale_and_only_there() -> None:
    sounds = torch.tensor([[0.5, -0.2], [0.5, -4.0]])
    found = limited(sounds)
    assert found[0].equal(sounds[0])
    torch.testing.assert_close(found[1], sounds[1] * 0.99 / 4)


def statistics() -> tuple[LogMel, torch.Tensor, torch.Tensor]:
    log_mel = LogMel(n_mels=20)
    spectrum = Spectrum(8000)
    sounds = spectrum(spectrum.start(draws(*range(8))))
    return log_mel, *frame_statistics(log_mel, sounds)


def test_statistics_are_those_of_all_frames() -> None:
    log_mel, mean, deviation = statistics()
    spectrum = Spectrum(8000)
    sounds = spectrum(spectrum.start(draws(*range(8))))
    frames = torch.cat([log_mel(s[None], torch.tensor([8000]))[0][0] for s in sounds])
    torch.testing.assert_close(mean, frames.mean(0), rtol=0, atol=1e-5)
    torch.testing.assert_close(deviation, frames.std(0), rtol=0, atol=1e-5)


def test_mel_frames_begin_around_the_mean_and_never_fall_below_silence() -> None:
    log_mel, mean, deviation = statistics()
    made = MelFrames(8000, log_mel, mean, deviation, noise=0.5)
    free = made.start(draws(*range(8)))
    mel = made(free)
    assert mel.shape == (8, 51, 20)
    loud = mean > log_mel.silence + 3
    assert loud.any()
    torch.testing.assert_close(mel.mean((0, 1))[loud], mean[loud], rtol=0, atol=0.15)
    assert (made(free - 100) >= log_mel.silence).all()


def test_cepstral_frames_are_the_coefficients_of_what_they_are_heard_as() -> None:
    log_mel, mean, deviation = statistics()
    made, mfcc = CepstralFrames(8000, log_mel, mean, deviation, n_mfcc=9), MFCC(20, 9)
    free = made.start(draws(0, 1))
    assert free.shape == (2, 51, 9)
    flat = made(torch.zeros_like(free))
    torch.testing.assert_close(flat, mfcc.inverse(mfcc(mean.expand(2, 51, -1))))
    moved = mfcc(made(free)) - mfcc(flat)
    torch.testing.assert_close(moved, free * made.deviation, rtol=0, atol=1e-4)
