"""The audiations that were made for each layer, in numbers and to play."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.sounds import sound_of
from evaluation.audiation.study_rows import LayerRow, SoundRow
from evaluation.audiation.wanted import AS_ASKED
from evaluation.patient_tables import whole_rows
from evaluation.reading import Row, number

ROOT = "audiation"
SHARES = ("sounds", "without", "compared", "above", "held_out_above", "doubled", "first")
SCORES = ("start", "reached", "strongest", "held_out", "above")


def audiations_of(atlas: Atlas, model: str) -> dict[str, dict[str, Any]]:
    """What was made for every layer of a model.

    Returns:
        By layer: `summary`, a line of `layers.csv` for the sounds as asked and one for each
        control; `sounds`, those as asked with their scores beside the strongest corpus segment.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in _rows(atlas, model, "layers", LayerRow):
        entry = found.setdefault(str(row["layer"]), {"summary": [], "sounds": []})
        numbers = {name: number(row[name]) for name in SHARES}
        entry["summary"].append({"variant": str(row["variant"]), **numbers})
    for row in _rows(atlas, model, "sounds", SoundRow):
        feature = number(row["feature"])
        if row["variant"] == AS_ASKED and feature is not None:
            entry = found.setdefault(str(row["layer"]), {"summary": [], "sounds": []})
            entry["sounds"].append(_sound(atlas, model, row, int(feature)))
    return found


def _sound(atlas: Atlas, model: str, row: Row, feature: int) -> dict[str, Any]:
    made, segment = (_file(atlas, model, str(row[name])) for name in ("audio", "clip"))
    return {
        "feature": feature,
        "sample": int(number(row["sample"]) or 0),
        "problem": str(row["problem"]),
        **{name: number(row[name]) for name in SCORES},
        "words": str(row["words"]),
        "phones": str(row["phones"]),
        "sound": sound_of(atlas.site, made) if made else None,
        "segment": sound_of(atlas.site, segment) if segment else None,
    }


def _rows(atlas: Atlas, model: str, table: str, kind: type) -> list[Row]:
    columns = [field.name for field in fields(kind)]
    return list(whole_rows(atlas.run, f"{ROOT}/{model}/{table}.csv", atlas.notes, columns))


def _file(atlas: Atlas, model: str, inside: str) -> Path | None:
    """A file of the study; None where the table names none, or one outside."""
    root = (atlas.run / ROOT / model).resolve()
    try:
        path = (root / inside).resolve()
    except (OSError, ValueError):
        return None
    return path if inside and path.is_relative_to(root) else None
