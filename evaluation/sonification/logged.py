"""What loggers show of the studies of a run: examples with their sounds, curves, figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluation.reading import Row, by_depth, number, select
from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.examples import ExampleRow
from evaluation.sonification.study_folder import ROOT, StudyFolder, study_folders
from evaluation.sonification.study_settings import OVERVIEW

COLUMNS = ("layer", "feature", "agreement", "rank", "score", "speaker", "sex", "words", "phones")
"""Of a table of examples, beside the sound."""

_NUMBERS = ("feature", "agreement", "rank", "score")
_WHOLE = ("feature", "rank")
Curves = dict[str, dict[str, list[tuple[float, float]]]]


@dataclass(frozen=True)
class LoggedExample:
    """A segment: values of `COLUMNS`, and its sound where that is on disk."""

    cells: list[str | float | None]
    sound: Path | None


@dataclass(frozen=True)
class LoggedStudies:
    """Everything of `sonification/` that is logged.

    Attributes:
        examples: of every model.
        curves: over depth, as (depth, value) by title, such as `dominance/segments`, and by line.
        figures: PNG files, by a name such as `baseline/heat_map`.
    """

    examples: dict[str, list[LoggedExample]]
    curves: Curves
    figures: dict[str, Path]


def read_studies(run: Path) -> LoggedStudies:
    """Reads what there is; of a run without `sonification/` all is empty.

    Args:
        run: the run folder.
    """
    notes: list[str] = []  # the report says them
    folders = study_folders(run, notes)
    examples = {name: list(_examples(folder)) for name, folder in folders.items()}
    curves: Curves = {}
    for name, folder in folders.items():
        dominance = select(folder.rows("dominance", DominanceRow), attribute="sex")
        for row in by_depth(dominance):
            _add(curves, f"dominance/{row['unit']}", f"{name}, {row['group']}", row, "share")
        for row in by_depth(folder.rows("complexity", ComplexityRow)):
            _add(curves, f"complexity/{row['unit']}", name, row, "mean")
            _add(curves, f"complexity/{row['unit']}", f"{name}, moved segments", row, "null")
    overview = [StudyFolder(run, OVERVIEW, notes)] if (run / ROOT / OVERVIEW).is_dir() else []
    figures = {
        f"{folder.name}/{path.stem}": path
        for folder in (*overview, *folders.values())
        for path in sorted((folder.path / "figures").glob("*.png"))
        if folder.file(f"figures/{path.name}")
    }
    return LoggedStudies({name: rows for name, rows in examples.items() if rows}, curves, figures)


def _examples(folder: StudyFolder) -> Iterator[LoggedExample]:
    for row in folder.rows("examples", ExampleRow):
        yield LoggedExample([_cell(row, name) for name in COLUMNS], folder.file(str(row["clip"])))


def _cell(row: Row, name: str) -> str | float | None:
    value = number(row[name]) if name in _NUMBERS else None
    if value is not None and name in _WHOLE:
        return int(value)
    return value if name in _NUMBERS else str(row[name])


def _add(curves: Curves, title: str, line: str, row: Row, column: str) -> None:
    depth, value = number(row["depth"]), number(row[column])
    if depth is not None and value is not None:
        curves.setdefault(title, {}).setdefault(line, []).append((depth, value))
