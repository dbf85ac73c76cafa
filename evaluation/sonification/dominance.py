"""Which features are dominated by one sex, layer by layer, and how many would be by chance.

A feature is dominated by a group where more than 90 % of its top segments are by that group (Ghiasi
et al. 2021). With twice as many men as women, or features that pick few speakers, some are so
without knowing a sex: how many, is told by dealing the sexes out anew over the speakers. All
features and layers share the same deals, since features share segments.

What holds of sex holds of any `SpeakerGroups`: accents, or thirds of pitch and rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from evaluation.sonification.by_speaker import sum_by_speaker
from evaluation.sonification.depth_trend import (
    FEWEST_LAYERS,
    Claim,
    jackknife_trend,
    slope,
    trend_claim,
    unknown_claim,
)
from evaluation.sonification.selectivity import Selectivity, group_selectivity
from evaluation.sonification.speaker_groups import SpeakerGroups

DOMINATED = 0.9
FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True, slots=True)
class DominanceRow:
    """One group in one layer (dominance.csv); shares are parts of the features with segments.

    `chance` is the mean share over the deals and `chance_low` to `chance_high` their middle 95 %;
    `p` is the share of deals (the real one among them) with as many dominated features. Of the
    `significant` features, which are selective for this group at a false discovery rate of 5 %,
    not all need be dominated. Where `remark` is not empty, nothing is claimed.
    """

    model: str
    layer: str
    depth: int
    unit: str
    attribute: str
    group: str
    n_speakers: int
    n_features: int
    n_empty: int
    dominated: int
    share: float | None = None
    chance: float | None = None
    chance_low: float | None = None
    chance_high: float | None = None
    p: float | None = None
    significant: int | None = None
    remark: str = ""


@dataclass(frozen=True)
class LayerDominance:
    """Dominance in one layer and unit of search.

    Attributes:
        selectivity: of every feature.
        dominated: which group dominates which feature, shape (feature, group).
        n_empty: features without a segment by any of the speakers.
        chance: share of dominated features in every deal, shape (deal, group).
        left_out: the share without one speaker, for every speaker, shape (speaker, group).
    """

    groups: SpeakerGroups
    selectivity: Selectivity
    dominated: np.ndarray
    n_empty: int
    chance: Float[np.ndarray, "deal group"]
    left_out: Float[np.ndarray, "speaker group"]

    @property
    def shares(self) -> Float[np.ndarray, " group"]:
        """Share of dominated features; NaN where no feature has a segment."""
        n_heard = len(self.dominated) - self.n_empty
        return (
            self.dominated.sum(0) / n_heard if n_heard else np.full(self.dominated.shape[1], np.nan)
        )


def deal_groups(groups: SpeakerGroups, n_deals: int, seed: int) -> Int[np.ndarray, "deal speaker"]:
    """The groups dealt out anew over the speakers, each as large as it is."""
    return np.random.default_rng(seed).permuted(np.tile(groups.of_speaker, (n_deals, 1)), axis=1)


def layer_dominance(
    ids: Int[np.ndarray, "feature k"],
    speaker_of_segment: Sequence[str] | np.ndarray,
    groups: SpeakerGroups,
    deals: Int[np.ndarray, "deal speaker"],
    threshold: float = DOMINATED,
) -> LayerDominance:
    """Dominance of one layer's features.

    Args:
        ids: top segments, -1 where a place is empty.
        speaker_of_segment: by id; segments of speakers outside the groups are not counted.
        groups: of all speakers that were searched, whether they came to the top or not.
        deals: from `deal_groups`, the same for all layers.
        threshold: a feature is dominated by a group that has more than this part of its segments.
    """
    counts = sum_by_speaker(ids, groups.index(speaker_of_segment), len(groups.speakers))
    selectivity = group_selectivity(counts, groups)
    heard = counts[counts.sum(1) > 0]
    chance = np.zeros((len(deals), len(groups.names)))
    left_out = np.zeros((len(groups.speakers), len(groups.names)))
    for g in range(len(groups.names)):
        dealt = heard @ (deals == g).T.astype(np.float64)
        chance[:, g] = _share(dealt, heard.sum(1, keepdims=True), threshold)
        left_out[:, g] = _without_each(heard, groups.of_speaker == g, threshold)
    dominated = selectivity.shares > threshold
    return LayerDominance(
        groups, selectivity, dominated, len(counts) - len(heard), chance, left_out
    )


def _share(
    inside: Float[np.ndarray, "feature case"],
    totals: Float[np.ndarray, "feature _"],
    threshold: float,
) -> Float[np.ndarray, " case"]:
    """Part of the features with a segment that are dominated, in each case."""
    there = np.broadcast_to(totals, inside.shape) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        return ((inside / totals > threshold) & there).sum(0) / there.sum(0)


def _without_each(
    counts: Float[np.ndarray, "feature speaker"], member: np.ndarray, threshold: float
) -> Float[np.ndarray, " speaker"]:
    inside = counts[:, member].sum(1, keepdims=True) - counts * member
    return _share(inside, counts.sum(1, keepdims=True) - counts, threshold)


def dominance_rows(
    model: str, unit: str, layers: Mapping[str, LayerDominance], depths: Mapping[str, int]
) -> list[DominanceRow]:
    """The rows of dominance.csv of one model and unit of search, a row per layer and group."""
    return [
        row
        for layer, found in layers.items()
        for row in _rows((model, layer, depths[layer], unit), found)
    ]


def _rows(place: tuple[str, str, int, str], found: LayerDominance) -> list[DominanceRow]:
    groups, size = found.groups, len(found.dominated)
    significant = found.selectivity.q <= FALSE_DISCOVERIES
    rows = []
    for g, (name, n_speakers) in enumerate(zip(groups.names, groups.sizes, strict=True)):
        counts = int(n_speakers), size, found.n_empty, int(found.dominated[:, g].sum())
        row = DominanceRow(*place, groups.attribute, name, *counts, remark=groups.objection)
        if not groups.objection and found.n_empty < size:
            share, chance = float(found.shares[g]), found.chance[:, g]
            low, high = np.quantile(chance, [0.025, 0.975])
            row = replace(
                row,
                share=share,
                chance=float(chance.mean()),
                chance_low=float(low),
                chance_high=float(high),
                p=(1 + int((chance >= share).sum())) / (1 + len(chance)),
                significant=int((significant & (found.selectivity.favourite == g)).sum()),
            )
        rows.append(row)
    if not rows:
        counts = 0, size, found.n_empty, 0
        rows.append(DominanceRow(*place, groups.attribute, "", *counts, remark=groups.objection))
    return rows


def dominance_claim(
    model: str,
    unit: str,
    group: str,
    layers: Mapping[str, LayerDominance],
    depths: Mapping[str, int],
) -> Claim:
    """Does dominance by a group, beyond chance, fall with depth?

    The slope of share less chance has a jackknife interval over speakers: each is left out in turn,
    with the segments that are theirs. A bootstrap would not do: a speaker drawn twice fills a top
    20 with copies, and fewer voices in it look like more dominance.
    """
    what = f"share of features dominated by {group} speakers, beyond chance,"
    known = {name: found for name, found in layers.items() if found.n_empty < len(found.dominated)}
    objections = [found.groups.objection for found in known.values()]
    if len(known) < FEWEST_LAYERS or objections[0]:
        why = "".join(objections[:1]) or "fewer than three layers have features with segments"
        return unknown_claim("dominance", model, unit, what, why)
    g = next(iter(known.values())).groups.names.index(group)
    at = [float(depths[name]) for name in known]
    chance = np.stack([found.chance[:, g] for found in known.values()], axis=1)
    excess = np.array([found.shares[g] for found in known.values()]) - chance.mean(0)
    left_out = np.stack([found.left_out[:, g] for found in known.values()], axis=1)
    error = float(slope(at, chance).std() / np.sqrt(len(chance)))  # so many deals tell it so well
    trend = jackknife_trend(at, excess, left_out, error)
    return trend_claim("dominance", model, unit, what, trend, rises=False)
