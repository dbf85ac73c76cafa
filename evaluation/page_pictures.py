"""Still figures inside the page, as many as fit: the others are links."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Picture:
    """A figure of the page.

    Attributes:
        name: of its files.
        title: above it.
        path: of the PNG.
        links: the ways to its files from the page, by format.
        linked_only: it is never embedded.
        image: the PNG in base64, once embedded.
    """

    name: str
    title: str
    path: Path
    links: dict[str, str]
    linked_only: bool = False
    image: str = ""


def embed_pictures(pictures: Iterable[Picture], budget: float) -> float:
    """Puts pictures into the page while they fit, the first ones first.

    Args:
        pictures: those that do not exist are passed over.
        budget: bytes of text that may be added.

    Returns:
        What is left of the budget.
    """
    for picture in pictures:
        try:
            size = 0 if picture.linked_only else 4 * (picture.path.stat().st_size // 3 + 1)
            if 0 < size <= budget:
                picture.image = base64.b64encode(picture.path.read_bytes()).decode()
                budget -= len(picture.image)
        except OSError:
            continue
    return budget
