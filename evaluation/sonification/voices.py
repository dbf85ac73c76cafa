"""The speakers of a searched corpus: a number for each, and what is known of them."""

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from jaxtyping import Int, Shaped
from lhotse.cut import Cut

from corpora.selection import speaker_attributes
from evaluation.bootstrap import speaker_weights
from evaluation.sonification.registry import Registry, Utterances
from evaluation.sonification.speaker_groups import (
    THIRDS,
    SpeakerGroups,
    group_speakers,
    sexes_of,
    speaker_thirds,
)

SEX = "sex"
WITHIN_SEX = ("pitch",)
"""Attributes whose thirds are taken inside each sex: a high voice is high for its sex."""


class Voices:
    """Speakers of the utterances that were searched.

    Args:
        utterances: of the units of search.
        cuts: the same utterances, for what is known of their speakers.
        replicates: of the bootstrap.
        seed: of its draws, the same for all layers and models.
    """

    def __init__(
        self, utterances: Utterances, cuts: Iterable[Cut], replicates: int, seed: int
    ) -> None:
        self.utterances = utterances
        self.of_utterance = utterances.speaker_index
        # where nobody is named, every utterance is a voice of its own
        self.names = np.where(utterances.speaker == "", utterances.id, utterances.speaker)
        self.seed = seed
        self.weights = speaker_weights(int(self.of_utterance.max()) + 1, replicates, seed)
        self._known = speaker_attributes(cuts)

    @cached_property
    def sexes(self) -> SpeakerGroups:
        """Speakers by sex.

        Raises:
            UserError: a speaker has two.
        """
        return sexes_of(self.names, self.utterances.sex)

    def names_of(self, registry: Registry) -> Shaped[np.ndarray, " segment"]:
        """Name of each segment's speaker."""
        return self.names[registry.owner]

    def of_segment(self, registry: Registry) -> Int[np.ndarray, " segment"]:
        """Number of each segment's speaker."""
        return self.of_utterance[registry.owner]

    def attributes(self) -> list[str]:
        """Sex, and what else is known of the speakers; not what nearly names them."""
        names = sorted({name for known in self._known.values() for name in known} - {SEX})
        groups = [self.groups(name) for name in names]
        some = [g for g in groups if 1 < len(g.names) <= max(len(THIRDS), len(g.speakers) / 2)]
        return [SEX, *(found.attribute for found in some)]

    def groups(self, attribute: str, registry: Registry | None = None) -> SpeakerGroups:
        """Speakers by an attribute: by its value where that is text, in thirds of a number.

        Args:
            attribute: `sex`, or of the corpus.
            registry: only speakers of these segments (default: all).

        Raises:
            UserError: a speaker has two sexes.
        """
        if attribute == SEX:
            found = self.sexes
        else:
            values = {name: of.get(attribute, "") for name, of in self._known.items() if name}
            numbers = {n: v for n, v in values.items() if isinstance(v, int | float)}
            texts = {name: str(value) for name, value in values.items()}
            found = (
                self._thirds(attribute, numbers) if numbers else group_speakers(attribute, texts)
            )
        return found if registry is None else found.among(set(self.names_of(registry)))

    def _thirds(self, attribute: str, numbers: Mapping[str, float]) -> SpeakerGroups:
        within = self.sexes if attribute in WITHIN_SEX and self.sexes.speakers else None
        return speaker_thirds(attribute, numbers, within)
