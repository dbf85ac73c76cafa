"""Axes of the figures of sonification: layers from left to right, or seconds, and plain texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from evaluation.reading import REFERENCE_COLOUR, SPARE_COLOURS, Row, colour_of

GROUP_COLOURS = {"male": "#c8501e", "female": "#0f6cb4"}
INK = REFERENCE_COLOUR[0]
MOST_NAMES = 14


def plain(text: str) -> str:
    """A text that matplotlib does not take for mathematics."""
    return text.replace("$", r"\$")


def group_colour(name: str, names: Sequence[str]) -> str:
    """Colour of a sex, an accent, a third."""
    others = [other for other in names if other not in GROUP_COLOURS]
    spare = [light for light, _ in SPARE_COLOURS]
    return GROUP_COLOURS.get(name) or spare[others.index(name) % len(spare)]


def model_colour(model: str, models: Sequence[str]) -> str:
    """Colour of a model on light paper."""
    return colour_of(model, models)[0]


def curve(
    rows: Sequence[Any], value: str, low: str = "", high: str = "", scale: float = 1
) -> list[Row]:
    """Columns of a table's rows as a curve over depth, for `panels.draw_series`.

    Args:
        rows: dataclasses with `layer` and `depth`.
        value: name of the column that is drawn.
        low: of the lower end of its interval; none if empty.
        high: of the upper end.
        scale: factor on all three, 100 for percent.
    """
    found: list[Row] = []
    for row in rows:
        cells = asdict(row)
        names = {"mean": value, "ci_low": low, "ci_high": high}
        numbers = {end: cells[name] if name else None for end, name in names.items()}
        scaled = {end: None if n is None else scale * n for end, n in numbers.items()}
        found.append({"layer": cells["layer"], "depth": cells["depth"], **scaled})
    return found


def depth_axis(panel: Any, depths: Mapping[str, int]) -> None:
    """Names of layers below, of fifty those of the blocks; nothing that is not needed around.

    Args:
        panel: matplotlib's axes; curves over many layers lose their marks.
        depths: by layer.
    """
    names = named_layers(sorted(depths, key=lambda layer: depths[layer]))
    panel.set_xticks([depths[layer] for layer in names], [plain(text) for text in names.values()],
                     rotation=40, ha="right", rotation_mode="anchor", fontsize=8)  # fmt: skip
    panel.tick_params(axis="y", labelsize=8)
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
    if len(depths) > MOST_NAMES:
        for line in panel.get_lines():
            line.set_marker("")


def named_layers(layers: Sequence[str]) -> dict[str, str]:
    """Which layers get a name on an axis, and which: all, or the first of each block, or some.

    Args:
        layers: in order of depth.
    """
    if len(layers) <= MOST_NAMES:
        return {layer: layer for layer in layers}
    firsts: dict[str, str] = {}
    for layer in layers:
        block, dot, _ = layer.rpartition(".")
        if dot:
            firsts.setdefault(block, layer)
    if 1 < len(firsts) <= MOST_NAMES:
        return {layer: block for block, layer in firsts.items()}
    return {layer: layer for layer in layers[:: -(-len(layers) // MOST_NAMES)]}


def depths_of(rows: Sequence[Any]) -> dict[str, int]:
    """Depth by layer, as the rows have it."""
    return {row.layer: row.depth for row in rows}
