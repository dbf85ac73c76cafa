"""Where things lie in a folder of TIMIT, whose names are in upper or in lower case."""

import re
from pathlib import Path
from typing import Literal

Part = Literal["train", "test"]
PARTS: tuple[Part, ...] = ("train", "test")

CORE_TEST = frozenset(
    {
        *("MDAB0", "MWBT0", "FELC0", "MTAS1", "MWEW0", "FPAS0", "MJMP0", "MLNT0"),
        *("FPKT0", "MLLL0", "MTLS0", "FJLM0", "MBPM0", "MKLT0", "FNLP0", "MCMJ0"),
        *("MJDH0", "FMGD0", "MGRT0", "MNJM0", "FDHC0", "MJLN0", "MPAM0", "FMLD0"),
    }
)
"""The core test set of ``DOC/TESTSET.DOC``: two men and a woman from each dialect region."""

_FILE = re.compile(r"(S[AIX]\d+)\.(WAV|WAV\.WAV|TXT|WRD|PHN)")


def holder(place: Path) -> Path | None:
    """The folder that holds TRAIN and TEST: this one, or one called TIMIT or data below it."""
    if all(below(place, part) for part in PARTS):
        return place
    inner = (below(place, name) for name in ("timit", "data"))
    return next((found for p in inner if p is not None and (found := holder(p))), None)


def below(place: Path, *names: str) -> Path | None:
    """What is called so below a folder, in upper or lower case; None when nothing is."""
    found: Path | None = place
    for name in names:
        entries = sorted(found.iterdir()) if found is not None and found.is_dir() else []
        found = next((entry for entry in entries if entry.name.lower() == name), None)
    return found


def speaker_folders(place: Path, part: Part) -> list[Path]:
    """The folders ``<part>/<dialect region>/<speaker>`` in order of the speakers' names."""
    regions = _folders(below(place, part))
    found = [folder for region in regions for folder in _folders(region)]
    return sorted(found, key=lambda folder: folder.name.upper())


def sentences(folder: Path) -> dict[str, dict[str, Path]]:
    """The files of a speaker, by sentence and ending in upper case: ``["SX127"]["WRD"]``."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name.upper()):
        match = _FILE.fullmatch(path.name.upper())
        if match is not None and path.is_file():
            found.setdefault(match[1], {})[match[2]] = path
    return found


def _folders(place: Path | None) -> list[Path]:
    return [path for path in place.iterdir() if path.is_dir()] if place is not None else []
