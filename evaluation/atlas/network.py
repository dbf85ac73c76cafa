"""The page Network: the architecture of every model drawn to scale, and a table of its layers."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from acoustics.errors import UserError
from asr_models.layer_card import LayerCard
from corpora.corpus import SAMPLE_RATE
from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.network_figure import block_of, heights, network_figure
from evaluation.paper.panels import save_figure

FORM = 1
"""Of the figure for papers: another one draws it anew."""

FORMATS = ("svg", "pdf")


def context(atlas: Atlas) -> dict[str, Any]:
    """What the template of the page reads; which block a layer belongs to is in shard `network`."""
    shown = {model: layers for model, layers in atlas.layers.items() if layers}
    blocks = {model: [block_of(layer.name) for layer in layers] for model, layers in shown.items()}
    atlas.site.shard("network", {"blocks": blocks})
    return {
        "models": {model: [_line(layer) for layer in layers] for model, layers in shown.items()},
        "figures": {model: _figures(atlas, layers) for model, layers in shown.items()},
        "unknown": [model for model, layers in shown.items() if heights(layers) is None],
        "run": atlas.called,
    }


def _line(layer: LayerCard) -> dict[str, str]:
    """A row of the table; empty where nothing is known."""
    return {
        "name": layer.name,
        "depth": str(layer.depth),
        "kind": "" if layer.kind == "layer" else layer.kind,
        "features": _text(layer.features),
        "width": _text(layer.width),
        "stride": _time(layer.stride),
        "offset": _time(layer.offset),
        "inputs": ", ".join(layer.inputs),
    }


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _time(samples: float | None) -> str:
    return "" if samples is None else f"{samples:g} ({1000 * samples / SAMPLE_RATE:g} ms)"


def _figures(atlas: Atlas, layers: Sequence[LayerCard]) -> dict[str, str]:
    """The ways to the still figure, by format; drawn anew only when a layer has changed."""
    found = {}
    for suffix in FORMATS:
        key = f"network {FORM} {suffix} {layers}"
        way = atlas.site.file(key, "pictures", f".{suffix}", partial(_drawn, layers, suffix))
        if way:
            found[suffix.upper()] = way
    return found


def _drawn(layers: Sequence[LayerCard], suffix: str) -> bytes | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            (path,) = save_figure(network_figure(layers), Path(folder), "network", [suffix])
        except UserError:
            return None
        return path.read_bytes()
