"""What a study has left in `sonification/<model>/`, read with patience: it may be half done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow
import pyarrow.parquet

from evaluation.patient_tables import whole_rows
from evaluation.reading import MODEL_ORDER, Row, ordered
from evaluation.sonification.study_settings import OVERVIEW

ROOT = "sonification"


@dataclass(frozen=True)
class StudyFolder:
    """The study of one model, or the overview, in a run.

    Attributes:
        run: the run folder.
        name: of the model.
        notes: where to say what cannot be read.
    """

    run: Path
    name: str
    notes: list[str]

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.run / ROOT / self.name

    def rows(self, table: str, kind: type) -> list[Row]:
        """The whole rows of a table of `write_records`, as texts; none where there is none yet.

        Args:
            table: its name.
            kind: the dataclass of its rows.
        """
        return self.texts(table, [field.name for field in fields(kind)])

    def texts(self, table: str, columns: Sequence[str]) -> list[Row]:
        """The whole rows of any table, as texts; none where there is none yet."""
        return list(whole_rows(self.run, f"{ROOT}/{self.name}/{table}.csv", self.notes, columns))

    def remarks(self) -> list[str]:
        """What a reader must know before the numbers, a line each."""
        return [str(row["remark"]) for row in self.texts("remarks", ["remark"])]

    def columns(
        self, table: str, names: Sequence[str], **wanted: str
    ) -> dict[str, np.ndarray] | None:
        """Columns of a table that may be large; no value reads NaN.

        Args:
            table: its name.
            names: of the columns.
            **wanted: values that other columns must have.

        Returns:
            None where there is no such table, or none that can be read.
        """
        found = self.table(table, names, wanted)
        return None if found is None else {name: found[name].to_numpy() for name in names}

    def distinct(self, table: str, column: str) -> int:
        """How many values a column has, in a table that may be large; 0 where there is none."""
        found = self.table(table, [column], {}, read_dictionary=[column])
        return 0 if found is None else len(found[column].unique())

    def table(
        self, table: str, names: Sequence[str], wanted: Mapping[str, str], **reading: Any
    ) -> pyarrow.Table | None:
        """Columns of a table that may be large, as Arrow has them.

        Args:
            table: its name.
            names: of the columns.
            wanted: values that other columns must have.
            **reading: for `pyarrow.parquet.read_table`.

        Returns:
            None where there is no such table, or none that can be read.
        """
        path = self.path / f"{table}.parquet"
        if not path.is_file():
            return None
        filters = [(name, "=", value) for name, value in wanted.items()] or None
        try:
            found = pyarrow.parquet.read_table(path, columns=[*names], filters=filters, **reading)
            return found.select([*names])
        except (OSError, KeyError, pyarrow.ArrowException) as error:
            reason = " ".join(str(error).split())[:120]
            self.notes.append(f"{path.relative_to(self.run)}: cannot be read ({reason})")
            return None

    def file(self, inside: str) -> Path | None:
        """A file below the folder; None where there is none, or where the path climbs out."""
        try:
            path = (self.path / inside).resolve()
            return path if path.is_relative_to(self.path.resolve()) and path.is_file() else None
        except (OSError, ValueError):  # too long, or with a zero byte
            return None

    def link(self, inside: str) -> str:
        """The way to a file from the report; empty where there is no such file."""
        found = self.file(inside)
        if found is None:
            return ""
        name = found.relative_to(self.path.resolve()).as_posix()
        return "../" + quote(f"{ROOT}/{self.name}/{name}")


def study_folders(
    run: Path, notes: list[str], models: Sequence[str] | None = None
) -> dict[str, StudyFolder]:
    """The studies of a run, by model in the order of the house.

    Args:
        run: the run folder.
        notes: where to say what cannot be read.
        models: which to look at (default: all that are there).
    """
    root = run / ROOT
    found = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    names = [
        name
        for name in found
        if name != OVERVIEW and not name.startswith(".") and (models is None or name in models)
    ]
    return {name: StudyFolder(run, name, notes) for name in ordered(names, MODEL_ORDER)}


def caveats_of(studies: Mapping[str, StudyFolder]) -> list[str]:
    """The remarks of all studies, each once: what is said of all, then what is of one model."""
    remarks = {model: dict.fromkeys(study.remarks()) for model, study in studies.items()}
    shared = [line for line in next(iter(remarks.values()), ()) if all(
        line in theirs for theirs in remarks.values())]  # fmt: skip
    own = [f"{model}: {line}" for model, mine in remarks.items() for line in mine
           if line not in shared]  # fmt: skip
    return shared + own
