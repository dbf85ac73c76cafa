"""The report's blocks over depth: panels and table of one metric, as the page wants them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import plotly.graph_objects as go

from evaluation.figures import depth_figure
from evaluation.listening import REFERENCE_LAYERS
from evaluation.reading import (
    CONDITION_ORDER,
    METRICS,
    MODEL_ORDER,
    Row,
    by_depth,
    distinct,
    metric_of,
    number,
    ordered,
    select,
    spell,
)


def scored(summary: list[Row]) -> list[tuple[str, str]]:
    """Metric and scorer of every block, in the order of the house; strange metrics last."""
    pairs = dict.fromkeys((str(row["metric"]), str(row["scorer"])) for row in summary)
    order = {name: at for at, name in enumerate(METRICS)}
    return sorted(pairs, key=lambda pair: (order.get(pair[0], len(order)), pair))


def metric_block(
    summary: list[Row], metric: str, scorer: str, figures: dict[str, go.Figure]
) -> dict[str, Any]:
    """Panels and table of one metric; its figures are added to `figures`."""
    rows = select(summary, metric=metric, scorer=scorer)
    models = ordered(distinct(rows, "model"), MODEL_ORDER)
    conditions = ordered(distinct(rows, "condition"), CONDITION_ORDER)
    rows = [row for model in models for row in rows if row["model"] == model]
    panels = []
    for along, names in (("condition", conditions), ("model", models)):
        draw = partial(depth_figure, rows, metric, scorer)
        for name in names:
            identity = f"figure-{len(figures)}"
            figures[identity] = draw(condition=name) if along == "condition" else draw(model=name)
            panels.append({"id": identity, "along": along, "name": name})
    layers = [name for name in REFERENCE_LAYERS[:2] if select(rows, layer=name)]
    layers += distinct(by_depth(rows), "layer")
    layers += [layer for layer in distinct(rows, "layer") if layer not in layers]
    by_place: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        place = (str(row["condition"]), str(row["model"]), str(row["layer"]))
        by_place.setdefault(place, row)
    span = _span(rows)
    table = [
        (
            condition,
            model,
            [_cell(by_place.get((condition, model, layer)), metric, span) for layer in layers],
        )
        for condition in conditions
        for model in models
    ]
    how = metric_of(metric)
    return {
        "metric": metric, "scorer": scorer, "how": how, "panels": panels, "layers": layers,
        "table": [line for line in table if any(line[2])],
        "failed": sum(int(number(row["n_failed"]) or 0) for row in rows),
    }  # fmt: skip


def step_lines(steps: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows of `steps.csv` as the page wants them: labels, and the digits of their metrics.

    A difference of percentages is in points. `excludes` is None where there is no interval.
    """
    lines = []
    for row in steps:
        how = metric_of(str(row["metric"]))
        scorer = str(row.get("scorer", ""))
        unit = "points" if how.unit == "%" else how.unit
        low, high = number(row["ci_low"]), number(row["ci_high"])
        span = None if low is None or high is None else (low, high)
        lines.append(
            {
                **{name: row[name] for name in ("model", "condition", "earlier", "later")},
                "metric": how.label + (f" by {scorer}" if scorer else ""),
                "difference": f"{_signed(number(row['difference']), how.digits)} {unit}".strip(),
                "interval": " to ".join(_signed(end, how.digits) for end in span or ()),
                "excludes": None if span is None else span[0] > 0 or span[1] < 0,
            }
        )
    return lines


def _signed(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{round(value, digits) + 0.0:+.{digits}f}"  # no -0.0


def _span(rows: list[Row]) -> tuple[float, float]:
    """The lowest and the highest mean."""
    means = [value for value in (number(row["mean"]) for row in rows) if value is not None]
    return (min(means), max(means)) if means else (0.0, 0.0)


def _cell(row: Row | None, metric: str, span: tuple[float, float]) -> dict[str, Any] | None:
    if row is None:
        return None
    mean, lowest, width = number(row["mean"]), span[0], span[1] - span[0]
    bare = metric_of(metric)._replace(unit="")
    low, high = number(row["ci_low"]), number(row["ci_high"])
    return {
        "mean": spell(mean, metric).removesuffix(" %"),
        "interval": None
        if low is None or high is None
        else f"{low:.{bare.digits}f} to {high:.{bare.digits}f}",
        "n": row["n_scored"],
        "failed": int(number(row["n_failed"]) or 0),
        "heat": 0.0 if mean is None or not width else round((mean - lowest) / width, 3),
    }
