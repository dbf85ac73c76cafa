"""Every adapter keeps the contract: states that fit, eval mode, nothing of the batch mates."""

import pytest
import torch

from acoustics.errors import UserError
from acoustics.frames import mel_frames, rate_of
from asr_models.adapter import Adapter
from asr_models.attachment import TOLERANCE
from asr_models.checkpoint import calibrate, load_recogniser, save_recogniser, untrained_twin
from asr_models.ctc import CTCModule
from asr_models.speechbrain_asr import SpeechbrainASR
from asr_models.tap import LayerTap

LENGTHS = [16000, 9999, 3200, 12345]


def test_a_state_alone_equals_a_state_in_a_padded_batch(adapter: Adapter, make_batch) -> None:
    """By masks where the network has them, and else by hearing utterances one by one."""
    batch, tap = make_batch(LENGTHS, seed=2), LayerTap(adapter.freeze())
    together = tap(batch.waveform, batch.lengths)
    for i, length in enumerate(LENGTHS):
        alone = tap(batch.waveform[i : i + 1, :length], batch.lengths[i : i + 1])
        for name, states in alone.states.items():
            count = int(together.states[name].lengths[i])
            assert int(states.lengths) == states.values.shape[1] == count
            wanted, found = states.values[0], together.states[name].values[i, :count]
            assert (wanted - found).abs().max() <= TOLERANCE * wanted.abs().max(), name
            assert (together.states[name].values[i, count:] == 0).all(), name
        torch.testing.assert_close(
            alone.log_probs[0], together.log_probs[i, : int(alone.lengths)], rtol=0, atol=1e-4
        )


def test_layers_are_as_they_are_described(adapter: Adapter, make_batch) -> None:
    batch = make_batch([8000, 5000])
    hearing = LayerTap(adapter.freeze())(batch.waveform, batch.lengths)
    layers = adapter.layers.values()
    assert [layer.depth for layer in layers] == [*range(1, len(layers) + 1)]
    for name, layer in adapter.layers.items():
        states = hearing.states[name]
        assert states.values.shape[::2] == (2, layer.width), name
        assert layer.width % layer.features == 0
        rate_of(layer.timing.stride, 160).check(states.lengths, mel_frames(batch.lengths, 160))


def test_what_was_measured_agrees_with_what_is_declared(adapter: Adapter) -> None:
    measured = adapter.freeze().attachment
    assert measured is not None
    assert set(measured.timing) == set(measured.alone_vs_padded) == set(adapter.layers)
    assert measured.together == adapter.together
    assert (measured.worst <= TOLERANCE) or not measured.together
    for name, found in measured.timing.items():
        timing = adapter.layers[name].timing
        assert (found.stride, found.offset) == (timing.stride, float(timing.offset))
        if found.measured_offset is not None:
            assert abs(found.measured_offset - found.offset) <= max(found.stride, 160)
    assert any(found.measured_offset is not None for found in measured.timing.values())


def test_it_stays_in_eval_mode_whatever_is_asked(adapter: Adapter) -> None:
    assert not any(module.training for module in adapter.train().modules())
    adapter.freeze()
    assert not any(p.requires_grad for p in adapter.train().parameters())
    assert not any(module.training for module in adapter.modules())


def test_classes_where_there_are_some_and_an_honest_word_where_not(
    adapter: Adapter, make_batch
) -> None:
    batch = make_batch([8000, 5000])
    log_probs, steps = adapter.freeze()(batch.waveform, batch.lengths)
    assert log_probs.shape[:2] == (2, int(steps.max()))
    if adapter.has_classes:
        assert log_probs.shape[2] == len(adapter.tokens) + 1
        for row, count in zip(log_probs, steps.tolist(), strict=True):
            torch.testing.assert_close(row[:count].exp().sum(-1), torch.ones(count))
        assert all(set(text) <= set(adapter.alphabet) for text in adapter.spelt(log_probs, steps))
    else:
        assert log_probs.shape[2] == 0
        with pytest.raises(UserError, match="no output classes, so a transcript does not apply"):
            adapter.spelt(log_probs, steps)


