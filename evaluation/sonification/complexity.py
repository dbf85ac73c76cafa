"""Complexity over depth: the rows of its table, and the claims that it rises.

Two numbers are followed: the mean phones of a layer's activating segments, as in the article, and
its excess over the same of moved segments. The first rises with the memory of the layers alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from evaluation.bootstrap import Estimate
from evaluation.sonification.depth_trend import (
    FEWEST_LAYERS,
    Claim,
    bootstrap_trend,
    trend_claim,
    unknown_claim,
)
from evaluation.sonification.layer_complexity import LayerComplexity

UNION = "ngrams"
"""Name of the union of the n-gram units in tables."""
MEMORY = "Longer memory alone raises it: see how it goes beyond moved segments."


@dataclass(frozen=True, slots=True)
class ComplexityRow:
    """Phones per activating segment in one layer (complexity.csv).

    `base` is the mean over all segments that were searched. `null` is what the layer shows on
    segments of the same lengths at other places of their utterances: what features that hear
    nothing in particular, but remember for as long, would show. `excess` is the mean above it.
    """

    model: str
    layer: str
    depth: int
    unit: str
    n_features: int
    n_empty: int
    minimum: float | None
    mean: float | None
    ci_low: float | None
    ci_high: float | None
    maximum: float | None
    base: float | None
    null: float | None = None
    excess: float | None = None
    excess_low: float | None = None
    excess_high: float | None = None
    n_speakers: int = 0


def complexity_rows(
    model: str,
    unit: str,
    layers: Mapping[str, LayerComplexity],
    depths: Mapping[str, int],
    base: float | None,
    n_speakers: int = 0,
) -> list[ComplexityRow]:
    """The rows of complexity.csv of one model and unit.

    Args:
        model: where it is looked at.
        unit: of search.
        layers: complexity by layer.
        depths: of the layers.
        base: mean over all segments.
        n_speakers: who said them.
    """
    rows = []
    for layer, found in layers.items():
        known = found.of_feature[np.isfinite(found.of_feature)]
        mean, low, high = _spelled(found.mean)
        null, _, _ = _spelled(found.null)
        excess, excess_low, excess_high = _spelled(found.excess)
        rows.append(
            ComplexityRow(
                model=model,
                layer=layer,
                depth=depths[layer],
                unit=unit,
                n_features=len(found.of_feature),
                n_empty=len(found.of_feature) - len(known),
                minimum=float(known.min()) if len(known) else None,
                mean=mean,
                ci_low=low,
                ci_high=high,
                maximum=float(known.max()) if len(known) else None,
                base=base,
                null=null,
                excess=excess,
                excess_low=excess_low,
                excess_high=excess_high,
                n_speakers=n_speakers,
            )
        )
    return rows


def _spelled(estimate: Estimate | None) -> tuple[float | None, float | None, float | None]:
    """The number and its interval, as far as there is one."""
    if estimate is None or not np.isfinite(estimate.value):
        return None, None, None
    return estimate.value, *(estimate.interval() or (None, None))


def complexity_claim(
    model: str,
    unit: str,
    means: Mapping[str, Estimate],
    depths: Mapping[str, int],
    less: str = "",
    beyond_moved: bool = False,
) -> Claim:
    """Does it rise with depth?

    Args:
        model: where it is looked at.
        unit: of search.
        means: complexity, or its excess, by layer; all from the same draws of speakers.
        depths: of the layers.
        less: the model whose means have been taken off, if any.
        beyond_moved: whether `means` are the excess over moved segments.
    """
    what = "mean phones per activating segment" + " beyond moved segments" * beyond_moved
    what += f" ({unit})" + (f", less {less}," if less else "")
    known = {name: mean for name, mean in means.items() if np.isfinite(mean.value)}
    if len(known) < FEWEST_LAYERS:
        why = f"fewer than {FEWEST_LAYERS} layers of {model} have segments with known phones"
        return unknown_claim("complexity", model, unit, what, why)
    trend = bootstrap_trend([float(depths[layer]) for layer in known], list(known.values()))
    claim = trend_claim("complexity", model, unit, what, trend, rises=True, per="phones")
    return claim if beyond_moved else replace(claim, sentence=f"{claim.sentence} {MEMORY}")
