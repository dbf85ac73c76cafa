"""What the layers of a recogniser are, for whoever reads of them without the recogniser."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from acoustics.errors import UserError
from asr_models.layer import Layer
from asr_models.recogniser import Recogniser

LAYERS = "layers.json"
UNKNOWN = "layer"
MOST = 1_000_000
"""A card with a larger number is broken, and so is a table with more features of a layer."""

KINDS = (
    ("transformer", ("Attention", "Transformer", "Conformer")),
    ("recurrent", ("LSTM", "GRU", "RNN")),
    ("convolution", ("_ConvNd",)),  # the base of torch's
    ("feed-forward", ("Linear",)),
)
"""Kinds of layers, and what the names of the classes inside them have; the first that is met."""


@dataclass(frozen=True)
class LayerCard:
    """One layer in `layers.json`; None where a reader found no card, only tables that name it.

    Attributes:
        name: as in the tables.
        depth: 1 for the first layer.
        kind: convolution, recurrent, feed-forward, transformer, or layer where it is another one.
        stride: samples from one state to the next.
        offset: sample on which the first state is centred.
        width: values of one state.
        features: channels.
        inputs: layers whose states come in; none for the first, several where there are residuals.
            A network from elsewhere is taken for a stack.
    """

    name: str
    depth: int
    kind: str = UNKNOWN
    stride: int | None = None
    offset: float | None = None
    width: int | None = None
    features: int | None = None
    inputs: Sequence[str] = ()


def layer_cards(recogniser: Recogniser) -> list[LayerCard]:
    """What is known of every layer, in order of depth."""
    inputs = inputs_of(recogniser.layers)
    return [
        LayerCard(
            name,
            layer.depth,
            layer.kind or kind_of(recogniser.module_of(name)),
            layer.timing.stride,
            float(layer.timing.offset),
            layer.width,
            layer.features,
            inputs[name],
        )
        for name, layer in recogniser.layers.items()
    ]


def write_layers(recogniser: Recogniser, folder: Path) -> None:
    """Write `layers.json` into `folder`, which is made.

    Raises:
        UserError: it cannot be written.
    """
    text = json.dumps([asdict(card) for card in layer_cards(recogniser)], indent=2)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LAYERS).write_text(text + "\n")
    except OSError as error:
        raise UserError(
            f"{folder / LAYERS}: cannot be written ({error.strerror or error}); free some space or "
            "choose another folder"
        ) from error


def read_layers(path: Path) -> list[LayerCard]:
    """The cards of a `layers.json` by depth; none where it is broken."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = [_card(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return []
    return sorted(found, key=lambda card: card.depth)


def _card(row: Mapping[str, Any]) -> LayerCard:
    """One entry of the file.

    Raises:
        KeyError, ValueError, TypeError, OverflowError: it is another one.
    """
    whole = {name: int(row[name]) for name in ("depth", "stride", "width", "features")}
    offset = float(row["offset"])
    if not all(0 <= value <= MOST for value in whole.values()) or not math.isfinite(offset):
        raise ValueError("a number that no layer has")
    inputs = tuple(str(name) for name in row["inputs"])
    return LayerCard(str(row["name"]), kind=str(row["kind"]), offset=offset, inputs=inputs, **whole)


def kind_of(module: nn.Module) -> str:
    """What a layer is, told by the classes of its module, of the modules inside and their bases."""
    names = {kind.__name__ for part in module.modules() for kind in type(part).__mro__}
    return next(
        (kind for kind, told in KINDS if any(word in name for word in told for name in names)),
        UNKNOWN,
    )


def inputs_of(layers: Mapping[str, Layer]) -> dict[str, list[str]]:
    """Names of the layers whose states come into each layer; of the first one none.

    Args:
        layers: in order of depth.
    """
    found: dict[str, list[str]] = {}
    before: list[str] = []
    for name, layer in layers.items():
        found[name] = before if layer.inputs is None else [*layer.inputs]
        before = [name]
    return found
