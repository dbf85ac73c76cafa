"""The figure of one word by a man and a woman: 20 features of every layer, and overlaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from evaluation.paper.panels import NothingToDrawError, draw_series
from evaluation.sonification.figure_axes import (
    GROUP_COLOURS,
    INK,
    curve,
    depth_axis,
    depths_of,
    plain,
)
from evaluation.sonification.same_word import SameWordRow

SHOWN = 20
KINDS = ("both", "male", "female", "neither")
COLOURS = {"both": "#197a5d", **GROUP_COLOURS, "neither": "#e4e5e8"}
MEANT = {"male": "man", "female": "woman"}
CELL = 0.15  # inches
Switch = Literal["both", "male", "female"]


def kinds_of(male: np.ndarray, female: np.ndarray) -> np.ndarray:
    """Index in `KINDS` of each feature, from what each of the two utterances activates."""
    return np.select([male & female, male, female], [0, 1, 2], default=3)


def shown_features(kinds: np.ndarray, seed: int, count: int = SHOWN) -> np.ndarray:
    """Features of one layer that are shown, as many of each kind as in the whole layer.

    Places are shared out by the largest remainder; within a kind features are drawn. They come in
    the order of their kinds, so that equal colours stand together.

    Args:
        kinds: of all features of the layer, from `kinds_of`.
        seed: of the draw.
        count: features shown; a smaller layer is shown whole.
    """
    count = min(count, len(kinds))
    if not count:
        return np.zeros(0, dtype=np.int64)
    generator = np.random.default_rng(seed)
    exact = np.bincount(kinds, minlength=len(KINDS)) * count / len(kinds)
    places = np.floor(exact).astype(int)
    late = np.argsort(places - exact, kind="stable")[: count - places.sum()]
    places[late] += 1
    drawn = [
        np.sort(generator.choice(np.flatnonzero(kinds == kind), size, replace=False))
        for kind, size in enumerate(places)
    ]
    return np.concatenate(drawn)


def same_word_figure(
    word: str,
    kinds: Mapping[str, np.ndarray],
    rows: Sequence[SameWordRow] = (),
    *,
    switch: Switch = "both",
    seed: int = 0,
    title: str = "",
) -> Figure:
    """One word by two speakers above, the overlaps over many pairs below.

    Args:
        word: that both say.
        kinds: of all features, by layer in order of depth, from `kinds_of`.
        rows: of same_word.csv of one model; without them the lower panel is left out.
        switch: whose activated features are coloured: both speakers', the man's, the woman's.
        seed: of the draw of features.
        title: of the figure, as the model.

    Raises:
        NothingToDrawError: there is no layer.
    """
    if not kinds:
        raise NothingToDrawError(f"nobody says '{word}'")
    below = [row for row in rows if row.overlap is not None]
    width = max(6.8, 2.0 + max(CELL, 3.0 / len(kinds)) * len(kinds))
    sheet = Figure(figsize=(width, 3.3 + (2.4 if below else 0)), layout="constrained")
    panels = sheet.subplots(
        2 if below else 1, 1, squeeze=False, height_ratios=[5, 4][: 1 + bool(below)]
    )[:, 0]
    _draw_cells(panels[0], kinds, switch, seed)
    shown = "" if switch == "both" else f", shown: the {MEANT[switch]}'s"
    heading = f"“{word}” by a man and a woman{shown}"
    panels[0].set_title(plain(": ".join(part for part in (title, heading) if part)), fontsize=10)
    if below:
        _draw_overlaps(panels[1], below)
    return sheet


def _draw_cells(panel: Any, kinds: Mapping[str, np.ndarray], switch: Switch, seed: int) -> None:
    cells = np.full((SHOWN, len(kinds)), np.nan)
    for column, of_layer in enumerate(kinds.values()):
        mine = of_layer[shown_features(of_layer, seed + column)]
        cells[: len(mine), column] = mine
    colours = dict(COLOURS)
    if switch != "both":
        colours["both"] = colours[switch]
        colours["female" if switch == "male" else "male"] = colours["neither"]
    x, y = np.meshgrid(np.arange(len(kinds)) + 1, np.arange(SHOWN))
    there = np.isfinite(cells)
    panel.scatter(
        x[there], y[there], c=cells[there], s=26, marker="o", linewidths=0, vmin=0, vmax=3,
        cmap=ListedColormap([colours[kind] for kind in KINDS]),
    )  # fmt: skip
    panel.set_xlim(0.4, len(kinds) + 0.6)
    panel.set_ylim(SHOWN - 0.2, -0.8)
    depth_axis(panel, {layer: i for i, layer in enumerate(kinds, start=1)})
    panel.grid(visible=False)
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    panel.set_ylabel(f"{SHOWN} features of each layer", fontsize=9)
    names = {"both": "activated by both", "male": "by the man only", "female": "by the woman only",
             "neither": "by neither"}  # fmt: skip
    if switch != "both":
        names = {
            switch: f"activated by the {MEANT[switch]}",
            "neither": "not activated",
        }
    patches = [Patch(color=colours[kind], label=text) for kind, text in names.items()]
    panel.legend(
        handles=patches, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8
    )


def _draw_overlaps(panel: Any, rows: Sequence[SameWordRow]) -> None:
    across = curve(rows, "overlap", "ci_low", "ci_high")
    alike = curve(rows, "alike", "alike_low", "alike_high")
    draw_series(panel, across, "a man and a woman", COLOURS["both"])
    draw_series(panel, alike, "two of one sex", "#c08a00", "--")
    draw_series(panel, curve(rows, "chance"), "sets of these sizes by chance", INK, ":")
    depths = depths_of(rows)
    depth_axis(panel, depths)
    panel.set_xlim(min(depths.values()) - 0.6, max(depths.values()) + 0.6)
    panel.set_ylim(0, 1)
    panel.set_ylabel("overlap of activated\nfeatures (Jaccard)", fontsize=9)
    n_pairs = max(row.n_pairs for row in rows)
    panel.set_title(f"{n_pairs} pairs of the same word, 95 % intervals over speakers", fontsize=9)
    panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
