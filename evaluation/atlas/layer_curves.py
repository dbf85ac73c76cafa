"""Where each layer stands on the curves over depth: the charts of the page Layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluation.listening import REFERENCE_LAYERS
from evaluation.metric_blocks import scored
from evaluation.reading import (
    CONTROL,
    Row,
    by_depth,
    distinct,
    metric_of,
    number,
    select,
    value_range,
)

CHARTED = ("eer", "stoi", "pesq_wb", "pesq_nb", "wer", "state_distance")
"""Metrics with a chart of their own; the table has all."""

COLUMNS = ("mean", "ci_low", "ci_high", "n_scored", "n_failed")

Scores = dict[str, list[float | None]]


def curves_of(summary: list[Row], model: str) -> list[dict[str, Any]]:
    """All metrics of one model over depth, with what each curve is compared with.

    Args:
        summary: rows of `summary.csv`, of all models.
        model: whose curves.

    Returns:
        Of every metric and scorer: how it is read, the range of its axis (the same for all models
        and conditions), and by condition the numbers (`COLUMNS`) of every layer, of the references
        and of the untrained control.
    """
    found = []
    for metric, scorer in scored(summary):
        rows = select(summary, metric=metric, scorer=scorer)
        mine, control = select(rows, model=model), select(rows, model=CONTROL)
        if not mine:
            continue
        how = metric_of(metric)
        conditions = {
            condition: {
                "layers": _scores(by_depth(select(mine, condition=condition))),
                "references": _references(select(mine, condition=condition)),
                "control": {}
                if model == CONTROL
                else _scores(by_depth(select(control, condition=condition))),
            }
            for condition in distinct(mine, "condition")
        }
        found.append(
            {"metric": metric, "scorer": scorer, "label": how.label, "unit": how.unit,
             "digits": how.digits, "title": how.title, "range": list(value_range(rows, metric)),
             "charted": metric in CHARTED, "conditions": conditions}
        )  # fmt: skip
    if not any(block["charted"] for block in found):
        found = [{**block, "charted": i < len(CHARTED)} for i, block in enumerate(found)]
    return found


def _references(rows: Sequence[Row]) -> Scores:
    return _scores([row for name in REFERENCE_LAYERS for row in select(rows, layer=name)])


def _scores(rows: Sequence[Row]) -> Scores:
    return {str(row["layer"]): [number(row[name]) for name in COLUMNS] for row in rows}
