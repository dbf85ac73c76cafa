"""Tables of a run that is being written: whole rows are read, the rest is said; their files."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

Kind = TypeVar("Kind")


def whole_rows(
    root: Path, name: str | Path, notes: list[str], columns: Sequence[str]
) -> Iterator[dict[str, str]]:
    """The whole rows of a table, one at a time; none where there is no such file.

    Args:
        root: the run folder.
        name: of the table, below it.
        notes: where to say how many rows are broken, or that the table cannot be read.
        columns: that it must have.
    """
    broken = 0
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        if not (root / name).is_file():
            return
        with (root / name).open(newline="", encoding="utf-8", errors="replace") as file:
            reader = csv.DictReader(file)
            lacking = [column for column in columns if column not in (reader.fieldnames or ())]
            if lacking:
                notes.append(f"{name}: has no column {', '.join(lacking)}; it was left out")
                return
            for row in reader:
                if any(row[column] is None for column in columns):
                    broken += 1
                    continue
                yield row
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        notes.append(f"{name}: cannot be read ({reason})")
    if broken:
        notes.append(f"{name}: {broken} incomplete row(s) were left out")


def whole_json(root: Path, name: str, notes: list[str], kind: type[Kind]) -> Kind | None:
    """What a JSON file holds; None where there is none, or none that can be used.

    Args:
        root: the run folder.
        name: of the file, below it.
        notes: where to say that it cannot be read.
        kind: what it must hold.
    """
    path = root / name
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError) as error:
        notes.append(f"{name}: cannot be read ({error})")
        return None
    return value if isinstance(value, kind) else None


def file_inside(root: Path, name: str) -> Path | None:
    """A file that a table names; None where there is none, or where the way climbs out.

    Args:
        root: folder that the table may name files of.
        name: what the table says.
    """
    try:
        path = (root / name).resolve()
        return path if path.is_relative_to(root.resolve()) and path.is_file() else None
    except (OSError, ValueError):  # too long, or with a zero byte
        return None
