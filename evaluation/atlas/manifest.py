"""What an atlas has already: from which key each sound and picture was made, across builds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acoustics.errors import UserError

MANIFEST = "atlas.json"
FORM = 2
"""Of the manifest and of how sounds are made: another one makes everything anew."""

_MEDIUM = re.compile(r"(sounds|pictures)/[0-9a-f]{20}\.[a-z0-9]{1,5}")
_OURS = re.compile(rf"{_MEDIUM.pattern}|data/[a-z0-9_/]+\.js|static/[a-z0-9_.]+\.(js|css)")
_KEY = re.compile(r"[0-9a-f]{32}")


def key_of(text: str) -> str:
    """A key as the manifest keeps it, which may be published: paths stay at home."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def name_of(content: bytes, folder: str, suffix: str) -> str:
    """Equal contents have one name, from a page."""
    return f"{folder}/{hashlib.blake2b(content, digest_size=10).hexdigest()}{suffix}"


def is_ours(name: str) -> bool:
    """Whether a build writes files of this name, so that a later one may delete them."""
    return bool(_OURS.fullmatch(name))


def is_medium(name: str) -> bool:
    """Whether it is a sound or a picture, which the bound of the site may leave out."""
    return bool(_MEDIUM.fullmatch(name))


def written(keys: Mapping[str, str], counts: Mapping[str, int] | None = None) -> bytes:
    """The manifest; `counts` are what the build that ended says of itself."""
    found = {"form": FORM, "counts": counts or {}, "keys": keys}
    return json.dumps(found, separators=(",", ":")).encode()


def counts(folder: Path) -> dict[str, int]:
    """What the last build said of itself; nothing where none has ended."""
    return _section(folder, "counts", int)


def read(folder: Path) -> dict[str, str]:
    """What lies there of an earlier build; nothing where it is of another form."""
    keys = _section(folder, "keys", str)
    return {key: name for key, name in keys.items() if _KEY.fullmatch(key) and is_medium(name)}


def _section(folder: Path, name: str, kind: type) -> dict[str, Any]:
    """A part of the manifest; nothing where there is none, or one of another form."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if found["form"] != FORM:
            return {}
        return {str(key): kind(value) for key, value in found[name].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def refuse_other_files(folder: Path) -> None:
    """Keep out of a folder that somebody else has filled.

    Raises:
        UserError: it has files, and none of them is an atlas's manifest.
    """
    try:
        taken = folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file()
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror or error})") from error
    if taken:
        raise UserError(f"{folder}: holds files that are no atlas; give --output an empty folder")
