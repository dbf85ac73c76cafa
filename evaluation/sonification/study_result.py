"""Everything that a study found of one recogniser, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from lhotse.cut import Cut

from evaluation.sonification.findings import Findings
from evaluation.sonification.manner import Manner
from evaluation.sonification.result import Sonification
from evaluation.sonification.voices import Voices
from evaluation.sonification.word_pairs import WordPairs


@dataclass(frozen=True)
class Study:
    """Everything that was found of one recogniser.

    Attributes:
        name: of the recogniser in the tables.
        found: the best segments, speaker-discarded tables and activity of every feature.
        voices: the speakers.
        findings: statistics over features and speakers.
        manner: how features are active over time.
        pairs: the words that are shown one by one.
        cuts: the utterances, by id.
        splits: of each utterance of `found`.
    """

    name: str
    found: Sonification
    voices: Voices
    findings: Findings
    manner: Manner
    pairs: WordPairs
    cuts: dict[str, Cut]
    splits: Sequence[str]
