"""How one layer's features are active, with replicates over speakers in the size of a result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from evaluation.bootstrap import Estimate
from evaluation.sonification.activity_pattern import ActivityPattern, Pattern

QUANTILES = np.linspace(0.05, 0.95, 19)


class Profile(NamedTuple):
    """Quantiles of the measures over a layer's active features, NaN where none is active.

    Attributes:
        found: shape (measure, quantile).
        drawn: of each draw of speakers, shape (measure, replicate, quantile).
    """

    found: Float[np.ndarray, "measure quantile"]
    drawn: Float[np.ndarray, "measure replicate quantile"]


@dataclass(frozen=True)
class LayerActivity:
    """Measures of one layer.

    Attributes:
        features: of each feature, shape (feature,).
        means: over the features that were ever active, by measure.
        profile: where it was asked for.
    """

    features: Pattern
    means: Mapping[str, Estimate]
    profile: Profile | None


def layer_activity(
    pattern: ActivityPattern, weights: Int[np.ndarray, "replicate speaker"], profiled: bool = False
) -> LayerActivity:
    """What was gathered of a layer; replicates of single features are gone when it returns.

    Args:
        pattern: of the layer.
        weights: the same for all layers.
        profiled: whether quantiles are wanted, for distances between layers.
    """
    features, drawn = pattern.compute(), pattern.weighted(weights)
    means = {
        measure: Estimate(
            float(_mean(getattr(features, measure)[None])[0]), _mean(getattr(drawn, measure))
        )
        for measure in Pattern._fields
    }
    profile = Profile(_quantiles(features)[:, 0], _quantiles(drawn)) if profiled else None
    return LayerActivity(features, means, profile)


def scaled(pattern: Pattern) -> list[Float[np.ndarray, "case feature"]]:
    """Measures as they are compared: lengths by their logarithm."""
    with np.errstate(invalid="ignore"):
        each = pattern.active_share, np.log(pattern.length_s), pattern.spikiness
    return [np.atleast_2d(measure) for measure in each]


def _quantiles(pattern: Pattern) -> Float[np.ndarray, "measure case quantile"]:
    found = []
    for values in scaled(pattern):
        silent = np.isnan(values).all(1)
        filled = np.where(silent[:, None], 0.0, values)
        quantiles = np.nanquantile(filled, QUANTILES, axis=1).T
        found.append(np.where(silent[:, None], np.nan, quantiles))
    return np.stack(found)


def _mean(values: Float[np.ndarray, "case feature"]) -> Float[np.ndarray, " case"]:
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0.0).sum(1) / known.sum(1)
