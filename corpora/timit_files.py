"""The text files of TIMIT: labels with their times, transcripts, the table of speakers."""

import re
from dataclasses import dataclass
from pathlib import Path

from lhotse.supervision import AlignmentItem

from corpora.text import normalise

TIMIT_RATE = 16000
"""Samples per second in label files, whatever rate the audio was converted to since."""

_LABEL = re.compile(r"(-?\d+)\s+(-?\d+)\s+(\S.*)")
_SPAN = re.compile(r"\A\s*\d+\s+\d+\s+")
_DATE = re.compile(r"(\d+)/(\d+)/(\d+)")
_HEIGHT = re.compile(r"(\d+)'(\d+)")
_SEXES = {"F": "female", "M": "male"}


@dataclass(frozen=True)
class TimitSpeaker:
    """Who speaks; age (at the recording) and height are None where the table does not know them."""

    sex: str | None
    age_years: int | None = None
    height_cm: float | None = None


def read_labels(path: Path) -> list[AlignmentItem]:
    """The items of a ``.PHN`` or ``.WRD`` file, as they stand, in lower case.

    A line is the first sample, the one after the last, and the label; times are exact to the
    sample. Nothing is said about whether they make sense.

    Raises:
        ValueError: When a line is something else; it is named.
    """
    items = []
    for number, line in enumerate(path.read_text(encoding="latin-1").splitlines(), start=1):
        match = _LABEL.fullmatch(line.strip())
        if match is not None:
            begin, end = int(match[1]), int(match[2])
            duration_s = (end - begin) / TIMIT_RATE
            items.append(AlignmentItem(match[3].lower(), begin / TIMIT_RATE, duration_s))
        elif line.strip():
            raise ValueError(f"line {number} of {path.name} is no 'begin end label': {line[:40]!r}")
    return items


def read_transcript(path: Path) -> str:
    """The sentence of a ``.TXT`` file, which begins with its first and last sample, spelled out."""
    return spelled(_SPAN.sub("", path.read_text(encoding="latin-1")))


def spelled(text: str) -> str:
    """Lower case without punctuation, which no recogniser writes; hyphens and dashes part words."""
    apart = re.sub(r"[-\u2013\u2014/]", " ", normalise(text)[0])
    return " ".join(re.sub(r"[^\w\s']|_", "", apart).split())


def read_speakers(path: Path) -> dict[str, TimitSpeaker]:
    """From a speaker's folder in upper case ("MABC0") to what ``SPKRINFO.TXT`` says of them.

    Its columns are id, sex, dialect region, use, dates of recording and birth, height, and others.
    """
    found = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        row = line.split()
        if len(row) >= 7 and row[1].upper() in _SEXES and not line.startswith(";"):
            name, sex = row[0].upper(), row[1].upper()
            age, height = _age_years(row[4], row[5]), _height_cm(row[6])
            found[sex + name] = TimitSpeaker(_SEXES[sex], age, height)
    return found


def speaker_of(folder: str) -> TimitSpeaker:
    """What the name of a speaker's folder says, where the table is missing: the sex."""
    return TimitSpeaker(_SEXES.get(folder[:1].upper()))


def _age_years(recorded: str, born: str) -> int | None:
    """Completed years; dates are ``month/day/year`` of one century, with "??" where unknown."""
    dates = [_DATE.fullmatch(text) for text in (recorded, born)]
    if dates[0] is None or dates[1] is None:
        return None
    (month, day, year), (birth_month, birth_day, birth_year) = (
        (int(part) for part in date.groups()) for date in dates if date is not None
    )
    return year - birth_year - ((month, day) < (birth_month, birth_day))


def _height_cm(text: str) -> float | None:
    match = _HEIGHT.match(text)
    return round(2.54 * (12 * int(match[1]) + int(match[2])), 1) if match else None
