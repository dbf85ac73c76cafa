"""The audiations that were made for each layer, in numbers and to play."""

from __future__ import annotations

from typing import Any

from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.sounds import sound_of
from evaluation.audiation.audiation_folder import AudiationFolder
from evaluation.audiation.study_rows import LayerRow
from evaluation.audiation.wanted import AS_ASKED
from evaluation.reading import Row, number

SHARES = ("sounds", "without", "compared", "above", "held_out_above", "doubled", "first")
SCORES = ("start", "reached", "strongest", "held_out", "above")


def audiations_of(atlas: Atlas, model: str) -> dict[str, dict[str, Any]]:
    """What was made for every layer of a model.

    Returns:
        By layer: `summary`, a line of `layers.csv` for the sounds as asked and one for each
        control; `sounds`, those as asked with their scores beside the strongest corpus segment.
    """
    study, found = atlas.audiations[model], dict[str, dict[str, Any]]()
    for row in study.rows("layers", LayerRow):
        entry = found.setdefault(str(row["layer"]), {"summary": [], "sounds": []})
        numbers = {name: number(row[name]) for name in SHARES}
        entry["summary"].append({"variant": str(row["variant"]), **numbers})
    for feature, row in study.sounds:
        if row["variant"] == AS_ASKED:
            entry = found.setdefault(str(row["layer"]), {"summary": [], "sounds": []})
            entry["sounds"].append(_sound(atlas, study, row, feature))
    return found


def _sound(atlas: Atlas, study: AudiationFolder, row: Row, feature: int) -> dict[str, Any]:
    made, segment = (study.file(str(row[name])) for name in ("audio", "clip"))
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
