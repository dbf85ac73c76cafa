"""The tables over depth of the report's section, from the tables of all models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.reading import Row, by_depth, distinct, number, select
from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.study_folder import StudyFolder

SEX = "sex"
UNITS = ("segments", "words", "phones", "utterances")
Cell = dict[str, Any]
Studies = Mapping[str, StudyFolder]


def first_unit(rows: Sequence[Row]) -> str:
    """The unit of search that is shown: the article's, or the first that there is."""
    units = distinct(rows, "unit")
    return next((unit for unit in UNITS if unit in units), units[0] if units else "")


def counted(studies: Studies) -> dict[str, Any] | None:
    """What was searched: speakers and utterances, and the live and dead features of every layer."""
    lines, rows = [], []
    for model, folder in studies.items():
        found = folder.columns("features", ["layer", "depth", "dead"])
        if found is None:
            continue
        layers, at = np.unique(found["layer"].astype(str), return_index=True)
        rows += [
            {"layer": name, "depth": found["depth"][i]} for name, i in zip(layers, at, strict=True)
        ]
        every = Counter(found["layer"])
        dead = Counter(found["layer"][found["dead"] != ""])
        cells = {
            layer: {"main": str(every[layer]), "small": [f"{dead[layer]} dead"] * (dead[layer] > 0)}
            for layer in every
        }
        lines.append((_heard(folder), model, cells))
    return _matrix(rows, lines, "features of every layer") if lines else None


def _heard(folder: StudyFolder) -> str:
    """Speakers and utterances that are among the best segments, in words."""
    counts = {name: folder.distinct("segments", name) for name in ("speaker", "utterance")}
    return ", ".join(f"{count} {name}s" for name, count in counts.items() if count)


def dominance_of(studies: Studies) -> dict[str, Any] | None:
    """Share of features that men and women dominate, of the first unit of search."""
    rows = [
        row
        for folder in studies.values()
        for row in select(folder.rows("dominance", DominanceRow), attribute=SEX)
        if row["group"]
    ]
    unit = first_unit(rows)
    rows = select(rows, unit=unit)
    most = max((number(row["share"]) or 0.0 for row in rows), default=0.0) or 1.0
    lines = [
        (group, model, {str(row["layer"]): _dominance_cell(row, most)
                        for row in select(rows, group=group, model=model)})
        for group in distinct(rows, "group")
        for model in distinct(rows, "model")
    ]  # fmt: skip
    if not lines:
        return None
    remarks = [remark for remark in distinct(rows, "remark") if remark]
    return _matrix(rows, lines, f"dominance by sex, {unit}") | {"unit": unit, "remarks": remarks}


def _dominance_cell(row: Row, most: float) -> Cell | None:
    share, chance = number(row["share"]), number(row["chance"])
    if share is None:
        return None
    small = [interval(row["ci_low"], row["ci_high"], 100, 1)]
    small += [f"chance {100 * chance:.1f}"] if chance is not None else []
    small += [f"{number(row['significant']) or 0:.0f} sure"]
    return {"main": f"{100 * share:.1f}", "small": small, "heat": share / most}


def complexity_of(studies: Studies) -> list[dict[str, Any]]:
    """Phones per activating segment, a table for each unit."""
    rows = [row for folder in studies.values() for row in folder.rows("complexity", ComplexityRow)]
    tables = []
    for unit in distinct(rows, "unit"):
        mine = select(rows, unit=unit)
        means = [n for n in (number(row["mean"]) for row in mine) if n is not None]
        lines = [
            ("", model, {str(row["layer"]): _complexity_cell(row, means)
                         for row in select(mine, model=model)})
            for model in distinct(mine, "model")
        ]  # fmt: skip
        bases = {number(row["base"]) for row in mine} - {None}
        base = f"{max(bases):.2f}" if len(bases) == 1 else ""  # type: ignore[type-var]
        tables.append(_matrix(mine, lines, f"complexity, {unit}") | {"unit": unit, "base": base})
    return tables


def _complexity_cell(row: Row, means: Sequence[float]) -> Cell | None:
    mean = number(row["mean"])
    if mean is None:
        return None
    low, high = number(row["minimum"]), number(row["maximum"])
    small = [interval(row["ci_low"], row["ci_high"], 1, 2)]
    small += [f"of {low:.1f} to {high:.1f}"] if low is not None and high is not None else []
    null, excess = number(row["null"]), number(row["excess"])
    if null is not None and excess is not None:
        spread = interval(row["excess_low"], row["excess_high"], 1, 2)
        small.append(f"moved {null:.2f}, excess {excess:+.2f}" + f" ({spread})" * bool(spread))
    span = max(means) - min(means)
    return {"main": f"{mean:.2f}", "small": small, "heat": (mean - min(means)) / (span or 1.0)}


def interval(low: object, high: object, scale: float, digits: int) -> str:
    """As in `1.2 to 3.4`; empty where an end is missing."""
    ends = [end for end in (number(low), number(high)) if end is not None]
    spelled = [f"{round(scale * end, digits) + 0.0:.{digits}f}" for end in ends]  # no -0.0
    return " to ".join(spelled) if len(spelled) == 2 else ""


def _matrix(
    rows: Sequence[Row], lines: Sequence[tuple[str, str, Mapping[str, Cell | None]]], title: str
) -> dict[str, Any]:
    """A line per model, a column per layer in order of depth."""
    layers = distinct(by_depth(rows), "layer")
    return {
        "title": title,
        "layers": layers,
        "lines": [(label, model, [cells.get(layer) for layer in layers])
                  for label, model, cells in lines],
    }  # fmt: skip
