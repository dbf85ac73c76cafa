"""A few features of every layer to listen to: those whose segments agree most on what is said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int
from lhotse.cut import Cut

from evaluation.sonification.clips import write_clips
from evaluation.sonification.describe import Description
from evaluation.sonification.result import Sonification

TEXTS = ("layer", "utterance", "speaker", "sex", "words", "phones", "clip")
UNITS = ("segments", "words", "phones", "utterances")
"""Whose segments are heard: the first of these that was searched, else the first unit."""


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """One segment of one example (examples.csv); `clip` is a path below the table's folder.

    `agreement` is the part of the feature's segments that share their most common word, or phone
    where the corpus has no words.
    """

    model: str
    unit: str
    layer: str
    depth: int
    feature: int
    agreement: float | None
    rank: int
    score: float
    utterance: str
    speaker: str
    sex: str
    start_s: float
    end_s: float
    words: str
    phones: str
    clip: str


def clearest_features(
    found: Sonification, describe: Description, unit: str, layer: str, most: int
) -> dict[int, float | None]:
    """Live features of a layer by how many of their segments share a word; those come first.

    Args:
        found: of `sonify`.
        describe: its tables.
        unit: of search.
        layer: or set.
        most: features.

    Returns:
        Feature to its agreement; None where the corpus has neither words nor phones.
    """
    if not found.tables:
        alive = (found.activity[layer].dead == "").nonzero()[0]
        peak = found.activity[layer].maximum - found.activity[layer].mean
        order = alive[np.argsort(-peak[alive], kind="stable")][:most]
        return {int(feature): None for feature in order}
    tier = "word" if "word" in found.tables else "phone"
    rows = describe.labels(unit, layer, tier)
    first = (rows["rank"] == 1).nonzero()[0]
    share = rows["count"][first] / rows["segments"][first]
    order = np.lexsort((-rows["selectivity"][first], -share))[:most]
    return {
        int(rows["feature"][first[i]]): float(share[i])
        for i in order
    }  # fmt: skip


def write_examples(
    folder: Path,
    found: Sonification,
    cuts: Mapping[str, Cut],
    name: str,
    features: int,
    segments: int,
) -> list[ExampleRow]:
    """Writes the best segments of some features of every layer as sound.

    Args:
        folder: the clips go to `clips/` below it.
        found: of `sonify`.
        cuts: the utterances, by id.
        name: of the recogniser in the table.
        features: of each layer or set.
        segments: of each feature.
    """
    unit = example_unit(list(found.tops))
    if not unit:
        return []
    describe = Description(found, most=1)
    registry = found.units.registries[unit]
    rows: list[ExampleRow] = []
    wanted: list[Int[np.ndarray, " segment"]] = [np.zeros(0, np.int64)]
    for layer in found.searched:
        chosen = clearest_features(found, describe, unit, layer, features)
        table = describe.segments(unit, layer)
        kept = np.isin(table["feature"], list(chosen)) & (table["rank"] <= segments)
        wanted.append(table["segment"][kept])
        rows += _rows(name, unit, {key: column[kept] for key, column in table.items()}, chosen)
    write_clips(folder, cuts.values(), registry, np.concatenate(wanted))
    return rows


def example_unit(units: Sequence[str]) -> str:
    """Whose segments are the examples; "" where nothing was searched."""
    return next((unit for unit in UNITS if unit in units), units[0] if units else "")


def _rows(
    name: str, unit: str, table: Mapping[str, np.ndarray], agreement: Mapping[int, float | None]
) -> Iterator[ExampleRow]:
    for i in range(len(table["feature"])):
        feature = int(table["feature"][i])
        texts = {name: str(table[name][i]) for name in TEXTS}
        yield ExampleRow(
            model=name,
            unit=unit,
            depth=int(table["depth"][i]),
            feature=feature,
            agreement=agreement[feature],
            rank=int(table["rank"][i]),
            score=float(table["score"][i]),
            start_s=round(float(table["start_s"][i]), 4),
            end_s=round(float(table["end_s"][i]), 4),
            **texts,
        )
