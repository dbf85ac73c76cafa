"""Whether word and phone tiers fit their audio: what does not is named and counted, never lost."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from lhotse.cut import Cut
from lhotse.supervision import AlignmentItem

from corpora.corpus import SAMPLE_RATE

TOLERANCE_S = 0.001
"""Aligners round their times; what is off by less is no flaw."""

WITHOUT_AUDIO = (
    "without finite times",
    "ending before they begin",
    "shorter than a sample",
    "outside the audio",
)
"""Flaws of items that have no audio, worst first."""
WITHOUT_LABEL = "without a label"
LEFT_OUT = (*WITHOUT_AUDIO, WITHOUT_LABEL)
CUT = "reaching beyond the audio"
KEPT = ("out of order", "overlapping earlier ones")
UNKNOWN = "outside the known set"
"""The flaw of a label, whatever the times of its item; it may come beside a flaw of these."""

UNALIGNED, EMPTY = "has no {} alignment", "alignment is empty"
"""Of a whole tier."""


@dataclass(frozen=True)
class Flaw:
    """What is wrong with an item of a tier: one of `LEFT_OUT`, `CUT`, `KEPT` or `UNKNOWN`."""

    tier: str
    kind: str
    item: AlignmentItem

    @property
    def fate(self) -> str:
        """What is done with the item."""
        return "left out" if self.kind in LEFT_OUT else "cut" if self.kind == CUT else "kept"


@dataclass(frozen=True)
class CheckedTiers:
    """The tiers of an utterance, fit for use, and what was wrong with them.

    Attributes:
        tiers: By name, the items that have audio, in order of time and cut to the audio; labels
            and overlaps are as they were.
        flaws: One for every item whose times have one, and one for every unknown label.
        items: By tier, how many items there were; the difference to ``tiers`` was left out.
    """

    tiers: dict[str, list[AlignmentItem]]
    flaws: list[Flaw]
    items: dict[str, int]

    def remarks(self) -> list[str]:
        """A line for each kind of flaw in each tier, with its count and first item."""
        found = []
        for (tier, kind), count in Counter((flaw.tier, flaw.kind) for flaw in self.flaws).items():
            first = next(f for f in self.flaws if (f.tier, f.kind) == (tier, kind))
            found.append(
                f"{tier} alignment: {count} of {self.items[tier]} {kind} "
                f"(first {first.item.symbol!r} at {first.item.start:.2f} s), {first.fate}"
            )
        return found + [f"{tier} {EMPTY}" for tier, count in self.items.items() if not count]


def check_tiers(cut: Cut, phones: Collection[str] | None = None) -> CheckedTiers:
    """Check all tiers of a cut with one supervision against its audio, as its manifest has it.

    Args:
        cut: The utterance; a tier that it lacks is lacking in the result, all are without a
            supervision.
        phones: The labels that may stand in the tier "phone"; None for any.
    """
    found = CheckedTiers({}, [], {})
    alignment = cut.supervisions[0].alignment if cut.supervisions else None
    for tier, items in (alignment or {}).items():
        times = time_flaws(items, cut.duration)
        kinds = [
            kind if kind in LEFT_OUT or label_of(item) else WITHOUT_LABEL
            for kind, item in zip(times, items, strict=True)
        ]
        known = phones if tier == "phone" else None
        for item, kind in zip(items, kinds, strict=True):
            found.flaws.extend([Flaw(tier, kind, item)] if kind else [])
            if known is not None and label_of(item) and label_of(item) not in known:
                found.flaws.append(Flaw(tier, UNKNOWN, item))
        found.items[tier] = len(items)
        found.tiers[tier] = _usable(items, kinds, cut.duration)
    return found


def alignment_remarks(
    cuts: Iterable[Cut], phones: Collection[str] | None = None
) -> list[tuple[str, str]]:
    """``(utterance id, remark)`` of every flaw, and of every tier that an utterance alone lacks.

    A corpus that has no alignments at all has no remarks: that is for its user to say, once.
    """
    checked = {str(cut.id): check_tiers(cut, phones) for cut in cuts}
    tiers = {tier: None for one in checked.values() for tier in one.tiers}
    found = []
    for name, one in checked.items():
        lacking = [UNALIGNED.format(tier) for tier in tiers if tier not in one.tiers]
        found += [(name, remark) for remark in lacking + one.remarks()]
    return found


def label_of(item: AlignmentItem) -> str:
    """What an item says, without blanks around it; "" where it says nothing."""
    return str(item.symbol or "").strip()


def time_flaws(items: Sequence[AlignmentItem], duration_s: float) -> list[str]:
    """What is wrong with the times of each item of a tier, the worst where it is several; or ""."""
    begin = np.array([item.start for item in items], dtype=np.float64)
    length = np.array([item.duration for item in items], dtype=np.float64)
    with np.errstate(invalid="ignore"):
        end = begin + length
    left_out = (~np.isfinite(end), length < 0, length < 1 / SAMPLE_RATE)
    outside = np.fmin(end, duration_s) - np.fmax(begin, 0) < 0.5 / SAMPLE_RATE
    nowhere = np.logical_or.reduce([*left_out, outside])
    beyond = (begin < -TOLERANCE_S) | (end > duration_s + TOLERANCE_S)
    disorder = begin < _latest_before(begin, nowhere) - TOLERANCE_S
    overlap = begin < _latest_before(end, nowhere) - TOLERANCE_S
    conditions = [*left_out, outside, beyond, disorder, overlap]
    kinds: list[str] = np.select(conditions, [*WITHOUT_AUDIO, CUT, *KEPT], default="").tolist()
    return kinds


def _latest_before(times: np.ndarray, without: np.ndarray) -> np.ndarray:
    """For each item the latest of the times of the items before it."""
    counted = np.where(without, -np.inf, times)
    return np.maximum.accumulate(np.concatenate([[-np.inf], counted]))[:-1]


def _usable(
    items: Sequence[AlignmentItem], kinds: Sequence[str], duration_s: float
) -> list[AlignmentItem]:
    kept = []
    for item, kind in zip(items, kinds, strict=True):
        if kind in LEFT_OUT:
            continue
        begin, end = max(item.start, 0.0), min(item.start + item.duration, duration_s)
        inside = begin == item.start and end == item.start + item.duration
        kept.append(item if inside else item._replace(start=begin, duration=end - begin))
    return sorted(kept, key=lambda item: item.start)
