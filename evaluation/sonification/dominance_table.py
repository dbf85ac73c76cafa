"""The table of dominance, a row per layer and group, and the claim that it falls with depth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from evaluation.sonification.depth_trend import (
    FEWEST_LAYERS,
    Claim,
    bootstrap_trend,
    hedged,
    trend_claim,
    unknown_claim,
)
from evaluation.sonification.dominance import LayerDominance

FALSE_DISCOVERIES = 0.05
FEWEST_DRAWN = 2
"""Of one speaker every draw is the same: that is no interval."""


@dataclass(frozen=True, slots=True)
class DominanceRow:
    """One group in one layer (dominance.csv); shares are parts of the features with segments.

    `chance` is the mean share over the deals and `chance_low` to `chance_high` their middle 95 %;
    `p` is the share of deals (the real one among them) with as many dominated features. Of the
    `significant` features, which are selective for this group at a false discovery rate of 5 %,
    not all need be dominated. A group of one speaker has no interval. Where `remark` is not empty,
    nothing is claimed.
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
    ci_low: float | None = None
    ci_high: float | None = None
    chance: float | None = None
    chance_low: float | None = None
    chance_high: float | None = None
    p: float | None = None
    significant: int | None = None
    remark: str = ""


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
            share, chance = found.share(g), found.chance[:, g]
            span = share.interval() if n_speakers >= FEWEST_DRAWN else None
            ends = span or (None, None)
            low, high = np.quantile(chance, [0.025, 0.975])
            row = replace(
                row,
                share=share.value,
                ci_low=None if ends[0] is None else max(0.0, ends[0]),
                ci_high=None if ends[1] is None else min(1.0, ends[1]),
                chance=float(chance.mean()),
                chance_low=float(low),
                chance_high=float(high),
                p=(1 + int((chance >= share.value).sum())) / (1 + len(chance)),
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
    """Does dominance by a group, beyond chance, fall with depth?"""
    what = f"share of features dominated by {group} speakers ({unit}), beyond chance,"
    known = {name: found for name, found in layers.items() if found.n_empty < len(found.dominated)}
    objections = [found.groups.objection for found in known.values()]
    if len(known) < FEWEST_LAYERS or objections[0]:
        why = "".join(objections[:1]) or "fewer than three layers have features with segments"
        return unknown_claim("dominance", model, unit, what, why)
    g = next(iter(known.values())).groups.names.index(group)
    excess = [found.beyond_chance(g) for found in known.values()]
    trend = bootstrap_trend([float(depths[name]) for name in known], excess)
    claim = trend_claim("dominance", model, unit, what, trend, rises=False, per="points")
    groups = next(iter(known.values())).groups
    return hedged(claim, len(groups.names) * int(groups.sizes.min()))
