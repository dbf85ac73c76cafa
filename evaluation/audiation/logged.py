"""What loggers show of the audiations of a run: the sounds with their numbers, figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evaluation.audiation.audiation_folder import ROOT, AudiationFolder
from evaluation.reading import MODEL_ORDER, number, ordered

COLUMNS = (
    *("layer", "feature", "variant", "start", "reached", "strongest", "held_out", "rank"),
    *("snr_db", "words", "problem"),
)
"""Of a table of sounds, beside the sound, its picture and the strongest segment."""
FILES = ("audio", "picture", "clip")

_NUMBERS = ("feature", "start", "reached", "strongest", "held_out", "rank", "snr_db")

Cell = str | float | Path | None


@dataclass(frozen=True)
class LoggedAudiations:
    """Everything of `audiation/` that is logged.

    Attributes:
        sounds: of every model: values of `COLUMNS`, then the paths of `FILES` that are on disk.
        figures: pictures and animations, by a name such as `baseline/reached`.
    """

    sounds: dict[str, list[list[Cell]]]
    figures: dict[str, Path]


def read_audiations(run: Path) -> LoggedAudiations:
    """Reads what there is; of a run without `audiation/` all is empty.

    Args:
        run: the run folder.
    """
    root = run / ROOT
    there = [p.name for p in sorted(root.iterdir()) if p.is_dir()] if root.is_dir() else []
    models = ordered([name for name in there if not name.startswith(".")], MODEL_ORDER)
    sounds: dict[str, list[list[Cell]]] = {}
    figures: dict[str, Path] = {}
    for model in models:
        study = AudiationFolder(run, model, [])
        made = [
            [
                *(number(row[name]) if name in _NUMBERS else str(row[name]) for name in COLUMNS),
                *(study.file(str(row[name])) for name in FILES),
            ]
            for _, row in study.sounds
        ]
        if made:
            sounds[model] = made
        for folder, kind in (
            ("figures", "png"),
            ("learned_inputs", "png"),
            ("learned_inputs", "gif"),
        ):
            for path in sorted((root / model / folder).glob(f"*.{kind}")):
                figures[f"{model}/{path.stem}"] = path
    return LoggedAudiations(sounds, figures)
