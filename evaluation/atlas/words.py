"""One word, two voices: what a man and a woman activate in saying the same, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.site import Site
from evaluation.atlas.sounds import sound_of
from evaluation.reading import Row, distinct, number
from evaluation.sonification.same_word import SameWordRow
from evaluation.sonification.same_word_figure import KINDS
from evaluation.sonification.study_folder import ROOT, StudyFolder
from evaluation.sonification.word_pairs import WordOverlapRow, WordPairRow

SHARD = "words"
BLOCK = 40
"""Words of a shard."""

SEXES = ("female", "male")
LETTERS = {kind: kind[0] for kind in KINDS}
"""Of each kind in the shards: `b`oth, `m`ale, `f`emale, `n`either."""

SHOWN = ("word", "layer", "depth", "feature", "activated")
"""Columns of word_features."""

MEANS = (
    *("overlap", "ci_low", "ci_high", "chance"),
    *("alike", "alike_low", "alike_high", "n_pairs", "n_undefined"),
)
"""Columns of same_word that the page shows."""


@dataclass
class Cells:
    """One word in one layer.

    Attributes:
        features: that are shown.
        kinds: a letter for each of them.
        counts: features of the whole layer of each of `KINDS`; None where the study has not
            counted them.
    """

    features: list[int] = field(default_factory=list)
    kinds: str = ""
    counts: list[int] | None = None


@dataclass
class Words:
    """The words of one model.

    Attributes:
        layers: in order of depth.
        words: the most frequent first.
        cells: of each word and layer.
        means: of same_word, by layer.
        voices: by word and sex: speaker, utterance, where it begins in it, and its clip.
    """

    layers: list[str]
    words: list[str]
    cells: dict[tuple[str, str], Cells]
    means: dict[str, dict[str, float | None]]
    voices: dict[str, dict[str, dict[str, Any]]]


def context(atlas: Atlas) -> dict[str, Any]:
    """What the template of the page reads; every `BLOCK` words of a model have a shard."""
    models, lacking = [], []
    for model, folder in atlas.studies.items():
        known = len(atlas.notes)
        found = words_of(folder)
        if found is None:
            if len(atlas.notes) == known:  # else nobody knows whether there are any
                lacking.append(model)
            continue
        place = atlas.models.index(model)
        _write(atlas.site, place, found, folder)
        models.append({
            "name": model, "place": place, "layers": found.layers, "words": found.words,
            "means": [found.means.get(layer) for layer in found.layers],
        })  # fmt: skip
    atlas.site.shard(SHARD, {"block": BLOCK, "models": models})
    return {
        "run": atlas.called,
        "models": [model["name"] for model in models],
        "lacking": lacking,
        "studied": list(atlas.studies),
    }


def words_of(folder: StudyFolder) -> Words | None:
    """Reads the words of one model; None where there are none."""
    shown = folder.columns("word_features", SHOWN)
    if shown is None and folder.file("word_features.parquet") is None:
        folder.notes.append(f"{ROOT}/{folder.name}: not finished, without word_features")
    if shown is None or not len(shown["word"]):
        return None
    cells: dict[tuple[str, str], Cells] = {}
    depths: dict[str, float] = {}
    for word, layer, depth, feature, kind in zip(*(shown[name] for name in SHOWN), strict=True):
        if kind in LETTERS:
            depths.setdefault(str(layer), float(depth))
            entry = cells.setdefault((str(word), str(layer)), Cells())
            entry.features.append(int(feature))
            entry.kinds += LETTERS[kind]
    if not cells:
        return None
    _count(cells, folder.rows("word_overlaps", WordOverlapRow))
    means = {
        str(row["layer"]): {name: number(row[name]) for name in MEANS}
        for row in folder.rows("same_word", SameWordRow)
    }
    voices = {str(row["word"]): _voices(row) for row in folder.rows("word_pairs", WordPairRow)}
    words = distinct([{"word": word} for word, _ in cells], "word")
    return Words(sorted(depths, key=depths.__getitem__), words, cells, means, voices)


def _count(cells: dict[tuple[str, str], Cells], rows: Sequence[Row]) -> None:
    for row in rows:
        counts = [number(row[kind]) for kind in KINDS]
        entry = cells.get((str(row["word"]), str(row["layer"])))
        if entry is not None and None not in counts:
            entry.counts = [int(count or 0) for count in counts]


def _voices(row: Row) -> dict[str, dict[str, Any]]:
    return {
        sex: {
            "speaker": str(row[f"{sex}_speaker"]),
            "utterance": str(row[f"{sex}_utterance"]),
            "start_s": number(row[f"{sex}_start_s"]),
            "clip": str(row[f"{sex}_clip"]),
        }
        for sex in SEXES
    }


def _write(site: Site, place: int, found: Words, folder: StudyFolder) -> None:
    for block, first in enumerate(range(0, len(found.words), BLOCK)):
        entries = [
            {
                "voices": _heard(site, folder, found.voices.get(word, {})),
                "layers": [asdict(found.cells.get((word, name), Cells())) for name in found.layers],
            }
            for word in found.words[first : first + BLOCK]
        ]
        site.shard(f"{SHARD}/{place}/{block}", entries)


def _heard(
    site: Site, folder: StudyFolder, voices: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    heard = {}
    for sex, voice in voices.items():
        path = folder.file(voice["clip"])
        sound = sound_of(site, path) if path is not None else None
        heard[sex] = {name: voice[name] for name in ("speaker", "utterance", "start_s")}
        heard[sex]["sound"] = sound
    return heard
