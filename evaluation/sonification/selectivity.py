"""Is a feature selective for a group of speakers? An exact test over speakers, not segments.

Segments of one speaker are not independent: twenty segments by one man are one man. So the sexes
are dealt out anew over the *speakers*, as many men and women as there are, while every segment
stays with its speaker. How many of a feature's segments then fall to the men has an exact
distribution (sampling of speakers without replacement, each with its number of segments), which is
computed instead of sampled: 2,000 shuffles would bound p from below by 1/2001, and of the 64
features of a small layer no single one could survive the correction for many tests.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import false_discovery_control

from evaluation.sonification.speaker_groups import SpeakerGroups

PATTERNS_AT_ONCE = 256


@dataclass(frozen=True)
class Selectivity:
    """What the top segments of each feature say of one attribute; NaN where there are none.

    Attributes:
        shares: part of the segments by each group, shape (feature, group).
        p: chance of a group's share as high as the highest-standing one, any group being allowed
            to be that one (Bonferroni; for two sexes the usual doubled p), shape (feature,).
        q: the same after Benjamini-Hochberg over the features, shape (feature,).
        favourite: index of that group, -1 where there is none, shape (feature,).
    """

    shares: Float[np.ndarray, "feature group"]
    p: Float[np.ndarray, " feature"]
    q: Float[np.ndarray, " feature"]
    favourite: Int[np.ndarray, " feature"]


def group_selectivity(
    counts: Float[np.ndarray, "feature speaker"], groups: SpeakerGroups
) -> Selectivity:
    """Tests every feature of a layer against chance.

    Args:
        counts: top segments of each feature by each of the groups' speakers, from `sum_by_speaker`.
        groups: the attribute; with an `objection`, p is NaN.
    """
    totals = counts.sum(1)
    member = groups.of_speaker[:, None] == np.arange(len(groups.names))  # (speaker, group)
    inside = counts @ member
    with np.errstate(invalid="ignore"):
        shares = inside / totals[:, None]
    p = np.full(len(counts), np.nan)
    favourite = np.full(len(counts), -1)
    heard = totals > 0
    if not groups.objection and heard.any():
        tails = np.stack(
            [chance_of_at_least(inside[heard, g], counts[heard], int(size))
             for g, size in enumerate(groups.sizes)], axis=1,
        )  # fmt: skip
        p[heard] = np.minimum(1.0, len(groups.names) * tails.min(1))
        favourite[heard] = tails.argmin(1)
    return Selectivity(shares, p, adjusted(p), favourite)


def adjusted(p: Float[np.ndarray, " test"]) -> Float[np.ndarray, " test"]:
    """Chances after Benjamini-Hochberg over those that are not NaN."""
    q = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = false_discovery_control(p[known])
    return q


def chance_of_at_least(
    observed: Float[np.ndarray, " feature"],
    counts: Float[np.ndarray, "feature speaker"],
    chosen: int,
) -> Float[np.ndarray, " feature"]:
    """Chance that `chosen` speakers drawn at random have at least `observed` of the segments.

    Args:
        observed: segments of the group.
        counts: segments of each speaker; whole numbers.
        chosen: speakers in the group.
    """
    whole = -np.sort(-counts.astype(np.int64), axis=1)
    width = int((whole > 0).sum(1).max(initial=0))
    patterns, which = np.unique(whole[:, :width], axis=0, return_inverse=True)
    parts = [
        _totals(patterns[start : start + PATTERNS_AT_ONCE], counts.shape[1], chosen)
        for start in range(0, len(patterns), PATTERNS_AT_ONCE)
    ]
    size = max(part.shape[1] for part in parts)
    table = np.concatenate([np.pad(part, ((0, 0), (0, size - part.shape[1]))) for part in parts])
    tails = np.minimum(table[:, ::-1].cumsum(1)[:, ::-1], 1.0)
    return tails[which.ravel(), observed.astype(np.int64)]


def _totals(
    patterns: Int[np.ndarray, "pattern place"], n_speakers: int, chosen: int
) -> Float[np.ndarray, "pattern total"]:
    """Distribution of the segments that the chosen speakers have, for each pattern of counts.

    Speaker after speaker is chosen or not; those without a segment change nothing and come last.
    """
    width, top = patterns.shape[1], int(patterns.sum(1).max(initial=0))
    table = np.zeros((len(patterns), width + 1, top + 1))  # (pattern, chosen so far, segments)
    table[:, 0, 0] = 1.0
    for place in range(width):
        odds = (chosen - np.arange(width + 1)) / (n_speakers - place)
        odds = odds.clip(0.0, 1.0)[None, :, None]
        before = np.arange(top + 1)[None] - patterns[:, place, None]
        moved = np.take_along_axis(table * odds, before.clip(min=0)[:, None], axis=2)
        table *= 1.0 - odds
        table[:, 1:] += (moved * (before >= 0)[:, None])[:, :-1]
    return table.sum(1)
