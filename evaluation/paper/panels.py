"""Still panels over depth (matplotlib, no browser): series with bands, references, the paper's."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from evaluation.listening import REFERENCE_LAYERS, write_atomically
from evaluation.paper.published import EER_SOURCE
from evaluation.reading import (
    REFERENCE_DASHES,
    Row,
    by_depth,
    metric_of,
    number,
    select,
)

INK = "#3c3e44"
STYLES = {"solid": "-", "dash": "--", "dot": ":"}
PALE = 0.5
LEGEND_WIDTH = 2.8  # inches of an entry
FORMATS = ("svg", "png")
UNDATED = {"svg": "Date", "png": "Software", "pdf": "CreationDate"}
"""What else would differ from one call to the next."""


class NothingToDrawError(Exception):
    """A run has nothing of what a figure shows; the message says what is lacking."""


def save_figure(
    sheet: Figure, folder: Path, name: str, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Write a figure as SVG, PNG or PDF, the same bytes every time.

    Args:
        sheet: the figure.
        folder: where to; it is made.
        name: of the files, without suffix.
        formats: `svg`, `png`, `pdf`.

    Raises:
        acoustics.errors.UserError: a file cannot be written.
    """
    paths = []
    sheet.draw_without_rendering()  # lays the panels out once for both formats
    sheet.set_layout_engine("none")
    for kind in formats:
        buffer = io.BytesIO()
        undated = {UNDATED[kind]: None}
        with rc_context({"svg.hashsalt": "otoscope", "svg.fonttype": "path"}):
            sheet.savefig(buffer, format=kind, dpi=110, metadata=undated)
        paths.append(folder / f"{name}.{kind}")
        write_atomically(paths[-1], buffer.getvalue())
    return paths


def draw_series(panel: Any, rows: Sequence[Row], label: str, colour: str, style: str = "-") -> None:
    """One curve over depth, its intervals as a band; layers without a number are left out."""
    drawn = [row for row in by_depth(rows) if number(row["mean"]) is not None]
    if not drawn:
        return
    x = [number(row["depth"]) for row in drawn]
    means = [number(row["mean"]) for row in drawn]
    panel.plot(x, means, style, marker="o", ms=3.5, lw=1.6, color=colour, label=label)
    spans = [(number(row["ci_low"]), number(row["ci_high"])) for row in drawn]
    banded = [index for index, span in enumerate(spans) if None not in span]
    lows, highs = ([spans[index][end] for index in banded] for end in (0, 1))
    panel.fill_between([x[index] for index in banded], lows, highs, color=colour, alpha=0.14, lw=0)


def draw_references(panel: Any, rows: Sequence[Row]) -> None:
    """Natural, copy-synthesis and mean-mel as horizontal lines: those of the first model.

    The models of a run share all three.
    """
    for layer in REFERENCE_LAYERS:
        levels = [number(row["mean"]) for row in select(rows, layer=layer)]
        level = next((value for value in levels if value is not None), None)
        if level is not None:
            style = STYLES[REFERENCE_DASHES[layer]]
            panel.axhline(level, color=INK, lw=0.9, ls=style, label=layer)


def draw_published(panel: Any, points: Mapping[float, float], colour: str, model: str = "") -> None:
    """The paper's own EERs at the depths of our corresponding layers, pale and dashed."""
    if points:
        depths = sorted(points)
        values = [points[depth] for depth in depths]
        style = {"ls": (0, (4, 2)), "lw": 1.1, "marker": "s", "ms": 3, "mfc": "white"}
        label = f"{EER_SOURCE}, {model}" if model else EER_SOURCE
        panel.plot(depths, values, color=colour, alpha=PALE, label=label, **style)


def dress(panel: Any, rows: Sequence[Row], metric: str, title: str, label: bool = True) -> None:
    """Layer names below, the metric at the left, nothing that is not needed around."""
    ticks: dict[float, list[str]] = {}
    for row in by_depth(rows):
        names = ticks.setdefault(number(row["depth"]) or 0.0, [])
        if row["layer"] not in names:
            names.append(str(row["layer"]))
    texts = [" / ".join(names).replace("$", r"\$") for names in ticks.values()]
    panel.set_xticks(list(ticks), texts, rotation=40, ha="right", fontsize=8)
    panel.set_title(title.replace("$", r"\$"), fontsize=10)
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
    how = metric_of(metric)
    if label:
        panel.set_ylabel(how.label + (f" ({how.unit})" if how.unit else ""))


def add_legend(sheet: Figure) -> None:
    """One legend below for all panels, every label once."""
    found: dict[str, Any] = {}
    for panel in sheet.axes:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(label.replace("$", r"\$"), handle)
    if found:
        sheet.legend(
            list(found.values()),
            list(found),
            loc="outside lower center",
            ncols=max(1, min(4, int(sheet.get_figwidth() / LEGEND_WIDTH))),
            frameon=False,
            fontsize=8.5,
        )


def empty_panel(panel: Any, title: str, text: str) -> None:
    """A panel that says why it is empty."""
    panel.set_title(title.replace("$", r"\$"), fontsize=10)
    panel.text(0.5, 0.5, text.replace("$", r"\$"), ha="center", va="center", fontsize=9, wrap=True)
    panel.set_axis_off()
