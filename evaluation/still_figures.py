"""The curve over depth as a still picture, for a README or a paper: matplotlib, no browser."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from evaluation.listening import REFERENCE_LAYERS, write_atomically
from evaluation.reading import (
    REFERENCE_DASHES,
    Row,
    by_depth,
    colour_of,
    distinct,
    metric_of,
    number,
    select,
    value_range,
)


def save_depth_picture(rows: Sequence[Row], path: Path, metric: str = "eer") -> None:
    """The curve of a metric as a still picture (PNG or SVG by the name), a panel per condition.

    Args:
        rows: of `summary.csv`.
        path: the file to write; its suffix names the format.
        metric: as in the table; the first scorer of it is drawn.

    Raises:
        ValueError: no row has this metric.
        acoustics.errors.UserError: the file cannot be written.
    """
    chosen = select(rows, metric=metric)
    if not chosen:
        raise ValueError(f"no row of metric {metric}")
    chosen = select(chosen, scorer=str(chosen[0]["scorer"]))
    conditions, models = distinct(chosen, "condition"), distinct(chosen, "model")
    sheet = Figure(figsize=(4.6 * len(conditions), 3.6), layout="constrained")
    panels = sheet.subplots(1, len(conditions), sharey=True, squeeze=False)[0]
    for panel, condition in zip(panels, conditions, strict=True):
        mine = select(chosen, condition=condition)
        for model in models:
            _draw_series(panel, select(mine, model=model), model, colour_of(model, models)[0])
        for layer in REFERENCE_LAYERS:
            level = next((number(row["mean"]) for row in select(mine, layer=layer)), None)
            if level is not None:
                style = {"solid": "-", "dash": "--", "dot": ":"}[REFERENCE_DASHES[layer]]
                panel.axhline(level, color="#3c3e44", lw=1, ls=style, label=layer)
        panel.set_title(condition)
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_ylim(*value_range(chosen, metric))
    how = metric_of(metric)
    panels[0].set_ylabel(how.label + (f" ({how.unit})" if how.unit else ""))
    sheet.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    buffer = io.BytesIO()
    sheet.savefig(buffer, format=path.suffix.removeprefix("."), dpi=150)
    write_atomically(path, buffer.getvalue())


def _draw_series(panel: Any, rows: list[Row], model: str, colour: str) -> None:
    drawn = [row for row in by_depth(rows) if number(row["mean"]) is not None]
    x = [number(row["depth"]) for row in drawn]
    style = ":" if model == "untrained" else "-"
    means = [number(row["mean"]) for row in drawn]
    panel.plot(x, means, style, marker="o", ms=4, color=colour, label=model)
    spans = [(number(row["ci_low"]), number(row["ci_high"])) for row in drawn]
    banded = [index for index, span in enumerate(spans) if None not in span]
    lows, highs = ([spans[index][end] for index in banded] for end in (0, 1))
    panel.fill_between([x[index] for index in banded], lows, highs, color=colour, alpha=0.14, lw=0)
    if drawn:
        panel.set_xticks(x, [str(row["layer"]) for row in drawn], rotation=40, ha="right")
