"""Every architecture: its states, when they happen, and that they ignore their batch mates."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from fractions import Fraction

import pytest
import torch
from torch import nn

import asr_models
from acoustics.errors import UserError
from acoustics.frames import mel_frames, rate_of
from asr_models.adapter import Adapter
from asr_models.checkpoint import calibrate
from asr_models.deepspeech import DeepSpeech
from asr_models.frontend import Frontend
from asr_models.jasper import Jasper
from asr_models.pure_lstm import PureLSTM, halved
from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap
from asr_models.vgg_lstm import VGGLSTM


def architectures(kind: type = Recogniser) -> Iterator[type[Recogniser]]:
    """Every concrete recogniser in the package: a new one is tested without being listed."""
    for module in pkgutil.iter_modules(asr_models.__path__):
        importlib.import_module(f"asr_models.{module.name}")
    for found in kind.__subclasses__():
        if not getattr(found, "__abstractmethods__", None):
            yield found
        yield from architectures(found)


def ready_made(kind: type[Recogniser]) -> bool:
    """Ours, with defaults for everything; an adapter wants to be told of what."""
    arguments = [*inspect.signature(kind).parameters.values()]
    ours = kind.__module__.startswith("asr_models.") and not issubclass(kind, Adapter)
    return ours and all(one.default is not one.empty for one in arguments)


ARCHITECTURES = [kind for kind in architectures() if ready_made(kind)]


@pytest.fixture(params=ARCHITECTURES, ids=lambda kind: kind.__name__)
def recogniser(request, make_batch) -> Recogniser:
    torch.manual_seed(0)
    made = request.param()
    batch = make_batch([9000, 7000], seed=20)
    calibrate(made, [(batch.waveform, batch.lengths)])
    return made.freeze()


def test_a_state_alone_equals_a_state_in_a_padded_batch(recogniser, make_batch) -> None:
    batch, tap = make_batch([16000, 9999, 3200, 12345], seed=2), LayerTap(recogniser)
    together = tap(batch.waveform, batch.lengths)
    for i, length in enumerate(batch.lengths.tolist()):
        alone = tap(batch.waveform[i : i + 1, :length], batch.lengths[i : i + 1])
        for name, states in alone.states.items():
            count = int(together.states[name].lengths[i])
            assert int(states.lengths) == states.values.shape[1] == count
            wanted, found = states.values[0], together.states[name].values[i, :count]
            assert (wanted - found).abs().max() < 1e-4 * wanted.abs().max(), name
            assert (together.states[name].values[i, count:] == 0).all(), name
        count = int(alone.lengths)
        torch.testing.assert_close(
            alone.log_probs[0], together.log_probs[i, :count], rtol=0, atol=1e-4
        )


def test_layers_are_as_they_are_described(recogniser, make_batch) -> None:
    batch = make_batch([8000, 5000])
    hearing = LayerTap(recogniser)(batch.waveform, batch.lengths)
    assert [layer.depth for layer in recogniser.layers.values()] == [
        *range(1, len(recogniser.layers) + 1)
    ]
    for name, layer in recogniser.layers.items():
        states = hearing.states[name]
        assert states.values.shape[::2] == (2, layer.width), name
        assert layer.width % layer.features == 0
        rate_of(layer.timing.stride, 160).check(states.lengths, mel_frames(batch.lengths, 160))


def test_log_probabilities_sum_to_one(recogniser, make_batch) -> None:
    batch = make_batch([8000, 5000])
    log_probs, lengths = recogniser(batch.waveform, batch.lengths)
    assert log_probs.shape[1] == int(lengths.max())
    assert log_probs.shape[2] == len(recogniser.alphabet) + 1
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(log_probs.shape[:2]))


def test_a_quiet_utterance_is_heard_like_a_loud_one(recogniser, make_batch) -> None:
    """Input normalisation is per utterance: a gain changes little (only the floor stays put)."""
    batch = make_batch([8000])
    first = recogniser(batch.waveform, batch.lengths)[0]
    louder = recogniser(2 * batch.waveform, batch.lengths)[0]
    assert (first.exp() - louder.exp()).abs().max() < 0.1


class Plain(Frontend):
    """A front-end without deltas and normalisation, so that sound acts where it happens only."""

    def normalise(self, frames, counts):
        return frames

    def expand(self, normal, counts):
        return torch.stack([normal, -normal, normal], dim=1)


def forgetful(lstm: nn.LSTM) -> None:
    """Close the forget gates and cut the recurrent weights: a state sees its own input only."""
    width = lstm.hidden_size
    for name, value in lstm.named_parameters():
        if name.startswith("weight_hh"):
            nn.init.zeros_(value)
        elif name.startswith("weight_ih"):
            nn.init.zeros_(value[width : 2 * width])
        elif name.startswith("bias"):
            nn.init.constant_(value[width : 2 * width], -100.0)


def test_sound_shows_in_the_states_that_timing_says() -> None:
    """Move a click: the samples that change a state lie evenly around the state's centre."""
    torch.manual_seed(1)
    recogniser = VGGLSTM(channels=(6, 6, 6, 6), hidden=8).freeze()
    recogniser.frontend = Plain(recogniser.log_mel)
    for block in recogniser.blstm:
        forgetful(block.ahead)
        forgetful(block.back)
    tap, step, samples, middle = LayerTap(recogniser), 40, 12800, {1: 40, 2: 20, 4: 10}
    clicks = torch.arange(3200, 10000, step)
    rows = 0.01 * torch.randn(1, samples).expand(len(clicks) + 1, -1).clone()
    rows[torch.arange(len(clicks)), clicks] += 1.0  # the last row has none
    hearing = tap(rows, torch.full((len(rows),), samples))
    for name, states in hearing.states.items():
        timing = recogniser.layers[name].timing
        state = middle[timing.stride // 160]
        changed = (states.values[:-1, state] != states.values[-1:, state]).any(-1)
        reach = clicks[changed]
        assert changed[0] == changed[-1] == False  # noqa: E712 - the whole reach was tried
        centre = (int(reach[0]) + int(reach[-1])) / 2
        assert abs(centre - timing.centre(state)) <= step, name


def test_the_frames_of_a_state_are_centred_where_the_state_is(recogniser) -> None:
    """Behind a pool; a convolution that strides centres its state on the first of them."""
    strides = isinstance(recogniser, Jasper | DeepSpeech)
    for layer in recogniser.layers.values():
        r = rate_of(layer.timing.stride, 160).expand
        for state in (0, 1, 7):
            frames = range(state * r, (state + 1) * r)[: 1 if strides else r]
            middle = Fraction(160 * sum(frames), len(frames))
            assert layer.timing.centre(state) == middle, layer.name


def test_pairs_of_states_are_averaged_and_an_odd_one_is_kept() -> None:
    x = torch.tensor([[1.0, 3.0, 5.0, 7.0, 9.0], [2.0, 4.0, 6.0, 0.0, 0.0]])[..., None]
    found = halved(x, torch.tensor([5, 3]))
    assert found[..., 0].tolist() == [[2.0, 6.0, 9.0], [3.0, 6.0, 0.0]]


def test_downsampling_behind_the_last_layer_is_refused() -> None:
    with pytest.raises(UserError, match="between 1 and 4"):
        PureLSTM(downsample_after=(2, 5))
