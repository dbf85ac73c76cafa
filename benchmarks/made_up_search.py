"""What a search of dataset sonification might have found in a network: drawn, not heard.

Every feature likes one word, and women's or men's voices, less so with depth; some are dead.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from asr_models.jasper import PAPER, jasper_layers
from asr_models.layer import Layer
from evaluation.sonification.activity import NEVER_ACTIVE, QUANTILES, Activity
from evaluation.sonification.contents import label_matrix
from evaluation.sonification.registry import Registry
from evaluation.sonification.result import DiscardedTable, Searched, Sonification
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.top_segments import Top
from evaluation.sonification.units import SpeechUnits
from evaluation.sonification.word_table import LabelMeans, table_labels
from evaluation.sonification.word_triplets import WordActivations

HOP = 160  # samples
DEAD = 0.03
LIKED = 0.5  # what a liked word adds to a score, which is from 0 to 1 else
LABELS = 40


def made_up_layers(features: int, blocks: int = 10, sub_blocks: int = 5) -> dict[str, Layer]:
    """Layers as of Jasper, whose widths are the article's scaled to so many features in all.

    Args:
        features: of all layers.
        blocks: with the prologue and two stages of the epilogue around them.
        sub_blocks: of each block.
    """
    first, *middle, wide, last = PAPER["widths"]
    places = np.linspace(0, len(middle) - 1, blocks).round().astype(int)
    widths = np.array([first, *(middle[i] for i in places), wide, last])
    layers = jasper_layers(widths.tolist(), sub_blocks, HOP)
    wished = np.array([layer.features for layer in layers.values()])
    ends = np.rint(np.cumsum(wished) * features / wished.sum()).astype(int)
    sizes = np.diff(ends, prepend=0).tolist()
    return {
        name: replace(layer, width=size, features=size)
        for (name, layer), size in zip(layers.items(), sizes, strict=True)
    }


def made_up_search(
    units: SpeechUnits, layers: Mapping[str, Layer], kept: np.ndarray, seed: int, k: int = 20
) -> Sonification:
    """Draws it.

    Args:
        units: of search.
        layers: of the network.
        kept: occurrences of words whose activations are wanted, sorted.
        seed: of all draws.
        k: segments of each feature.
    """
    rng = np.random.default_rng(seed)
    labels = {tier: table_labels(items, LABELS) for tier, items in units.tiers.items()}
    found = Sonification(
        units, SearchSettings(k=k, most_labels=LABELS),
        searched={name: Searched(name, one.depth, one.features) for name, one in layers.items()},
        tops={unit: {} for unit in units.registries},
        tables={tier: DiscardedTable(of, {}) for tier, of in labels.items()},
        activity={}, moments={}, words={}, heard=np.ones(len(units.utterances), bool), lost={},
    )  # fmt: skip
    liked = {
        unit: label_matrix(registry, np.arange(len(registry)), units.tiers["word"]).toarray().T
        for unit, registry in units.registries.items()
    }
    for name, layer in layers.items():
        size, shallow = layer.features, 1 - layer.depth / (len(layers) + 1)
        word = rng.integers(len(units.tiers["word"].names), size=size)
        lean = 0.5 * shallow * rng.standard_normal((size, 1)).astype(np.float32)
        for unit, registry in units.registries.items():
            women = (registry.sex == "female").astype(np.float32)
            wish = lean * women + LIKED * liked[unit][word].astype(np.float32)
            found.tops[unit][name] = _top(rng, registry, wish, k)
        found.activity[name] = _activity(rng, size, shallow)
        for table in found.tables.values():
            table.means[name] = _means(rng, len(table.labels.names), size)
        rows = rng.gamma(0.5, 2, (len(kept), size))
        found.words[name] = WordActivations(kept, rows, np.ones(size))
    return found


def _top(rng: np.random.Generator, registry: Registry, wish: np.ndarray, k: int) -> Top:
    scores = rng.random(wish.shape, np.float32) + wish
    most = min(k, len(registry))
    ids = np.argpartition(-scores, most - 1, axis=1)[:, :most]
    order = np.argsort(-np.take_along_axis(scores, ids, 1), axis=1)
    ids = np.take_along_axis(ids, order, 1)
    best = np.take_along_axis(scores, ids, 1)
    empty = ((0, 0), (0, k - most))
    return Top(
        np.pad(best, empty, constant_values=np.nan),
        np.pad(ids, empty, constant_values=-1),
        np.zeros(len(wish), np.int64),
    )


def _activity(rng: np.random.Generator, size: int, shallow: float) -> Activity:
    dead = rng.random(size) < DEAD
    density = np.where(dead, 0.0, rng.beta(1 + 4 * shallow, 2, size))
    maximum = np.where(dead, 0.0, rng.gamma(4, 1, size))
    quantiles = maximum[:, None] * density[:, None] ** (1 - np.array(QUANTILES))
    zeros = np.zeros(size)
    why = np.where(dead, NEVER_ACTIVE, "").astype(object)
    return Activity(
        100_000, True, density, zeros, density * maximum / 4, zeros, maximum, quantiles, why,
        np.zeros(size, np.int64),
    )  # fmt: skip


def _means(rng: np.random.Generator, labels: int, size: int) -> LabelMeans:
    mean = rng.gamma(2, 1, (labels, size)).astype(np.float32)
    own = mean * rng.uniform(0.8, 1.2, mean.shape).astype(np.float32)
    counted, none = np.full(labels, 10), np.zeros((labels, size), np.int64)
    return LabelMeans(mean, own, counted, none, np.full(size, 2.0, np.float32))
