"""The report's section about sonification: what `sonification/` holds, read with patience."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from evaluation.page_pictures import Picture, embed_pictures
from evaluation.sonification.example_players import Examples, examples_of
from evaluation.sonification.hover_map import hover_map
from evaluation.sonification.section_sounds import embed_sounds
from evaluation.sonification.section_tables import (
    claims_of,
    complexity_of,
    counted,
    dominance_of,
)
from evaluation.sonification.study_folder import ROOT, StudyFolder, study_folders
from evaluation.sonification.study_settings import OVERVIEW
from evaluation.sonification.word_switch import WordSwitch, word_switch

WORD_SOUNDS, EXAMPLE_SOUNDS, PICTURES = 1.5e6, 2e6, 4e6
"""Bytes of the page that voices, examples and still figures may take, if it has them to spare."""

TABLES = (
    *("features", "segments", "selectivity", "remarks", "dominance", "complexity", "claims"),
    *("examples", "word_features", "word_pairs"),
)
"""What the page reads of a study; a finished one has all of them."""

HEAT_MAP = "heat_map"
TITLES = {
    HEAT_MAP: "All features: men and women in their best segments",
    "same_word": "The same word by a man and a woman",
    "activation": "One feature over time, with waveform, phones and words",
    "spectra": "Waveform, spectrogram and log-mel",
    "blocks": "First, penultimate and last sub-block of each block",
}
GRID = "grid-"
JOINT_TITLES = {
    "dominance": "Features dominated by one sex, over depth",
    "complexity": "Phones per activating segment, over depth",
    "activity": "How features are active, over depth",
}


@dataclass
class Section:
    """What the page shows of `sonification/`; sounds and pictures are embedded later.

    Attributes:
        models: in order.
        parts: tables, claims and remarks, as the template reads them.
        maps: identity of the heat map of a model among the figures of the page.
        words: of every model that has them.
        examples: of every model that has them.
        pictures: of every model.
        joint: pictures of all models together, by name.
        contents: of embedded sounds, in base64, by key.
    """

    models: list[str]
    parts: dict[str, Any]
    maps: dict[str, str]
    words: dict[str, WordSwitch]
    examples: dict[str, Examples]
    pictures: dict[str, list[Picture]]
    joint: dict[str, Picture]
    contents: dict[str, str] = field(default_factory=dict)
    pictures_mb = PICTURES / 1e6

    def embed(self, budget: float) -> None:
        """Puts sounds and pictures into the page while its budget lasts, in bytes."""
        for parts, most in ((self.words, WORD_SOUNDS), (self.examples, EXAMPLE_SOUNDS)):
            placed = [pair for part in parts.values() for pair in part.sounds()]
            sounds = [sound for _, sound in sorted(placed, key=lambda pair: pair[0])]
            kept = min(most, budget)
            budget -= kept - embed_sounds(sounds, self.contents, kept)
        embed_pictures(self._in_turn(), min(PICTURES, budget))

    def _in_turn(self) -> Iterator[Picture]:
        """Joint pictures, then the first of each model, then the second: none displaces those."""
        yield from self.joint.values()
        for level in zip_longest(*self.pictures.values()):
            yield from (picture for picture in level if picture is not None)

    def data(self) -> dict[str, Any]:
        """As the script of the page reads it."""
        words = {model: switch.entry() for model, switch in self.words.items()}
        return {"clips": self.contents, "words": words}


def sonification_section(
    run: Path, notes: list[str], figures: dict[str, go.Figure], models: Sequence[str] | None = None
) -> Section | None:
    """What the page shows of `sonification/`.

    Args:
        run: the run folder.
        notes: where to say what is missing or cannot be read.
        figures: of the page, by identity; heat maps are added.
        models: which to show (default: all that are there).

    Returns:
        None when there is no such folder, or nothing in it that can be read.
    """
    studies = study_folders(run, notes, models)
    for name, folder in list(studies.items()):
        missing = [table for table in TABLES if folder.file(f"{table}.csv") is None]
        if missing:
            notes.append(f"{ROOT}/{name}: not finished, without {', '.join(missing)}")
        if len(missing) == len(TABLES):
            del studies[name]
    if not studies:
        return None
    dominance = dominance_of(studies)
    maps = _maps(studies, dominance["unit"] if dominance else "segments", figures)
    overview = StudyFolder(run, OVERVIEW, notes)
    words = {name: word_switch(folder) for name, folder in studies.items()}
    examples = {name: examples_of(folder) for name, folder in studies.items()}
    parts: dict[str, Any] = {
        "counts": counted(studies),
        "remarks": {name: _remarks(folder) for name, folder in studies.items()},
        "claims": claims_of(studies, overview),
        "dominance": dominance,
        "complexity": complexity_of(studies),
    }
    layers = parts["counts"]["layers"] if parts["counts"] else []
    pictures = {name: _pictures(folder, layers, name in maps) for name, folder in studies.items()}
    return Section(
        list(studies),
        parts,
        maps,
        {name: found for name, found in words.items() if found is not None},
        {name: found for name, found in examples.items() if found is not None},
        pictures,
        {picture.name: picture for picture in _named_pictures(overview, JOINT_TITLES)},
    )


def _maps(
    studies: Mapping[str, StudyFolder], unit: str, figures: dict[str, go.Figure]
) -> dict[str, str]:
    maps = {}
    for name, folder in studies.items():
        figure = hover_map(folder, unit)
        if figure is not None:
            maps[name] = f"figure-{len(figures)}"
            figures[maps[name]] = figure
    return maps


def _remarks(folder: StudyFolder) -> list[str]:
    return [str(row["remark"]) for row in folder.texts("remarks", ["remark"])]


def _pictures(folder: StudyFolder, layers: Sequence[str], has_map: bool) -> list[Picture]:
    """Still figures of one model; of its heat map only a link where the page has one to hover."""
    grids = {f"{GRID}{layer}": f"All features of {layer}, ten utterances" for layer in layers}
    found = _named_pictures(folder, TITLES | grids)
    for picture in found:
        picture.linked_only = has_map and picture.name == HEAT_MAP
    return found


def _named_pictures(folder: StudyFolder, titles: Mapping[str, str]) -> list[Picture]:
    found = []
    for name, title in titles.items():
        path = folder.file(f"figures/{name}.png")
        links = {kind.upper(): folder.link(f"figures/{name}.{kind}") for kind in ("svg", "png")}
        if path is not None:
            kept = {kind: link for kind, link in links.items() if link}
            found.append(Picture(name, title, path, kept))
    return found
