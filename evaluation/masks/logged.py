"""What loggers show of the masks of a run: sounds with what is heard in them, figures."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from evaluation.listening import safe_name
from evaluation.masks.rows import SoundRow
from evaluation.patient_tables import whole_rows
from evaluation.reading import MODEL_ORDER, number, ordered

ROOT = "masks"
COLUMNS = ("utterance", "scope", "span", "sound", "muted_share", "text", "cer")
"""Of a table of sounds, before the sound and the picture of its mask."""

Cell = str | float | Path | None


@dataclass(frozen=True)
class LoggedMasks:
    """Everything of `masks/` that is logged.

    Attributes:
        sounds: of every model: values of `COLUMNS`, then the paths of sound and picture.
        figures: pictures and animations, by a name such as `baseline/curves`.
    """

    sounds: dict[str, list[list[Cell]]]
    figures: dict[str, Path]


def read_masks(run: Path) -> LoggedMasks:
    """Reads what there is; of a run without `masks/` all is empty.

    Args:
        run: the run folder.
    """
    root = run / ROOT
    there = [path.name for path in sorted(root.iterdir()) if path.is_dir()] if root.is_dir() else []
    models = ordered([name for name in there if not name.startswith(".")], MODEL_ORDER)
    columns = [field.name for field in fields(SoundRow)]
    found = LoggedMasks({}, {})
    for model in models:
        rows = whole_rows(run, f"{ROOT}/{model}/sounds.csv", [], columns)
        heard = [_row(root / model, row) for row in rows]
        if heard:
            found.sounds[model] = heard
        for kind, moving in (("png", ""), ("gif", ".search")):
            for path in sorted((root / model / "figures").glob(f"*.{kind}")):
                found.figures[f"{model}/{path.stem}{moving}"] = path
    return found


def _row(folder: Path, row: dict[str, str]) -> list[Cell]:
    name = mask_name(row["utterance"], row["span"])
    sound = folder / "audio" / name / f"{safe_name(row['sound'])}.flac"
    picture = folder / "figures" / f"{name}.mask.png"
    cells = [number(row[c]) if c in ("muted_share", "cer") else row[c] for c in COLUMNS]
    return [*cells, *(path if path.is_file() else None for path in (sound, picture))]


def mask_name(utterance: str, span: str) -> str:
    """The name of the files of one mask, of an utterance (no span) or a part of it."""
    return safe_name(f"{utterance} {span}".strip())
