"""Sounds and pictures inside the page, as many as fit: the others are links."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from evaluation.sonification.study_folder import StudyFolder

PUNCTUATION = 8
"""Bytes around a key and its content."""


@dataclass
class Sound:
    """A clip that the page plays, or links to.

    Attributes:
        path: where it lies; None where there is no such file.
        link: the way to it from the page.
        key: under which its content stands in the page; empty where it does not.
    """

    path: Path | None
    link: str
    key: str = ""

    @classmethod
    def of(cls, folder: StudyFolder, clip: object) -> Sound:
        """A clip of a table."""
        return cls(folder.file(str(clip)), folder.link(str(clip)))

    def entry(self) -> dict[str, str]:
        """As the script of the page reads it."""
        return {"key": self.key, "link": self.link}


def embed_sounds(sounds: Iterable[Sound], contents: dict[str, str], budget: float) -> float:
    """Reads sounds into the page while they fit, equal ones once.

    Args:
        sounds: the first ones first.
        contents: by key, in base64; sounds are added.
        budget: bytes of text that may be added.

    Returns:
        What is left of the budget.
    """
    most = budget
    for sound in sounds:
        try:
            if sound.path is None or sound.path.stat().st_size > most:
                continue
            content = sound.path.read_bytes()
        except OSError:
            continue
        key = hashlib.blake2b(content, digest_size=8).hexdigest()
        text = base64.b64encode(content).decode()
        new = 0 if key in contents else len(text) + len(key)
        cost = new + len(key) + PUNCTUATION
        if cost <= budget:
            contents[key] = text
            sound.key = key
            budget -= cost
    return budget
