"""Layers and sets of features in the order of search, and which of them are sorted together.

Sorting many small layers costs as much as one large one; sorting all at once would need the scores
of all features.
"""

from collections.abc import Mapping, Sequence

from asr_models.layer import Layer
from evaluation.sonification.result import Searched


def searched_layers(
    layers: Sequence[Layer], sets: Mapping[str, Mapping[str, Sequence[int]]]
) -> dict[str, Searched]:
    """Every layer, and behind it its sets.

    Args:
        layers: in order of depth.
        sets: of every layer, by name; see `sets_by_layer`.
    """
    found = {}
    for layer in layers:
        found[layer.name] = Searched(layer.name, layer.depth, layer.features)
        found |= {name: Searched(layer.name, layer.depth, 1) for name in sets[layer.name]}
    return found


def grouped(features: Mapping[str, int], most: int = 4096) -> list[dict[str, int]]:
    """Consecutive layers that are sorted together.

    Args:
        features: of each layer.
        most: features of a group, unless a single layer has more.
    """
    groups: list[dict[str, int]] = [{}]
    for name, size in features.items():
        if groups[-1] and sum(groups[-1].values()) + size > most:
            groups.append({})
        groups[-1][name] = size
    return groups
