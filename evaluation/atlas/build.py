"""The atlas of a run: seven pages, built from whatever the run has left so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from corpora.corpus import Progress
from evaluation.atlas import features, layers, listen, manifest, masks, network, overview, words
from evaluation.atlas.catalogue import Atlas, OpenCorpus, catalogue
from evaluation.atlas.page_notes import PageNotes
from evaluation.atlas.settings import AtlasSettings
from evaluation.atlas.site import BuiltAtlas, Site
from evaluation.run_folder import RunFolder, read_run

FOLDER = "report"
Guard = Callable[[Path], AbstractContextManager[object]]
MAKERS: dict[str, ModuleType] = {
    "listen": listen,
    "masks": masks,
    "words": words,
    "features": features,
    "layers": layers,
    "network": network,
    "overview": overview,
}
"""In the order in which they may take room; the first page is last: it says what is missing."""

PAGES = {
    "overview": ("index.html", "Overview"),
    "listen": ("listen.html", "Listen"),
    "layers": ("layers.html", "Layers"),
    "features": ("features.html", "Features"),
    "words": ("words.html", "One word, two voices"),
    "masks": ("masks.html", "Masks"),
    "network": ("network.html", "Network"),
}
"""Address and title of every page, in the order of the menu."""


def build_atlas(
    run: Path,
    settings: AtlasSettings | None = None,
    models: Sequence[str] | None = None,
    cuts: OpenCorpus | None = None,
    report: Progress | None = None,
    output: Path | None = None,
    guard: Guard = nullcontext,
) -> BuiltAtlas:
    """Writes `report/` of a run: pages that open from the disk, and need no network.

    Sounds and pictures that an earlier call has made are used again. A part that is missing, or
    that cannot be read, is named on the pages instead.

    Args:
        run: the run folder.
        settings: how large it may be, and how it sounds.
        models: which to show (default: all that are there).
        cuts: opens the corpus whose segments are to be heard, by utterance (default: only those
            can be heard that were cut before).
        report: called with the fraction that is done and one line.
        output: where to (default: `report/` of the run).
        guard: held on the folder of the atlas while it is written, as by `otoscope report`, so that
            no other build is at work there.

    Raises:
        UserError: there is no such run, the folder cannot be written, or `output` holds
            something else than an atlas.

    Example:
        >>> build_atlas(Path("runs/embedded")).path  # doctest: +SKIP
        PosixPath('runs/embedded/report/index.html')
    """
    report = report or (lambda fraction, text: None)
    settings = settings or AtlasSettings()
    folder = read_run(run, models)
    place = atlas_folder(run, output)
    said = list(folder.notes)
    with guard(place):
        site = Site(place, settings, run)
        made = _fill(site, folder, models, cuts, report)
        if not site.fits:
            # Now it is known what the rest takes; all that was made is there already.
            site = Site(place, settings, run, site.rest)
            folder.notes[:] = said
            again: Progress = lambda share, text: report(share, f"once more, to fit: {text}")  # noqa: E731
            made += _fill(site, folder, models, cuts, again)
        return replace(site.finish(), made=made)


def atlas_folder(run: Path, output: Path | None = None) -> Path:
    """Where the atlas of a run goes.

    Raises:
        UserError: `output` is a folder that holds something else.
    """
    if output is not None:
        manifest.refuse_other_files(output)
    return output or run / FOLDER


def _fill(
    site: Site,
    folder: RunFolder,
    models: Sequence[str] | None,
    cuts: OpenCorpus | None,
    report: Progress,
) -> int:
    """Writes all files of the site; how many sounds and pictures had to be made."""
    site.static()
    atlas = catalogue(folder, site, models, cuts, report)
    contexts: dict[str, dict[str, Any]] = {}
    try:
        for i, (name, maker) in enumerate(MAKERS.items()):
            atlas.report = _part(report, i / len(MAKERS), 1 / len(MAKERS))
            atlas.report(0.0, f"the page {PAGES[name][1]}")
            contexts[name] = maker.context(atlas)
    finally:
        site.save()
    atlas.notes[:] = dict.fromkeys(atlas.notes)  # several pages may miss the same table
    for name in MAKERS:
        _render(atlas, name, contexts[name])
    site.shard("index", atlas.index())
    return site.made


def _render(atlas: Atlas, name: str, context: dict[str, Any]) -> None:
    atlas.site.page(
        name, run_name=atlas.run.resolve().name, menu=PAGES, title=PAGES[name][1],
        amiss=PageNotes(name, atlas.notes), **context,
    )  # fmt: skip


def _part(report: Progress, begin: float, share: float) -> Callable[[float, str], None]:
    return lambda fraction, text: report(begin + share * fraction, text)
