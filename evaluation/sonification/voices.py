"""The speakers of a searched corpus: a number for each, and what is known of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from jaxtyping import Int, Shaped
from lhotse.cut import Cut

from acoustics.errors import UserError
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
WITHIN_SEX = ("pitch", "height_cm")
"""Attributes whose thirds are taken inside each sex: a high voice is high for its sex."""
FEWEST_EACH = 4  # speakers of a value on average, for an attribute to be looked at unasked
SHARED = "variant"
"""What says that two synthetic speakers are one voice, as in the embedded corpus."""


class Voices:
    """Speakers of the utterances that were searched, and the voices that some of them share.

    A synthetic corpus makes several speakers of one voice, by accent, pitch and rate. They are not
    independent: intervals draw voices, and sex is dealt out over voices. Where nothing is said of
    voices, every speaker has one of their own.

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
        self._known = speaker_attributes(cuts)
        self.shared = self._shared_voices()
        self.weights = self._draw(replicates)

    def _shared_voices(self) -> dict[str, str]:
        """Voice of each speaker by name; their own where it is not shared."""
        found = {str(name): str(self._known.get(name, {}).get(SHARED, "")) for name in self.names}
        counts = Counter(found.values())
        return {
            name: f"voice {voice}" if voice and counts[voice] > 1 else name
            for name, voice in found.items()
        }

    def _draw(self, replicates: int) -> Int[np.ndarray, "replicate speaker"]:
        """How often each speaker is drawn: as often as their voice."""
        _, first = np.unique(self.of_utterance, return_index=True)
        voices = [self.shared[str(name)] for name in self.names[first]]
        _, voice = np.unique(voices, return_inverse=True)
        if not len(voice):
            raise UserError("no utterance to search: choose other splits, or another corpus")
        return speaker_weights(int(voice.max()) + 1, replicates, self.seed)[:, voice]

    @property
    def remark(self) -> str:
        """What a reader must know of shared voices; empty where there are none."""
        n_voices = len(set(self.shared.values()))
        if n_voices == len(self.shared):
            return ""
        return (
            f"{len(self.shared)} speakers share {n_voices} voices: intervals draw voices, and sex "
            "is dealt out over voices"
        )

    @cached_property
    def sexes(self) -> SpeakerGroups:
        """Voices by sex; a voice that is shared counts once.

        Raises:
            UserError: a speaker has two.
        """
        return sexes_of(self.sex_names, self.utterances.sex)

    @cached_property
    def sex_names(self) -> Shaped[np.ndarray, " utterance"]:
        """By whom an utterance counts where sexes are compared: the voice."""
        names = np.empty(len(self.names), object)
        names[:] = [self.shared[str(name)] for name in self.names]
        return names

    def names_of(self, registry: Registry, attribute: str = "") -> Shaped[np.ndarray, " segment"]:
        """Name of each segment's speaker, or of the voice that counts for an attribute."""
        names = self.sex_names if attribute == SEX else self.names
        return names[registry.owner]

    def of_segment(self, registry: Registry) -> Int[np.ndarray, " segment"]:
        """Number of each segment's speaker."""
        return self.of_utterance[registry.owner]

    def attributes(self) -> list[str]:
        """Sex, and what else is known of the speakers and shared by several of them."""
        names = {name for known in self._known.values() for name in known} - {SEX, SHARED}
        groups = [self.groups(name) for name in sorted(names)]
        most = (max(len(THIRDS), len(g.speakers) // FEWEST_EACH) for g in groups)
        some = [g for g, bound in zip(groups, most, strict=True) if 1 < len(g.names) <= bound]
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
        return found if registry is None else found.among(set(self.names_of(registry, attribute)))

    def _thirds(self, attribute: str, numbers: Mapping[str, float]) -> SpeakerGroups:
        sexes = sexes_of(self.names, self.utterances.sex)
        within = sexes if attribute in WITHIN_SEX and sexes.speakers else None
        return speaker_thirds(attribute, numbers, within)
