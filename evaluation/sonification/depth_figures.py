"""Numbers over depth: dominated features, complexity, activity; trained and untrained alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from evaluation.paper.panels import NothingToDrawError, add_legend, draw_series, empty_panel
from evaluation.reading import CONTROL
from evaluation.sonification.activity_claims import ActivityRow
from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.dominance import DOMINATED
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.figure_axes import (
    INK,
    curve,
    depth_axis,
    depths_of,
    group_colour,
    model_colour,
    plain,
)

SIZE = (3.6, 2.6)  # inches of a panel
MEASURES = {
    "active_share": ("share of active frames", "%", 100.0),
    "length_s": ("length of activations", "ms", 1000.0),
    "spikiness": ("spikiness", "", 1.0),
}
"""By measure: title, unit and factor."""


def _sheet(rows: int, columns: int, sharey: Any) -> tuple[Figure, Any]:
    sheet = Figure(figsize=(SIZE[0] * columns, SIZE[1] * rows + 0.5), layout="constrained")
    return sheet, sheet.subplots(rows, columns, sharey=sharey, squeeze=False)


def dominance_figure(rows: Sequence[DominanceRow]) -> Figure:
    """Share of dominated features over depth, a panel per model and group, chance as a band.

    Args:
        rows: of dominance.csv, of one unit of search and one attribute.

    Raises:
        NothingToDrawError: nothing is claimed in any row; the message says why.
    """
    claimed = [row for row in rows if row.share is not None]
    if not claimed:
        raise NothingToDrawError(rows[0].remark if rows else "there is no row of dominance")
    models = list(dict.fromkeys(row.model for row in claimed))
    groups = list(dict.fromkeys(row.group for row in claimed))
    sheet, panels = _sheet(len(models), len(groups), sharey="all")
    for line, model in zip(panels, models, strict=True):
        for panel, group in zip(line, groups, strict=True):
            mine = [row for row in claimed if (row.model, row.group) == (model, group)]
            _draw_dominance(panel, mine, group, group_colour(group, groups))
            depth_axis(panel, depths_of(mine))
            n_speakers = max(row.n_speakers for row in mine)
            panel.set_title(plain(f"{model}: {group} ({n_speakers} speakers)"), fontsize=10)
        line[0].set_ylabel("dominated features (%)", fontsize=9)
    panels[0][0].set_ylim(bottom=0)
    add_legend(sheet)
    return sheet


def _draw_dominance(panel: Any, rows: Sequence[DominanceRow], group: str, colour: str) -> None:
    share = f"over {100 * DOMINATED:.0f} % {group}"
    chance = curve(rows, "chance", "chance_low", "chance_high", 100)
    draw_series(panel, chance, "by chance", INK, ":")
    draw_series(panel, curve(rows, "share", "ci_low", "ci_high", 100), share, colour)


def complexity_figure(rows: Sequence[ComplexityRow]) -> Figure:
    """Phones per activating segment over depth: minimum, mean and maximum, a row per unit.

    Beside each model's mean, dotted, is what it shows on moved segments.

    Args:
        rows: of complexity.csv, of all models and units that are to be compared.

    Raises:
        NothingToDrawError: no row has a number.
    """
    known = [row for row in rows if row.mean is not None]
    if not known:
        raise NothingToDrawError("no layer has segments of which the phones are known")
    units = list(dict.fromkeys(row.unit for row in known))
    models = list(dict.fromkeys(row.model for row in known))
    sheet, panels = _sheet(len(units), 3, sharey="row")
    columns = (("minimum", "", ""), ("mean", "ci_low", "ci_high"), ("maximum", "", ""))
    for line, unit in zip(panels, units, strict=True):
        for panel, (name, low, high) in zip(line, columns, strict=True):
            for model in models:
                mine = [row for row in known if (row.unit, row.model) == (unit, model)]
                style = "--" if model == CONTROL else "-"
                colour = model_colour(model, models)
                draw_series(panel, curve(mine, name, low, high), model, colour, style)
                if name == "mean":
                    null = curve(mine, "null")
                    draw_series(panel, null, f"{model}, moved segments", colour, ":")
            base = next((row.base for row in known if row.unit == unit and row.base), None)
            if base is not None and name == "mean":
                panel.axhline(base, color=INK, lw=0.9, ls="-.", label="all segments searched")
            depth_axis(panel, depths_of([row for row in known if row.unit == unit]))
            over = "over a layer's features"
            panel.set_title(plain(f"{unit}: {name} {over}"), fontsize=10)
        line[0].set_ylabel("phones per segment", fontsize=9)
        line[0].set_ylim(bottom=0)
    add_legend(sheet)
    return sheet


def activity_figure(rows: Sequence[ActivityRow]) -> Figure:
    """Share of active frames, length of activations and spikiness over depth.

    Raises:
        NothingToDrawError: no row has a number.
    """
    known = [row for row in rows if row.mean is not None]
    if not known:
        raise NothingToDrawError("no feature is ever active")
    models = list(dict.fromkeys(row.model for row in known))
    sheet, panels = _sheet(1, len(MEASURES), sharey=False)
    for panel, (measure, (title, unit, scale)) in zip(panels[0], MEASURES.items(), strict=True):
        mine = [row for row in known if row.measure == measure]
        if not mine:
            empty_panel(panel, title, "not measured")
            continue
        for model in models:
            of_model = [row for row in mine if row.model == model]
            style = "--" if model == CONTROL else "-"
            curve_rows = curve(of_model, "mean", "ci_low", "ci_high", scale)
            draw_series(panel, curve_rows, model, model_colour(model, models), style)
        depth_axis(panel, depths_of(mine))
        panel.set_title(title, fontsize=10)
        panel.set_ylabel(unit or "0: smooth, 1: as noise", fontsize=9)
        panel.set_ylim(bottom=0)
    add_legend(sheet)
    return sheet
