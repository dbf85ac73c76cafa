"""What could not be used, or only with a remark: collected stage by stage into `failures.csv`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpora.datamodule import SpeechDataModule
from corpora.speaker_datamodule import SpeakerDataModule
from evaluation.records import read_rows, write_rows

FAILURES = "failures.csv"


@dataclass(frozen=True, slots=True)
class FailureRow:
    """An utterance or a noise recording with a problem; `used`: it was used all the same."""

    split: str
    utterance: str
    reason: str
    used: bool


def write_failures(
    path: Path, *sources: SpeechDataModule | SpeakerDataModule, notes: Sequence[str] = ()
) -> None:
    """Write what the batches that went by have shown, and `notes` on the test split."""
    rows: list[FailureRow] = []
    for data in sources:
        rows += [FailureRow(*entry, used=False) for entry in data.unusable]
        if isinstance(data, SpeechDataModule):
            rows += [
                FailureRow(split, f"noise {name}", reason, used=False)
                for split, name, reason in data.unusable_noise
            ]
            rows += [FailureRow(*entry, used=True) for entry in data.remarks]
    rows += [FailureRow("test", "", note, used=True) for note in notes]
    write_rows(path, FailureRow, list(dict.fromkeys(rows)))


def merge_failures(folders: Sequence[Path], path: Path) -> None:
    """Write the problems that any of these stages met, each once, into one table."""
    rows: dict[FailureRow, None] = {}
    for found in (folder / FAILURES for folder in folders):
        rows |= dict.fromkeys(read_rows(found, FailureRow) if found.is_file() else ())
    order = {"train": 0, "dev": 1, "test": 2}
    write_rows(path, FailureRow, sorted(rows, key=lambda r: (order[r.split], r.utterance)))
