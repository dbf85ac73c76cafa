"""Writes docs/files.md: the files of a run and the columns of its tables, from their rows.

python docs/generate/make_files.py
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow
from columns import COLUMNS, ENDS
from docstrings import UndocumentedError, cell, meanings, shown, summary
from run_files import HEAD, SECTIONS
from table_columns import OF_TABLE

PAGE = Path(__file__).parents[1] / "files.md"


@dataclass(frozen=True)
class File:
    """A file of a run, or several that are alike.

    Attributes:
        path: below the run folder; `*` stands for a name, `**` for several.
        what: it holds.
        rows: the dataclass of its rows, or its columns by type.
    """

    path: str
    what: str
    rows: Any = None


def files() -> dict[str, list[File]]:
    """All files, by the heading of their section."""
    return {title: [File(*entry) for entry in given] for title, (_, given) in SECTIONS.items()}


def undescribed(run: Path) -> list[str]:
    """Files of a run that the page does not have."""
    known = [pattern(one.path) for found in files().values() for one in found]
    paths = (p.relative_to(run).as_posix() for p in run.rglob("*") if not p.is_dir())
    return sorted(p for p in paths if not any(one.fullmatch(p) for one in known))


def pattern(path: str) -> re.Pattern[str]:
    """`*` as part of a name, `**` as any path."""
    parts = re.split(r"(\*\*|\*)", path)
    kinds = {"**": ".+", "*": "[^/]+"}
    return re.compile("".join(kinds.get(part) or re.escape(part) for part in parts))


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, found in files().items():
        parts.append(f"\n## {title}\n\n{SECTIONS[title][0]}\n\n| file | what |\n|---|---|\n")
        parts += [f"| {_linked(one)} | {cell(one.what)} |\n" for one in found]
        parts += [_columns(one) for one in found if one.rows is not None]
    return "".join(parts)


def _linked(one: File) -> str:
    return f"[`{one.path}`](#{_anchor(one.path)})" if one.rows is not None else f"`{one.path}`"


def _anchor(path: str) -> str:
    """GitHub's name of the heading."""
    return re.sub(r"[^\w\- ]", "", path.lower()).replace(" ", "-")


def _columns(one: File) -> str:
    """A table's columns, each with its type and meaning."""
    said = f"{_prose(one.rows)}\n\n" if is_dataclass(one.rows) else ""
    head = f"\n### `{one.path}`\n\n{said}| column | type | what |\n|---|---|---|\n"
    return head + "".join(
        f"| `{name}` | {kind} | {cell(_meaning(one, name))} |\n"
        for name, kind in _types(one.rows).items()
    )


def _prose(rows: Any) -> str:
    """What the docstring of a row says, without the name of the file, which is the heading."""
    return re.sub(r" \((a row of )?\S+\.csv\)|: a row of \S+\.csv", "", summary(rows))


def _types(rows: Any) -> dict[str, str]:
    """Columns in order, with their types as a reader knows them."""
    if isinstance(rows, Mapping):
        return {name: _arrow(kind) for name, kind in rows.items()}
    hints = get_type_hints(rows)
    named = {field.name: shown(hints[field.name]) for field in fields(rows)}
    return {
        name: kind.replace("true or false", "0 or 1").replace("or null", "or empty")
        for name, kind in named.items()
    }


def _arrow(kind: pyarrow.DataType) -> str:
    if pyarrow.types.is_boolean(kind):
        return "true or false"
    if pyarrow.types.is_integer(kind):
        return "integer"
    return "number" if pyarrow.types.is_floating(kind) else "text"


def _meaning(one: File, column: str) -> str:
    """What a column holds: by the row's docstring, this table's words, or those of all tables."""
    own = meanings(one.rows) if is_dataclass(one.rows) else {}
    of_table = OF_TABLE.get(one.path.partition(".")[0], {})
    for known in (own, of_table, COLUMNS):
        if known.get(column):
            return known[column].rstrip(".")
    for end, meaning in ENDS.items():
        if column.endswith(end):
            return meaning
    raise UndocumentedError(f"{one.path}: say in docs/generate/columns.py what {column} is")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
