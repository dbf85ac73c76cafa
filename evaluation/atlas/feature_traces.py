"""Activation over time around each feature's strongest segment, and what is said there."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpora.corpus import SAMPLE_RATE
from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.feature_study import FeatureLayer, FeatureStudy
from evaluation.atlas.packing import coded, packed
from evaluation.sonification.alignments import TIERS
from evaluation.sonification.runs import runs
from evaluation.sonification.trace_files import SPOKEN, read_traces
from evaluation.sonification.traces import UNIT, LayerTraces


class FeatureTraces:
    """The traces of one model.

    Args:
        atlas: knows the strides of its layers.
        study: of the model.
    """

    def __init__(self, atlas: Atlas, study: FeatureStudy) -> None:
        folder = study.folder
        self.found = (read_traces(folder) if UNIT in study.units else None) or {}
        names = folder.table("utterances", ["utterance"], {}) if self.found else None
        listed = [] if names is None else names["utterance"].to_pylist()
        self.utterances = np.array([*listed, ""], object)[:-1]
        self.spoken = _Spoken(study, self.utterances.tolist()) if self.found else None
        entries = atlas.layers.get(folder.name, [])
        self.strides = {entry.name: entry.stride for entry in entries}

    def block(self, layer: FeatureLayer) -> dict[str, Any] | None:
        """One layer's part, as the page reads it; None where there is none."""
        own, stride = self.found.get(layer.name), self.strides.get(layer.name)
        if own is None or not stride or len(own.count) != layer.features:
            return None
        kept = (own.count > 0) & (own.utterance >= 0) & (own.utterance < len(self.utterances))
        count = np.where(kept, own.count, 0).astype(np.int64)
        used, place = np.unique(own.utterance[kept], return_inverse=True)
        whose = np.zeros(layer.features, np.int64)
        whose[kept] = place
        every = np.arange(own.values.shape[1]) < count[:, None]
        return {
            "stride_s": stride / SAMPLE_RATE,
            "values": packed(own.values[every]),
            "count": packed(count),
            "low": packed(own.low),
            "high": packed(own.high),
            "first": packed(own.first_s),
            "utterance": {"names": self.utterances[used].tolist(), "ids": packed(whose)},
            "spoken": self.spoken.of(used, *_reach(own, kept, place, stride))
            if self.spoken
            else [],
        }


def _reach(
    own: LayerTraces, kept: np.ndarray, place: np.ndarray, stride: int
) -> tuple[np.ndarray, np.ndarray]:
    """From when to when any window of each utterance lasts, in seconds."""
    size = int(place.max(initial=-1)) + 1
    start, end = np.full(size, np.inf), np.full(size, -np.inf)
    first = own.first_s[kept].astype(np.float64)
    np.minimum.at(start, place, first - stride / SAMPLE_RATE)
    np.maximum.at(end, place, first + own.count[kept] * stride / SAMPLE_RATE)
    return start, end


class _Spoken:
    """The words and phones of utterances; nothing where there is no such table."""

    def __init__(self, study: FeatureStudy, utterances: list[str]) -> None:
        columns = ["tier", "utterance", "label", "start_s", "end_s"]
        table = study.folder.table(SPOKEN, columns, {})
        self.tiers: list[tuple[str, dict[str, np.ndarray], np.ndarray]] = []
        if table is None:
            return
        number = {name: i for i, name in enumerate(utterances)}
        rows = {name: table[name].to_numpy() for name in columns}
        owner = np.array([number.get(name, -1) for name in rows["utterance"]], np.int64)
        names, labels = np.unique(rows["label"].astype(str), return_inverse=True)
        for tier in TIERS:
            mine = np.flatnonzero(rows["tier"] == tier)
            mine = mine[np.lexsort((rows["start_s"][mine], owner[mine]))]
            if len(mine):
                part = {name: rows[name][mine] for name in ("start_s", "end_s")}
                part |= {"owner": owner[mine], "label": labels[mine]}
                self.tiers.append((tier, part, names.astype(object)))

    def of(self, used: np.ndarray, start: np.ndarray, end: np.ndarray) -> list[dict[str, Any]]:
        """What is said in some utterances, in the parts that windows reach."""
        found = []
        for tier, part, names in self.tiers:
            low = np.searchsorted(part["owner"], used)
            count = np.searchsorted(part["owner"], used, "right") - low
            at, place = runs(low, count), np.repeat(np.arange(len(used)), count)
            inside = (part["end_s"][at] > start[place]) & (part["start_s"][at] < end[place])
            at, place = at[inside], place[inside]
            found.append(
                {
                    "tier": tier,
                    "lengths": packed(np.bincount(place, minlength=len(used))),
                    **{
                        name: packed(_milliseconds(part[f"{name}_s"][at]))
                        for name in ("start", "end")
                    },
                    **coded(part["label"][at], names),
                }
            )
        return found


def _milliseconds(seconds: np.ndarray) -> np.ndarray:
    return (seconds * 1000).round().astype(np.int64)
