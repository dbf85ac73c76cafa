"""The rows of a run's tables, and CSV files that are written whole or not at all."""

import csv
import math
import os
import tempfile
import types
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args, get_type_hints

from acoustics.errors import UserError

Row = TypeVar("Row")

WHOLE = ("tables", "states", "identity")
"""In these folders of a run a stage leaves a folder, which is made again as a whole."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One utterance, one metric (scores.csv); `value` or `failure`, never both, never neither.

    `wer` and `cer` are in percent; `scorer` is the recogniser behind them, else empty.
    """

    model: str
    condition: str
    noise: str
    layer: str
    utterance: str
    speaker: str
    metric: str
    scorer: str
    value: float | None
    failure: str = ""

    def __post_init__(self) -> None:
        _check_score(self.value, self.failure)


@dataclass(frozen=True, slots=True)
class TrialScoreRow:
    """The score of one trial (trial_scores.csv), or the reason why there is none."""

    model: str
    condition: str
    layer: str
    scorer: str
    trial: str
    score: float | None
    failure: str = ""

    def __post_init__(self) -> None:
        _check_score(self.score, self.failure)


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One metric of one layer (summary.csv); EER, WER and CER in percent.

    `depth` is empty for natural, copy-synthesis and mean-mel. `n_scored` and `n_failed` count
    utterances, or trials for `eer` and `min_dcf`.
    """

    model: str
    condition: str
    layer: str
    depth: int | None
    metric: str
    scorer: str
    mean: float | None
    ci_low: float | None
    ci_high: float | None
    n_scored: int
    n_failed: int


@dataclass(frozen=True, slots=True)
class UtteranceRow:
    """An utterance of the test set (utterances.csv)."""

    utterance: str
    speaker: str
    sex: str
    duration_s: float
    n_words: int
    n_chars: int
    text: str


@dataclass(frozen=True, slots=True)
class MixtureRow:
    """A noisy mixture (mixtures.csv); `scale` multiplied speech and noise to avoid clipping."""

    condition: str
    utterance: str
    noise: str
    kind: str
    snr_db: float
    scale: float


class RowWriter:
    """Streams rows into a CSV file that appears under its name only when complete.

    Use it in a `with`; after an exception the file is as it was before.

    Args:
        path: the file; its folder must exist.
        row_type: the dataclass whose fields are the columns.
    """

    _mode: ClassVar[int] = 0o644

    def __init__(self, path: Path, row_type: type) -> None:
        self._path, self._row_type = path, row_type
        self._names = [field.name for field in fields(row_type)]

    def __enter__(self) -> "RowWriter":
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._temporary = Path(name)
        self._file = os.fdopen(handle, "w", newline="", encoding="utf-8")
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow(self._names)
        return self

    def write(self, row: Any) -> None:
        """Adds a row; numbers keep six significant digits."""
        if not isinstance(row, self._row_type):
            raise TypeError(f"{type(row).__name__} is no row of {self._path.name}")
        try:
            self._csv.writerow([_format(getattr(row, name)) for name in self._names])
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
            if error_type is None:
                self._temporary.chmod(self._mode)
                self._temporary.replace(self._path)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        finally:
            self._temporary.unlink(missing_ok=True)


class OrderedRows:
    """Rows that are ready in any order, written in the order in which their places were reserved.

    What is ready waits for what was reserved before it, so the table does not depend on which
    worker was faster.

    Args:
        writer: an open `RowWriter`.
    """

    def __init__(self, writer: RowWriter) -> None:
        self._writer = writer
        self._ready: dict[int, Sequence[Any]] = {}
        self._reserved = self._written = 0

    def reserve(self) -> int:
        """The next place; `put` must fill it."""
        self._reserved += 1
        return self._reserved - 1

    def put(self, place: int, rows: Sequence[Any]) -> None:
        """Fill a place with any number of rows."""
        self._ready[place] = rows
        while self._written in self._ready:
            for row in self._ready.pop(self._written):
                self._writer.write(row)
            self._written += 1

    def write(self, rows: Sequence[Any]) -> None:
        """Rows that are ready at once."""
        self.put(self.reserve(), rows)


def write_rows(path: Path, row_type: type[Row], rows: Iterable[Row]) -> None:
    """Writes `rows` as CSV, whole or not at all."""
    with RowWriter(path, row_type) as writer:
        for row in rows:
            writer.write(row)


def read_rows(path: Path, row_type: type[Row]) -> Iterator[Row]:
    """Yields the rows of a CSV file such as `write_rows` writes, one at a time.

    Raises:
        UserError: if the file is missing or no text, has other columns, or a field that cannot be
            read.
    """
    parsers = {name: _parser(kind) for name, kind in get_type_hints(row_type).items()}
    names = [field.name for field in fields(row_type)]  # type: ignore[arg-type]
    try:
        file = path.open(newline="", encoding="utf-8-sig")  # a spreadsheet begins with a mark
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {make_again(path)}") from None
    with file:
        lines = csv.reader(file)
        try:
            if next(lines, None) != names:
                columns = ",".join(names)
                raise UserError(f"{path}: its columns are not {columns}; {make_again(path)}")
            for line in lines:
                if len(line) != len(names):
                    raise ValueError(f"{len(line)} cells where there are {len(names)} columns")
                cells = zip(names, line, strict=True)
                yield row_type(**{name: parsers[name](cell) for name, cell in cells})
        except UnicodeDecodeError:
            raise UserError(f"{path}: it is not UTF-8 text; {make_again(path)}") from None
        except (ValueError, csv.Error) as error:
            where = f"{path}, line {lines.line_num}"
            raise UserError(f"{where}: {error}; {make_again(path)}") from None


def make_again(path: Path) -> str:
    """How a user has a table of a run made again: a run redoes what is gone."""
    left = path.parent if set(WHOLE) & set(path.parts[-4:-1]) else path
    delete = f"delete {left} and " if left.exists() else ""
    return f"{delete}call `otoscope run` with the same configuration again"


def _check_score(value: float | None, failure: str) -> None:
    if (value is None) != bool(failure):
        raise ValueError(f"a score is a value or a failure, not {value!r} and {failure!r}")
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{value!r} is no score: give the reason as failure")


def _format(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value + 0.0:.6g}"  # + 0.0: no negative zero
    return str(value)


def _parser(kind: Any) -> Any:
    if isinstance(kind, types.UnionType):
        (inner,) = [option for option in get_args(kind) if option is not type(None)]
        return lambda cell: None if cell == "" else inner(cell)
    return _flag if kind is bool else kind


def _flag(cell: str) -> bool:
    if cell not in ("0", "1"):
        raise ValueError(f"{cell!r} is neither 0 nor 1")
    return cell == "1"


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path}: cannot be written ({error.strerror}); free space or choose --output")
