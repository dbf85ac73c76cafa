"""Which words and phones are heard in a segment.

One is heard in the other when the middle of the shorter lies inside the longer: a segment has the
words whose middle it contains, and the word that contains its own middle. So a phone has the word
around it, and half a second out of a long word has that word.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Int
from scipy.sparse import csr_matrix

from evaluation.sonification.registry import Registry
from evaluation.sonification.runs import runs


def items_inside(
    segments: Registry, ids: Int[np.ndarray, " chosen"], tier: Registry
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    """The items of a tier that are heard in each segment.

    Args:
        segments: of any unit of search.
        ids: segments of them.
        tier: words or phones of the same utterances. Where they overlap, only the last one that
            begins before a segment's middle is asked whether it contains it.

    Returns:
        Pairs of a place in `ids` and an item, sorted by both.
    """
    owner, start, end = segments.owner[ids], segments.start[ids], segments.end[ids]
    span = 2 * int(segments.utterances.samples.max(initial=0)) + 2  # utterances on one long line
    middle = tier.owner * span + tier.start + tier.end  # in half samples
    order = np.argsort(middle, kind="stable")
    low = np.searchsorted(middle[order], owner * span + 2 * start)
    high = np.searchsorted(middle[order], owner * span + 2 * end)
    place, item = np.repeat(np.arange(len(ids)), high - low), order[runs(low, high - low)]
    around = np.searchsorted(
        tier.owner * span + 2 * tier.start, owner * span + start + end, "right"
    )
    around, asked = around - 1, np.arange(len(ids))
    asked = asked[around >= 0]
    around = around[asked]
    holds = (tier.owner[around] == owner[asked]) & (
        start[asked] + end[asked] < 2 * tier.end[around]
    )
    centre = tier.start[around] + tier.end[around]
    holds &= (centre < 2 * start[asked]) | (centre >= 2 * end[asked])  # else it is there already
    place, item = np.append(place, asked[holds]), np.append(item, around[holds])
    sorting = np.lexsort((item, place))
    return place[sorting], item[sorting]


def label_matrix(segments: Registry, ids: Int[np.ndarray, " chosen"], tier: Registry) -> csr_matrix:
    """1 where a label of a tier is heard in a segment, shape (chosen, label), sparse."""
    place, item = items_inside(segments, ids, tier)
    ones = np.ones(len(place), np.int64)
    matrix = csr_matrix((ones, (place, tier.parts[item, 0])), shape=(len(ids), len(tier.names)))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def spoken(segments: Registry, ids: Int[np.ndarray, " chosen"], tier: Registry) -> list[str]:
    """What is heard in each segment, in order, with spaces between."""
    place, item = items_inside(segments, ids, tier)
    labels = tier.names[tier.parts[item, 0]]
    bounds = np.searchsorted(place, np.arange(len(ids) + 1)).tolist()
    return [" ".join(labels[a:b]) for a, b in pairwise(bounds)]
