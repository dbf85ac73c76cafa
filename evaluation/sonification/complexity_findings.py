"""Complexity of all layers: phones per activating word, and in the best of all their n-grams."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from evaluation.sonification.complexity import UNION, complexity_claim, complexity_rows
from evaluation.sonification.contents import items_inside
from evaluation.sonification.depth_trend import hedged
from evaluation.sonification.describe import Columns
from evaluation.sonification.findings import Examiner
from evaluation.sonification.layer_complexity import LayerComplexity, layer_complexity, union_top
from evaluation.sonification.registry import Registry
from evaluation.sonification.unit_names import compared_ngrams

TopIds = Mapping[str, Int[np.ndarray, "feature k"]]
"""Best segments by layer."""


def find_complexity(asked: Examiner) -> None:
    """How many phones are in what drives features, and in moved segments where those were searched.

    N-grams of unlike lengths are compared by how far each is above the mean of its length, in
    standard deviations: by the activation itself the shortest would always win.

    Args:
        asked: its findings are added to.
    """
    found, voices = asked.found, asked.voices
    phones = found.units.tiers["phone"]
    if not len(phones):
        asked.findings.notes.append("complexity: no utterance has an alignment of its phones")
        return
    if "words" in found.tops:
        words = found.units.registries["words"]
        ids, moved = (_tops(asked, "words", where) for where in (False, True))
        inside = phones_inside(words, phones)
        _tell(asked, "words", inside, voices.of_segment(words), ids, moved)
    ngrams = compared_ngrams(found.tops)
    if ngrams:
        registries = [found.units.registries[unit] for unit in ngrams]
        inside = np.concatenate([np.full(len(r), float(r.parts.shape[1])) for r in registries])
        speaker = np.concatenate([voices.of_segment(r) for r in registries])
        ids, moved = (_union(asked, ngrams, where) for where in (False, True))
        _tell(asked, UNION, inside, speaker, ids, moved)


def phones_inside(segments: Registry, phones: Registry) -> Float[np.ndarray, " segment"]:
    """Phones that are heard in each segment; NaN in utterances of which no phone is known."""
    place, _ = items_inside(segments, np.arange(len(segments)), phones)
    count = np.bincount(place, minlength=len(segments)).astype(float)
    known = np.isin(segments.owner, phones.owner)
    return np.where(known, count, np.nan)


def _tops(asked: Examiner, unit: str, moved: bool) -> TopIds:
    """Of one unit of search; none where moved segments are asked for that were not searched."""
    if moved and unit not in asked.found.moved_tops:
        return {}
    return {layer: asked.live_ids(unit, layer, moved) for layer in asked.depths}


def _union(asked: Examiner, ngrams: Sequence[str], moved: bool) -> TopIds:
    """Of the n-grams together, ids counted through their registries one after another."""
    found = asked.found
    tops = found.moved_tops if moved else found.tops
    moments = found.moved_moments if moved else found.moments
    if not set(ngrams) <= set(tops):
        return {}
    registries = [found.units.registries[unit] for unit in ngrams]
    offsets = np.cumsum([0, *(len(registry) for registry in registries)])[:-1].tolist()
    limit = found.settings.limit
    owners = np.concatenate([r.owners(limit) for r in registries]) if limit else None
    return {
        layer: union_top(
            [moments[unit][layer].standardised(tops[unit][layer].scores) for unit in ngrams],
            [asked.live_ids(unit, layer, moved) for unit in ngrams],
            offsets,
            found.settings.k,
            owners,
        )[1]
        for layer in asked.depths
    }


def _tell(
    asked: Examiner,
    unit: str,
    n_phones: Float[np.ndarray, " segment"],
    speaker: Int[np.ndarray, " segment"],
    ids: TopIds,
    moved: TopIds,
) -> None:
    """Rows, draws and claims of one unit."""
    findings, depths = asked.findings, asked.depths
    layers = {
        layer: layer_complexity(best, n_phones, speaker, asked.voices.weights, moved.get(layer))
        for layer, best in ids.items()
    }
    known = np.isfinite(n_phones)
    base = float(n_phones[known].mean()) if known.any() else None
    speakers = len(np.unique(speaker[known]))
    findings.complexity += complexity_rows(asked.name, unit, layers, depths, base, speakers)
    findings.complexity_draws += list(_draws(unit, layers, depths))
    means = {layer: found.mean for layer, found in layers.items()}
    excesses = {layer: found.excess for layer, found in layers.items() if found.excess is not None}
    claims = [complexity_claim(asked.name, unit, means, depths)]
    if excesses:
        claims.append(complexity_claim(asked.name, unit, excesses, depths, beyond_moved=True))
    findings.claims += [hedged(claim, speakers) for claim in claims]


def _draws(
    unit: str, layers: Mapping[str, LayerComplexity], depths: Mapping[str, int]
) -> Iterator[Columns]:
    for layer, found in layers.items():
        mean = np.append(found.mean.value, found.mean.replicates)
        excess = found.excess
        yield {
            "unit": np.full(len(mean), unit, object),
            "layer": np.full(len(mean), layer, object),
            "depth": np.full(len(mean), depths[layer]),
            "replicate": np.arange(len(mean)) - 1,  # -1: what was found
            "mean": mean,
            "excess": np.full(len(mean), np.nan)
            if excess is None
            else np.append(excess.value, excess.replicates),
        }
