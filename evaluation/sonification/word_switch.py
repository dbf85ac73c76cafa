"""The article's figure for a page: a word to choose, a man and a woman, 20 features a layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evaluation.reading import Row, by_depth, distinct, number
from evaluation.sonification.same_word_figure import KINDS
from evaluation.sonification.section_sounds import Sound
from evaluation.sonification.study_folder import StudyFolder
from evaluation.sonification.word_pairs import WordFeatureRow, WordPairRow

MOST_WORDS = 60
"""Words on the page; the tables have all."""

SEXES = ("female", "male")
LETTERS = {kind: kind[0] for kind in KINDS}
"""Of each kind in the page: `b`oth, `m`ale, `f`emale, `n`either."""


@dataclass
class Voice:
    """One of the two speakers of a word."""

    speaker: str
    utterance: str
    sound: Sound

    def entry(self) -> dict[str, str]:
        """As the script of the page reads it."""
        return {"speaker": self.speaker, "utterance": self.utterance, **self.sound.entry()}


@dataclass
class Word:
    """A word of one model: its voices by sex, and of every layer the features and their kinds."""

    word: str
    voices: dict[str, Voice]
    layers: list[tuple[list[int], str]]


@dataclass
class WordSwitch:
    """What the figure shows of one model.

    Attributes:
        layers: in order of depth.
        words: the most frequent first.
        left_out: words that only the tables have.
    """

    layers: list[str]
    words: list[Word]
    left_out: int

    def sounds(self) -> Iterator[tuple[int, Sound]]:
        """Place of the word and sound of every voice."""
        for place, word in enumerate(self.words):
            yield from ((place, voice.sound) for voice in word.voices.values())

    def entry(self) -> dict[str, object]:
        """As the script of the page reads it."""
        words = [
            {"word": word.word, "layers": word.layers,
             "voices": {sex: voice.entry() for sex, voice in word.voices.items()}}
            for word in self.words
        ]  # fmt: skip
        return {"layers": self.layers, "words": words}


def word_switch(folder: StudyFolder) -> WordSwitch | None:
    """Reads the words of one model; None where there are none."""
    rows = [row for row in folder.rows("word_features", WordFeatureRow) if _is_whole(row)]
    layers, words = distinct(by_depth(rows), "layer"), distinct(rows, "word")
    if not layers:
        return None
    voices = {
        str(row["word"]): _voices(folder, row) for row in folder.rows("word_pairs", WordPairRow)
    }
    by_word: dict[str, list[Row]] = {}
    for row in rows:
        by_word.setdefault(str(row["word"]), []).append(row)
    shown = [
        Word(word, voices.get(word, {}), _cells(by_word[word], layers))
        for word in words[:MOST_WORDS]
    ]
    return WordSwitch(layers, shown, len(words) - len(shown))


def _is_whole(row: Row) -> bool:
    feature = number(row["feature"])
    return row["activated"] in LETTERS and feature is not None and feature.is_integer()


def _voices(folder: StudyFolder, pair: Row) -> dict[str, Voice]:
    return {
        sex: Voice(
            str(pair[f"{sex}_speaker"]),
            str(pair[f"{sex}_utterance"]),
            Sound.of(folder, pair[f"{sex}_clip"]),
        )
        for sex in SEXES
    }


def _cells(rows: Sequence[Row], layers: Sequence[str]) -> list[tuple[list[int], str]]:
    """Of each layer the shown features, and a letter for each of them."""
    found: dict[str, tuple[list[int], list[str]]] = {layer: ([], []) for layer in layers}
    for row in rows:
        features, letters = found.get(str(row["layer"]), ([], []))
        features.append(int(number(row["feature"]) or 0))
        letters.append(LETTERS[str(row["activated"])])
    return [(features, "".join(letters)) for features, letters in found.values()]
