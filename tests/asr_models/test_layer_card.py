"""`layers.json`: what every layer is, and whose states come into it."""

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from acoustics.errors import UserError
from acoustics.frames import Timing
from asr_models.adapter import Adapter
from asr_models.checkpoint import load_recogniser, save_recogniser
from asr_models.deepspeech import DeepSpeech
from asr_models.jasper import PAPER, Jasper, jasper_layers
from asr_models.layer import Layer
from asr_models.layer_card import (
    LAYERS,
    inputs_of,
    kind_of,
    layer_cards,
    read_layers,
    write_layers,
)
from asr_models.pure_lstm import PureLSTM
from asr_models.recogniser import Recogniser
from asr_models.vgg_lstm import VGGLSTM

SMALL = {
    "vgg": lambda: VGGLSTM(channels=(2, 2, 3, 3), hidden=4, blstm_layers=2),
    "lstm": lambda: PureLSTM(hidden=4, blstm_layers=3, downsample_after=(2,)),
    "jasper": lambda: Jasper((6, 5, 4, 3, 7, 8), (3, 3, 3, 5, 5, 1), sub_blocks=3),
    "jasper-1": lambda: Jasper((6, 5, 4, 7, 8), (3, 3, 5, 5, 1), sub_blocks=1),
    "deepspeech": lambda: DeepSpeech(width=8, n_mfcc=4, context=1),
}


@pytest.fixture(params=SMALL)
def recogniser(request) -> Recogniser:
    torch.manual_seed(0)
    return SMALL[request.param]().eval()


def really_read(recogniser: Recogniser) -> dict[str, set[str]]:
    """The layers that each layer reads at first hand, by cutting the graph behind every layer."""
    leaves: dict[str, torch.Tensor] = {}
    found: dict[str, set[str]] = {}

    def cut(name: str, _: object, __: object, output: torch.Tensor) -> torch.Tensor:
        known = [*leaves]
        slopes = torch.autograd.grad(
            output.sum(), [*leaves.values()], allow_unused=True, retain_graph=True
        ) if known else ()  # fmt: skip
        pairs = zip(known, slopes, strict=True)
        found[name] = {name for name, slope in pairs if slope is not None}
        leaves[name] = output.detach().requires_grad_()
        return leaves[name]

    for name in recogniser.layers:
        recogniser.module_of(name).register_forward_hook(partial(cut, name))
    recogniser(torch.randn(1, 8000), torch.tensor([8000]))
    return found


def test_inputs_are_the_layers_that_a_layer_really_reads(recogniser) -> None:
    told = {card.name: card.inputs for card in layer_cards(recogniser)}
    assert {name: set(inputs) for name, inputs in told.items()} == really_read(recogniser)
    order = [*recogniser.layers]
    for name, inputs in told.items():  # each once, by depth, and all before it
        assert inputs == [other for other in order[: order.index(name)] if other in inputs]


def test_the_articles_jasper_has_ten_blocks_with_dense_residuals() -> None:
    inputs = inputs_of(jasper_layers(PAPER["widths"], 5, 160))
    ends = [f"block{i}.sub5" for i in range(1, 11)]
    assert inputs["prologue"] == []
    assert inputs["block3.sub1"] == ["block2.sub5"]
    assert inputs["block3.sub5"] == ["prologue", "block1.sub5", "block2.sub5", "block3.sub4"]
    assert inputs[ends[-1]] == ["prologue", *ends[:-1], "block10.sub4"]
    assert inputs["epilogue1"] == [ends[-1]] and inputs["epilogue2"] == ["epilogue1"]
    assert {name for name, given in inputs.items() if len(given) > 1} == set(ends)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("vgg", ["convolution"] * 4 + ["recurrent"] * 2),
        ("lstm", ["recurrent"] * 3),
        ("jasper", ["convolution"] * 12),
        ("deepspeech", ["feed-forward"] * 3 + ["recurrent"] + ["feed-forward"] * 2),
    ],
)
def test_kinds_of_our_own(name, kinds) -> None:
    assert [card.kind for card in layer_cards(SMALL[name]())] == kinds


