"""The pictures of an atlas: figures of the run, and mels drawn on one scale."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evaluation.atlas.site import Site
from evaluation.listening import read_mel
from evaluation.page_pictures import Picture
from evaluation.pictures import mel_picture

Levels = tuple[float, float]


def stills(site: Site, figures: Iterable[Picture]) -> list[Picture]:
    """Copies figures into the atlas, in all their formats; those that are absent are left out."""
    kept = []
    for figure in figures:
        for suffix in (".svg", ".pdf", ".png"):
            path = figure.path.with_suffix(suffix)
            found = copied(site, path) if path.is_file() else None
            if found:
                figure.links[suffix[1:].upper()] = found
        figure.image = figure.links.get("PNG", "")
        if figure.image:
            kept.append(figure)
    return kept


def copied(site: Site, path: Path) -> str | None:
    """A picture of the run as it is; None where it is absent, or where there is no room."""

    def make() -> bytes | None:
        try:
            return path.read_bytes()
        except OSError:
            return None

    return site.file(f"picture {site.identity(path)}", "pictures", path.suffix.lower(), make)


def mel_of(site: Site, path: Path, levels: Levels | None) -> str | None:
    """The bare picture of a log-mel of the run; None where it is absent, broken or without room.

    Args:
        site: where to.
        path: of the log-mel (`evaluation.listening.mel_path`).
        levels: darkest and brightest; the same for all that are compared.
    """

    def make() -> bytes | None:
        mel = read_mel(path)
        return None if mel is None else mel_picture(mel, levels=levels, axis=False, scale=1)

    return site.file(f"mel {levels} {site.identity(path)}", "pictures", ".png", make)
