"""The figures of an atlas as still ones, for notebooks and papers: matplotlib, SVG and PDF.

Each takes the folder of a run and returns a figure; `save_figure` writes it, the same bytes every
time. They are drawn from the tables alone, so a run can be drawn long after it was made.

Example:
    >>> sheet = curves_figure(Path("runs/embedded"))  # doctest: +SKIP
    >>> save_figure(sheet, Path("paper"), "eer", ["pdf"])  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from evaluation.paper.panels import (
    NothingToDrawError,
    add_legend,
    draw_references,
    draw_series,
    dress,
    save_figure,
)
from evaluation.reading import (
    CONDITION_ORDER,
    CONTROL,
    MODEL_ORDER,
    Row,
    by_depth,
    colour_of,
    distinct,
    ordered,
    select,
    value_range,
)
from evaluation.records import read_rows
from evaluation.run_folder import read_run
from evaluation.sonification.heat_map import heat_map_figure
from evaluation.sonification.same_word import SameWordRow
from evaluation.sonification.same_word_figure import KINDS, Switch, same_word_figure
from evaluation.sonification.study_folder import ROOT, StudyFolder
from evaluation.sonification.word_pairs import WordFeatureRow

__all__ = ["curves_figure", "dominance_map", "save_figure", "word_figure"]

PANEL = (3.4, 2.8)  # inches


def curves_figure(
    run: Path, metric: str = "eer", scorer: str | None = None, models: Sequence[str] | None = None
) -> Figure:
    """A metric over depth: a panel per condition, a curve with its band per model.

    Args:
        run: the run folder.
        metric: as in summary.csv.
        scorer: likewise (default: the first that there is).
        models: which to draw (default: all).

    Raises:
        NothingToDrawError: the run has no such scores.
        UserError: there is no such run.
    """
    summary = read_run(run).summary
    rows = select(summary, metric=metric)
    scorers = distinct(rows, "scorer")
    rows = select(rows, scorer=scorer if scorer is not None else (scorers or [""])[0])
    names = ordered(distinct(rows, "model"), MODEL_ORDER)
    shown = [name for name in names if models is None or name in models]
    rows = [row for row in rows if row["model"] in shown]
    if not rows:
        pairs = dict.fromkeys(f"{row['metric']} {row['scorer']}".strip() for row in summary)
        raise NothingToDrawError(f"{run}: no scores of {metric}; known are {', '.join(pairs)}")
    conditions = ordered(distinct(rows, "condition"), CONDITION_ORDER)
    size = (PANEL[0] * len(conditions), PANEL[1] + 0.6)
    sheet = Figure(figsize=size, layout="constrained")
    panels = sheet.subplots(1, len(conditions), sharey="all", squeeze=False)[0]
    for at, (panel, condition) in enumerate(zip(panels, conditions, strict=True)):
        _draw(panel, select(rows, condition=condition), shown, names)
        dress(panel, select(rows, condition=condition), metric, condition, label=at == 0)
    panels[0].set_ylim(*value_range(rows, metric))
    add_legend(sheet)
    return sheet


def _draw(panel: Any, rows: list[Row], shown: Sequence[str], names: Sequence[str]) -> None:
    for model in shown:
        style = ":" if model == CONTROL else "-"
        mine = by_depth(select(rows, model=model))
        draw_series(panel, mine, model, colour_of(model, names)[0], style)
    draw_references(panel, rows)


def dominance_map(run: Path, model: str, unit: str = "segments") -> Figure:
    """All features of all layers: who speaks in their strongest segments, men or women.

    Args:
        run: the run folder.
        model: whose features.
        unit: of search.

    Raises:
        NothingToDrawError: nothing was searched, or no sex is known.
    """
    study = StudyFolder(run, model, [])
    wanted = {"unit": unit, "attribute": "sex", "group": "male"}
    found = study.columns("selectivity", ["layer", "depth", "feature", "share"], **wanted)
    if found is None or not len(found["layer"]):
        why = "; ".join([f"no selectivity by sex of {unit}", *study.notes])
        raise NothingToDrawError(f"{study.path}: {why}; `otoscope sonify` finds it")
    order = np.lexsort((found["feature"], found["depth"]))
    layers = found["layer"][order].astype(str)
    shares = found["share"][order].astype(float)
    names = list(dict.fromkeys(layers.tolist()))
    by_layer = {name: shares[layers == name] for name in names}
    bases = study.columns("selectivity", ["base"], **wanted)  # not in tables of before 0.1
    base = None if bases is None else float(bases["base"][0])
    return heat_map_figure(by_layer, "male", "female", base, f"{model}, {unit}")


def word_figure(run: Path, model: str, word: str, switch: Switch = "both") -> Figure:
    """The article's figure: 20 features of each layer at one word by a man and a woman.

    Args:
        run: the run folder.
        model: whose features.
        word: one of word_features.csv.
        switch: whose activated features are coloured: both speakers', the man's, the woman's.

    Raises:
        NothingToDrawError: the study has no such word; it is named.
    """
    study = StudyFolder(run, model, [])
    rows = study.rows("word_features", WordFeatureRow)
    mine = by_depth(select(rows, word=word))
    if not mine:
        known = ", ".join(distinct(rows, "word")[:20])
        raise NothingToDrawError(f"{run / ROOT / model}: no word '{word}'; known are {known}")
    kinds = {
        layer: np.array([KINDS.index(str(row["activated"])) for row in select(mine, layer=layer)])
        for layer in distinct(mine, "layer")
    }
    path = study.path / "same_word.csv"
    overlaps = list(read_rows(path, SameWordRow)) if path.is_file() else []
    return same_word_figure(word, kinds, overlaps, switch=switch, title=model)
