"""The heat map of all features for a page: under the pointer, which feature it is, and how sure."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from matplotlib.colors import to_hex

from evaluation.sonification.figure_axes import named_layers
from evaluation.sonification.heat_map import DEAD, SHADES, squeezed
from evaluation.sonification.study_folder import StudyFolder

CELLS = 240
"""Cells of a column, whatever the width of the layer: a page stays small with 26,752 features."""


def hover_map(folder: StudyFolder, unit: str) -> go.Figure | None:
    """Part of each feature's best segments that men speak, a column for each layer.

    Args:
        folder: of the study.
        unit: of search.

    Returns:
        None where there is no table of it (yet).
    """
    found = folder.columns(
        "selectivity",
        ["layer", "depth", "feature", "share", "q"],
        unit=unit,
        attribute="sex",
        group="male",
    )
    if found is None or not len(found["layer"]):
        return None
    layers = [str(name) for name in found["layer"][np.argsort(found["depth"], kind="stable")]]
    columns = {layer: found["layer"] == layer for layer in dict.fromkeys(layers)}
    shown = [
        np.flatnonzero(mine)[squeezed(found["share"][mine], CELLS)] for mine in columns.values()
    ]
    return _figure(list(columns), {name: found[name][np.stack(shown, axis=1)]
                                   for name in ("feature", "share", "q")})  # fmt: skip


def _figure(layers: list[str], cells: dict[str, np.ndarray]) -> go.Figure:
    share, feature = cells["share"], cells["feature"]
    dead = np.isnan(share)
    place: dict[str, Any] = {
        "x": [escape(layer) for layer in layers],
        "y": [round(100 * (i + 0.5) / CELLS, 2) for i in range(CELLS)],
        "hoverongaps": False,
        "xgap": 1,
    }
    told = [
        [[number, f"{q:.2g}"] for number, q in zip(*row, strict=True)]
        for row in zip(feature.tolist(), np.nan_to_num(cells["q"], nan=1.0).tolist(), strict=True)
    ]
    live = go.Heatmap(
        **place, z=_numbers(share), customdata=told, zmin=0, zmax=1, colorscale=_steps(),
        colorbar=_BAR, hovertemplate="<b>%{x}</b>, feature %{customdata[0]}<br>%{z:.0%} of its"
        " segments by men<br>q = %{customdata[1]}<extra></extra>",
    )  # fmt: skip
    grey = go.Heatmap(
        **place, z=_numbers(np.where(dead, 0.0, np.nan)), showscale=False,
        customdata=np.where(dead, feature, 0).tolist(), colorscale=[[0, DEAD], [1, DEAD]],
        hovertemplate="<b>%{x}</b>, feature %{customdata}<br>dead<extra></extra>",
    )  # fmt: skip
    figure = go.Figure([live, grey] if dead.any() else [live])
    names = named_layers(layers)
    figure.update_layout(
        margin={"l": 46, "r": 10, "t": 8, "b": 54}, hovermode="closest", dragmode=False,
        xaxis={"type": "category", "tickangle": -40, "showgrid": False,
               "tickvals": [layers.index(layer) for layer in names],
               "ticktext": [escape(name) for name in names.values()]},
        yaxis={"title": {"text": "features of the layer (%), sorted"}, "range": [0, 100],
               "showgrid": False},
    )  # fmt: skip
    return figure


_BAR = {
    "tickvals": [0, 0.1, 0.5, 0.9, 1],
    "ticktext": ["women only", "10 %", "50 %", "90 %", "men only"],
    "thickness": 14,
    "outlinewidth": 0,
}


def _numbers(values: np.ndarray) -> list[list[float | None]]:
    """Rows of numbers for JSON, which has no NaN."""
    return [
        [None if np.isnan(value) else value for value in row] for row in values.round(3).tolist()
    ]


def _steps() -> list[list[float | str]]:
    """The colours of the still figure, each from edge to edge."""
    count = len(SHADES)
    return [[edge / count, to_hex(shade)] for i, shade in enumerate(SHADES)
            for edge in (i, i + 1)]  # fmt: skip
