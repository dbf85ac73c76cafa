"""What a data module reads from: a corpus of speech, a source of noise, rooms."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from lhotse import CutSet

Split = Literal["train", "dev", "test"]
NoiseSplit = Literal["train", "test"]
Progress = Callable[[float, str], None]
"""Called with the fraction that is done (0 to 1) and one line saying what is being done."""

SAMPLE_RATE = 16000
NOISE_KINDS = ("babble", "music", "noise")
REVERB = "reverb"
"""The kind of augmentation that is a room, beside the kinds of noise."""


class Corpus(ABC):
    """Speech in three speaker-disjoint splits; the constructor only stores its arguments.

    Attributes:
        phone_set: All labels that its tier "phone" may have; None where that is not known.
        pauses: Those of them where nothing is said.
    """

    phone_set: frozenset[str] | None = None
    pauses: frozenset[str] = frozenset()

    def fetch(self) -> None:
        """Download what is missing where that was asked for; the fingerprint may change by it.

        Raises:
            UserError: When a download fails.
        """
        return None

    @abstractmethod
    def prepare(self, progress: Progress | None = None) -> None:
        """Synthesise, index or download what is missing. Idempotent.

        Raises:
            UserError: When something is missing that only the user can supply.
        """

    @abstractmethod
    def load(self, split: Split) -> CutSet:
        """The cuts of a split, each with one supervision.

        The supervision has ``text``, ``speaker``, ``gender`` ("female", "male" or None) and, where
        known, ``alignment`` with the tiers "word" and "phone", in seconds from the beginning of the
        cut, as the corpus has them: `corpora.tiers` checks them. What else is known of the speaker
        ("accent", "age_years", ...) is in its ``custom``. A split may be empty.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of everything that determines the content."""

    def problems(self, split: Split) -> list[tuple[str, str]]:
        """``(utterance id, reason)`` of what could not even be listed among the cuts."""
        return []


class NoiseSource(ABC):
    """Noise in two splits that share no recording; ``cut.custom["kind"]`` names its kind."""

    @abstractmethod
    def prepare(self, progress: Progress | None = None) -> None:
        """Generate or index what is missing. Idempotent."""

    @abstractmethod
    def load(self, split: NoiseSplit) -> CutSet:
        """The cuts of a split; kinds are those of ``NOISE_KINDS``.

        Cuts of kind "babble" are single voices: babble is summed from several of them.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of everything that determines the content."""

    def problems(self, split: NoiseSplit) -> list[tuple[str, str]]:
        """``(recording, reason)`` of what ``load(split)`` left out."""
        return []


class ImpulseResponses(ABC):
    """Rooms that training speech is heard in: their impulse responses, as cuts of kind "reverb"."""

    @abstractmethod
    def prepare(self, progress: Progress | None = None) -> None:
        """Simulate or find what is missing. Idempotent."""

    @abstractmethod
    def load(self) -> CutSet:
        """The impulse responses, one channel each."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of everything that determines the content."""

    def problems(self) -> list[tuple[str, str]]:
        """``(recording, reason)`` of what ``load`` left out."""
        return []
