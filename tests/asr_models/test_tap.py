"""The tap: names, globs, hooks that leave nothing behind."""

import pytest
import torch
from torch import nn

from acoustics.errors import UserError
from asr_models.layer import select_layers
from asr_models.tap import LayerTap, flat_state

ALL = ["cnn1", "cnn2", "cnn3", "cnn4", "blstm1", "blstm2", "blstm3", "blstm4", "blstm5"]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["*"], ALL),
        (["blstm*"], ALL[4:]),
        (["blstm5", "cnn1"], ["cnn1", "blstm5"]),
        (["cnn[12]", "*2"], ["cnn1", "cnn2", "blstm2"]),
    ],
)
def test_globs_choose_layers_in_order_of_depth(patterns, names, tiny_recogniser) -> None:
    assert LayerTap(tiny_recogniser(), patterns).names == names


def test_an_unknown_name_raises_and_lists_the_known_ones(tiny_recogniser) -> None:
    with pytest.raises(UserError) as error:
        LayerTap(tiny_recogniser(), ["cnn1", "blstm9"])
    assert str(error.value) == f"layer 'blstm9' is unknown; this recogniser has {', '.join(ALL)}"


def test_case_matters_on_every_system(tiny_recogniser) -> None:
    with pytest.raises(UserError, match="layer 'CNN1' is unknown"):
        select_layers(tiny_recogniser().layers, ["CNN1"])


def hooks(module: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in module.modules())


def test_hooks_are_gone_after_a_pass_and_after_an_exception(tiny_recogniser, make_batch) -> None:
    recogniser, batch = tiny_recogniser(), make_batch([4000])
    tap = LayerTap(recogniser)
    tap(batch.waveform, batch.lengths)
    assert hooks(recogniser) == 0
    with pytest.raises(ValueError, match="exceeds"):
        tap(batch.waveform, batch.lengths + 1)
    assert hooks(recogniser) == 0
    with pytest.raises(KeyboardInterrupt), tap.hooked():
        assert hooks(recogniser) == len(ALL)
        raise KeyboardInterrupt
    assert hooks(recogniser) == 0


def test_hooks_are_gone_when_one_cannot_be_set(tiny_recogniser, monkeypatch) -> None:
    recogniser = tiny_recogniser()
    tap = LayerTap(recogniser)
    monkeypatch.delitem(recogniser.blstm._modules, "4")
    with pytest.raises(AttributeError), tap.hooked():
        pass
    assert hooks(recogniser) == 0


def test_the_recogniser_hears_the_same_with_and_without_a_tap(tiny_recogniser, make_batch) -> None:
    recogniser, batch = tiny_recogniser(), make_batch([4000, 3000])
    hearing = LayerTap(recogniser, ["cnn2"])(batch.waveform, batch.lengths)
    assert list(hearing.states) == ["cnn2"]
    assert hearing.log_probs.equal(recogniser(batch.waveform, batch.lengths)[0])


def test_a_convolutions_state_is_its_channels_each_with_all_bands() -> None:
    output = torch.arange(24.0).reshape(1, 2, 3, 4)  # (batch, channel, frame, band)
    state = flat_state(output)
    assert state.shape == (1, 3, 8)
    assert state[0, 1].tolist() == [*output[0, 0, 1].tolist(), *output[0, 1, 1].tolist()]


def test_a_pass_can_end_where_the_last_tapped_layer_is_heard(tiny_recogniser, make_batch) -> None:
    recogniser, batch, passed = tiny_recogniser(), make_batch([4000, 3000]), []
    for layer in recogniser.layers.values():
        module = recogniser.get_submodule(layer.module)
        module.register_forward_hook(lambda *_, name=layer.name: passed.append(name))
    before, tap = hooks(recogniser), LayerTap(recogniser, ["cnn1", "cnn3"])
    outputs = tap.until_heard(lambda: recogniser(batch.waveform, batch.lengths))
    assert list(outputs) == ["cnn1", "cnn3"]
    assert passed == ["cnn1", "cnn2", "cnn3"]
    whole = tap(batch.waveform, batch.lengths)
    assert flat_state(outputs["cnn3"]).equal(whole.states["cnn3"].values)
    assert hooks(recogniser) == before


def test_a_layer_that_a_pass_does_not_reach_is_named(tiny_recogniser) -> None:
    recogniser = tiny_recogniser()
    tap = LayerTap(recogniser, ["cnn1", "blstm2"])
    with pytest.raises(UserError, match="this input does not reach layer cnn1, blstm2"):
        tap.until_heard(lambda: None)
    with pytest.raises(KeyboardInterrupt):
        tap.until_heard(_interrupted)
    assert hooks(recogniser) == 0


def _interrupted() -> None:
    raise KeyboardInterrupt
