"""The complexity of single features, from the table of their best segments, and three of them.

A study writes only the least, the mean and the most of a layer. Words are what can be counted
again: the n-grams of unlike lengths compete by moments that are not on disk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from corpora.corpus import SAMPLE_RATE
from evaluation.atlas.sounds import Span
from evaluation.sonification.study_folder import StudyFolder

UNIT = "words"
"""Whose segments are counted."""

SHOWN = 5
"""Segments of each of the three."""

COLUMNS: tuple[str, ...] = ("feature", "rank", "utterance", "speaker", "sex", "start_s", "end_s")
COLUMNS += ("words", "phones")


class Exemplar(NamedTuple):
    """A feature that stands for others; `which` is least, mean or most."""

    which: str
    feature: int
    phones: float


def feature_complexity(
    feature: Int[np.ndarray, " segment"], phones: Sequence[str], utterance: Sequence[str]
) -> tuple[Int[np.ndarray, " feature"], Float[np.ndarray, " feature"], Int[np.ndarray, " feature"]]:
    """Mean phones of every feature's best segments, as `layer_complexity` counts them.

    Args:
        feature: whose segment it is.
        phones: in it, with spaces between; a segment without any counts as none where its
            utterance has phones in another one, and is not known otherwise.
        utterance: where it was found.

    Returns:
        The features that have segments with known phones, their means, and over how many.
    """
    counts = np.array([len(text.split()) for text in phones], float)
    aligned = {name for name, count in zip(utterance, counts, strict=True) if count}
    known = np.array([name in aligned for name in utterance], bool)
    features, place = np.unique(feature[known], return_inverse=True)
    size = len(features)
    sums, segments = np.bincount(place, counts[known], size), np.bincount(place, minlength=size)
    return features, sums / np.maximum(segments, 1), segments


def exemplars(
    features: Int[np.ndarray, " feature"], complexity: Float[np.ndarray, " feature"]
) -> list[Exemplar]:
    """The least complex feature, the one nearest to the mean, and the most complex; each once.

    Of equal ones the first stands for all.
    """
    if not len(features):
        return []
    nearest = np.abs(complexity - complexity.mean()).argmin()
    places = {"least": complexity.argmin(), "mean": nearest, "most": complexity.argmax()}
    first: dict[int, str] = {}
    for which, place in places.items():
        first.setdefault(int(place), which)
    return [
        Exemplar(which, int(features[place]), float(complexity[place]))
        for place, which in first.items()
    ]


@dataclass(frozen=True)
class Heard:
    """One of the best segments of a feature, and what is said in it."""

    span: Span
    speaker: str
    sex: str
    words: str
    phones: str


@dataclass(frozen=True)
class Example:
    """A feature that stands for others, with its best segments, the strongest first.

    Attributes:
        feature: and its complexity.
        counted: segments that this is the mean of.
        heard: the first of them.
    """

    feature: Exemplar
    counted: int
    heard: tuple[Heard, ...]

    def entry(self, sounds: Mapping[Span, str]) -> dict[str, Any]:
        """As the script of the page reads it."""
        segments = [
            {"speaker": one.speaker, "sex": one.sex, "words": one.words, "phones": one.phones,
             "utterance": one.span.utterance, "start_s": one.span.start / SAMPLE_RATE,
             "sound": sounds.get(one.span)}
            for one in self.heard
        ]  # fmt: skip
        return {**self.feature._asdict(), "counted": self.counted, "segments": segments}


def examples_of(study: StudyFolder, layer: str, most: int = SHOWN) -> list[Example]:
    """The least, the mean and the most complex feature of a layer.

    Args:
        study: of the model.
        layer: its name.
        most: segments of each, beside the bound of this page.
    """
    found = study.columns("segments", COLUMNS, unit=UNIT, layer=layer)
    if found is None or not len(found["feature"]):
        return []
    texts = {name: found[name].tolist() for name in ("phones", "utterance")}
    features, complexity, segments = feature_complexity(found["feature"], **texts)
    counted = dict(zip(features.tolist(), segments.tolist(), strict=True))
    return [
        Example(one, counted[one.feature], _best(found, one.feature, min(most, SHOWN)))
        for one in exemplars(features, complexity)
    ]


def spans_of(
    studies: Mapping[str, StudyFolder], examples: Mapping[str, Mapping[str, Sequence[Example]]]
) -> dict[Span, StudyFolder]:
    """All segments of examples by model and layer: of all the strongest, then the second ..."""
    found: dict[Span, StudyFolder] = {}
    for rank in range(SHOWN):
        for model, layers in examples.items():
            for example in (example for told in layers.values() for example in told):
                if rank < len(example.heard):
                    found.setdefault(example.heard[rank].span, studies[model])
    return found


def _best(found: Mapping[str, np.ndarray], feature: int, most: int) -> tuple[Heard, ...]:
    places = np.flatnonzero(found["feature"] == feature)
    places = places[np.argsort(found["rank"][places], kind="stable")][:most]
    rows = [{name: found[name][place] for name in COLUMNS} for place in places.tolist()]
    return tuple(
        Heard(
            Span(str(row["utterance"]), _sample(row["start_s"]), _sample(row["end_s"])),
            *(str(row[name]) for name in ("speaker", "sex", "words", "phones")),
        )
        for row in rows
    )


def _sample(second: float) -> int:
    return round(float(np.nan_to_num(second)) * SAMPLE_RATE)
