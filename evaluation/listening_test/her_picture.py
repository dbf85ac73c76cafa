"""Error rates of people and of verifiers over depth, as a still picture (figure 2 of the paper)."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from evaluation.listening import write_atomically
from evaluation.listening_test.her import HUMAN
from evaluation.listening_test.run_audio import NATURAL
from evaluation.records import SummaryRow

INK, VERIFIERS = "#9c2f5f", ("#0f6cb4", "#197a5d", "#c08a00", "#7b4fb3", "#00808a")


def save_her_picture(rows: Sequence[SummaryRow], path: Path) -> None:
    """Writes `her_figure` to a file, the same bytes for the same numbers.

    Args:
        rows: of her.csv.
        path: the file; its suffix, png or svg, names the format.

    Raises:
        acoustics.errors.UserError: the file cannot be written.
    """
    buffer = io.BytesIO()
    kind = path.suffix.removeprefix(".")
    her_figure(rows).savefig(buffer, format=kind, dpi=150, metadata=_undated(path))
    write_atomically(path, buffer.getvalue())


def her_figure(rows: Sequence[SummaryRow]) -> Figure:
    """Draws all listeners together, with intervals, and every verifier; natural stands apart.

    Args:
        rows: of her.csv; those of single listeners are left out.
    """
    shown = [row for row in rows if not row.scorer.startswith(f"{HUMAN}:")]
    layers = list(dict.fromkeys(row.layer for row in shown))
    places = {layer: i + 0.6 * (i > 0 and layers[0] == NATURAL) for i, layer in enumerate(layers)}
    scorers = list(dict.fromkeys(row.scorer for row in shown))
    sheet = Figure(figsize=(max(5.6, 0.75 * len(layers) + 2.2), 3.9), layout="constrained")
    panel = sheet.subplots()
    panel.axhline(50, color="#3c3e44", lw=1, ls=":", label="guessing")
    for i, scorer in enumerate(name for name in scorers if name != HUMAN):
        mine = [row for row in shown if row.scorer == scorer]
        look = {
            "color": VERIFIERS[i % len(VERIFIERS)],
            "lw": 1.4,
            "marker": "os^Dv"[i % 5],
            "ms": 4,
        }
        _draw(panel, mine, places, scorer, look, alpha=0.85)
    people = [row for row in shown if row.scorer == HUMAN]
    _draw_intervals(panel, people, places)
    _draw(panel, people, places, "listeners", {"color": INK, "lw": 2.4, "marker": "o", "ms": 7})
    panel.set_xticks(list(places.values()), layers, rotation=40, ha="right")
    tops = [row.ci_high if row.scorer == HUMAN else row.mean for row in shown]
    panel.set_ylim(-3, 3 + max([60.0, *(top or 0.0 for top in tops)]))
    panel.yaxis.set_major_locator(MaxNLocator(6))
    panel.set_ylabel("answers that are wrong (%)")
    panel.grid(alpha=0.25, axis="y")
    panel.spines[["top", "right"]].set_visible(False)
    sheet.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return sheet


def _draw(
    panel: Any,
    rows: Sequence[SummaryRow],
    places: dict[str, float],
    label: str,
    look: dict[str, Any],
    alpha: float = 1.0,
) -> None:
    """A line over the tapped layers, and a mark alone for natural."""
    drawn = [(places[row.layer], row.mean) for row in rows if row.mean is not None]
    tapped = [point for point in drawn if point[0] != places.get(NATURAL)]
    for name, points in ((label, tapped), ("", [p for p in drawn if p not in tapped])):
        if points:
            x, y = zip(*points, strict=True)
            panel.plot(x, y, label=name or None, alpha=alpha, **look)


def _draw_intervals(panel: Any, rows: Sequence[SummaryRow], places: dict[str, float]) -> None:
    for row in rows:
        if row.ci_low is not None and row.ci_high is not None:
            x = places[row.layer]
            panel.plot([x, x], [row.ci_low, row.ci_high], color=INK, lw=6, alpha=0.22,
                       solid_capstyle="butt")  # fmt: skip


def _undated(path: Path) -> dict[str, None] | None:
    """Without a date the same numbers give the same file."""
    return {"Date": None} if path.suffix == ".svg" else None
