"""All segments of a corpus for one unit of search, made up front, so that an id means one segment.

Ids count the segments in the order of the cuts: they depend on no batch, order or process.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Shaped

from corpora.corpus import SAMPLE_RATE
from evaluation.sonification.runs import runs

Limit = Literal["utterance", "speaker"]
"""Of what there may be one segment at most."""


@dataclass(frozen=True)
class Utterances:
    """What is known of every utterance; arrays of the same length, text as Python strings.

    Attributes:
        id: of the cut.
        speaker: "" where unknown.
        sex: "female", "male" or "".
        text: transcript, "" where there is none.
        samples: length at 16 kHz.
    """

    id: Shaped[np.ndarray, " utterance"]
    speaker: Shaped[np.ndarray, " utterance"]
    sex: Shaped[np.ndarray, " utterance"]
    text: Shaped[np.ndarray, " utterance"]
    samples: Int[np.ndarray, " utterance"]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.id)

    @cached_property
    def position(self) -> dict[str, int]:
        """From an id to its place in the arrays."""
        return {name: i for i, name in enumerate(self.id)}

    @cached_property
    def speaker_index(self) -> Int[np.ndarray, " utterance"]:
        """A number for each speaker; where nobody is named, every utterance has its own."""
        numbers: dict[tuple[str, str], int] = {}
        both = zip(self.speaker, self.id, strict=True)
        names = [("speaker", speaker) if speaker else ("utterance", name) for speaker, name in both]
        return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


@dataclass(frozen=True)
class Registry:
    """Segments of one unit of search, indexed by id, those of an utterance one after another.

    `utterance, speaker, sex, start_s, end_s, label` are arrays indexed by segment id.

    Attributes:
        unit: as `segments` or `phones3`.
        utterances: of the corpus.
        owner: place of each segment's utterance in `utterances`, never falling.
        start: first sample, at 16 kHz from the beginning of the utterance.
        end: the sample behind the last one.
        parts: what each segment consists of, as places in `names`: a word, or n phones.
        names: labels of the parts, sorted.
    """

    unit: str
    utterances: Utterances
    owner: Int[np.ndarray, " segment"]
    start: Int[np.ndarray, " segment"]
    end: Int[np.ndarray, " segment"]
    parts: Int[np.ndarray, "segment part"]
    names: Shaped[np.ndarray, " name"]

    def __len__(self) -> int:
        """How many segments there are."""
        return len(self.owner)

    @cached_property
    def utterance(self) -> Shaped[np.ndarray, " segment"]:
        """Utterance ids."""
        return self.utterances.id[self.owner]

    @cached_property
    def speaker(self) -> Shaped[np.ndarray, " segment"]:
        """Speaker ids, "" where unknown."""
        return self.utterances.speaker[self.owner]

    @cached_property
    def sex(self) -> Shaped[np.ndarray, " segment"]:
        """Sexes, "" where unknown."""
        return self.utterances.sex[self.owner]

    @cached_property
    def start_s(self) -> Float[np.ndarray, " segment"]:
        """Beginnings in seconds."""
        return self.start / SAMPLE_RATE

    @cached_property
    def end_s(self) -> Float[np.ndarray, " segment"]:
        """Ends in seconds."""
        return self.end / SAMPLE_RATE

    @cached_property
    def label(self) -> Shaped[np.ndarray, " segment"]:
        """What is said: the word, the phones joined by spaces, the transcript; else ""."""
        labels = np.empty(len(self), object)
        labels[:] = [" ".join(row) for row in self.names[self.parts].tolist()]
        return labels

    def owners(self, limit: Limit) -> Int[np.ndarray, " segment"]:
        """A number for the utterance, or the speaker, of each segment."""
        return self.owner if limit == "utterance" else self.utterances.speaker_index[self.owner]

    @cached_property
    def _first(self) -> Int[np.ndarray, " boundary"]:
        """First segment of every utterance, and behind them the number of segments."""
        return np.searchsorted(self.owner, np.arange(len(self.utterances) + 1))

    def of(
        self, utterances: Int[np.ndarray, " chosen"]
    ) -> tuple[Int[np.ndarray, " found"], Int[np.ndarray, " found"]]:
        """Ids of the segments of some utterances, and which of these each belongs to."""
        first, stop = self._first[utterances], self._first[utterances + 1]
        return runs(first, stop - first), np.repeat(np.arange(len(utterances)), stop - first)