class Memory(nn.GRU):
    """A recurrent layer whose name does not say so."""


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (nn.TransformerEncoderLayer(4, 2, 8), "transformer"),
        (nn.MultiheadAttention(4, 2), "transformer"),
        (nn.Sequential(nn.Conv1d(1, 2, 3), nn.LSTM(2, 2)), "recurrent"),
        (Memory(2, 2), "recurrent"),
        (nn.LSTMCell(2, 2), "recurrent"),
        (nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(), nn.Linear(2, 2)), "convolution"),
        (nn.Sequential(nn.LayerNorm(2), nn.Linear(2, 2)), "feed-forward"),
        (nn.Sequential(nn.ReLU(), nn.BatchNorm1d(2)), "layer"),
        (nn.Sequential(), "layer"),
    ],
)
def test_a_kind_is_told_by_the_classes_inside(module, kind) -> None:
    assert kind_of(module) == kind


def test_layers_of_networks_from_elsewhere(adapter: Adapter) -> None:
    """A stack, each of the kind of its foreign module; times are those that states have here."""
    cards = layer_cards(adapter)
    named = {"cnn": "convolution", "transformer": "transformer", "fine": "convolution",
             "coarse": "convolution", "mods.encoder.cnn": "convolution",
             "mods.encoder.rnn": "recurrent"}  # fmt: skip
    assert [card.kind for card in cards] == [named[c.name.rstrip("0123456789")] for c in cards]
    assert [card.inputs for card in cards] == [[], *([card.name] for card in cards[:-1])]
    for card, layer in zip(cards, adapter.layers.values(), strict=True):
        assert (card.depth, card.stride) == (layer.depth, layer.timing.stride)


def test_a_saved_recogniser_has_its_layers_and_needs_them_for_nothing(recogniser, tmp_path) -> None:
    save_recogniser(recogniser, tmp_path)
    cards = json.loads((tmp_path / LAYERS).read_text())
    assert cards == [asdict(card) for card in layer_cards(recogniser)]
    assert [*cards[0]] == [
        "name", "depth", "kind", "stride", "offset", "width", "features", "inputs",
    ]  # fmt: skip
    for card, layer in zip(cards, recogniser.layers.values(), strict=True):
        assert card["offset"] == float(layer.timing.offset)
        assert (card["width"], card["features"]) == (layer.width, layer.features)
    (tmp_path / LAYERS).unlink()  # as saved before there was such a file
    assert load_recogniser(tmp_path).layers == recogniser.layers


def test_a_fraction_of_a_sample_and_a_kind_that_was_said(recogniser, tmp_path) -> None:
    first = next(iter(recogniser.layers.values()))
    odd = Layer("odd", first.module, 9, Timing(5).pooled(2), 4, 4, ("a", "b"), "transformer")
    recogniser.layers["odd"] = odd
    write_layers(recogniser, tmp_path / "new")
    last = json.loads((tmp_path / "new" / LAYERS).read_text())[-1]
    assert (last["stride"], last["offset"]) == (10, 2.5)
    assert (last["kind"], last["inputs"]) == ("transformer", ["a", "b"])


def test_a_folder_that_cannot_be_made_is_said_in_one_line(recogniser, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/layers.json: cannot be written"):
        write_layers(recogniser, tmp_path / "file")


def test_cards_come_back_and_broken_ones_do_not(tmp_path) -> None:
    recogniser, path = SMALL["jasper"](), tmp_path / LAYERS
    write_layers(recogniser, tmp_path)
    cards = [replace(card, inputs=tuple(card.inputs)) for card in layer_cards(recogniser)]
    assert read_layers(path) == cards
    rows = json.loads(path.read_text())
    for name, value in (("depth", float("inf")), ("stride", 10**30), ("offset", float("nan")),
                        ("width", -1), ("features", "many"), ("inputs", 3)):  # fmt: skip
        path.write_text(json.dumps([{**rows[0], name: value}, *rows[1:]]))
        assert read_layers(path) == [], name
    for text in ("[" * 100_000, "3", "[3]", '[{"name": "cnn1"}]', ""):
        path.write_text(text)
        assert read_layers(path) == []
