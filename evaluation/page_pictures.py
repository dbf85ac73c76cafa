"""A figure that a method has left in the run, for pages to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Picture:
    """A figure of the run.

    Attributes:
        name: of its files.
        title: above it.
        path: of the PNG; an SVG or a PDF may lie beside it.
        image: the way to the PNG from a page, once it is there.
        links: the ways to all its files, by format.
    """

    name: str
    title: str
    path: Path
    image: str = ""
    links: dict[str, str] = field(default_factory=dict)
