"""How complex is what drives a feature? Phones per activating word, or per activating n-gram.

The complexity of a feature is the mean number of phones in its top words, or in the top k of the
union of all phone n-grams (Ghiasi et al. 2021); a layer is told by the minimum, mean and maximum
over its features.

The interval of the mean is a bootstrap over speakers. A layer's features are no sample: all of them
were looked at, and they share segments, so a bootstrap over features would take one loud word that
drives fifty of them for fifty findings. What could have been different is who spoke.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from evaluation.bootstrap import Estimate
from evaluation.sonification.by_speaker import sum_by_speaker
from evaluation.sonification.depth_trend import (
    FEWEST_LAYERS,
    Claim,
    bootstrap_trend,
    trend_claim,
    unknown_claim,
)

UNION = "ngrams"
"""Name of the union of the n-gram units in tables."""


@dataclass(frozen=True, slots=True)
class ComplexityRow:
    """Phones per activating segment in one layer (complexity.csv).

    `base` is the mean over all segments that were searched: what features that hear nothing in
    particular would show.
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
    n_speakers: int = 0


@dataclass(frozen=True)
class LayerComplexity:
    """Complexity of one layer.

    Attributes:
        of_feature: mean phones of its top segments, NaN where there are none, shape (feature,).
        mean: over the features that have segments, with replicates over speakers.
    """

    of_feature: Float[np.ndarray, " feature"]
    mean: Estimate


def union_top(
    scores: Sequence[Float[np.ndarray, "feature _"]],
    ids: Sequence[Int[np.ndarray, "feature _"]],
    offsets: Sequence[int],
    k: int,
) -> tuple[Float[np.ndarray, "feature k"], Int[np.ndarray, "feature k"]]:
    """The top k of the union of several searches, exact if each found at least k where there are k.

    Args:
        scores: of every search, in any order; NaN where there is none.
        ids: segments, -1 where a place is empty.
        offsets: what is added to the ids of each search, so that segments of different searches
            differ; the union's registry is the searches' registries one after the other.
        k: places.

    Returns:
        Scores, falling, and ids; ties go to the earlier search, then to the better place in it.
        Empty places have -inf and -1.
    """
    shifted = [np.where(i >= 0, i + offset, -1) for i, offset in zip(ids, offsets, strict=True)]
    all_ids, all_scores = np.concatenate(shifted, axis=1), np.concatenate(scores, axis=1)
    all_scores = np.where((all_ids >= 0) & ~np.isnan(all_scores), all_scores, -np.inf)
    order = np.argsort(-all_scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(all_scores, order, 1), np.take_along_axis(all_ids, order, 1)


def layer_complexity(
    ids: Int[np.ndarray, "feature k"],
    n_phones: Float[np.ndarray, " segment"],
    speaker: Int[np.ndarray, " segment"],
    weights: Int[np.ndarray, "replicate speaker"],
) -> LayerComplexity:
    """Complexity of a layer's features from their top segments.

    Args:
        ids: top segments, -1 where a place is empty.
        n_phones: phones in each segment; NaN where they are not known, which is not counted.
        speaker: index of each segment's speaker.
        weights: from `bootstrap.speaker_weights`, the same for all layers and models.
    """
    known = np.where(np.isfinite(n_phones), speaker, -1)
    n_speakers = weights.shape[1]
    phones = sum_by_speaker(ids, known, n_speakers, np.nan_to_num(n_phones))
    counts = sum_by_speaker(ids, known, n_speakers)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_feature = phones.sum(1) / counts.sum(1)
        drawn = (phones @ weights.T) / (counts @ weights.T)  # (feature, replicate)
    replicates = _mean_of_known(drawn)
    value = float(_mean_of_known(of_feature[:, None])[0])
    if np.isfinite(replicates).any():  # a feature of few speakers is in few draws: no bias by that
        replicates = replicates - np.nanmean(replicates) + value
    if (counts.sum(0) > 0).sum() < 2:  # nothing is known of other speakers
        replicates = np.full(len(weights), np.nan)
    return LayerComplexity(of_feature, Estimate(value, replicates))


def _mean_of_known(values: Float[np.ndarray, "feature case"]) -> Float[np.ndarray, " case"]:
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0.0).sum(0) / known.sum(0)


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
        place = model, layer, depths[layer], unit, len(found.of_feature)
        empty = len(found.of_feature) - len(known)
        if not len(known):
            nothing = (None, None, None, None, None)
            rows.append(ComplexityRow(*place, empty, *nothing, base, n_speakers))
            continue
        low, high = found.mean.interval() or (None, None)
        numbers = float(known.min()), found.mean.value, low, high, float(known.max())
        rows.append(ComplexityRow(*place, empty, *numbers, base, n_speakers))
    return rows


def complexity_claim(
    model: str, unit: str, means: Mapping[str, Estimate], depths: Mapping[str, int], less: str = ""
) -> Claim:
    """Does the mean rise with depth?

    Args:
        model: where it is looked at.
        unit: of search.
        means: by layer; all from the same draws of speakers.
        depths: of the layers.
        less: the model whose means have been taken off, if any.
    """
    what = f"mean phones per activating segment ({unit})" + (f", less {less}," if less else "")
    known = {name: mean for name, mean in means.items() if np.isfinite(mean.value)}
    if len(known) < FEWEST_LAYERS:
        why = f"fewer than {FEWEST_LAYERS} layers of {model} have segments with known phones"
        return unknown_claim("complexity", model, unit, what, why)
    trend = bootstrap_trend([float(depths[layer]) for layer in known], list(known.values()))
    return trend_claim("complexity", model, unit, what, trend, rises=True, per="phones")
