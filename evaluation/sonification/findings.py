"""What a sonification says: speaker against speech, complexity, the same word by two speakers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from evaluation.sonification.complexity import (
    UNION,
    ComplexityRow,
    LayerComplexity,
    complexity_claim,
    complexity_rows,
    layer_complexity,
    union_top,
)
from evaluation.sonification.contents import items_inside
from evaluation.sonification.depth_trend import Claim, hedged
from evaluation.sonification.describe import Columns
from evaluation.sonification.dominance import (
    LayerDominance,
    draw_speakers,
    layer_dominance,
)
from evaluation.sonification.dominance_table import DominanceRow, dominance_claim, dominance_rows
from evaluation.sonification.registry import Registry
from evaluation.sonification.result import Sonification
from evaluation.sonification.same_word import (
    SameWordRow,
    layer_overlap,
    same_word_claims,
    same_word_rows,
)
from evaluation.sonification.units import NAMED_UNITS, compared_ngrams
from evaluation.sonification.voices import SEX, Voices
from evaluation.sonification.word_triplets import Triplets


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
        notes: what could not be looked at, and why.
    """

    dominance: list[DominanceRow] = field(default_factory=list)
    selectivity: list[Columns] = field(default_factory=list)
    complexity: list[ComplexityRow] = field(default_factory=list)
    complexity_draws: list[Columns] = field(default_factory=list)
    same_word: list[SameWordRow] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    shares: dict[str, Float[np.ndarray, " feature"]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Examiner:
    """Asks a sonification what the article asked, layer by layer.

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

    def live_ids(self, unit: str, layer: str) -> Int[np.ndarray, "feature k"]:
        """The best segments of every feature; none of a dead one, which all drive alike."""
        dead = self.found.activity[layer].dead != ""
        return np.where(dead[:, None], -1, self.found.tops[unit][layer].ids)

    def speakers(self, attributes: Sequence[str] | None) -> None:
        """Dominance by, and selectivity for, groups of speakers; trends over depth."""
        units = [unit for unit in self.found.tops if unit in NAMED_UNITS]
        for attribute in self.voices.attributes() if attributes is None else attributes:
            everybody = self.voices.groups(attribute)
            if everybody.objection:
                self.findings.notes.append(f"{attribute}: {everybody.objection}")
            for unit in units:
                registry = self.found.units.registries[unit]
                names = self.voices.names_of(registry)
                groups = self.voices.groups(attribute, registry)
                draws = draw_speakers(
                    groups, self.voices.seed, n_replicates=len(self.voices.weights)
                )
                layers = {
                    layer: layer_dominance(self.live_ids(unit, layer), names, groups, draws)
                    for layer in self.depths
                }
                self._dominance(unit, attribute, layers)

    def _dominance(self, unit: str, attribute: str, layers: dict[str, LayerDominance]) -> None:
        found = self.findings
        found.dominance += dominance_rows(self.name, unit, layers, self.depths)
        for layer, dominance in layers.items():
            found.selectivity.append(self._selectivity(unit, attribute, layer, dominance))
        groups = next(iter(layers.values())).groups
        if attribute == SEX:
            found.claims += [
                dominance_claim(self.name, unit, group, layers, self.depths)
                for group in groups.names
            ]
            if not found.shares and "male" in groups.names:
                male = groups.names.index("male")
                found.shares = {n: one.selectivity.shares[:, male] for n, one in layers.items()}

    def _selectivity(
        self, unit: str, attribute: str, layer: str, dominance: LayerDominance
    ) -> Columns:
        names = np.array(dominance.groups.names, object)
        of = dominance.selectivity
        feature, group = (axis.ravel() for axis in np.indices(of.shares.shape))
        place = {"unit": unit, "attribute": attribute, "layer": layer}
        columns = {key: np.full(len(feature), text, object) for key, text in place.items()}
        return columns | {
            "depth": np.full(len(feature), self.depths[layer]),
            "feature": feature,
            "group": names[group] if len(names) else np.zeros(0, object),
            "share": of.shares.ravel(),
            "p": of.p[feature],
            "q": of.q[feature],
            "favourite": of.favourite[feature] == group,
        }

    def complexity(self) -> None:
        """Phones per activating word, and in the best of all phone n-grams.

        N-grams of unlike lengths are compared by how far each is above the mean of its length, in
        standard deviations: by the activation itself the shortest would always win.
        """
        if not len(self.found.units.tiers["phone"]):
            self.findings.notes.append("complexity: no utterance has an alignment of its phones")
            return
        if "words" in self.found.tops:
            registry = self.found.units.registries["words"]
            self._complexity("words", phones_inside(registry, self.found.units.tiers["phone"]),
                             self.voices.of_segment(registry),
                             {n: self.live_ids("words", n) for n in self.depths})  # fmt: skip
        searched = compared_ngrams(self.found.tops)
        if searched:
            registries = [self.found.units.registries[unit] for unit in searched]
            offsets = np.cumsum([0, *(len(registry) for registry in registries)])[:-1].tolist()
            phones = np.concatenate([np.full(len(r), float(r.parts.shape[1])) for r in registries])
            speaker = np.concatenate([self.voices.of_segment(r) for r in registries])
            ids = {
                layer: union_top(
                    [
                        self.found.moments[unit][layer].standardised(
                            self.found.tops[unit][layer].scores
                        )
                        for unit in searched
                    ],
                    [self.live_ids(unit, layer) for unit in searched],
                    offsets,
                    self.found.settings.k,
                )[1]
                for layer in self.depths
            }
            self._complexity(UNION, phones, speaker, ids)

    def _complexity(
        self,
        unit: str,
        phones: Float[np.ndarray, " segment"],
        speaker: Int[np.ndarray, " segment"],
        ids: dict[str, Int[np.ndarray, "feature k"]],
    ) -> None:
        layers = {
            layer: layer_complexity(best, phones, speaker, self.voices.weights)
            for layer, best in ids.items()
        }
        base = float(np.nanmean(phones)) if np.isfinite(phones).any() else None
        speakers = len(np.unique(speaker[np.isfinite(phones)]))
        self.findings.complexity += complexity_rows(
            self.name, unit, layers, self.depths, base, speakers
        )
        self.findings.complexity_draws += list(self._draws(unit, layers))
        means = {layer: complexity.mean for layer, complexity in layers.items()}
        claim = complexity_claim(self.name, unit, means, self.depths)
        self.findings.claims.append(hedged(claim, speakers))

    def _draws(self, unit: str, layers: dict[str, LayerComplexity]) -> Iterator[Columns]:
        for layer, complexity in layers.items():
            drawn = np.append(complexity.mean.value, complexity.mean.replicates)
            yield {
                "unit": np.full(len(drawn), unit, object),
                "layer": np.full(len(drawn), layer, object),
                "depth": np.full(len(drawn), self.depths[layer]),
                "replicate": np.arange(len(drawn)) - 1,  # -1: what was found
                "mean": drawn,
            }

    def same_word(self, triplets: Triplets) -> None:
        """Overlaps of the features that a word activates in two speakers."""
        if not self.found.words or not len(triplets.anchor):
            why = "no word is said by two speakers of one sex and one of the other"
            self.findings.notes.append(f"same word: {why}")
            return
        words = self.found.units.tiers["word"]
        layers = {
            layer: layer_overlap(
                self.found.words[layer],
                triplets,
                self.voices.of_segment(words),
                self.voices.weights,
            )
            for layer in self.depths
        }
        self.findings.same_word += same_word_rows(self.name, layers, self.depths)
        speakers = len(np.unique(self.voices.of_segment(words)))
        claims = same_word_claims(self.name, layers, self.depths)
        self.findings.claims += [hedged(claim, speakers) for claim in claims]


def phones_inside(segments: Registry, phones: Registry) -> Float[np.ndarray, " segment"]:
    """Phones that are heard in each segment; NaN in utterances of which no phone is known."""
    place, _ = items_inside(segments, np.arange(len(segments)), phones)
    count = np.bincount(place, minlength=len(segments)).astype(float)
    known = np.isin(segments.owner, phones.owner)
    return np.where(known, count, np.nan)
