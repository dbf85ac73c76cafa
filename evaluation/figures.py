"""Figures over depth: what is left of the speech in each layer, with all it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from evaluation.depth_ticks import depth_ticks
from evaluation.listening import REFERENCE_LAYERS
from evaluation.reading import (
    REFERENCE_COLOUR,
    REFERENCE_DASHES,
    Row,
    by_depth,
    colour_of,
    distinct,
    metric_of,
    number,
    select,
    spell,
    value_range,
)


def depth_figure(
    rows: Sequence[Row],
    metric: str,
    scorer: str,
    *,
    condition: str | None = None,
    model: str | None = None,
) -> go.Figure:
    """A metric over depth, with bands for the intervals and horizontal references.

    With `condition` the lines are the models, with `model` they are the conditions.

    Args:
        rows: of `summary.csv`; those of other metrics and scorers are ignored.
        metric: as in the table.
        scorer: as in the table.
        condition: the panel, unless a model is.
        model: the panel, unless a condition is.

    Returns:
        A figure; every trace carries `meta` with its `model` and `condition`, `dark` (its colour
        on dark paper), `light` and `role` (`band`, `line` or `reference`).

    Raises:
        ValueError: both or neither of `condition` and `model` are given.
    """
    if (condition is None) == (model is None):
        raise ValueError("a panel is either of a condition or of a model")
    rows = select(rows, metric=metric, scorer=scorer)
    along = "model" if condition is not None else "condition"
    panel = {"condition": condition} if condition is not None else {"model": str(model)}
    names = distinct(rows, along)
    mine = select(rows, **{name: str(value) for name, value in panel.items()})
    tapped = by_depth(mine)
    deepest = max((number(row["depth"]) or 1.0 for row in tapped), default=1.0)
    traces = _references(mine, along, names, metric, deepest)
    for name in names:
        traces += _series(select(tapped, **{along: name}), metric, colour_of(name, names))
    figure = go.Figure(traces)
    _dress(figure, tapped, metric, deepest, value_range(rows, metric))
    return figure


def _series(rows: list[Row], metric: str, colour: tuple[str, str]) -> list[go.Scatter]:
    """Band and line of one model in one condition."""
    if not rows:
        return []
    meta = {
        "model": str(rows[0]["model"]),
        "condition": str(rows[0]["condition"]),
        "light": colour[0],
        "dark": colour[1],
    }
    x, y = _band(rows)
    band = go.Scatter(
        x=x,
        y=y,
        fill="toself",
        mode="none",
        fillcolor=_faint(colour[0]),
        hoverinfo="skip",
        meta={**meta, "role": "band"},
    )
    dash = "dot" if meta["model"] == "untrained" else "solid"
    line = go.Scatter(
        x=[number(row["depth"]) for row in rows],
        y=[number(row["mean"]) for row in rows],
        mode="lines+markers",
        name=escape(f"{meta['model']}, {meta['condition']}"),
        line={"color": colour[0], "width": 2, "dash": dash},
        marker={"size": 6},
        text=[_hover(row, metric) for row in rows],
        hovertemplate="%{text}<extra></extra>",
        meta={**meta, "role": "line"},
    )
    return [band, line]


def _band(rows: list[Row]) -> tuple[list[float | None], list[float | None]]:
    """Outlines of the runs of layers that have an interval, parted by None."""
    x: list[float | None] = []
    y: list[float | None] = []
    run: list[tuple[float, float, float]] = []
    for row in [*rows, None]:
        cells = [number(row[name]) for name in ("depth", "ci_low", "ci_high")] if row else []
        corner = [cell for cell in cells if cell is not None]
        if len(corner) == 3:
            run.append((corner[0], corner[1], corner[2]))
            continue
        if run:
            x += [*(point[0] for point in run), *(point[0] for point in reversed(run)), None]
            y += [*(point[1] for point in run), *(point[2] for point in reversed(run)), None]
        run = []
    return x, y


def _references(
    rows: list[Row], along: str, names: list[str], metric: str, deepest: float
) -> list[go.Scatter]:
    """Ceilings and floor: one neutral line where all models share it, else one of each colour."""
    traces = []
    for layer in REFERENCE_LAYERS:
        found = [row for row in select(rows, layer=layer) if number(row["mean"]) is not None]
        shared = along == "model" and len({number(row["mean"]) for row in found}) == 1
        for row in found[:1] if shared else found:
            light, dark = REFERENCE_COLOUR if shared else colour_of(str(row[along]), names)
            meta = {
                "model": "" if shared else str(row["model"]),
                "condition": str(row["condition"]),
                "light": light,
                "dark": dark,
                "role": "reference",
            }
            line = go.Scatter(
                x=[0.6, deepest + 0.4],
                y=[number(row["mean"])] * 2,
                mode="lines",
                name=layer,
                line={"color": light, "width": 1.4, "dash": REFERENCE_DASHES[layer]},
                text=[_hover(row, metric)] * 2,
                hovertemplate="%{text}<extra></extra>",
                meta=meta,
            )
            traces.append(line)
    return traces


def _hover(row: Row, metric: str) -> str:
    interval = f"{spell(row['ci_low'], metric)} to {spell(row['ci_high'], metric)}"
    failed = number(row["n_failed"]) or 0
    lost = f", <b>{failed:.0f} failed</b>" if failed else ""
    where = f"{row['model']}, {row['condition']}"
    return (
        f"<b>{escape(str(row['layer']))}</b> · {escape(where)}<br>{spell(row['mean'], metric)}"
        f" [{interval}]<br>n = {escape(str(row['n_scored']))}{lost}"
    )


def _dress(
    figure: go.Figure,
    tapped: list[Row],
    metric: str,
    deepest: float,
    limits: tuple[float, float],
) -> None:
    how = metric_of(metric)
    ticks = depth_ticks(tapped)
    figure.update_layout(
        margin={"l": 46, "r": 10, "t": 8, "b": 54},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis={
            "tickvals": list(ticks),
            "ticktext": [escape(name) for name in ticks.values()],
            "range": [0.6, deepest + 0.4],
            "tickangle": -40,
        },
        yaxis={
            "range": list(limits),
            "title": {"text": how.label + (f" ({how.unit})" if how.unit else "")},
        },
    )
    if metric == "eer" and limits[1] > 50:
        figure.add_hline(y=50, line={"width": 0.7, "dash": "dot", "color": "#888888"})


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.14)"
