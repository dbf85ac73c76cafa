"""Words and phones of an utterance from its alignment; what is wrong with it is named and counted.

A wrong item costs itself only. What reaches beyond the audio is cut, what lies beyond it, lasts no
sample or says nothing is left out, what is out of order is sorted.
"""

import math
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from lhotse.cut import Cut
from lhotse.supervision import AlignmentItem

from corpora.corpus import SAMPLE_RATE

TIERS = ("word", "phone")
UNALIGNED = "has no alignment"


@dataclass(frozen=True, slots=True)
class AlignmentProblem:
    """One kind of trouble with one tier of one utterance, and how many items it concerns."""

    utterance: str
    tier: str
    problem: str
    count: int


class Items(NamedTuple):
    """Words or phones of an utterance in order of their start, in samples at 16 kHz."""

    start: Int[np.ndarray, " item"]
    end: Int[np.ndarray, " item"]
    labels: list[str]


def aligned_items(
    cut: Cut, tier: str, samples: int, expected: Set[str] | None = None
) -> tuple[Items, list[AlignmentProblem]]:
    """The items of a tier, in samples from the beginning of the cut.

    Args:
        cut: an utterance; its first supervision carries the alignment.
        tier: `word` or `phone`.
        samples: length of its audio at 16 kHz.
        expected: labels that may occur; others are kept, named and counted (None: all may).
    """
    alignment = cut.supervisions[0].alignment if cut.supervisions else None
    found = (alignment or {}).get(tier)
    problems: Counter[str] = Counter()
    if not found:
        problems[UNALIGNED if found is None else "the alignment is empty"] = 1
    spans = [_span(item, samples, problems) for item in found or []]
    kept = [span for span in spans if span is not None]
    disorder = sum(b[0] < a[0] for a, b in pairwise(kept))
    if disorder:
        problems["out of order: sorted"] = disorder
        kept.sort(key=lambda span: span[0])  # stable: what starts together stays as it was
    for label in (label for _, _, label in kept if expected is not None and label not in expected):
        problems[f"label '{label}' is not in the known set"] += 1
    times = np.array([span[:2] for span in kept], np.int64).reshape(-1, 2)
    items = Items(times[:, 0], times[:, 1], [label for _, _, label in kept])
    return items, [AlignmentProblem(cut.id, tier, what, n) for what, n in problems.items()]


def _span(item: AlignmentItem, samples: int, problems: Counter[str]) -> tuple[int, int, str] | None:
    """Start, end and label of an item, or None where nothing is left of it."""
    label = str(item.symbol or "").strip()
    if not (math.isfinite(item.start) and math.isfinite(item.duration)):
        problems["time is not a finite number: left out"] += 1
        return None
    start, end = round(item.start * SAMPLE_RATE), round(item.end * SAMPLE_RATE)
    if end <= start or not label:
        problems["has no duration: left out" if label else "has no label: left out"] += 1
        return None
    if start >= samples or end <= 0:
        problems["lies beyond the audio: left out"] += 1
        return None
    if start < 0 or end > samples:
        problems["reaches beyond the audio: cut"] += 1
    return max(start, 0), min(end, samples), label
