"""LogMel: when frames happen, what bands hear, and that padding changes nothing."""

import math

import pytest
import torch

from acoustics.mel import LogMel

SETTINGS = [
    {},
    {"n_mels": 64, "mel_scale": "slaney", "power": 2},
    {"win_length": 640, "n_fft": 1024},
    {"hop_length": 100},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_alone_equals_in_a_padded_batch(settings, make_batch) -> None:
    log_mel, batch = LogMel(**settings), make_batch([8000, 5123, 161])
    mel, frames = log_mel(batch.waveform, batch.lengths)
    assert mel.shape == (3, 8000 // log_mel.hop_length + 1, log_mel.n_mels)
    for i, length in enumerate(batch.lengths.tolist()):
        alone, count = log_mel(batch.waveform[i : i + 1, :length], batch.lengths[i : i + 1])
        assert int(count) == int(frames[i]) == length // log_mel.hop_length + 1
        torch.testing.assert_close(alone[0], mel[i, : int(count)], rtol=1e-5, atol=1e-5)
        assert (mel[i, int(count) :] == log_mel.silence).all()


def test_frame_t_is_centred_on_sample_t_times_hop() -> None:
    click = torch.zeros(1, 3200)
    click[0, 1600] = 1.0
    mel, _ = LogMel()(click, torch.tensor([3200]))
    energy = mel[0].exp().sum(-1)
    assert int(energy.argmax()) == 10
    torch.testing.assert_close(energy[9], energy[11], rtol=1e-3, atol=1e-4)
    assert (mel[0, [8, 12]] == LogMel().silence).all()  # 320 samples off: outside a window of 400


@pytest.mark.parametrize("hertz", [300, 1000, 3500])
def test_a_tone_is_loudest_in_the_band_around_it(hertz: int) -> None:
    time = torch.arange(8000) / 16000
    mel, _ = LogMel()(torch.sin(2 * math.pi * hertz * time)[None], torch.tensor([8000]))
    top = 2595 * math.log10(1 + 8000 / 700)
    wanted = 2595 * math.log10(1 + hertz / 700) / top * 81 - 1
    assert abs(int(mel[0, 25].argmax()) - wanted) <= 1


def test_values_are_natural_logarithms_of_magnitudes_above_a_floor(make_batch) -> None:
    batch, log_mel = make_batch([4000]), LogMel(floor=1e-9)
    quiet, _ = log_mel(batch.waveform, batch.lengths)
    loud, _ = log_mel(2 * batch.waveform, batch.lengths)
    torch.testing.assert_close(loud - quiet, torch.full_like(quiet, math.log(2)), rtol=0, atol=1e-4)
    silence, _ = log_mel(torch.zeros(1, 4000), batch.lengths)
    assert silence.unique().tolist() == pytest.approx([math.log(1e-9)])


def test_a_power_spectrum_is_squared_before_the_bands_are_summed(make_batch) -> None:
    batch, magnitudes = make_batch([4000]), LogMel(floor=1e-9)
    wanted = (magnitudes.stft(batch.waveform).abs().square()[0].T @ magnitudes.bank).log()
    found, _ = LogMel(floor=1e-9, power=2)(batch.waveform, batch.lengths)
    torch.testing.assert_close(found[0], wanted)


def test_slaneys_bands_are_evenly_spaced_up_to_1_khz() -> None:
    bank = LogMel(mel_scale="slaney").bank
    centres = (bank * torch.arange(257.0)[:, None]).sum(0) / bank.sum(0) * 16000 / 512
    gaps = centres[:20].diff()
    assert (gaps - gaps.mean()).abs().max() < 3 and centres[19] < 1000
    assert centres.diff()[-1] > 4 * gaps.mean()


@pytest.mark.parametrize(
    "settings",
    [{"n_mels": 40, "f_min": 60.0, "hop_length": 200}, {"mel_scale": "slaney", "power": 2}],
)
def test_the_configuration_rebuilds_it(settings, make_batch) -> None:
    batch, log_mel = make_batch([4000]), LogMel(**settings)
    again = LogMel(**log_mel.config)
    assert again.config == log_mel.config
    assert again(batch.waveform, batch.lengths)[0].equal(log_mel(batch.waveform, batch.lengths)[0])


def test_a_length_beyond_the_waveform_raises() -> None:
    with pytest.raises(ValueError, match="length 1601 exceeds 1600 samples"):
        LogMel()(torch.zeros(1, 1600), torch.tensor([1601]))
