"""How complex is what drives a feature? Phones per activating word, or per activating n-gram.

The complexity of a feature is the mean number of phones in its top words, or in the top k of the
union of all phone n-grams (Ghiasi et al. 2021).

The interval of a layer's mean is a bootstrap over speakers. Its features are no sample: all of them
were looked at, and they share segments, so a bootstrap over features would take one loud word that
drives fifty of them for fifty findings. What could have been different is who spoke.

A layer that remembers for longer prefers longer segments whatever it hears (see `moved`). So each
layer has a null of its own, the same of moved segments; what is said in the segments can only be
in the excess over it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from evaluation.bootstrap import Estimate
from evaluation.sonification.by_speaker import sum_by_speaker


@dataclass(frozen=True)
class LayerComplexity:
    """Complexity of one layer.

    Attributes:
        of_feature: mean phones of its top segments, NaN where there are none, shape (feature,).
        mean: over the features that have segments, with replicates over speakers.
        null: the same of moved segments, if they were searched; from the same draws.
    """

    of_feature: Float[np.ndarray, " feature"]
    mean: Estimate
    null: Estimate | None = None

    @property
    def excess(self) -> Estimate | None:
        """Phones by which the mean is above the null."""
        return None if self.null is None else self.mean - self.null


def union_top(
    scores: Sequence[Float[np.ndarray, "feature _"]],
    ids: Sequence[Int[np.ndarray, "feature _"]],
    offsets: Sequence[int],
    k: int,
    owners: Int[np.ndarray, " segment"] | None = None,
) -> tuple[Float[np.ndarray, "feature k"], Int[np.ndarray, "feature k"]]:
    """The top k of the union of several searches, exact if each found at least k where there are k.

    Args:
        scores: of every search, in any order; NaN where there is none.
        ids: segments, -1 where a place is empty.
        offsets: what is added to the ids of each search, so that segments of different searches
            differ; the union's registry is the searches' registries one after the other.
        k: places.
        owners: of every segment of the union, of whom the best one is kept (None: no limit); then
            each search must have kept one of an owner at most.

    Returns:
        Scores, falling, and ids; ties go to the earlier search, then to the better place in it.
        Empty places have -inf and -1.
    """
    shifted = [np.where(i >= 0, i + offset, -1) for i, offset in zip(ids, offsets, strict=True)]
    all_ids, all_scores = np.concatenate(shifted, axis=1), np.concatenate(scores, axis=1)
    all_ids, all_scores = _falling(all_ids, np.where(np.isnan(all_scores), -np.inf, all_scores))
    if owners is not None:
        owner = np.where(all_ids >= 0, owners[all_ids], -1)
        together = np.argsort(owner, axis=1, kind="stable")  # each owner's segments, best first
        owner = np.take_along_axis(owner, together, 1)
        again = np.zeros_like(all_ids, dtype=bool)
        np.put_along_axis(again, together[:, 1:], owner[:, 1:] == owner[:, :-1], 1)
        all_ids, all_scores = _falling(all_ids, np.where(again, -np.inf, all_scores))
    return all_scores[:, :k], all_ids[:, :k]


def _falling(
    ids: Int[np.ndarray, "feature candidate"], scores: Float[np.ndarray, "feature candidate"]
) -> tuple[Int[np.ndarray, "feature candidate"], Float[np.ndarray, "feature candidate"]]:
    """Sorted by score, ties as they were; what has no segment or a score of -inf is empty."""
    scores = np.where(ids >= 0, scores, -np.inf)
    ids = np.where(scores > -np.inf, ids, -1)
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(ids, order, 1), np.take_along_axis(scores, order, 1)


def layer_complexity(
    ids: Int[np.ndarray, "feature k"],
    n_phones: Float[np.ndarray, " segment"],
    speaker: Int[np.ndarray, " segment"],
    weights: Int[np.ndarray, "replicate speaker"],
    moved: Int[np.ndarray, "feature k"] | None = None,
) -> LayerComplexity:
    """Complexity of a layer's features from their top segments.

    Args:
        ids: top segments, -1 where a place is empty.
        n_phones: phones in each segment; NaN where they are not known, which is not counted.
        speaker: index of each segment's speaker.
        weights: from `bootstrap.speaker_weights`, the same for all layers and models.
        moved: top segments among the moved ones, whose ids, phones and speakers are the same.
    """
    of_feature, mean = _complexity(ids, n_phones, speaker, weights)
    null = None if moved is None else _complexity(moved, n_phones, speaker, weights)[1]
    return LayerComplexity(of_feature, mean, null)


def _complexity(
    ids: Int[np.ndarray, "feature k"],
    n_phones: Float[np.ndarray, " segment"],
    speaker: Int[np.ndarray, " segment"],
    weights: Int[np.ndarray, "replicate speaker"],
) -> tuple[Float[np.ndarray, " feature"], Estimate]:
    """Mean phones of every feature's segments, and the mean over features."""
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
    return of_feature, Estimate(value, replicates)


def _mean_of_known(values: Float[np.ndarray, "feature case"]) -> Float[np.ndarray, " case"]:
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0.0).sum(0) / known.sum(0)
