"""What a study has left in `sonification/<model>/`, read with patience: it may be half done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from evaluation.method_folder import MethodFolder
from evaluation.reading import MODEL_ORDER, ordered
from evaluation.sonification.study_settings import OVERVIEW

ROOT = "sonification"
TEXTS = frozenset((
    "activated", "attribute", "by", "clip", "dead", "group", "heard", "label", "layer", "phones",
    "remark", "sex", "speaker", "split", "text", "tier", "unit", "utterance", "voice", "word",
    "words",
))  # fmt: skip
"""Columns of large tables that hold texts; all others hold numbers."""
PLACES = ("depth", "feature")
"""Columns of whole numbers: a row without them is of no use."""


class StudyFolder(MethodFolder):
    """The study of one model, or the overview, in a run."""

    METHOD = ROOT

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
            trouble = _trouble(pyarrow.parquet.read_schema(path), [*names, *wanted])
            if not trouble:
                found = pyarrow.parquet.read_table(
                    path, columns=[*names], filters=filters, **reading
                )
                return self._whole(table, found)
        except (OSError, pyarrow.ArrowException) as error:
            trouble = f"cannot be read ({' '.join(str(error).split())[:120]})"
        self.notes.append(f"{path.relative_to(self.run)}: {trouble}")
        return None

    def _whole(self, table: str, found: pyarrow.Table) -> pyarrow.Table:
        """The rows that have a place; how many have none is said."""
        kept = found
        for name in PLACES:
            if name in found.column_names and found[name].null_count:
                kept = kept.filter(pyarrow.compute.is_valid(kept[name]))
        if len(kept) < len(found):
            count = len(found) - len(kept)
            name = f"{ROOT}/{self.name}/{table}.parquet"
            self.notes.append(f"{name}: {count} incomplete row(s) were left out")
        return kept


def _trouble(schema: pyarrow.Schema, columns: Sequence[str]) -> str:
    """Why a table is of no use to whoever wants these columns; empty where it is."""
    lacking = [name for name in columns if name not in schema.names]
    strange = [name for name in columns if not lacking and not _as_expected(schema.field(name))]
    if lacking:
        return f"has no column {', '.join(lacking)}; it was left out"
    return f"has unexpected values in {', '.join(strange)}; it was left out" if strange else ""


def _as_expected(field: pyarrow.Field) -> bool:
    """Whether a column holds what its name promises, texts or numbers."""
    kind = field.type.value_type if pyarrow.types.is_dictionary(field.type) else field.type
    if field.name in TEXTS:
        return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))
    if field.name in PLACES:
        return bool(pyarrow.types.is_integer(kind))
    numbers = (pyarrow.types.is_integer, pyarrow.types.is_floating, pyarrow.types.is_boolean)
    return any(is_kind(kind) for is_kind in numbers)


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
