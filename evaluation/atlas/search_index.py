"""Which features of a network pick a word or a phone most: what the search box looks up."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluation.atlas.feature_study import FeatureStudy, Rows
from evaluation.atlas.feature_units import labels_of
from evaluation.atlas.packing import packed

MOST = 50
"""Features listed of a label."""


def search_index(study: FeatureStudy) -> dict[str, Any]:
    """Of every word and phone the features whose segments have it most often, most selective first.

    Args:
        study: of one model; its first unit of search.
    """
    tables = labels_of(study, study.unit)
    return {
        "unit": study.unit,
        "tiers": [{"tier": tier, **_listed(study, rows)} for tier, rows in tables.items()],
    }


def _listed(study: FeatureStudy, every: Rows) -> dict[str, Any]:
    """By label, from the first to the last name: as many features as `lengths` says."""
    parts = [every.of(layer) for layer in study.layers]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in every.columns}
    layer = np.repeat(np.arange(len(parts)), [len(part["feature"]) for part in parts])
    order = np.lexsort(
        (rows["feature"], layer, -rows["selectivity"], -rows["count"], rows["label"])
    )
    label = rows["label"][order]
    order = order[np.arange(len(order)) - np.searchsorted(label, label) < MOST]
    codes, lengths = np.unique(rows["label"][order], return_counts=True)
    return {
        "names": every.names["label"][codes].tolist(),
        "lengths": packed(lengths),
        "layer": packed(layer[order]),
        "feature": packed(rows["feature"][order]),
        "count": packed(rows["count"][order]),
        "of": packed(rows["segments"][order]),
    }
