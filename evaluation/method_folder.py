"""What a method has left of one model, read with patience: it may be half done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar

from evaluation.patient_tables import file_inside, whole_rows
from evaluation.reading import Row


@dataclass(frozen=True)
class MethodFolder:
    """A folder `<method>/<model>/` of a run; a subclass names its method.

    Attributes:
        run: the run folder.
        name: of the model.
        notes: where to say what cannot be read.
    """

    METHOD: ClassVar[str]

    run: Path
    name: str
    notes: list[str]

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.run / self.METHOD / self.name

    def rows(self, table: str, kind: type) -> list[Row]:
        """The whole rows of a table of `write_records`, as texts; none where there is none yet.

        Args:
            table: its name.
            kind: the dataclass of its rows.
        """
        return self.texts(table, [field.name for field in fields(kind)])

    def texts(self, table: str, columns: Sequence[str]) -> list[Row]:
        """The whole rows of any table, as texts; none where there is none yet."""
        name = f"{self.METHOD}/{self.name}/{table}.csv"
        return list(whole_rows(self.run, name, self.notes, columns))

    def file(self, inside: str) -> Path | None:
        """A file below the folder; None where there is none, or where the path climbs out."""
        return file_inside(self.path, inside)
