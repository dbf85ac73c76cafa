"""What was found, of all layers and units of search, on the CPU."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from evaluation.sonification.activity import Activity
from evaluation.sonification.score_moments import Moments
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.top_segments import Top
from evaluation.sonification.units import SpeechUnits
from evaluation.sonification.word_table import LabelMeans, TableLabels
from evaluation.sonification.word_triplets import WordActivations


@dataclass(frozen=True)
class Searched:
    """A layer, or a named set of features of one, whose mean is searched as one feature.

    Attributes:
        layer: name of the layer.
        depth: of the layer.
        features: how many features there are, 1 for a set.
    """

    layer: str
    depth: int
    features: int


@dataclass(frozen=True)
class DiscardedTable:
    """Speaker-discarded sonification by word or by phone.

    Attributes:
        labels: which are kept, how often each occurs and how many speakers say it.
        means: by layer or set.
    """

    labels: TableLabels
    means: dict[str, LabelMeans]


@dataclass(frozen=True)
class Sonification:
    """The result of `sonify`.

    Layers and sets are named as `blstm3` and `blstm3:vowels`, in order of depth.

    Attributes:
        units: what was searched.
        settings: how.
        searched: layers and sets.
        tops: the best segments by unit of search and layer; ids are those of the unit's registry.
        tables: speaker-discarded sonification, by tier: `word`, `phone`; those that there are.
        activity: by layer.
        moments: of the scores by n-gram unit and layer, to compare n-grams of unlike lengths;
            only where there are several.
        words: activations of the words that were to be kept, by layer.
        heard: which utterances were heard.
        lost: utterance to the reason why it was not.
        moved_tops: the best of the moved segments, like `tops`; in no table of segments.
        moved_moments: of their scores, like `moments`.
    """

    units: SpeechUnits
    settings: SearchSettings
    searched: dict[str, Searched]
    tops: dict[str, dict[str, Top]]
    tables: dict[str, DiscardedTable]
    activity: dict[str, Activity]
    moments: dict[str, dict[str, Moments]]
    words: dict[str, WordActivations]
    heard: Bool[np.ndarray, " utterance"]
    lost: dict[str, str]
    moved_tops: dict[str, dict[str, Top]] = field(default_factory=dict)
    moved_moments: dict[str, dict[str, Moments]] = field(default_factory=dict)

    def remarks(self) -> list[str]:
        """What a reader must know before the tables, a line each."""
        lines = [f"{unit}: not searched, {why}" for unit, why in self.units.missing.items()]
        counts: dict[tuple[str, str, bool], list[int]] = {}
        for problem in self.units.problems:
            key = problem.tier, problem.problem, problem.unaligned
            counts.setdefault(key, []).append(problem.count)
        for (tier, what, unaligned), found in counts.items():
            where = f"in {len(found)} of {len(self.units.utterances)} utterances"
            if unaligned:
                lines.append(f"{tier}s: no alignment {where}")
            else:
                lines.append(f"{tier}s: {what}: {sum(found)} {where}")
        lines += [f"{name}: not heard, {reason}" for name, reason in self.lost.items()]
        for tier, table in self.tables.items():
            labels = table.labels
            if labels.left_out:
                lines.append(
                    f"{tier}s: the {labels.left_out} rarest ({labels.left_out_occurrences} "
                    "occurrences) are not in the speaker-discarded table; see most_labels"
                )
        for layer, activity in self.activity.items():
            broken = activity.broken
            if broken.any():
                lines.append(
                    f"{layer}: activations that are no finite numbers in {(broken > 0).sum()} of "
                    f"{len(broken)} features, in up to {broken.max()} of {activity.states} states"
                )
        for unit, tops in self.tops.items():
            lost = {layer: int(top.broken.sum()) for layer, top in tops.items()}
            lines += [
                f"{layer}, {unit}: {count} scores of segments are lost"
                for layer, count in lost.items()
                if count
            ]
        return lines
