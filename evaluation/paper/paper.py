"""All of the paper from finished runs: tables, figures, claims, and a page of what is where."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from matplotlib.figure import Figure

from evaluation.listening import safe_name, write_atomically
from evaluation.paper.claims import CLAIMS, claims_markdown, how_judged, judge
from evaluation.paper.contrast_tables import contrast_tables
from evaluation.paper.figures import depth_sheet, figure2, identity_figure
from evaluation.paper.finished_run import FinishedRun, read_finished_run
from evaluation.paper.mel_figure import mel_figure
from evaluation.paper.panels import NothingToDrawError, save_figure
from evaluation.paper.published import BASELINE, CONDITIONS, ROBUST, SOURCE
from evaluation.paper.section import INDEX
from evaluation.paper.tables import (
    PaperCell,
    PaperTable,
    missing_architectures,
    paper_tables,
)
from evaluation.paper.typesetting import escape_markdown, latex, markdown, spell_cell
from evaluation.paper.verdicts import ClaimRow, tally_text
from evaluation.records import write_rows


def write_paper(run: Path, architectures: Mapping[str, Path], output: Path) -> None:
    """Writes the paper's tables, figures and claims into `output`.

    What the runs lack is named: cells of tables with the reason, figures in `index.md`, claims as
    `cannot be said`.

    Args:
        run: the run folder whose report will show them.
        architectures: run folders by name of architecture, that of `run` itself first.
        output: the folder to write to; it is made.

    Raises:
        UserError: a run has no summary, or a file cannot be written.
    """
    runs = [read_finished_run(name, path) for name, path in architectures.items()]
    output.mkdir(parents=True, exist_ok=True)
    missing = [note for each in runs for note in each.notes]
    missing += _lacking(runs)
    tables = [*paper_tables(runs), *contrast_tables(runs)]
    for table in tables:
        _write_table(table, output)
    figures = []
    for name, title, draw in _figures(runs):
        try:
            sheet = draw()
        except NothingToDrawError as error:
            missing.append(f"{title}: {error}")
            continue
        save_figure(sheet, output, name)
        figures.append({"name": name, "title": title})
    claims, how = judge(runs), how_judged(runs)
    write_rows(output / "claims.csv", ClaimRow, claims)
    write_atomically(output / "claims.md", claims_markdown(claims, how).encode())
    links = {each.name: Path(os.path.relpath(each.path, run)).as_posix() for each in runs}
    index = {
        "architectures": links,
        "missing": missing,
        "tables": [_table_entry(table) for table in tables],
        "figures": figures,
        "claims": _claim_entries(claims),
        "how": how,
    }
    write_atomically(output / INDEX, json.dumps(index, indent=1).encode())
    write_atomically(output / "index.md", _index_markdown(index).encode())


def _figures(runs: Sequence[FinishedRun]) -> list[tuple[str, str, Callable[[], Figure]]]:
    """File name, title and maker of every figure; the first run's have the paper's plain names."""
    found: list[tuple[str, str, Callable[[], Figure]]] = []
    for at, run in enumerate(runs):
        end, of = (f"_{safe_name(run.name)}", f", {run.name}") if at else ("", "")
        found += [
            (f"figure2{end}", f"Figure 2: error rate of verifiers and people{of}",
             partial(figure2, run)),
            (f"figure3{end}", f"Figure 3: mel spectrograms{of}", partial(mel_figure, run)),
            (f"identity{end}", f"Lost identity or damaged audio?{of}",
             partial(identity_figure, run)),
        ]  # fmt: skip
    sheets = [
        ("figure4", "Figure 4: STOI, PESQ beside it", [("stoi", ""), ("pesq_wb", "")]),
        ("loss", "Reconstruction loss", [("mel_l1", "")]),
        ("states", "Distance of the states of noisy and clean speech", [("state_distance", "")]),
    ]
    for name in dict.fromkeys(name for run in runs for name in run.verifiers):
        file = safe_name(f"table2_{name}")
        sheets.append((file, f"Table 2 as curves: EER by {name}", [("eer", name)]))
    found += [(name, title, partial(depth_sheet, runs, what)) for name, title, what in sheets]
    return sorted(found, key=lambda figure: (not figure[1].startswith("Figure"), figure[1]))


def _lacking(runs: Sequence[FinishedRun]) -> list[str]:
    """What the paper has and the runs have not."""
    found = [f"the paper's {name} is not among the runs" for name in missing_architectures(runs)]
    for run in runs:
        for what, names, ours in (
            ("condition", CONDITIONS, run.conditions),
            ("model", (BASELINE, ROBUST), run.models),
        ):
            lost = [name for name in names if name not in ours]
            if lost:
                found.append(f"{run.name}: lacks {what} {', '.join(lost)}")
    if not (runs[0].path / "listening" / "her.csv").is_file():
        found.append("Figure 2: no listening/her.csv, so it is without the human error rate")
    return found


def _write_table(table: PaperTable, output: Path) -> None:
    write_rows(output / f"{table.name}.csv", PaperCell, table.cells)
    write_atomically(output / f"{table.name}.md", markdown(table).encode())
    write_atomically(output / f"{table.name}.tex", latex(table).encode())


def _table_entry(table: PaperTable) -> dict[str, Any]:
    lines = []
    for labels, cells in zip(table.labels, table.lines, strict=True):
        entries = []
        for cell in cells:
            number, interval, published = spell_cell(cell, table.digits)
            entries.append({"number": number, "interval": interval, "published": published,
                            "missing": cell.missing})  # fmt: skip
        lines.append({"labels": list(labels), "cells": entries})
    return {
        "name": table.name, "title": table.title, "caption": table.caption,
        "heads": list(table.heads), "columns": [list(column) for column in table.columns],
        "lines": lines,
    }  # fmt: skip


def _claim_entries(claims: Sequence[ClaimRow]) -> list[dict[str, Any]]:
    entries = []
    for number, title in CLAIMS.items():
        rows = [row for row in claims if row.claim == number]
        tally = tally_text(row.verdict for row in rows)
        entries.append({"number": number, "title": title, "tally": tally,
                        "rows": [asdict(row) for row in rows]})  # fmt: skip
    return entries


def _index_markdown(index: Mapping[str, Any]) -> str:
    text = ["# The paper", "", f"Tables, figures and claims; the paper's numbers are {SOURCE}.", ""]
    text.append("- [claims.md](claims.md): which of its claims hold here")
    text += [_entry(table, "md", "csv", "tex") for table in index["tables"]]
    text += [_entry(figure, "svg", "png") for figure in index["figures"]]
    if index["missing"]:
        text += ["", "Missing:", "", *(f"- {escape_markdown(note)}" for note in index["missing"])]
    return "\n".join(text) + "\n"


def _entry(part: Mapping[str, Any], *kinds: str) -> str:
    links = ", ".join(f"[{kind}]({quote(part['name'])}.{kind})" for kind in kinds)
    return f"- {escape_markdown(part['title'])}: {links}"
