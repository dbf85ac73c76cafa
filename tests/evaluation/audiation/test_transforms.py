"""Transforms: what they do to sounds whose change is known, and that rows are alone."""

import math

import pytest
import torch

from acoustics.errors import UserError
from evaluation.audiation.draws import Draws
from evaluation.audiation.transforms import (
    BandLimit,
    Chain,
    Gain,
    Noise,
    Resample,
    TimeShift,
    robust,
    robust_log_mel,
)

RATE = 16000
ALL = [TimeShift(), Noise(), Resample(), Gain(), BandLimit(), robust(), Chain()]


def draws(*rows: int, seed: int = 0) -> Draws:
    return Draws([(seed, row) for row in rows], "test")


def tone(hertz: float, samples: int = 1600) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(samples) / RATE)[None]


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
def test_a_row_is_changed_as_it_is_alone_and_the_same_with_the_same_seed(transform) -> None:
    sounds = torch.randn(3, 800)
    together = transform(sounds, draws(0, 1, 2), RATE)
    for row in range(3):
        alone = transform(sounds[row : row + 1], draws(row), RATE)
        torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-6)


@pytest.mark.parametrize("transform", ALL[:5], ids=lambda t: type(t).__name__)
def test_other_seeds_and_the_next_draw_change_it_otherwise(transform) -> None:
    sound, stream = torch.randn(1, 1600), draws(0)
    first, second = (transform(sound, stream, RATE) for _ in range(2))
    other = transform(sound, draws(0, seed=1), RATE)
    assert not first.equal(second)
    assert not first.equal(other)


@pytest.mark.parametrize(
    "still", [TimeShift(0), Resample(0), Gain(0), Noise(300), Chain()], ids=lambda t: str(type(t))
)
def test_nothing_changes_at_strength_zero(still) -> None:
    sounds = torch.randn(2, 400)
    torch.testing.assert_close(still(sounds, draws(0, 1), RATE), sounds, rtol=0, atol=1e-6)
    mel = torch.randn(2, 40, 8)
    if still.spectral:
        torch.testing.assert_close(still(mel, draws(0, 1), 100), mel, rtol=0, atol=1e-6)


def test_a_shift_is_a_turn_of_the_circle_within_its_limit() -> None:
    sounds, shift = torch.randn(20, 400), TimeShift(most_s=0.005)
    moved = shift(sounds, draws(*range(20)), RATE)
    found = []
    for before, after in zip(sounds, moved, strict=True):
        fits = [n for n in range(-80, 81) if before.roll(n).equal(after)]
        assert len(fits) == 1
        found += fits
    assert min(found) < -20
    assert max(found) > 20
    assert shift(torch.randn(1, 30, 8), draws(0), 100).shape == (1, 30, 8)


def test_frames_shift_and_stretch_as_a_whole() -> None:
    """Every band of log-mel alike."""
    mel = torch.randn(2, 50, 1).expand(-1, -1, 6).contiguous()
    for transform in (TimeShift(0.1), Resample(0.05)):
        changed = transform(mel, draws(0, 1), 100)
        assert not changed.equal(mel)
        torch.testing.assert_close(changed, changed[..., :1].expand_as(changed))


def test_resampling_moves_a_tones_frequency_by_the_factor_drawn() -> None:
    most = 0.05
    sounds = tone(500, 16000).expand(8, -1)
    changed = Resample(most)(sounds, draws(*range(8)), RATE)
    middle = changed[:, 4000:12000] * torch.hann_window(8000)
    found = torch.fft.rfft(middle, n=160000).abs().argmax(1) * RATE / 160000 / 500
    limit = math.log1p(most)
    wanted = draws(*range(8)).uniform(-limit, limit).exp()
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-3)
    assert wanted.min() < 0.99
    assert wanted.max() > 1.01


def test_noise_lies_so_far_below_the_signal() -> None:
    sounds = torch.randn(4, 16000) * torch.tensor([[0.01], [0.1], [1.0], [10.0]])
    added = Noise(snr_db=20)(sounds, draws(0, 1, 2, 3), RATE) - sounds
    found = 20 * torch.log10(sounds.std(1) / added.std(1))
    torch.testing.assert_close(found, torch.full((4,), 20.0), rtol=0, atol=0.2)


def test_a_gain_is_one_number_within_its_limit() -> None:
    sounds = torch.randn(50, 100)
    ratio = Gain(6)(sounds, draws(*range(50)), RATE) / sounds
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))
    level = 20 * ratio[:, 0].log10()
    assert -6 <= level.min() < -4
    assert 4 < level.max() <= 6


@pytest.mark.parametrize(
    ("hertz", "gain"), [(50, 0), (100, 0.5), (150, 1), (1000, 1), (3000, 1), (4000, 0.5), (5000, 0)]
)
def test_a_band_limit_keeps_the_band_and_halves_its_edges(hertz: int, gain: float) -> None:
    limited = BandLimit((100, 100), (4000, 4000))(tone(hertz), draws(0), RATE)
    torch.testing.assert_close(limited, gain * tone(hertz), rtol=0, atol=1e-3)


def test_a_chain_works_in_order() -> None:
    sound = torch.randn(1, 800)
    shift, noise = TimeShift(), Noise(10)
    one, two = draws(0), draws(0)
    chained = Chain([shift, noise])(sound, one, RATE)
    assert chained.equal(noise(shift(sound, two, RATE), two, RATE))


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
def test_gradients_pass(transform) -> None:
    sound = torch.randn(2, 400, requires_grad=True)
    transform(sound, draws(0, 1), RATE).square().sum().backward()
    assert (sound.grad != 0).float().mean() > 0.9


def test_what_applies_to_log_mel_says_so() -> None:
    assert [t.spectral for t in ALL] == [True, True, True, False, False, False, True]
    assert robust_log_mel().spectral


def test_impossible_strengths_are_refused() -> None:
    with pytest.raises(UserError, match="TimeShift: most_s is -1; it must be 0 or more"):
        TimeShift(-1)
    for low, high in (((0, 100), (4000, 5000)), ((100, 50), (4000, 5000)), ((100, 200), (150, 9))):
        with pytest.raises(UserError, match="must rise above 0"):
            BandLimit(low, high)
