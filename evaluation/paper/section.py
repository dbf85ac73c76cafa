"""The report's section about the paper: what `paper/` holds, read with patience."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from evaluation.page_pictures import Picture

INDEX = "paper.json"
"""What the folder holds, as the report reads it."""


def paper_section(run: Path, notes: list[str]) -> dict[str, Any] | None:
    """What the page shows of `paper/`, its figures still without pictures.

    Args:
        run: the run folder.
        notes: where to say that it cannot be read.

    Returns:
        None when there is no such folder, or nothing in it that can be read.
    """
    path = run / "paper" / INDEX
    if not path.parent.is_dir():
        return None
    try:
        return _checked(json.loads(path.read_text(encoding="utf-8")), run)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        notes.append(
            f"paper/{INDEX}: cannot be read ({_reason(error)}); delete {path.parent} and call "
            "`otoscope run` with the same configuration again"
        )
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or "the disk refuses it"
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON: {error}"
    return f"it lacks {error}" if isinstance(error, KeyError) else "it is of another form"


def _checked(index: Mapping[str, Any], run: Path) -> dict[str, Any]:
    """The parts that the template reads, all of them there; names cannot leave the folder."""
    figures = []
    for figure in index["figures"]:
        name = Path(str(figure["name"])).name
        figures.append(Picture(name, str(figure["title"]), run / "paper" / f"{name}.png"))
    return {
        "others": _links(index["architectures"], run),
        "missing": [str(note) for note in index["missing"]],
        "tables": [_table(table) for table in index["tables"]],
        "figures": figures,
        "claims": [_claim(claim) for claim in index["claims"]],
        "how": str(index["how"]),
    }


def _links(architectures: Mapping[str, Any], run: Path) -> list[tuple[str, str]]:
    """Other architectures and the way to their reports from this one; empty where there is none."""
    found = []
    for name, folder in architectures.items():
        if str(folder) == ".":
            continue
        report = Path(str(folder)) / "report" / "index.html"
        link = f"../{quote(report.as_posix())}" if (run / report).is_file() else ""
        found.append((str(name), link))
    return found


def _table(table: Mapping[str, Any]) -> dict[str, Any]:
    groups: list[tuple[str, int]] = []
    for group, _ in table["columns"]:
        if groups and groups[-1][0] == group:
            groups[-1] = (group, groups[-1][1] + 1)
        else:
            groups.append((str(group), 1))
    lines = [
        ([str(label) for label in line["labels"]], [_cell(cell) for cell in line["cells"]])
        for line in table["lines"]
    ]
    reasons = dict.fromkeys(cell["missing"] for _, cells in lines for cell in cells)
    return {
        "name": str(table["name"]), "title": str(table["title"]), "caption": str(table["caption"]),
        "heads": [str(head) for head in table["heads"]], "groups": groups,
        "columns": [str(name) for _, name in table["columns"]], "lines": lines,
        "reasons": [reason for reason in reasons if reason],
    }  # fmt: skip


def _cell(cell: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(cell[name]) for name in ("number", "interval", "published", "missing")}


def _claim(claim: Mapping[str, Any]) -> dict[str, Any]:
    columns = ("architecture", "condition", "scorer", "verdict", "sentence")
    rows = [{name: str(row[name]) for name in columns} for row in claim["rows"]]
    return {"number": int(claim["number"]), "title": str(claim["title"]),
            "tally": str(claim["tally"]), "rows": rows}  # fmt: skip
