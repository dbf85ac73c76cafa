"""What a sonification says: speaker against speech, complexity, the same word by two speakers.

Here is what is asked, and where the answers go; the questions are in `speaker_findings`,
`complexity_findings` and `same_word_findings`.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.depth_trend import Claim
from evaluation.sonification.describe import Columns
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.result import Sonification
from evaluation.sonification.same_word import SameWordRow
from evaluation.sonification.voices import Voices


@dataclass
class Findings:
    """Tables of one recogniser, to be written and drawn.

    Attributes:
        dominance: a row per unit of search, attribute, layer and group.
        selectivity: the same of every feature, a part for each layer.
        complexity: a row per unit and layer.
        complexity_draws: the replicates behind its intervals, a part for each unit and layer.
        same_word: a row per layer.
        claims: of the article, with their verdicts.
        shares: part of each feature's segments by men, by layer, of the first unit; for the map.
        base: the same part of all segments of that unit that were searched.
        notes: what could not be looked at, and why.
    """

    dominance: list[DominanceRow] = field(default_factory=list)
    selectivity: list[Columns] = field(default_factory=list)
    complexity: list[ComplexityRow] = field(default_factory=list)
    complexity_draws: list[Columns] = field(default_factory=list)
    same_word: list[SameWordRow] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    shares: dict[str, Float[np.ndarray, " feature"]] = field(default_factory=dict)
    base: float = math.nan
    notes: list[str] = field(default_factory=list)


class Examiner:
    """A sonification that is asked what the article asked, layer by layer, and its findings so far.

    Named sets of features have tables of segments, but take no part here: one feature is no layer.

    Args:
        found: of `sonify`.
        voices: its speakers.
        name: of the recogniser in the tables.
    """

    def __init__(self, found: Sonification, voices: Voices, name: str) -> None:
        self.found, self.voices, self.name = found, voices, name
        self.depths = {
            layer: one.depth for layer, one in found.searched.items() if layer == one.layer
        }
        self.findings = Findings()

    def live_ids(self, unit: str, layer: str, moved: bool = False) -> Int[np.ndarray, "feature k"]:
        """The best segments of every feature; none of a dead one, which all drive alike.

        Args:
            unit: of search.
            layer: name of it.
            moved: the best of the moved segments instead.
        """
        dead = self.found.activity[layer].dead != ""
        tops = self.found.moved_tops if moved else self.found.tops
        return np.where(dead[:, None], -1, tops[unit][layer].ids)
