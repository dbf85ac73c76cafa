"""Named sets of features, whose mean is searched as if it were one feature."""

from collections.abc import Mapping, Sequence

from acoustics.errors import UserError
from asr_models.layer import Layer


def sets_by_layer(
    sets: Mapping[str, Sequence[int]], layers: Sequence[Layer]
) -> dict[str, dict[str, list[int]]]:
    """Sorts sets by their layer, under their full names.

    Args:
        sets: `layer:name` to the features that belong to it, counted from 0.
        layers: those that are searched.

    Raises:
        UserError: a key has no layer that is searched, or a set is empty or has a feature twice or
            one that the layer lacks.
    """
    known = {layer.name: layer.features for layer in layers}
    found: dict[str, dict[str, list[int]]] = {name: {} for name in known}
    for key, features in sets.items():
        layer, colon, name = key.partition(":")
        if not (colon and name) or layer not in known:
            raise UserError(
                f"feature set '{key}' must be called layer:name, with one of the layers "
                f"searched: {', '.join(known)}"
            )
        chosen = [int(feature) for feature in features]
        if not chosen or len(set(chosen)) < len(chosen):
            raise UserError(f"feature set '{key}' must name one or more features, each once")
        if min(chosen) < 0 or max(chosen) >= known[layer]:
            raise UserError(
                f"feature set '{key}': {layer} has features 0 to {known[layer] - 1}, "
                f"not {min(chosen) if min(chosen) < 0 else max(chosen)}"
            )
        found[layer][key] = chosen
    return found
