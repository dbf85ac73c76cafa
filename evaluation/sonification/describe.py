"""Rows about every feature: its segments, their words and phones, its activity.

Tables are dictionaries of columns of equal length, a row for each feature and rank. Dead features
have a row in `features` and none elsewhere: all segments drive them alike.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from jaxtyping import Float, Shaped
from scipy.sparse import csr_matrix

from evaluation.sonification.activity import QUANTILES
from evaluation.sonification.clips import clip_paths
from evaluation.sonification.contents import label_matrix, spoken
from evaluation.sonification.result import Sonification

Columns = dict[str, np.ndarray]


class Description:
    """The tables of a sonification, a layer at a time.

    Args:
        found: of `sonify`.
        most: labels listed for each feature.
        fewest_speakers: who must have said a label to be listed as speaker-discarded; fewer where
            no label has so many.
    """

    def __init__(self, found: Sonification, most: int = 5, fewest_speakers: int = 2) -> None:
        self.found, self.most, self.fewest_speakers = found, most, fewest_speakers
        self._base: Callable[[str, str], tuple[np.ndarray, int]] = cache(self._count_base)

    def features(self, layer: str) -> Columns:
        """Activity of every feature; `dead` says why it is so, `broken` counts lost states."""
        activity = self.found.activity[layer]
        names = ("density", "threshold", "mean", "minimum", "maximum")
        columns = {name: getattr(activity, name) for name in names}
        for i, share in enumerate(QUANTILES):
            columns[f"q{100 * share:g}"] = activity.quantiles[:, i]
        columns |= {"dead": activity.dead, "broken": activity.broken}
        features = np.arange(len(activity.density))
        return self._of(layer, features) | {"feature": features} | columns

    def segments(self, unit: str, layer: str) -> Columns:
        """The best segments of every feature, what is heard in them and where their clip goes."""
        top, registry = self.found.tops[unit][layer], self.found.units.registries[unit]
        feature, rank = self._kept(unit, layer)
        ids = top.ids[feature, rank]
        used, place = np.unique(ids, return_inverse=True)
        told = {"clip": clip_paths(registry, used)}
        for tier, items in self.found.units.tiers.items():
            told[f"{tier}s"] = spoken(registry, used, items)
        columns = {"feature": feature, "rank": rank + 1, "score": top.scores[feature, rank]}
        columns["segment"] = ids
        for name in ("utterance", "speaker", "sex", "start_s", "end_s", "label"):
            columns[name] = getattr(registry, name)[ids]
        columns |= {name: text_column(texts)[place] for name, texts in told.items()}
        return self._of(layer, feature, unit=unit) | columns

    def labels(self, unit: str, layer: str, tier: str) -> Columns:
        """The most common words or phones of every feature's segments.

        `count` of its `segments` have the label, `base_count` of the `base_segments` of the corpus
        that were heard do. `selectivity` is the logarithm of the ratio of these odds, half a
        segment being added to each count (Haldane 1956): 0 where the label is as common as in the
        corpus, positive where the feature picks it. Equally common ones come by selectivity.
        """
        registry, items = self.found.units.registries[unit], self.found.units.tiers[tier]
        feature, rank = self._kept(unit, layer)
        ids = self.found.tops[unit][layer].ids[feature, rank]
        used, place = np.unique(ids, return_inverse=True)
        size = self.found.searched[layer].features
        picks = csr_matrix((np.ones(len(ids), np.int64), (feature, place)), (size, len(used)))
        counts = (picks @ label_matrix(registry, used, items)).tocoo()
        segments = np.bincount(feature, minlength=size)[counts.row]
        base, total = self._base(unit, tier)
        selectivity = log_odds(counts.data, segments) - log_odds(base[counts.col], total)
        order = np.lexsort((counts.col, -selectivity, -counts.data, counts.row))
        order, rank = _first_of_each(order, counts.row, self.most)
        columns = {
            "feature": counts.row[order].astype(np.int64),
            "rank": rank + 1,
            "label": items.names[counts.col[order]],
            "count": counts.data[order],
            "segments": segments[order],
            "base_count": base[counts.col[order]],
            "base_segments": np.full(len(order), total),
            "selectivity": selectivity[order],
        }
        return self._of(layer, order, unit=unit, tier=tier) | columns

    def discarded(self, tier: str, layer: str, by: str) -> Columns:
        """Speaker-discarded sonification: the labels with the highest mean.

        Args:
            tier: `word` or `phone`.
            layer: or set.
            by: `mean` over occurrences, as in the article, or `speaker_mean`.
        """
        table = self.found.tables[tier]
        means, labels = table.means[layer], table.labels
        fewest = min(self.fewest_speakers, int(labels.speakers.max()))
        listed = (labels.speakers >= fewest).nonzero()[0]
        values = getattr(means, by)[listed].T
        alive = (self.found.activity[layer].dead == "").nonzero()[0]
        best = np.argsort(-values[alive], axis=1, kind="stable")[:, : self.most]
        feature, rank = np.broadcast_arrays(alive[:, None], np.arange(best.shape[1]))
        there = np.isfinite(np.take_along_axis(values[alive], best, 1))
        feature, rank, label = feature[there], rank[there], listed[best[there]]
        columns = {
            "feature": feature,
            "rank": rank + 1,
            "label": labels.names[label],
            "mean": means.mean[label, feature],
            "speaker_mean": means.speaker_mean[label, feature],
            "expected": means.expected[feature],
            "occurrences": means.heard[label] - means.broken[label, feature],
            "speakers": labels.speakers[label],
        }
        return self._of(layer, feature, tier=tier, by=by) | columns

    def _kept(self, unit: str, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Feature and rank, from 0, of the segments of features that are not dead."""
        kept = self.found.tops[unit][layer].ids >= 0
        kept &= (self.found.activity[layer].dead == "")[:, None]
        feature, rank = kept.nonzero()
        return feature, rank

    def _count_base(self, unit: str, tier: str) -> tuple[np.ndarray, int]:
        """How many heard segments of a unit have each label, and how many segments were heard."""
        registry = self.found.units.registries[unit]
        heard = self.found.heard[registry.owner].nonzero()[0]
        matrix = label_matrix(registry, heard, self.found.units.tiers[tier])
        return np.asarray(matrix.sum(0)).ravel(), len(heard)

    def _of(self, layer: str, rows: np.ndarray, **names: str) -> Columns:
        columns = {name: text_column([text] * len(rows)) for name, text in names.items()}
        columns["layer"] = text_column([layer] * len(rows))
        columns["depth"] = np.full(len(rows), self.found.searched[layer].depth)
        return columns


def log_odds(count: np.ndarray, of: np.ndarray | int) -> Float[np.ndarray, " label"]:
    """Logarithm of the odds, half a segment being added to either side."""
    return np.log((count + 0.5) / (of - count + 0.5))


def _first_of_each(
    order: np.ndarray, group: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """The first `most` of each group of an order that is sorted by group, and their ranks."""
    groups = group[order]
    rank = np.arange(len(order)) - np.searchsorted(groups, groups)
    return order[rank < most], rank[rank < most]


def text_column(values: list[str]) -> Shaped[np.ndarray, " row"]:
    """Texts as a column of a table."""
    array = np.empty(len(values), object)
    array[:] = values
    return array
