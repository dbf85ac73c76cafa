"""A sonification on disk: each table as Parquet and as CSV, whole or not at all.

`features`, `segments`, `labels` and `discarded` are those of `Description`; `remarks` says what a
reader must know; the rest are the findings of a study. Tables are written layer by layer, so that a
large recogniser needs no more memory than its largest layer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet

from acoustics.errors import UserError
from evaluation.sonification.activity import QUANTILES
from evaluation.sonification.describe import Columns, Description
from evaluation.sonification.result import Sonification

_TEXT, _WHOLE = pyarrow.string(), pyarrow.int64()
_SINGLE, _DOUBLE = pyarrow.float32(), pyarrow.float64()
_PLACE = {"layer": _TEXT, "depth": _WHOLE, "feature": _WHOLE}
_ACTIVITY = ("density", "threshold", "mean", "minimum", "maximum")

SCHEMAS = {
    "features": _PLACE
    | dict.fromkeys((*_ACTIVITY, *(f"q{100 * share:g}" for share in QUANTILES)), _SINGLE)
    | {"dead": _TEXT, "broken": _WHOLE},
    "segments": {"unit": _TEXT, **_PLACE, "rank": _WHOLE, "score": _SINGLE, "segment": _WHOLE}
    | {"utterance": _TEXT, "speaker": _TEXT, "sex": _TEXT, "start_s": _DOUBLE, "end_s": _DOUBLE}
    | {"label": _TEXT, "words": _TEXT, "phones": _TEXT, "clip": _TEXT},
    "labels": {"unit": _TEXT, "tier": _TEXT, **_PLACE, "rank": _WHOLE, "label": _TEXT}
    | dict.fromkeys(("count", "segments", "base_count", "base_segments"), _WHOLE)
    | {"selectivity": _SINGLE},
    "discarded": {"tier": _TEXT, "by": _TEXT, **_PLACE, "rank": _WHOLE, "label": _TEXT}
    | dict.fromkeys(("mean", "speaker_mean", "expected"), _SINGLE)
    | {"occurrences": _WHOLE, "speakers": _WHOLE},
    "remarks": {"remark": _TEXT},
}
"""Columns of every table of a sonification, in order, and their types."""

FINDINGS = {
    "selectivity": {"unit": _TEXT, "attribute": _TEXT, **_PLACE, "group": _TEXT}
    | dict.fromkeys(("share", "base", "p", "q"), _DOUBLE)
    | {"favourite": pyarrow.bool_()},
    "complexity_draws": {"unit": _TEXT, "layer": _TEXT, "depth": _WHOLE, "replicate": _WHOLE}
    | {"mean": _DOUBLE, "excess": _DOUBLE},
    "spoken": dict.fromkeys(("tier", "utterance", "label"), _TEXT)
    | {"start_s": _DOUBLE, "end_s": _DOUBLE},
}
"""The same of a study's large tables."""


def write_sonification(folder: Path, found: Sonification, most: int = 5) -> None:
    """Writes all tables.

    Args:
        folder: where to; it is made.
        found: of `sonify`.
        most: words and phones listed for each feature.

    Raises:
        UserError: a file cannot be written.
    """
    describe = Description(found, most)
    layers, units, tiers = list(found.searched), list(found.tops), list(found.tables)
    tables: dict[str, Iterator[Columns]] = {
        "features": (describe.features(layer) for layer in layers),
        "segments": (describe.segments(unit, layer) for unit in units for layer in layers),
        "labels": (
            describe.labels(unit, layer, tier)
            for unit in units
            for layer in layers
            for tier in tiers
        ),
        "discarded": (
            describe.discarded(tier, layer, by)
            for tier in tiers
            for layer in layers
            for by in ("mean", "speaker_mean")
        ),
        "remarks": iter([{"remark": np.array(found.remarks(), object)}]),
    }
    for name, parts in tables.items():
        write_table(folder, name, parts)


def write_table(folder: Path, name: str, parts: Iterable[Columns]) -> None:
    """Writes `name.parquet` and `name.csv`, NaN as no value.

    Args:
        folder: where to; it is made.
        name: one of `SCHEMAS` or `FINDINGS`.
        parts: rows, a part at a time.

    Raises:
        UserError: a file cannot be written.
    """
    _write(folder, name, pyarrow.schema(list((SCHEMAS | FINDINGS)[name].items())), parts)


def write_records(folder: Path, name: str, kind: type, rows: Iterable[Any]) -> None:
    """Writes rows of a dataclass as `name.parquet` and `name.csv`, None as no value.

    Args:
        folder: where to; it is made.
        name: of the table.
        kind: the dataclass, whose fields are texts, numbers or None.
        rows: of that kind.

    Raises:
        UserError: a file cannot be written.
    """
    hints = get_type_hints(kind)
    types = {str: _TEXT, int: _WHOLE, float: _DOUBLE}
    columns = {
        field.name: next(types[part] for part in get_args(hints[field.name]) or (hints[field.name],)
                         if part in types)
        for field in fields(kind)
    }  # fmt: skip
    kept = list(rows)
    values = {name: np.array([getattr(row, name) for row in kept], object) for name in columns}
    _write(folder, name, pyarrow.schema(list(columns.items())), iter([values]))


def _write(folder: Path, name: str, schema: pyarrow.Schema, parts: Iterable[Columns]) -> None:
    files = {kind: folder / f".{name}.{kind}.part" for kind in ("parquet", "csv")}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            pyarrow.parquet.ParquetWriter(files["parquet"], schema) as parquet,
            pyarrow.csv.CSVWriter(files["csv"], schema) as text,
        ):
            for columns in parts:
                arrays = [
                    pyarrow.array(columns[field.name], field.type, from_pandas=True)
                    for field in schema
                ]
                table = pyarrow.Table.from_arrays(arrays, schema=schema)
                parquet.write_table(table)
                text.write_table(table)
        for kind, part in files.items():
            part.replace(folder / f"{name}.{kind}")
    except OSError as error:
        raise UserError(
            f"{folder / name}: cannot be written ({error.strerror or error}); free some space or "
            "choose another folder"
        ) from error
    finally:
        for part in files.values():
            if part.exists():
                part.unlink()
