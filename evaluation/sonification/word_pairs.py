"""The article's comparison word by word: what a man and a woman activate in saying the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped

from evaluation.sonification.registry import Registry
from evaluation.sonification.same_word import ACTIVATED
from evaluation.sonification.same_word_figure import KINDS, kinds_of, shown_features
from evaluation.sonification.word_triplets import SEXES, WordActivations


@dataclass(frozen=True)
class WordPairs:
    """One man and one woman for each word.

    Attributes:
        words: as they are written, the most frequent first.
        female: occurrence by a woman.
        male: occurrence by a man.
    """

    words: Sequence[str]
    female: Int[np.ndarray, " word"]
    male: Int[np.ndarray, " word"]


@dataclass(frozen=True, slots=True)
class WordFeatureRow:
    """One shown feature at one word (word_features.csv).

    It is `activated` by both, male, female or neither. The features of
    a layer are drawn, as many of each kind as in the whole layer.
    """

    model: str
    word: str
    layer: str
    depth: int
    feature: int
    activated: str


@dataclass(frozen=True, slots=True)
class WordOverlapRow:
    """How many features of a whole layer one word activates in whom (word_overlaps.csv).

    The overlap (Jaccard) of the two voices is `both` over `both + male + female`.
    """

    model: str
    word: str
    layer: str
    depth: int
    both: int
    male: int
    female: int
    neither: int


@dataclass(frozen=True, slots=True)
class WordPairRow:
    """The two occurrences of one word (word_pairs.csv); clips lie below the table's folder."""

    model: str
    word: str
    female_speaker: str
    female_utterance: str
    female_start_s: float
    female_clip: str
    male_speaker: str
    male_utterance: str
    male_start_s: float
    male_clip: str


def draw_word_pairs(
    labels: Shaped[np.ndarray, " occurrence"],
    sexes: Shaped[np.ndarray, " occurrence"],
    most: int,
    seed: int,
) -> WordPairs:
    """Draws a pair for each of the most frequent words that both sexes say.

    Args:
        labels: word of every occurrence.
        sexes: of its speaker.
        most: words.
        seed: of the draw.
    """
    generator = np.random.default_rng(seed)
    words, counts = np.unique(labels.astype(str), return_counts=True)
    found: list[tuple[str, int, int]] = []
    for word in words[np.argsort(-counts, kind="stable")]:
        if len(found) == most:
            break
        each = [((labels == word) & (sexes == sex)).nonzero()[0] for sex in SEXES]
        if all(len(occurrences) for occurrences in each):
            female, male = (int(generator.choice(occurrences)) for occurrences in each)
            found.append((str(word), female, male))
    drawn = np.array([pair[1:] for pair in found], np.int64).reshape(-1, 2)
    return WordPairs([pair[0] for pair in found], drawn[:, 0], drawn[:, 1])


def word_kinds(pairs: WordPairs, word: int, kept: WordActivations) -> Int[np.ndarray, " feature"]:
    """Index in `KINDS` of each feature of a layer at one word."""
    male, female = (
        kept.activated(occurrences[word : word + 1], ACTIVATED)[0]
        for occurrences in (pairs.male, pairs.female)
    )
    return kinds_of(male, female)


def word_feature_rows(
    name: str,
    pairs: WordPairs,
    layers: Mapping[str, WordActivations],
    depths: Mapping[str, int],
    seed: int,
) -> Iterator[WordFeatureRow]:
    """The rows of word_features.csv: at most 20 features of each layer and word."""
    for word, text in enumerate(pairs.words):
        for layer, depth in depths.items():
            kinds = word_kinds(pairs, word, layers[layer])
            for feature in shown_features(kinds, seed + depth):
                kind = KINDS[kinds[feature]]
                yield WordFeatureRow(name, text, layer, depth, int(feature), kind)


def word_overlap_rows(
    name: str, pairs: WordPairs, layers: Mapping[str, WordActivations], depths: Mapping[str, int]
) -> Iterator[WordOverlapRow]:
    """The rows of word_overlaps.csv: every word, layer by layer."""
    for word, text in enumerate(pairs.words):
        for layer, depth in depths.items():
            counts = np.bincount(word_kinds(pairs, word, layers[layer]), minlength=len(KINDS))
            yield WordOverlapRow(name, text, layer, depth, *counts.tolist())


def word_pair_rows(
    name: str, pairs: WordPairs, words: Registry, clips: Mapping[int, str]
) -> Iterator[WordPairRow]:
    """The rows of word_pairs.csv.

    Args:
        name: of the recogniser.
        pairs: the words.
        words: the registry of their occurrences.
        clips: path of each occurrence's sound.
    """
    for word, female, male in zip(pairs.words, pairs.female, pairs.male, strict=True):
        cells = [
            cell
            for occurrence in (int(female), int(male))
            for cell in (
                str(words.speaker[occurrence]),
                str(words.utterance[occurrence]),
                round(float(words.start_s[occurrence]), 4),
                clips[occurrence],
            )
        ]
        yield WordPairRow(name, word, *cells)  # type: ignore[arg-type]
