"""What is known of a layer's features beside their segments: activity, labels, audiations."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluation.atlas.feature_study import (
    Columns,
    FeatureLayer,
    FeatureStudy,
    Rows,
    by_feature,
    grid,
    ranks,
    read_rows,
)
from evaluation.atlas.packing import packed
from evaluation.sonification.alignments import TIERS

ACTIVITY = ("density", "threshold", "mean", "minimum", "maximum", "q50", "q90", "q99")
BY = ("mean", "speaker_mean")
"""What speaker-discarded sonification is ranked by: occurrences, or speakers."""


def activity_block(study: FeatureStudy, layer: FeatureLayer) -> dict[str, Any]:
    """Density and quantiles of every feature; `dead` says why one is dead, by its number."""
    if study.activity is None:
        return {}
    rows = study.activity.of(layer)
    why = study.activity.names["dead"][rows["dead"]]
    dead = {str(i): text for i, text in zip(rows["feature"].tolist(), why.tolist(), strict=True)}
    return {
        "activity": {name: packed(by_feature(rows, name, layer.features)) for name in ACTIVITY},
        "dead": {feature: text for feature, text in dead.items() if text},
    }


class DiscardedTables:
    """Speaker-discarded sonification of one model, by tier and by what it is ranked by.

    Args:
        study: of the model.
    """

    def __init__(self, study: FeatureStudy) -> None:
        numbers = ["feature", "rank", "mean", "speaker_mean", "expected", "occurrences", "speakers"]
        self.tables: dict[tuple[str, str], Rows] = {}
        for tier in TIERS:
            for by in BY:
                rows = read_rows(study.folder, "discarded", ["label"], numbers, tier=tier, by=by)
                if rows:
                    self.tables[tier, by] = rows

    def block(self, layer: FeatureLayer) -> list[dict[str, Any]]:
        """One layer's part, as the page reads it."""
        return [
            {"tier": tier, "by": by, **_listed(every, every.of(layer), layer)}
            for (tier, by), every in self.tables.items()
        ]


def _listed(every: Rows, rows: Columns, layer: FeatureLayer) -> dict[str, Any]:
    codes, place = np.unique(rows["label"], return_inverse=True)
    most = ranks(rows)

    def column(name: str, empty: float) -> dict[str, str]:
        return packed(grid(rows, rows[name], layer.features, most, empty))

    return {
        "k": most,
        "names": every.names["label"][codes].tolist(),
        "ids": packed(grid(rows, place + 1, layer.features, most, 0)),
        **{name: column(name, np.nan) for name in BY},
        **{name: column(name, 0) for name in ("occurrences", "speakers")},
        "expected": packed(by_feature(rows, "expected", layer.features)),
    }
