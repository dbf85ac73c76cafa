"""Words and phones of an utterance from its alignment, in samples.

What is wrong with them is found, named and treated by `corpora.tiers`; here it is counted.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from lhotse.cut import Cut
from lhotse.supervision import AlignmentItem

from corpora.corpus import SAMPLE_RATE
from corpora.tiers import EMPTY, UNALIGNED, UNKNOWN, CheckedTiers, Flaw, check_tiers, label_of

TIERS = ("word", "phone")


@dataclass(frozen=True, slots=True)
class AlignmentProblem:
    """One kind of trouble with one tier of one utterance, and how many items it concerns."""

    utterance: str
    tier: str
    problem: str
    count: int

    @property
    def unaligned(self) -> bool:
        """Whether the whole tier is lacking."""
        return self.problem == UNALIGNED.format(self.tier)


class Items(NamedTuple):
    """Words or phones of an utterance in order of their start, in samples at 16 kHz."""

    start: Int[np.ndarray, " item"]
    end: Int[np.ndarray, " item"]
    labels: list[str]


def aligned_items(
    cut: Cut,
    samples: int,
    known_phones: Collection[str] | None = None,
    pauses: Collection[str] = (),
) -> tuple[dict[str, Items], list[AlignmentProblem]]:
    """The items of both tiers, in samples from the beginning of the cut.

    Args:
        cut: an utterance; its first supervision carries the alignment.
        samples: length of its audio at 16 kHz.
        known_phones: that may occur; others are kept, named and counted (None: all may).
        pauses: labels of the phone tier that are no phones, and left out.
    """
    checked = check_tiers(cut, known_phones)
    kept = {tier: checked.tiers.get(tier, []) for tier in TIERS}
    kept["phone"] = [item for item in kept["phone"] if label_of(item) not in pauses]
    items = {tier: _in_samples(found, samples) for tier, found in kept.items()}
    problems = [
        AlignmentProblem(str(cut.id), tier, what, count)
        for tier in TIERS
        for what, count in _troubles(checked, tier).items()
    ]
    return items, problems


def _troubles(checked: CheckedTiers, tier: str) -> Counter[str]:
    if not checked.items.get(tier):
        return Counter([EMPTY if tier in checked.items else UNALIGNED.format(tier)])
    return Counter(_told(flaw) for flaw in checked.flaws if flaw.tier == tier)


def _told(flaw: Flaw) -> str:
    named = f"{flaw.item.symbol!r} " if flaw.kind == UNKNOWN else ""
    return f"{named}{flaw.kind}, {flaw.fate}"


def _in_samples(items: list[AlignmentItem], samples: int) -> Items:
    """Each lasts a sample or more."""
    times = np.array([(item.start, item.start + item.duration) for item in items]).reshape(-1, 2)
    start, end = np.round(times * SAMPLE_RATE).astype(np.int64).T
    start = np.clip(start, 0, samples - 1)
    return Items(start, np.clip(end, start + 1, samples), [label_of(item) for item in items])
