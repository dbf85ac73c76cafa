"""Units of search: what a segment is, and all of them for a corpus.

- `segments`: windows of half a second (the article's), tiled from the beginning. What is left at
  the end is shorter than a window and searched only where it is the whole utterance: among windows
  of one length the mean of a few states would win by chance.
- `utterances`: each as a whole.
- `words`, `phones`: by the alignment.
- `phones3`, `phones5`, ...: n phones that follow each other in an utterance, wherever they begin
  (they overlap, and pauses between them belong to them); heard in context, not cut out. `phones1`
  is another name of `phones`.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
from lhotse.cut import Cut
from numpy.lib.stride_tricks import sliding_window_view

from acoustics.errors import UserError
from corpora.corpus import SAMPLE_RATE
from evaluation.sonification.alignments import TIERS, AlignmentProblem, Items, aligned_items
from evaluation.sonification.registry import Registry, Utterances
from evaluation.sonification.runs import runs
from evaluation.sonification.unit_names import (
    ARTICLE_UNITS,
    canonical_units,
    check_units,
    phones_in,
)

MOVED = "moved "
"""Before a unit of search where its segments are moved."""


@dataclass(frozen=True)
class SpeechUnits:
    """What a corpus is searched for.

    Attributes:
        utterances: of the corpus, in the order of the cuts.
        registries: segments by unit of search; units without any are in `missing` instead.
        missing: why a unit has no segments, by unit; `words` and `phones` are here too where the
            corpus has none, whatever is searched.
        tiers: `word` and `phone`: all items of the alignments, empty where there are none.
        problems: with the alignments.
        moved: the same segments at other places, of units of search; see `moved_units`.
    """

    utterances: Utterances
    registries: dict[str, Registry]
    missing: dict[str, str]
    tiers: dict[str, Registry]
    problems: list[AlignmentProblem]
    moved: dict[str, Registry] = field(default_factory=dict)

    @property
    def searched(self) -> dict[str, Registry]:
        """All that a search hears, moved segments as `MOVED` and their unit."""
        return self.registries | {MOVED + unit: segments for unit, segments in self.moved.items()}


def build_units(
    cuts: Iterable[Cut],
    units: Sequence[str] = ARTICLE_UNITS,
    segment_s: float = 0.5,
    known_phones: Set[str] | None = None,
    pauses: Set[str] = frozenset(),
) -> SpeechUnits:
    """Finds all segments of a corpus.

    Args:
        cuts: the utterances that will be heard, as `SpeechDataModule.cuts("test")`.
        units: units of search.
        segment_s: window of `segments`, in seconds.
        known_phones: labels of phones that may occur; others are searched all the same, named and
            counted (None: all may).
        pauses: labels of the phone tier where nothing is said. They are no phones: n-grams reach
            over them.

    Raises:
        UserError: a unit is unknown, a window is not positive, or two cuts have the same id.
    """
    check_units(units, segment_s)
    units, cuts = canonical_units(units), list(cuts)
    utterances = _utterances(cuts)
    aligned = [
        aligned_items(cut, samples, known_phones, pauses)
        for cut, samples in zip(cuts, utterances.samples.tolist(), strict=True)
    ]
    problems = [problem for _, wrong in aligned for problem in wrong]
    tiers = {tier: _tier(tier, [items[tier] for items, _ in aligned], utterances) for tier in TIERS}
    nowhere = [tier for tier in TIERS if not len(tiers[tier])]  # said once, in `missing`
    problems = [p for p in problems if p.tier not in nowhere or not p.unaligned]
    made = {unit: _registry(unit, utterances, tiers, segment_s) for unit in units}
    missing = {tier.unit: _why_none(tier.unit, tiers) for tier in tiers.values() if not len(tier)}
    missing |= {
        unit: _why_none(unit, tiers) for unit, segments in made.items() if not len(segments)
    }
    registries = {unit: registry for unit, registry in made.items() if unit not in missing}
    return SpeechUnits(utterances, registries, missing, tiers, problems)


def _utterances(cuts: list[Cut]) -> Utterances:
    ids = [str(cut.id) for cut in cuts]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise UserError(f"two utterances are called '{twice}': give each an id of its own")
    said = [cut.supervisions[0] if cut.supervisions else None for cut in cuts]
    return Utterances(
        id=_strings(ids),
        speaker=_strings([s.speaker or "" if s else "" for s in said]),
        sex=_strings([s.gender or "" if s else "" for s in said]),
        text=_strings([s.text or "" if s else "" for s in said]),
        samples=np.array([round(cut.duration * SAMPLE_RATE) for cut in cuts], np.int64),
    )


def _tier(tier: str, items: list[Items], utterances: Utterances) -> Registry:
    labels = [label for found in items for label in found.labels]
    names, codes = np.unique(np.array(labels, dtype=str), return_inverse=True)
    return Registry(
        unit=f"{tier}s",
        utterances=utterances,
        owner=np.repeat(np.arange(len(items)), np.array([len(i.labels) for i in items], np.int64)),
        start=np.concatenate([np.zeros(0, np.int64), *(found.start for found in items)]),
        end=np.concatenate([np.zeros(0, np.int64), *(found.end for found in items)]),
        parts=codes.astype(np.int32)[:, None],
        names=_strings(names.tolist()),
    )


def _registry(
    unit: str, utterances: Utterances, tiers: dict[str, Registry], segment_s: float
) -> Registry:
    if unit == "segments":
        return _tiles(utterances, round(segment_s * SAMPLE_RATE))
    if unit == "utterances":
        return _whole(utterances)
    if unit in ("words", "phones"):
        return tiers[unit.removesuffix("s")]
    return _ngrams(unit, tiers["phone"], phones_in(unit) or 1)


def _tiles(utterances: Utterances, window: int) -> Registry:
    count = np.maximum(utterances.samples // window, 1)
    owner = np.repeat(np.arange(len(utterances)), count)
    start = window * runs(np.zeros(len(utterances), np.int64), count)
    end = np.minimum(start + window, utterances.samples[owner])
    nothing = np.zeros((len(owner), 0), np.int32)
    return Registry("segments", utterances, owner, start, end, nothing, _strings([]))


def _whole(utterances: Utterances) -> Registry:
    owner = np.arange(len(utterances))
    start = np.zeros(len(owner), np.int64)
    parts = owner.astype(np.int32)[:, None]
    return Registry(
        "utterances", utterances, owner, start, utterances.samples, parts, utterances.text
    )


def _ngrams(unit: str, phones: Registry, size: int) -> Registry:
    """Every `size` consecutive phones that lie in one utterance."""
    last = len(phones) - size + 1
    begins = np.arange(max(last, 0))
    begins = begins[phones.owner[begins] == phones.owner[begins + size - 1]]
    parts = sliding_window_view(phones.parts[:, 0], size)[begins] if last > 0 else None
    return Registry(
        unit=unit,
        utterances=phones.utterances,
        owner=phones.owner[begins],
        start=phones.start[begins],
        end=phones.end[begins + size - 1],
        parts=np.zeros((0, size), np.int32) if parts is None else parts,
        names=phones.names,
    )


def _why_none(unit: str, tiers: dict[str, Registry]) -> str:
    tier = tiers.get("word" if unit == "words" else "phone")
    if unit in ("segments", "utterances") or tier is None:
        return "there are no utterances"
    if not len(tier):
        return f"no utterance has an alignment of its {tier.unit}"
    return f"no utterance has that many phones: {unit}"


def _strings(values: Sequence[str]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array
