"""What features do on the corpus: the strongest segment of each, and what is said there."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evaluation.sonification.clips import clip_paths
from evaluation.sonification.contents import spoken
from evaluation.sonification.result import Sonification

UNIT = "segments"


@dataclass(frozen=True)
class Speech:
    """What features do on the corpus.

    Attributes:
        found: of the search.
        model: name of the recogniser in the tables.
    """

    found: Sonification
    model: str

    def strongest(self, layer: str) -> Float[np.ndarray, " feature"]:
        """Score of every feature's strongest segment, NaN where there is none."""
        return self.found.tops[UNIT][layer].scores[:, 0].astype(float)

    def mean(self, layer: str) -> Float[np.ndarray, " feature"]:
        """Mean of every feature over all states."""
        return self.found.activity[layer].mean.astype(float)

    def span(self, layer: str) -> Float[np.ndarray, " feature"]:
        """What lies between the two; 0 where a feature never varies."""
        span = self.strongest(layer) - self.mean(layer)
        return np.where(np.isfinite(span), span, 0.0).clip(min=0)

    def scale(self, layer: str) -> Float[np.ndarray, " feature"]:
        """The same as the unit of weights: 1 where a feature never varies."""
        return np.where(self.span(layer) > 0, self.span(layer), 1.0)

    def segment(self, layer: str, feature: int) -> int:
        """The strongest segment of a feature, -1 if there is none."""
        return int(self.found.tops[UNIT][layer].ids[feature, 0])

    def said(self, segment: int) -> dict[str, str | float | None]:
        """Where a segment is, and what is said there."""
        if segment < 0:
            empty = dict.fromkeys(("utterance", "words", "phones", "clip"), "")
            return {**empty, "start_s": None, "end_s": None}
        registry, ids = self.found.units.registries[UNIT], np.array([segment])
        tiers = self.found.units.tiers
        return {
            "utterance": str(registry.utterance[segment]),
            "start_s": round(float(registry.start_s[segment]), 4),
            "end_s": round(float(registry.end_s[segment]), 4),
            "words": spoken(registry, ids, tiers["word"])[0],
            "phones": spoken(registry, ids, tiers["phone"])[0],
            "clip": clip_paths(registry, ids)[0],
        }
