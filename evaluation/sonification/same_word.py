"""The same word by a man and a woman: how much the sets of activated features have in common.

A word activates a feature that it drives to at least 1.5 times its expected value, the mean over
all words (Ghiasi et al. 2021). How alike two sets are is told by their overlap: features in both,
over features in either (Jaccard). Three things are held against it: the same word by two speakers
of one sex, since two utterances always differ; the overlap that two sets of these sizes have by
chance, since dense layers overlap for nothing; and the intervals.

Intervals are a bootstrap over speakers: a pair counts as often as both its speakers were drawn, the
product of their numbers. Words are held fixed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from evaluation.bootstrap import Estimate
from evaluation.sonification.depth_trend import (
    FEWEST_LAYERS,
    Claim,
    bootstrap_trend,
    trend_claim,
    unknown_claim,
)
from evaluation.sonification.word_triplets import Triplets, WordActivations

ACTIVATED = 1.5


@dataclass(frozen=True, slots=True)
class SameWordRow:
    """The same word by two speakers, in one layer (same_word.csv); all are parts, 0 to 1.

    `anchor` and `other` are the sizes of the two sets (parts of the features that are finite),
    `overlap` their Jaccard index, `chance` the one of unrelated sets of these sizes, `alike` that
    of two speakers of one sex, `difference` the two overlaps' (`alike` less `overlap`). Pairs of a
    man and a woman that activate nothing have no overlap and are counted in `n_undefined`.
    """

    model: str
    layer: str
    depth: int
    n_pairs: int
    n_undefined: int
    n_dead: int
    anchor: float | None
    other: float | None
    overlap: float | None
    ci_low: float | None
    ci_high: float | None
    chance: float | None
    alike: float | None
    alike_low: float | None
    alike_high: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None


@dataclass(frozen=True)
class LayerOverlap:
    """Overlaps in one layer; their replicates are from the same draws, those of `chance` too."""

    n_pairs: int
    n_undefined: int
    n_dead: int
    sizes: tuple[float, float]
    across: Estimate
    alike: Estimate
    chance: Estimate


def jaccard(
    first: Bool[np.ndarray, "pair feature"], second: Bool[np.ndarray, "pair feature"]
) -> Float[np.ndarray, " pair"]:
    """Features in both over features in either; NaN where no feature is in either."""
    with np.errstate(invalid="ignore"):
        return (first & second).sum(1) / (first | second).sum(1)


def chance_overlap(
    first: Bool[np.ndarray, "pair feature"],
    second: Bool[np.ndarray, "pair feature"],
    n_features: int | Int[np.ndarray, " pair"],
) -> Float[np.ndarray, " pair"]:
    """Overlap of two sets of these sizes drawn independently from `n_features`, of each pair.

    The expected number in both, over the expected number in either; NaN where both are empty.
    """
    a, b = first.sum(1).astype(float), second.sum(1).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        both = a * b / n_features
        return both / (a + b - both)


def layer_overlap(
    kept: WordActivations,
    triplets: Triplets,
    speakers: Int[np.ndarray, " occurrence"],
    weights: Int[np.ndarray, "replicate speaker"],
    ratio: float = ACTIVATED,
) -> LayerOverlap:
    """Overlaps of one layer over all triplets of which every occurrence came.

    A feature that is not finite in one of a triplet's three occurrences is in none of its sets.

    Args:
        kept: activations of the layer.
        triplets: of occurrences.
        speakers: index of each occurrence's speaker.
        weights: from `bootstrap.speaker_weights`, the same for all layers and models.
        ratio: of the expected value, from which on a feature is activated.
    """
    places = triplets.anchor, triplets.other, triplets.alike
    finite = np.all([np.isfinite(kept.of(place)) for place in places], axis=0)
    came = finite.any(1)
    known, live = finite[came], kept.expected > 0
    anchor, other, alike = (kept.activated(place[came], ratio) & known for place in places)
    across, within = jaccard(anchor, other), jaccard(anchor, alike)
    by = [speakers[place[came]] for place in places]
    chance = chance_overlap(anchor, other, (known & live).sum(1))
    sizes = [_mean(found.sum(1) / known.sum(1)) for found in (anchor, other)]
    return LayerOverlap(
        int(came.sum()),
        int(np.isnan(across).sum()),
        int((~live).sum()),
        (sizes[0], sizes[1]),
        pair_mean(across, by[0], by[1], weights),
        pair_mean(within, by[0], by[2], weights),
        pair_mean(chance, by[0], by[1], weights),
    )


def pair_mean(
    values: Float[np.ndarray, " pair"],
    first: Int[np.ndarray, " pair"],
    second: Int[np.ndarray, " pair"],
    weights: Int[np.ndarray, "replicate speaker"],
) -> Estimate:
    """Mean over pairs of speakers, those without a value left out; NaN replicates draw no pair.

    Args:
        values: of each pair.
        first: index of one speaker of each pair.
        second: of the other one.
        weights: how often each replicate draws each speaker.
    """
    known = np.isfinite(values)
    drawn = weights[:, first[known]] * weights[:, second[known]]
    with np.errstate(invalid="ignore"):
        return Estimate(_mean(values), (drawn @ values[known]) / drawn.sum(1))


def _mean(values: Float[np.ndarray, " pair"]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def same_word_rows(
    model: str, layers: Mapping[str, LayerOverlap], depths: Mapping[str, int]
) -> list[SameWordRow]:
    """The rows of same_word.csv of one model."""
    rows = []
    for layer, found in layers.items():
        place = model, layer, depths[layer], found.n_pairs, found.n_undefined, found.n_dead
        numbers: list[float | None] = [*found.sizes]
        numbers += [*_spell(found.across), _known(found.chance.value), *_spell(found.alike)]
        numbers += _spell(found.alike - found.across)
        rows.append(SameWordRow(*place, *map(_known, numbers)))
    return rows


def _spell(estimate: Estimate) -> list[float | None]:
    return [_known(estimate.value), *(estimate.interval() or (None, None))]


def _known(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def same_word_claims(
    model: str, layers: Mapping[str, LayerOverlap], depths: Mapping[str, int]
) -> list[Claim]:
    """Does the overlap of the sexes rise with depth, beyond chance and beyond one sex's own?"""
    known = {name: o for name, o in layers.items() if np.isfinite(o.across.value + o.alike.value)}
    quantities: Sequence[tuple[str, dict[str, Estimate]]] = [
        (
            "overlap of a word's features between the sexes, less chance,",
            {n: o.across - o.chance for n, o in known.items()},
        ),
        (
            "overlap between the sexes, less that within one sex,",
            {n: o.across - o.alike for n, o in known.items()},
        ),
    ]
    if len(known) < FEWEST_LAYERS:
        why = f"fewer than {FEWEST_LAYERS} layers of {model} have pairs of the same word"
        return [unknown_claim("same word", model, "words", what, why) for what, _ in quantities]
    at = [float(depths[layer]) for layer in known]
    return [
        trend_claim("same word", model, "words", what, bootstrap_trend(at, list(e.values())), True)
        for what, e in quantities
    ]
