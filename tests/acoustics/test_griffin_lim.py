"""The vocoder: true to the spectrum, on time, seeded, and blind to its batch mates."""

import numpy as np
import pytest
import soundfile
import torch
from pystoi import stoi
from torch import nn
from torchaudio.functional import griffinlim

from acoustics.griffin_lim import GriffinLim, phase_seed
from acoustics.mel import LogMel

SHAPES = [  # win, hop, n_fft
    (400, 160, 512),
    (400, 100, 512),  # windows of exactly four hops
    (500, 150, 512),  # ... of more than three
    (512, 128, 512),  # n_fft == win
    (600, 160, 600),  # n_fft == win, which is no multiple of the hop
    (640, 160, 1024),
]


def log_mel_of(shape: tuple[int, int, int], n_mels: int = 80) -> LogMel:
    win, hop, n_fft = shape
    return LogMel(win_length=win, hop_length=hop, n_fft=n_fft, n_mels=n_mels)


def convergence(log_mel: LogMel, sound: torch.Tensor, wanted: torch.Tensor) -> float:
    """Spectral convergence: relative error of the magnitudes `(bin, frame)`."""
    found = log_mel.stft(sound[None])[0].abs()
    return float((found - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("shape", SHAPES)
def test_magnitudes_are_those_of_the_transform_it_inverts(shape, make_batch) -> None:
    log_mel, batch = log_mel_of(shape), make_batch([16000])
    vocoder = GriffinLim(log_mel, n_iter=32)
    mel, _ = log_mel(batch.waveform, batch.lengths)
    wanted = vocoder.magnitude(mel)[0].T
    ours = vocoder(mel, batch.lengths, [1])[0]
    win, hop, n_fft = shape
    torch.manual_seed(1)
    theirs = griffinlim(
        wanted, log_mel.window, n_fft, hop, win, 1.0, 32, 0.99, ours.shape[0], rand_init=True
    )
    assert convergence(log_mel, ours, wanted) < 0.3
    assert convergence(log_mel, ours, wanted) < 1.1 * convergence(log_mel, theirs, wanted)


def test_magnitudes_of_a_power_mel_are_roots(make_batch) -> None:
    """What the bank and its inverse make of the powers of a spectrum, and the root of that."""
    log_mel, batch = LogMel(power=2), make_batch([8000])
    found = GriffinLim(log_mel).magnitude(log_mel(batch.waveform, batch.lengths)[0])
    powers = log_mel.stft(batch.waveform).abs().square().transpose(1, 2)
    wanted = powers @ log_mel.bank @ GriffinLim(log_mel).inverse_bank
    torch.testing.assert_close(found.square(), wanted.clamp(min=0), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("shape", SHAPES)
def test_alone_equals_in_a_batch(shape, make_batch) -> None:
    """In double precision, where rounding is not blown up by bins without energy."""
    batch, log_mel = make_batch([8000, 4321, 161, 6000]), log_mel_of(shape).double()
    vocoder, seeds = GriffinLim(log_mel, n_iter=4).double(), [3, 1, 4, 15]
    mel, frames = log_mel(batch.waveform.double(), batch.lengths)
    together = vocoder(mel, batch.lengths, seeds)
    for i, (length, count) in enumerate(zip(batch.lengths.tolist(), frames.tolist(), strict=True)):
        alone = vocoder(mel[i : i + 1, :count], batch.lengths[i : i + 1], seeds[i : i + 1])
        assert alone.shape == (1, length)
        torch.testing.assert_close(together[i, :length], alone[0], rtol=0, atol=1e-12)
        assert (together[i, length:] == 0).all()


@pytest.mark.parametrize("length", [1, 159, 160, 161, 4000, 4159])
def test_output_has_the_length_asked_for(length: int) -> None:
    mel = torch.randn(1, length // 160 + 1, 80)
    assert GriffinLim(LogMel(), n_iter=2)(mel, torch.tensor([length]), [0]).shape == (1, length)


def test_too_few_frames_raise() -> None:
    with pytest.raises(ValueError, match="10 mel frames for lengths that want 11"):
        GriffinLim(LogMel())(torch.zeros(1, 10, 80), torch.tensor([1600]), [0])


def test_the_same_seed_gives_the_same_sound_and_another_seed_another(make_batch) -> None:
    log_mel, batch = LogMel(), make_batch([4000])
    vocoder = GriffinLim(log_mel, n_iter=4)
    mel, _ = log_mel(batch.waveform, batch.lengths)
    first = vocoder(mel, batch.lengths, [7])
    torch.rand(1)
    assert vocoder(mel, batch.lengths, [7]).equal(first)
    assert not vocoder(mel, batch.lengths, [8]).equal(first)
    assert phase_seed(0, "a") == phase_seed(0, "a") != phase_seed(0, "b")
    assert phase_seed(0, "a") != phase_seed(1, "a")


def test_copy_synthesis_is_intelligible(vowels) -> None:
    check_copy_synthesis([vowels(32000, seed=seed) for seed in range(3)], least=0.95)


def test_copy_synthesis_of_real_speech_is_intelligible(real_speech) -> None:
    files = sorted(real_speech.glob("LibriSpeech/test-other/*/*/*.flac"))[::40]
    sounds = [soundfile.read(file, dtype="float32")[0][:64000] for file in files]
    check_copy_synthesis(sounds, least=0.88)  # noisy recordings


def check_copy_synthesis(sounds: list[np.ndarray], least: float) -> None:
    log_mel = LogMel()
    vocoder = GriffinLim(log_mel)
    for sound in sounds:
        waveform, lengths = torch.from_numpy(sound)[None], torch.tensor([len(sound)])
        mel, _ = log_mel(waveform, lengths)
        copy = vocoder(mel, lengths, [0])
        assert stoi(sound, copy[0].numpy(), 16000) > least
        again, _ = log_mel(copy, lengths)
        audible = mel > mel.max() - 5  # 43 dB
        assert (again - mel)[audible].abs().mean() < 0.25


@pytest.mark.parametrize("shape", SHAPES)
def test_copy_synthesis_is_not_delayed(shape, vowels) -> None:
    log_mel, sound = log_mel_of(shape), torch.from_numpy(vowels(16000, seed=5))
    lengths = torch.tensor([16000])
    mel, _ = log_mel(sound[None], lengths)
    copy = GriffinLim(log_mel)(mel, lengths, [2])[0]

    def distance(delay: int) -> float:
        moved = torch.roll(copy, -delay)[None]
        return float((log_mel(moved, lengths)[0] - mel)[:, 10:-10].abs().mean())

    delays = range(-80, 81, 16)
    assert min(delays, key=distance) == 0


def test_the_envelope_of_copy_synthesis_correlates_best_at_lag_zero(vowels) -> None:
    log_mel, sound = LogMel(), torch.from_numpy(vowels(8000, seed=3))
    mel, _ = log_mel(sound[None], torch.tensor([8000]))
    copy = GriffinLim(log_mel)(mel, torch.tensor([8000]), [0])[0]
    envelopes = [nn.functional.avg_pool1d(s.abs()[None], 161, 1, 80)[0] for s in (sound, copy)]
    natural, rendered = (e - e.mean() for e in envelopes)
    at_lag = [float(natural @ rendered.roll(-lag)) for lag in range(-240, 241)]
    assert abs(at_lag.index(max(at_lag)) - 240) <= 16  # a millisecond


def test_a_momentum_that_diverges_is_refused() -> None:
    with pytest.raises(ValueError, match=r"momentum 1\.0 is outside"):
        GriffinLim(LogMel(), momentum=1.0)