def test_tokens_of_a_text_are_the_networks_own(adapter: Adapter) -> None:
    """Its classes do not stand in the order of the alphabet; what they spell is what was asked."""
    if not adapter.has_classes:
        with pytest.raises(UserError, match="no output classes, so a transcript does not apply"):
            adapter.tokens_of("a")
        return
    tokens = adapter.tokens_of("abb")
    assert 0 not in tokens and [adapter.tokens[t - 1] for t in tokens] == [*"abb"]
    path = torch.tensor([[n for token in tokens for n in (0, token)]])
    sure = torch.eye(len(adapter.tokens) + 1)[path]
    assert adapter.spelt(sure, torch.tensor([path.shape[1]])) == ["abb"]
    with pytest.raises(UserError, match="no classes of this recogniser spell 'a7'"):
        adapter.tokens_of("a7")


def test_a_gradient_reaches_the_waveform_through_every_layer(adapter: Adapter, make_batch) -> None:
    batch = make_batch([8000])
    waveform = batch.waveform.clone().requires_grad_()
    with LayerTap(adapter.freeze()).hooked() as outputs:
        adapter(waveform, batch.lengths)
    for name, states in outputs.items():
        weight = torch.randn(states.shape)
        (found,) = torch.autograd.grad((states * weight).sum(), waveform, retain_graph=True)
        assert torch.isfinite(found).all() and (found != 0).any(), name


def test_a_pass_ends_where_the_last_tapped_layer_is_heard(adapter: Adapter, make_batch) -> None:
    first, *_, last = adapter.freeze().layers
    batch, called = make_batch([8000]), []
    path = adapter.points[last].module
    handle = adapter.model.get_submodule(path).register_forward_hook(lambda *_: called.append(1))
    heard = LayerTap(adapter, [first]).until_heard(lambda: adapter(batch.waveform, batch.lengths))
    assert [*heard] == [first] and not called
    handle.remove()


def hooks(module: torch.nn.Module) -> int:
    return sum(len(m._forward_hooks) for m in module.modules())


def test_no_hook_is_left_behind(adapter: Adapter, make_batch) -> None:
    batch = make_batch([8000])
    before = hooks(adapter.freeze())
    tap = LayerTap(adapter)
    tap(batch.waveform, batch.lengths)
    with pytest.raises(KeyboardInterrupt), tap.hooked():
        raise KeyboardInterrupt
    assert hooks(adapter) == before


def test_it_comes_back_from_disk_with_what_was_measured(
    adapter: Adapter, make_batch, tmp_path
) -> None:
    save_recogniser(adapter, tmp_path / "saved")
    again = load_recogniser(tmp_path / "saved")
    assert isinstance(again, Adapter)
    assert again.attachment == adapter.attachment and again.together == adapter.together
    assert again.weight_hash() == adapter.weight_hash()
    batch = make_batch([8000, 5000])
    name = [*adapter.layers][-1]
    wanted, found = (
        LayerTap(one, [name])(batch.waveform, batch.lengths).states[name].values
        for one in (adapter, again)
    )
    assert found.equal(wanted)


def test_it_is_not_trained_here_and_keeps_its_statistics(adapter: Adapter, make_batch) -> None:
    with pytest.raises(UserError, match="studied as it is"):
        CTCModule(adapter)
    batch, before = make_batch([8000]), adapter.weight_hash()
    calibrate(adapter, [(batch.waveform, batch.lengths)])
    assert adapter.weight_hash() == before


def test_an_untrained_twin_has_other_weights_or_is_refused(adapter: Adapter) -> None:
    if isinstance(adapter, SpeechbrainASR):
        with pytest.raises(UserError, match="take untrained out"):
            untrained_twin(adapter)
        return
    torch.manual_seed(1)
    twin = untrained_twin(adapter)
    assert twin.weight_hash() != adapter.weight_hash()
    assert twin.layers == adapter.layers
