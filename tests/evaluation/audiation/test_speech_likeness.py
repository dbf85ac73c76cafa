"""Speech-likeness: sounds whose modulation and noise are known."""

import math

import numpy as np
import pytest
import torch

from evaluation.audiation.speech_likeness import (
    SNR_DB,
    modulation_spectrum,
    syllabic_share,
    wada_snr,
    wada_table,
)

RATE = 16000


def swelling(hertz: float, seconds: float = 2.0) -> torch.Tensor:
    """A tone that swells and fades so often in a second."""
    time = torch.arange(round(seconds * RATE)) / RATE
    envelope = 1 + 0.9 * torch.sin(2 * math.pi * hertz * time)
    return 0.1 * envelope * torch.sin(2 * math.pi * 1000 * time)


def lengths(*sounds: torch.Tensor) -> torch.Tensor:
    return torch.tensor([len(sound) for sound in sounds])


@pytest.mark.parametrize("hertz", [1.0, 3.0, 5.0, 12.0, 25.0])
def test_modulation_peaks_where_a_tone_swells(hertz: float) -> None:
    sound = swelling(hertz)
    frequencies, energy = modulation_spectrum(sound[None], lengths(sound))
    assert abs(float(frequencies[energy[0].argmax()]) - hertz) <= 0.5
    share = float(syllabic_share(sound[None], lengths(sound)))
    assert share > 0.95 if 2 < hertz < 8 else share < 0.3


def test_vowels_in_syllables_are_more_like_speech_than_noise(vowels) -> None:
    speech = torch.from_numpy(vowels(2 * RATE))
    noise = 0.1 * torch.randn(2 * RATE, generator=torch.Generator().manual_seed(0))
    share = syllabic_share(torch.stack([speech, noise]), lengths(speech, noise))
    assert share[0] > 0.6
    assert share[1] < 0.4


def test_a_share_ignores_the_level_and_nearly_the_padding() -> None:
    sound = swelling(4) + swelling(15)
    padded = torch.nn.functional.pad(sound, (0, RATE))
    found = syllabic_share(torch.stack([padded, 5 * padded]), lengths(sound, sound))
    alone = syllabic_share(sound[None], lengths(sound))
    torch.testing.assert_close(found[0], found[1])
    torch.testing.assert_close(found[0], alone[0], rtol=0, atol=0.03)


def test_the_table_is_kim_and_sterns() -> None:
    """Their published values, which come from a simulation."""
    published = {-20: 0.40975, -10: 0.41232, 0: 0.46221, 10: 0.66751, 20: 0.95655, 40: 1.36057}
    for snr, value in published.items():
        assert abs(wada_table()[list(SNR_DB).index(snr)] - value) < 0.006
    assert (np.diff(wada_table()) > 0).all()


@pytest.mark.parametrize("snr_db", [0, 5, 10, 20, 30])
def test_gamma_distributed_speech_in_noise_has_the_ratio_it_was_mixed_at(snr_db: int) -> None:
    rng = np.random.default_rng(snr_db)
    speech = rng.gamma(0.4, size=200000) * rng.choice([-1, 1], size=200000)
    noise = rng.normal(size=200000)
    noise *= np.sqrt(np.mean(speech**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)
    mixed = torch.from_numpy(0.01 * (speech + noise)).float()[None]
    assert abs(float(wada_snr(mixed, torch.tensor([200000]))) - snr_db) < 0.5


def test_only_the_valid_part_counts_and_silence_has_no_ratio() -> None:
    sound = torch.randn(1, 8000, generator=torch.Generator().manual_seed(1))
    padded = torch.nn.functional.pad(sound, (0, 8000))
    alone = wada_snr(sound, torch.tensor([8000]))
    torch.testing.assert_close(wada_snr(padded, torch.tensor([8000])), alone)
    assert float(alone) < 0
    assert wada_snr(torch.zeros(1, 800), torch.tensor([800])).isnan().all()
    assert syllabic_share(torch.zeros(1, 16000), torch.tensor([16000])).isnan().all()
