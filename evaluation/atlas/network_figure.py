"""The network drawn to scale as a still figure (matplotlib): a box for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve

from asr_models.layer_card import LayerCard
from corpora.corpus import SAMPLE_RATE
from evaluation.paper.panels import NothingToDrawError

KINDS = {
    "convolution": ("#cfe2f5", "#2a6cb0"),
    "recurrent": ("#e2d6f3", "#7246ad"),
    "feed-forward": ("#d5ebd3", "#3c7d38"),
    "transformer": ("#fbdfc8", "#b4601a"),
    "layer": ("#e6e4df", "#6d6a63"),
}
"""Fill and outline by kind, as on the page."""

TALLEST, GAP = 10.0, 0.45
"""Of the layer with most features, and between blocks; a layer's pitch is 1."""

BOX = 0.78
INK = "#3c3e44"
INCHES = 0.27
"""Of the pitch."""


def block_of(name: str) -> str:
    """What a layer belongs to: `block4.sub2` to `block4`, `blstm3` to `blstm`."""
    before, dot, _ = name.rpartition(".")
    return before if dot else name.rstrip("0123456789").rstrip("_-") or name


def residuals(layers: Sequence[LayerCard]) -> list[tuple[int, int]]:
    """Pairs of places: whose states come into which layer, beside those of the layer before."""
    places = {layer.name: i for i, layer in enumerate(layers)}
    return [
        (places[name], i)
        for i, layer in enumerate(layers)
        for name in layer.inputs
        if name in places and places[name] != i - 1
    ]


def heights(layers: Sequence[LayerCard]) -> list[int] | None:
    """Features of every layer; None where they are not known of all."""
    known = [layer.features for layer in layers if layer.features]
    return known if len(known) == len(layers) else None


def network_figure(layers: Sequence[LayerCard]) -> Figure:
    """A box for each layer, as tall as it has features, residual connections as arcs above.

    Args:
        layers: of one recogniser, by depth. Where features are unknown, all boxes are equal, and
            the figure says so.

    Raises:
        NothingToDrawError: there is no layer.
    """
    if not layers:
        raise NothingToDrawError("there is no layer to draw")
    features = heights(layers)
    tall = (
        [TALLEST * f / max(features) for f in features] if features else [TALLEST / 2] * len(layers)
    )
    across = _places(layers)
    arcs = residuals(layers)
    sheet = Figure(
        figsize=(INCHES * (across[-1] + 3.5), 3.4 if arcs else 2.7), layout="constrained"
    )
    panel = sheet.subplots()
    for x, height, layer in zip(across, tall, layers, strict=True):
        _box(panel, x, height, layer)
    for (left, one), (right, other) in pairwise(zip(across, layers, strict=True)):
        width = 0.8 if one.name in other.inputs else 0.0
        panel.plot([left + BOX / 2, right - BOX / 2], [0, 0], color=INK, linewidth=width)
    for i, j in arcs:
        _arc(panel, (across[i], tall[i] / 2), (across[j], tall[j] / 2))
    _names(panel, layers, across)
    _strides(panel, layers, across)
    top = TALLEST / 2 + (4.2 if arcs else 0.4)
    panel.set(xlim=(-2.6, across[-1] + 1), ylim=(-TALLEST / 2 - 4.0, top))
    panel.set_axis_off()
    said = f"height: features, at most {max(features)}" if features else "heights: features unknown"
    panel.text(-2.4, top, said, fontsize=7, color=INK, va="top")
    return sheet


def _places(layers: Sequence[LayerCard]) -> list[float]:
    """Middle of every box, with a gap before each block."""
    places = [0.0]
    for one, other in pairwise(layers):
        places.append(places[-1] + 1 + GAP * (block_of(one.name) != block_of(other.name)))
    return places


def _box(panel: Any, x: float, height: float, layer: LayerCard) -> None:
    fill, edge = KINDS.get(layer.kind, KINDS["layer"])
    corner = x - BOX / 2, -height / 2
    shape = FancyBboxPatch(
        corner, BOX, height, boxstyle="round,pad=0,rounding_size=0.12", fc=fill, ec=edge, lw=0.8
    )
    panel.add_patch(shape)
    if layer.features:
        inside = height > 1.8
        panel.text(
            x, 0 if inside else height / 2 + 0.15, str(layer.features), fontsize=6, color=INK,
            ha="center", va="center" if inside else "bottom", rotation=90 if inside else 0,
        )  # fmt: skip
    panel.text(
        x, -TALLEST / 2 - 0.3, str(layer.depth), fontsize=6, color=INK, ha="center", va="top"
    )


def _arc(panel: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    lift = TALLEST / 2 + min(0.5 + 0.12 * (end[0] - start[0]), 5.0)
    codes = [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4]
    path = Curve([start, (start[0], lift), (end[0], lift), end], codes)
    panel.add_patch(PathPatch(path, fc="none", ec=INK, lw=0.4, alpha=0.45))


def _names(panel: Any, layers: Sequence[LayerCard], across: Sequence[float]) -> None:
    """Under each block its name."""
    y = -TALLEST / 2 - 1.3
    for name, members in groupby(
        zip(across, layers, strict=True), lambda pair: block_of(pair[1].name)
    ):
        places = [x for x, _ in members]
        panel.plot([places[0] - BOX / 2, places[-1] + BOX / 2], [y, y], color=INK, linewidth=0.6)
        narrow = len(places) < len(name) / 4
        panel.text(
            (places[0] + places[-1]) / 2, y - 0.15, name, fontsize=6.5, color=INK, va="top",
            ha="right" if narrow else "center", rotation=35 * narrow, rotation_mode="anchor",
        )  # fmt: skip


def _strides(panel: Any, layers: Sequence[LayerCard], across: Sequence[float]) -> None:
    """Under all: how far apart states are."""
    y = -TALLEST / 2 - 3.2
    for stride, members in groupby(zip(across, layers, strict=True), lambda pair: pair[1].stride):
        places = [x for x, _ in members]
        if stride is None:
            continue
        panel.annotate(
            "", (places[-1] + BOX / 2, y), (places[0] - BOX / 2, y),
            arrowprops={"arrowstyle": "|-|,widthA=0.2,widthB=0.2", "color": INK, "lw": 0.6},
        )  # fmt: skip
        text = f"{1000 * stride / SAMPLE_RATE:g} ms"
        panel.text(
            (places[0] + places[-1]) / 2,
            y - 0.15,
            text,
            fontsize=6.5,
            color=INK,
            ha="center",
            va="top",
        )
