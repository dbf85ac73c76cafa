"""Inputs as sounds: waveforms as they are, log-mel as what had that log-mel."""

import numpy as np
import torch

from acoustics.griffin_lim import phase_seed
from asr_models.jasper import Jasper
from asr_models.vgg_lstm import VGGLSTM
from evaluation.audiation.hearing import heard_as


def test_a_waveform_is_what_it_is() -> None:
    sounds = torch.randn(2, 100)
    assert heard_as(VGGLSTM(), sounds, "waveform", [0, 1]).equal(sounds)


def test_log_mel_is_heard_as_the_sound_it_was_measured_of(make_batch) -> None:
    """Its frames again; a recogniser's pre-emphasis is undone, so the low bands are not gone."""
    batch = make_batch([16000])
    for recogniser in (VGGLSTM(), Jasper()):
        frontend = recogniser.frontend
        frames, _ = frontend.frames(batch.waveform, batch.lengths)
        sound = heard_as(recogniser, frontend.to_log_mel(frames), "log_mel", [phase_seed(0, "a")])
        assert sound.shape == (1, 16000)
        assert sound.abs().max() <= 0.99
        again, _ = frontend.frames(sound, batch.lengths)
        loud = (frames > frames.amax() - 4).squeeze(0)[3:-3]
        assert loud.any()
        apart = (again - frames).squeeze(0)[3:-3][loud].abs().median()
        assert float(apart) < 0.5, type(recogniser)
        assert np.isfinite(sound.numpy()).all()
