"""Insertion and deletion curves of masks, for the page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import plotly.graph_objects as go

from evaluation.atlas.overview import plain
from evaluation.masks.curves import Way
from evaluation.masks.judging import ENERGY, MASK, RANDOM
from evaluation.reading import Row, number

NAMES = {MASK: "importance", RANDOM: "random", ENERGY: "energy"}
"""What readers know the masks by."""

COLOURS = {
    MASK: ("#c8501e", "#f79663"),
    ENERGY: ("#0f6cb4", "#62b3f5"),
    RANDOM: ("#6a6d74", "#a3a6b0"),
}
"""On light and on dark paper."""

DASHES = {MASK: "solid", ENERGY: "dash", RANDOM: "dot"}
VERBS = {"insertion": "put in", "deletion": "taken away"}


def curve_charts(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """A figure of Plotly for each way; means where there are several masks.

    Args:
        rows: of curves.csv; those without a number are left out.
    """
    sums: dict[tuple[str, str], dict[float, list[float]]] = {}
    for row in rows:
        share, kept = number(row["share"]), number(row["frames_preserved"])
        if share is not None and kept is not None:
            points = sums.setdefault((str(row["way"]), str(row["mask"])), {})
            points.setdefault(share, []).append(kept)
    return {
        way: plain(_chart(way, {mask: sums[way, mask] for mask in COLOURS if (way, mask) in sums}))
        for way in get_args(Way)
        if any(known == way for known, _ in sums)
    }


def _chart(way: str, curves: dict[str, dict[float, list[float]]]) -> go.Figure:
    figure = go.Figure()
    for mask, points in curves.items():
        light, dark = COLOURS[mask]
        shares = sorted(points)
        figure.add_scatter(
            x=[100 * share for share in shares],
            y=[100 * sum(points[share]) / len(points[share]) for share in shares],
            name=NAMES[mask],
            mode="lines",
            line={"color": light, "width": 2, "dash": DASHES[mask]},
            hovertemplate=(
                f"{NAMES[mask]}: %{{y:.0f}} % of the frames at %{{x:.0f}} %<extra></extra>"
            ),
            meta={"light": light, "dark": dark, "role": "line"},
        )
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": {"text": f"entries {VERBS[way]}, in the mask's own order (%)"},
               "range": [0, 100]},
        yaxis={"title": {"text": "frames that keep their class (%)"}, "range": [0, 102]},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )  # fmt: skip
    return figure
