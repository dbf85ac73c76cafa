"""Everything that is kept of a pass: best segments, tables, activity, in the size of the result."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torchmetrics import Metric

from asr_models.layer import Layer
from evaluation.sonification.activity import FeatureActivity
from evaluation.sonification.batch_segments import BatchSegments
from evaluation.sonification.layer_groups import grouped
from evaluation.sonification.pooling import pooled, pooled_sum, rectified_sum
from evaluation.sonification.registry import Registry
from evaluation.sonification.result import DiscardedTable
from evaluation.sonification.score_moments import ScoreMoments
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.top_segments import Top, TopSegments
from evaluation.sonification.unit_names import compared_ngrams
from evaluation.sonification.units import MOVED, SpeechUnits
from evaluation.sonification.word_table import WordTable, table_labels
from evaluation.sonification.word_triplets import KeptWords

Found = TypeVar("Found")
LayerStates = tuple[str, Layer, Int[Tensor, " batch"], Float[Tensor, "state feature"]]
"""Name of a layer or set, its layer, the states of each utterance, and all of them in a row."""


class Gathering:
    """Takes in the states of batches; what is kept can be added up over processes.

    Args:
        features: of every layer and set, by name, in the order in which their states come.
        units: what is searched.
        settings: how.
        device: where the states are.
        kept_words: occurrences of words whose activations are kept, sorted.
    """

    def __init__(
        self,
        features: Mapping[str, int],
        units: SpeechUnits,
        settings: SearchSettings,
        device: torch.device,
        kept_words: Int[np.ndarray, " kept"] | None,
    ) -> None:
        self.units, self.settings, self.device = units, settings, device
        self.labels = {
            tier: table_labels(items, settings.most_labels)
            for tier, items in units.tiers.items()
            if len(items)
        }
        self.activity = {n: FeatureActivity(size).to(device) for n, size in features.items()}
        self.groups = grouped(features)
        self.tops = {unit: self._tops(registry) for unit, registry in units.searched.items()}
        ngrams = compared_ngrams(units.registries)
        self.moments = {
            unit: {name: ScoreMoments(size).to(device) for name, size in features.items()}
            for unit in (*ngrams, *(MOVED + unit for unit in ngrams if unit in units.moved))
        }
        self.tables = {
            tier: {name: WordTable(labels.to(device), n).to(device) for name, n in features.items()}
            for tier, labels in self.labels.items()
        }
        self.words: dict[str, KeptWords] = {}
        if kept_words is not None and "word" in self.labels:
            self.words = {n: KeptWords(kept_words, size).to(device) for n, size in features.items()}

    def _tops(self, segments: Registry) -> list[TopSegments]:
        """For each group of layers; the owners of segments are shared by all."""
        owners: Tensor | None = None
        if self.settings.limit is not None:
            numbers = segments.owners(self.settings.limit)
            owners = torch.from_numpy(numbers).to(self.device)
        return [
            TopSegments(sum(group.values()), self.settings.k, owners).to(self.device)
            for group in self.groups
        ]

    def add(self, heard: Iterator[LayerStates], here: BatchSegments) -> None:
        """Take in a batch.

        Args:
            heard: every layer and set.
            here: the segments of the batch.
        """
        for number, group in enumerate(self.groups):
            parts = [self._take(*next(heard), here) for _ in group]
            for unit, tops in self.tops.items():
                if len(here.ids[unit]):
                    scores = torch.cat([part[unit] for part in parts], dim=1)
                    tops[number].update(scores.T, here.ids[unit])

    def _take(
        self,
        name: str,
        layer: Layer,
        lengths: Int[Tensor, " batch"],
        states: Float[Tensor, "state feature"],
        here: BatchSegments,
    ) -> dict[str, Float[Tensor, "segment feature"]]:
        """Take in a layer's, or set's, states; scores by unit of search, where it has segments."""
        self.activity[name].update(states, here.sampled(lengths))
        tables = {self.units.tiers[tier].unit: table for tier, table in self.tables.items()}
        scores = {}
        for unit in dict.fromkeys([*self.tops, *tables]):
            if len(here.ids[unit]):
                spans = here.spans(unit, layer.timing, lengths)
                total = pooled_sum(states, spans)
                if unit in self.tops:
                    scores[unit] = pooled(states, spans, self.settings.score, total)
                if unit in self.moments:
                    self.moments[unit][name].update(scores[unit])
                if unit in tables:
                    tables[unit][name].update(total, here.ids[unit])
                if unit == "words" and name in self.words:
                    rectified = rectified_sum(states, spans, total)
                    self.words[name].update(rectified / spans.counts[:, None], here.ids[unit])
        return scores

    def computed(self) -> dict[str, Any]:
        """The fields of `Sonification` that are gathered, of all processes."""
        tops, moved_tops = _moved_apart(
            {unit: self._split(tops) for unit, tops in self.tops.items()}
        )
        moments, moved_moments = _moved_apart(
            {unit: computed(moments) for unit, moments in self.moments.items()}
        )
        return {
            "tops": tops,
            "tables": {
                tier: DiscardedTable(self.labels[tier], computed(tables))
                for tier, tables in self.tables.items()
            },
            "activity": computed(self.activity),
            "moments": moments,
            "words": computed(self.words),
            "moved_tops": moved_tops,
            "moved_moments": moved_moments,
        }

    def _split(self, tops: Sequence[TopSegments]) -> dict[str, Top]:
        """Those of groups of layers as those of layers."""
        return {
            name: top
            for group, found in zip(self.groups, tops, strict=True)
            for name, top in zip(group, found.compute().split(group.values()), strict=True)
        }


def _moved_apart(found: Mapping[str, Found]) -> tuple[dict[str, Found], dict[str, Found]]:
    """What was found of segments where they are, and of moved ones, both by unit of search."""
    moved = {u.removeprefix(MOVED): one for u, one in found.items() if u.startswith(MOVED)}
    return {unit: one for unit, one in found.items() if not unit.startswith(MOVED)}, moved


def computed(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """What each of them found."""
    return {name: metric.compute() for name, metric in metrics.items()}
