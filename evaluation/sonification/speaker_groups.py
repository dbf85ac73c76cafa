"""Speakers by what is known of them (sex, accent, pitch, rate), and whom each feature picks."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from acoustics.errors import UserError

THIRDS = ("low", "middle", "high")


@dataclass(frozen=True)
class SpeakerGroups:
    """The speakers of which an attribute is known, by its value.

    Attributes:
        attribute: as `sex`.
        speakers: ids, sorted.
        names: the values that occur, sorted (thirds: from low to high).
        of_speaker: index of each speaker's value in `names`, shape (speaker,).
    """

    attribute: str
    speakers: tuple[str, ...]
    names: tuple[str, ...]
    of_speaker: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Number of speakers of each value, shape (group,)."""
        return np.bincount(self.of_speaker, minlength=len(self.names))

    @property
    def objection(self) -> str:
        """Why nothing can be claimed, as where all speakers are of one sex; else empty."""
        if not self.speakers:
            return f"{self.attribute} of no speaker is known"
        if len(self.names) == 1:
            what = f"every speaker whose {self.attribute} is known is {self.names[0]}"
            return f"{what}: there is nothing to compare with"
        return ""

    def among(self, speakers: Set[str]) -> "SpeakerGroups":
        """The groups with some of their speakers only; a group that is left empty is gone."""
        kept = [i for i, speaker in enumerate(self.speakers) if speaker in speakers]
        of_speaker = self.of_speaker[kept]
        groups, left = np.unique(of_speaker, return_inverse=True)
        return SpeakerGroups(
            self.attribute,
            tuple(self.speakers[i] for i in kept),
            tuple(self.names[g] for g in groups),
            left.astype(np.int64),
        )

    def index(self, speaker_of_segment: Sequence[str] | np.ndarray) -> np.ndarray:
        """Place of each segment's speaker in `speakers`, -1 where the attribute is not known."""
        ids, inverse = np.unique(np.asarray(speaker_of_segment, dtype=str), return_inverse=True)
        place = {speaker: i for i, speaker in enumerate(self.speakers)}
        found = np.array([place.get(str(speaker), -1) for speaker in ids], dtype=np.int64)
        return found[inverse] if len(ids) else np.zeros(0, np.int64)

    def bases(self, speaker_of_segment: Sequence[str] | np.ndarray) -> Float[np.ndarray, " group"]:
        """Part of all segments of these speakers that is by each group; NaN where there is none."""
        place = self.index(speaker_of_segment)
        counts = np.bincount(self.of_speaker[place[place >= 0]], minlength=len(self.names))
        with np.errstate(invalid="ignore"):
            found: np.ndarray = counts / counts.sum()
        return found


def group_speakers(attribute: str, values: Mapping[str, str]) -> SpeakerGroups:
    """Groups of speakers by a value with a name, as sex or accent.

    Args:
        attribute: as `sex`.
        values: by speaker; those whose value is empty are left out.
    """
    known = {speaker: value for speaker, value in sorted(values.items()) if value}
    names = tuple(sorted(set(known.values())))
    of_speaker = np.array([names.index(value) for value in known.values()], dtype=np.int64)
    return SpeakerGroups(attribute, tuple(known), names, of_speaker)


def sexes_of(
    speaker_of_segment: Sequence[str] | np.ndarray, sex_of_segment: Sequence[str] | np.ndarray
) -> SpeakerGroups:
    """Speakers by sex, from what is written at every segment.

    Raises:
        UserError: a speaker has two sexes.
    """
    found: dict[str, str] = {}
    pairs = zip(
        map(str, np.asarray(speaker_of_segment)), map(str, np.asarray(sex_of_segment)), strict=True
    )
    for speaker, sex in dict.fromkeys(pairs):
        if sex and found.get(speaker, "") not in ("", sex):
            raise UserError(
                f"sex of speaker '{speaker}' is {found[speaker]} in some segments and {sex} in"
                " others; mend the corpus, or leave it empty"
            )
        found[speaker] = sex or found.get(speaker, "")
    return group_speakers("sex", found)


def speaker_thirds(
    attribute: str, values: Mapping[str, float], within: SpeakerGroups | None = None
) -> SpeakerGroups:
    """Low, middle and high thirds of the speakers by a number, as pitch or speaking rate.

    Numbers are binned, not averaged, so that one test serves all attributes and "dominated" means
    the same for all. Speakers of equal value are never parted.

    Args:
        attribute: as `pitch`.
        values: by speaker; those without a finite number are left out.
        within: thirds are taken inside each of these groups, so that a high voice is high for its
            sex, and a feature selective for a sex does not count as selective for pitch.
    """
    known = {speaker: value for speaker, value in sorted(values.items()) if np.isfinite(value)}
    cells: dict[int, list[str]] = {}
    if within is None:
        cells[0] = list(known)
    else:
        for speaker, group in zip(within.speakers, within.of_speaker, strict=True):
            if speaker in known:
                cells.setdefault(int(group), []).append(speaker)
    third: dict[str, str] = {}
    for members in cells.values():
        numbers = np.array([known[speaker] for speaker in members])
        places = (3 * (rankdata(numbers) - 0.5) / len(numbers)).astype(int)
        third |= {speaker: THIRDS[place] for speaker, place in zip(members, places, strict=True)}
    groups = group_speakers(attribute, third)
    names = tuple(name for name in THIRDS if name in groups.names)
    of_speaker = np.array([names.index(third[s]) for s in groups.speakers], dtype=np.int64)
    return SpeakerGroups(attribute, groups.speakers, names, of_speaker)
