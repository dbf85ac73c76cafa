"""The rows of the tables of masks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MaskRow:
    """One mask of one utterance (masks.csv); `remark` is why its search was given up, if it was.

    Shares are from 0 to 1, of the entries, and of the frames of the output that are to keep their
    class. Areas are empty where no curves were asked for.
    """

    model: str
    utterance: str
    speaker: str
    scope: str
    span: str
    mask: str
    duration_s: float
    entries: int
    share_kept: float
    frames: int
    frames_preserved: float
    text: str
    text_masked: str
    transcript_preserved: bool
    insertion_area: float | None
    deletion_area: float | None
    remark: str


@dataclass(frozen=True, slots=True)
class CurveRow:
    """A point of a curve (curves.csv): share of frames that keep their class."""

    model: str
    utterance: str
    scope: str
    span: str
    mask: str
    way: str
    share: float
    frames_preserved: float


@dataclass(frozen=True, slots=True)
class SoundRow:
    """What is heard in a sound (sounds.csv), against what is heard in the utterance itself."""

    model: str
    utterance: str
    scope: str
    span: str
    sound: str
    muted_share: float
    text: str
    transcript_preserved: bool
    cer: float | None
