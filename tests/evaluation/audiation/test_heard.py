"""One pass of a batch: nothing is measured twice, and nothing else changes by it."""

import pytest
import torch

from acoustics.mel import LogMel
from asr_models.jasper import Jasper
from asr_models.vgg_lstm import VGGLSTM
from evaluation.audiation.heard import FRAMES, MEL, Listener


@pytest.mark.parametrize(
    ("make", "layer", "passes"),
    [(lambda: VGGLSTM((2, 2, 2, 2), hidden=2), "cnn1", 1), (Jasper, "prologue", 2)],
    ids=["hears that log-mel", "hears it of a sound with pre-emphasis"],
)
def test_log_mel_is_measured_once_where_it_is_what_the_front_end_hears(
    make, layer, passes, monkeypatch
) -> None:
    recogniser = make().freeze()
    sound = 0.1 * torch.randn(2, 4000, generator=torch.Generator().manual_seed(0))
    alone = Listener(recogniser, [layer, FRAMES], 4000)(sound, "waveform")
    mel, _ = recogniser.log_mel(sound, torch.tensor([4000, 4000]))
    counted, measure = [], LogMel.forward

    def count(self, *given):
        counted.append(self)
        return measure(self, *given)

    monkeypatch.setattr(LogMel, "forward", count)
    heard = Listener(recogniser, [layer, FRAMES, MEL], 4000)(sound, "waveform")
    assert len(counted) == passes
    assert heard.mel.equal(mel)
    assert heard.frames.equal(alone.frames)
    assert heard.states[layer].equal(alone.states[layer])
