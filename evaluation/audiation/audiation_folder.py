"""What a study has left in `audiation/<model>/`, read with patience: it may be half done."""

from __future__ import annotations

from functools import cached_property

from evaluation.audiation.study_rows import SoundRow
from evaluation.method_folder import MethodFolder
from evaluation.reading import Row, number

ROOT = "audiation"


class AudiationFolder(MethodFolder):
    """The audiations of one model in a run."""

    METHOD = ROOT

    @cached_property
    def sounds(self) -> list[tuple[int, Row]]:
        """The rows of sounds.csv that tell their feature, behind its number; read once."""
        rows = ((number(row["feature"]), row) for row in self.rows("sounds", SoundRow))
        return [(int(feature), row) for feature, row in rows if feature is not None]
