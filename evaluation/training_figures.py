"""Figures over training: have the probes flattened, has the recogniser learnt?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import matplotlib
import plotly.graph_objects as go
from matplotlib.colors import to_hex

from evaluation.reading import Row, colour_of, distinct, number, select

POINTS = 200
"""Points kept of a curve: neighbours are averaged."""


class Plateau(NamedTuple):
    """How far a probe still moved at the end: `change` is relative, over the last fifth."""

    layer: str
    steps: int
    final: float
    change: float


def plateaus(rows: Sequence[Row], split: str = "dev") -> list[Plateau]:
    """For each layer, by how much its error still fell during the last fifth of training.

    Args:
        rows: of a probe's `curves.csv`: `step, split, layer, mel_l1`.
        split: the curve to look at.

    Returns:
        One entry per layer with at least three points; a positive `change` is still falling.
    """
    found = []
    for layer in distinct(rows, "layer"):
        steps, values = curve(select(rows, layer=layer, split=split), "mel_l1", points=10**9)
        if len(steps) < 3 or values[-1] == 0:
            continue
        turn = max(at for at, step in enumerate(steps[:-1]) if at == 0 or step <= 0.8 * steps[-1])
        change = (values[turn] - values[-1]) / values[-1]
        found.append(Plateau(layer, round(steps[-1]), values[-1], change))
    return found


def curve(
    rows: Sequence[Row], column: str, points: int = POINTS
) -> tuple[list[float], list[float]]:
    """Steps and values in order, thinned to at most `points` by averaging neighbours."""
    pairs = [(number(row["step"]), number(row[column])) for row in rows]
    kept = sorted((step, value) for step, value in pairs if step is not None and value is not None)
    size = -(-len(kept) // points) or 1
    groups = [kept[at : at + size] for at in range(0, len(kept), size)]
    steps = [sum(step for step, _ in group) / len(group) for group in groups]
    return steps, [sum(value for _, value in group) / len(group) for group in groups]


def probe_curves_figure(rows: Sequence[Row]) -> go.Figure:
    """Mel L1 over steps for each layer of one model: dev solid, train dotted.

    Args:
        rows: of a probe's `curves.csv`: `step, split, layer, mel_l1`.
    """
    layers = distinct(rows, "layer")
    figure = go.Figure()
    for index, layer in enumerate(layers):
        share = index / max(len(layers) - 1, 1)
        light, dark = (
            to_hex(matplotlib.colormaps["viridis"](low + share * (high - low)))
            for low, high in ((0.0, 0.82), (0.3, 1.0))
        )
        for split in ("train", "dev"):
            steps, values = curve(select(rows, layer=layer, split=split), "mel_l1")
            figure.add_trace(_line(steps, values, layer, split, (light, dark)))
    _dress(figure, "mel L1")
    return figure


def recogniser_curves_figure(curves: Mapping[str, Sequence[Row]], metric: str) -> go.Figure:
    """One quantity over steps for each recogniser: dev solid, train dotted.

    Args:
        curves: rows of `curves.csv` (`step, split, metric, value`) by model.
        metric: the quantity, as the column `metric` has it.
    """
    figure = go.Figure()
    for model, rows in curves.items():
        for split in ("train", "dev"):
            steps, values = curve(select(rows, metric=metric, split=split), "value")
            colour = colour_of(model, list(curves))
            figure.add_trace(_line(steps, values, model, split, colour))
    _dress(figure, metric)
    return figure


def _line(
    steps: list[float], values: list[float], name: str, split: str, colour: tuple[str, str]
) -> go.Scatter:
    label = escape(f"{name}, {split}")
    return go.Scatter(
        x=steps,
        y=values,
        mode="lines",
        name=escape(name),
        legendgroup=escape(name),
        showlegend=split == "dev" and bool(steps),
        line={
            "color": colour[0],
            "width": 2 if split == "dev" else 1,
            "dash": "solid" if split == "dev" else "dot",
        },
        hovertemplate=f"<b>{label}</b><br>step %{{x:.0f}}: %{{y:.3g}}<extra></extra>",
        meta={"light": colour[0], "dark": colour[1], "role": "line"},
    )


def _dress(figure: go.Figure, quantity: str) -> None:
    figure.update_layout(
        margin={"l": 46, "r": 10, "t": 8, "b": 40},
        hovermode="closest",
        dragmode=False,
        showlegend=True,
        legend={"orientation": "h", "y": -0.17, "yanchor": "top", "x": 0},
        xaxis={"title": {"text": "step", "standoff": 4}},
        yaxis={"title": {"text": escape(quantity)}},
    )
