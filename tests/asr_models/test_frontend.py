"""Front-ends: three steps that can be taken apart, and gradients that reach the waveform."""

import pytest
import torch

from acoustics.frames import mel_frames, mel_samples
from acoustics.mel import LogMel
from acoustics.mfcc import MFCC
from asr_models.deepspeech import ContextWindows, DeepSpeech
from asr_models.frontend import Frontend, MelDeltas, NormalisedBands
from asr_models.jasper import Jasper
from asr_models.pure_lstm import PureLSTM
from asr_models.recogniser import FrameRecogniser
from asr_models.vgg_lstm import VGGLSTM


class Cepstra(NormalisedBands):
    """A front-end whose frames are not log-mel."""

    def __init__(self, log_mel: LogMel) -> None:
        super().__init__(log_mel)
        self.mfcc, self.bands = MFCC(log_mel.n_mels, 13), 13

    def from_log_mel(self, mel):
        return self.mfcc(mel)

    def to_log_mel(self, frames):
        return self.mfcc.inverse(frames)


class Windows(ContextWindows):
    """DeepSpeech's front-end at the usual hop."""

    def __init__(self, log_mel: LogMel) -> None:
        super().__init__(log_mel, 26, context=9)


@pytest.fixture(params=[MelDeltas, NormalisedBands, Cepstra, Windows])
def frontend(request) -> Frontend:
    return request.param(LogMel(n_mels=40))


@pytest.fixture(params=[VGGLSTM, PureLSTM, Jasper, DeepSpeech])
def recogniser(request) -> FrameRecogniser:
    torch.manual_seed(0)
    return request.param().freeze()


def test_the_steps_one_by_one_are_the_whole(recogniser, make_batch) -> None:
    batch = make_batch([8000, 5000])
    frames, counts = recogniser.frontend.frames(batch.waveform, batch.lengths)
    wanted = mel_frames(batch.lengths, recogniser.log_mel.hop_length)
    assert frames.shape == (2, int(wanted[0]), recogniser.frontend.bands)
    assert counts.equal(wanted)
    found, steps = recogniser.from_frames(recogniser.frontend.normalise(frames, counts), counts)
    wanted, lengths = recogniser(batch.waveform, batch.lengths)
    assert found.equal(wanted)
    assert steps.equal(lengths)


def test_zero_is_the_mean_of_normalised_frames_and_lies_beyond_them(frontend, make_batch) -> None:
    batch = make_batch([8000, 5000])
    frames, counts = frontend.frames(batch.waveform, batch.lengths)
    assert frames.shape[2] == frontend.bands
    normal = frontend.normalise(frames, counts)
    for row, count in zip(normal, counts.tolist(), strict=True):
        assert abs(float(row[:count].mean())) < 1e-5
        assert (row[count:] == 0).all()
        assert 0.5 < float(row[:count].std()) < 1.5


def test_normalising_undoes_an_offset_and_a_gain_of_the_frames(frontend, make_batch) -> None:
    """So frames that enter need not know how loud the recogniser's training speech was."""
    batch = make_batch([8000, 5000])
    frames, counts = frontend.frames(batch.waveform, batch.lengths)
    same = frontend.normalise(3 * frames - 7, counts)
    torch.testing.assert_close(same, frontend.normalise(frames, counts), rtol=0, atol=1e-3)


def test_frames_can_be_heard(frontend, make_batch) -> None:
    batch = make_batch([8000])
    frames, _ = frontend.frames(batch.waveform, batch.lengths)
    mel = frontend.to_log_mel(frames)
    assert mel.shape == (1, 51, 40)
    torch.testing.assert_close(frontend.from_log_mel(mel), frames, rtol=0, atol=1e-4)


def test_so_many_samples_have_so_many_frames() -> None:
    counts = torch.tensor([1, 2, 51])
    lengths = mel_samples(counts, 160)
    assert mel_frames(lengths, 160).equal(counts)
    assert mel_frames(lengths[1:] - 1, 160).equal(counts[1:] - 1)  # and no fewer have them


def gradient(recogniser: FrameRecogniser, waveform: torch.Tensor, weight: torch.Tensor):
    given = waveform.clone().requires_grad_()
    log_probs, _ = recogniser(given, torch.full((len(given),), given.shape[1]))
    (log_probs.exp() * weight).sum().backward()
    return given.grad


def test_the_gradient_at_the_waveform_is_the_slope(recogniser, make_batch) -> None:
    """Through floor, normalisation and every layer: a finite difference along it agrees."""
    recogniser.double()
    speech = make_batch([4000]).waveform.double()
    steps = recogniser(speech, torch.tensor([4000]))[0]
    weight = torch.randn_like(steps)
    slope = gradient(recogniser, speech, weight)
    along = slope / slope.norm()
    ahead, back = (
        (recogniser(speech + h * along, torch.tensor([4000]))[0].exp() * weight).sum()
        for h in (1e-8, -1e-8)
    )
    torch.testing.assert_close((ahead - back) / 2e-8, slope.norm(), rtol=1e-3, atol=0)


def test_gradients_are_finite_where_sound_is_silent_or_below_the_floor(recogniser) -> None:
    """Silence, a lone click, a constant and a hum too quiet for most bands."""
    samples = torch.arange(4000)
    rows = torch.zeros(4, 4000)
    rows[1, 2000] = 1.0
    rows[2] = 0.1
    rows[3] = 1e-4 * torch.sin(0.3 * samples)
    torch.manual_seed(0)
    found = gradient(recogniser, rows, torch.randn(4, 1, len(recogniser.alphabet) + 1))
    assert torch.isfinite(found).all()
    assert (found[1] != 0).any()


@pytest.mark.parametrize("silent", [0.0, -7.0])
def test_gradients_are_finite_where_frames_never_change(frontend, silent: float) -> None:
    frames = torch.full((1, 9, frontend.bands), silent, requires_grad=True)
    normal = frontend.normalise(frames, torch.tensor([9]))
    assert (normal == 0).all()
    (normal * torch.randn(normal.shape)).sum().backward()
    assert torch.isfinite(frames.grad).all()
