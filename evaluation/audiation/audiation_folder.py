"""What a study has left in `audiation/<model>/`, read with patience: it may be half done."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

from evaluation.audiation.study_rows import SoundRow
from evaluation.patient_tables import file_inside, whole_rows
from evaluation.reading import Row, number

ROOT = "audiation"


@dataclass(frozen=True)
class AudiationFolder:
    """The audiations of one model in a run.

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

    @cached_property
    def sounds(self) -> list[tuple[int, Row]]:
        """The rows of sounds.csv that tell their feature, behind its number; read once."""
        rows = ((number(row["feature"]), row) for row in self.rows("sounds", SoundRow))
        return [(int(feature), row) for feature, row in rows if feature is not None]

    def rows(self, table: str, kind: type) -> list[Row]:
        """The whole rows of a table, as texts; none where there is none yet.

        Args:
            table: its name.
            kind: the dataclass of its rows.
        """
        columns = [field.name for field in fields(kind)]
        name = f"{ROOT}/{self.name}/{table}.csv"
        return list(whole_rows(self.run, name, self.notes, columns))

    def file(self, inside: str) -> Path | None:
        """A file below the folder; None where there is none, or where the path climbs out."""
        return file_inside(self.path, inside)
