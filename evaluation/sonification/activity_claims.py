"""The article's claims on activations, measured: density, length and spikiness over depth.

Shallow layers are said to be dense and spiky, deep ones sparse and long (Ghiasi et al. 2021,
"Activation visualization"). Intervals are a bootstrap over speakers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.sonification.activity_pattern import MEASURES
from evaluation.sonification.depth_trend import (
    FEWEST_LAYERS,
    Claim,
    bootstrap_trend,
    trend_claim,
    unknown_claim,
)
from evaluation.sonification.layer_activity import LayerActivity

CLAIMED = {
    "active_share": ("share of active frames", False, ""),
    "length_s": ("length of activations", True, "s"),
    "spikiness": ("spikiness", False, ""),
}
"""By measure: its name, whether it is claimed to rise with depth, its unit."""


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One measure in one layer (activity_pattern.csv): mean over the features that are active."""

    model: str
    layer: str
    depth: int
    measure: str
    n_features: int
    n_silent: int
    mean: float | None
    ci_low: float | None
    ci_high: float | None


def activity_rows(
    model: str, layers: Mapping[str, LayerActivity], depths: Mapping[str, int]
) -> list[ActivityRow]:
    """The rows of activity_pattern.csv of one model, a row per layer and measure."""
    rows = []
    for layer, found in layers.items():
        for measure in MEASURES:
            estimate = found.means[measure]
            of_features = getattr(found.features, measure)
            counts = len(of_features), int(np.isnan(of_features).sum())
            low, high = estimate.interval() or (None, None)
            mean = estimate.value if np.isfinite(estimate.value) else None
            rows.append(ActivityRow(model, layer, depths[layer], measure, *counts, mean, low, high))
    return rows


def activity_claims(
    model: str, layers: Mapping[str, LayerActivity], depths: Mapping[str, int]
) -> list[Claim]:
    """Are deep layers sparser, their activations longer and smoother? A row per measure."""
    claims = []
    for measure, (what, rises, per) in CLAIMED.items():
        means = {name: found.means[measure] for name, found in layers.items()}
        known = {name: mean for name, mean in means.items() if np.isfinite(mean.value)}
        if len(known) < FEWEST_LAYERS:
            why = f"fewer than {FEWEST_LAYERS} layers of {model} are ever active"
            claims.append(unknown_claim("activity", model, "frames", what, why))
            continue
        trend = bootstrap_trend([float(depths[n]) for n in known], list(known.values()))
        claims.append(trend_claim("activity", model, "frames", what, trend, rises, per))
    return claims
