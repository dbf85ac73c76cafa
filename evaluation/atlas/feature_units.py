"""What a layer's features found in one unit of search: segments, their labels, their speakers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.atlas.feature_sounds import Sounds, sound_column, spans_of
from evaluation.atlas.feature_study import (
    Columns,
    FeatureLayer,
    FeatureStudy,
    Rows,
    grid,
    ranks,
    read_rows,
)
from evaluation.atlas.packing import Phrases, coded, packed
from evaluation.sonification.alignments import TIERS

SEGMENT_TEXTS = ["utterance", "speaker", "sex", "label", "words", "phones"]
SEGMENT_NUMBERS = ["feature", "rank", "score", "segment", "start_s", "end_s"]
LABEL_NUMBERS = ["feature", "rank", "count", "segments", "base_count", "base_segments"]
SELECTIVITY_NUMBERS = ["feature", "share", "p", "q"]


@dataclass(frozen=True)
class UnitTables:
    """The tables of one unit of search, of all layers; None where there is none."""

    segments: Rows | None
    labels: dict[str, Rows]
    selectivity: Rows | None
    phrases: dict[str, Phrases]

    @classmethod
    def read(cls, study: FeatureStudy, unit: str) -> UnitTables:
        """Reads them.

        Args:
            study: of one model.
            unit: of search.
        """
        segments = read_rows(study.folder, "segments", SEGMENT_TEXTS, SEGMENT_NUMBERS, unit=unit)
        phrases = {}
        if segments is not None:
            phrases = {name: Phrases.of(segments.names[name]) for name in ("words", "phones")}
        attributes = ["attribute", "group"]
        return cls(
            segments,
            labels_of(study, unit),
            read_rows(study.folder, "selectivity", attributes, SELECTIVITY_NUMBERS, unit=unit),
            phrases,
        )

    def block(self, layer: FeatureLayer, sounds: Sounds) -> dict[str, Any]:
        """One layer's part, as the page reads it; what has no table is absent."""
        found: dict[str, Any] = {}
        if self.segments is not None:
            found["segments"] = self._segments(self.segments, layer, sounds)
        if self.labels:
            found["labels"] = {
                tier: _labels(rows, rows.of(layer), layer) for tier, rows in self.labels.items()
            }
        if self.selectivity is not None:
            found["selectivity"] = _selectivity(self.selectivity, layer)
        return found

    def _segments(self, every: Rows, layer: FeatureLayer, sounds: Sounds) -> dict[str, Any]:
        """The best segments of every feature: numbers, from 1, of a table of segments; 0: none."""
        rows = every.of(layer)
        _, first, place = np.unique(rows["segment"], return_index=True, return_inverse=True)
        most, once = ranks(rows), {name: column[first] for name, column in rows.items()}
        spans = spans_of(Rows(once, every.names, {}), np.arange(len(first)))
        return {
            "k": most,
            "ids": packed(grid(rows, place + 1, layer.features, most, 0)),
            "scores": packed(grid(rows, rows["score"], layer.features, most, np.nan)),
            **{name: coded(once[name], every.names[name])
               for name in ("utterance", "speaker", "sex", "label")},
            **{name: self.phrases[name].column(once[name]) for name in ("words", "phones")},
            "start": packed(once["start_s"]),
            "end": packed(once["end_s"]),
            "sound": sound_column(spans, sounds),
        }  # fmt: skip


def labels_of(study: FeatureStudy, unit: str) -> dict[str, Rows]:
    """The table of labels by tier, of one unit of search; tiers without a row are left out."""
    read = {
        tier: read_rows(
            study.folder, "labels", ["label"], [*LABEL_NUMBERS, "selectivity"], unit=unit, tier=tier
        )
        for tier in TIERS
    }
    return {tier: rows for tier, rows in read.items() if rows}


def _labels(every: Rows, rows: Columns, layer: FeatureLayer) -> dict[str, Any]:
    """The most common labels of every feature, from 1; 0: none. Base rates stand once a label."""
    codes, first, place = np.unique(rows["label"], return_index=True, return_inverse=True)
    most = ranks(rows)
    of = np.zeros(layer.features, np.int64)
    of[rows["feature"]] = rows["segments"]
    return {
        "k": most,
        "names": every.names["label"][codes].tolist(),
        "ids": packed(grid(rows, place + 1, layer.features, most, 0)),
        "count": packed(grid(rows, rows["count"], layer.features, most, 0)),
        "of": packed(of),
        "base": packed(rows["base_count"][first]),
        "base_of": int(rows["base_segments"].max(initial=0)),
    }


def _selectivity(every: Rows, layer: FeatureLayer) -> list[dict[str, Any]]:
    """Of each attribute of speakers: share and q of each group."""
    rows, found = every.of(layer), []
    for code, attribute in enumerate(every.names["attribute"].tolist()):
        mine = rows["attribute"] == code
        groups = np.unique(rows["group"][mine])
        share = np.full((len(groups), layer.features), np.nan, np.float32)
        q = share.copy()
        at = np.searchsorted(groups, rows["group"][mine]), rows["feature"][mine]
        share[at], q[at] = rows["share"][mine], rows["q"][mine]
        if attribute and len(groups):
            names = every.names["group"][groups].tolist()
            found.append(
                {"attribute": attribute, "groups": names, "share": packed(share), "q": packed(q)}
            )
    return found
