"""Which recognisers were studied, as far as the files of a run tell it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import yaml

from evaluation.atlas.catalogue import Atlas
from evaluation.listening import REFERENCE_LAYERS
from evaluation.paper.finished_run import noise_ranges
from evaluation.reading import CONTROL, select, spell


def configuration(text: str) -> dict[str, Any]:
    """A resolved configuration; nothing where it cannot be read."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return values if isinstance(values, dict) else {}


def recognisers_told(atlas: Atlas, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row per model: what it is, how large, what it learnt from, and its own word errors.

    The word errors are those on the natural test speech, by condition; a condition without is None.
    """
    return [
        {
            "name": model,
            "architecture": _architecture(atlas, model, config),
            "size": _size(atlas, model),
            "trained": _trained(atlas, model, config),
            "wer": [_word_errors(atlas, model, condition) for condition in atlas.conditions],
        }
        for model in atlas.models
    ]


def _architecture(atlas: Atlas, model: str, config: Mapping[str, Any]) -> str:
    """Class of the recogniser: of its card, else of the run's configuration."""
    try:
        card = json.loads((atlas.run / f"recognisers/{model}/recogniser.json").read_text("utf-8"))
    except (OSError, ValueError):
        card = config.get("recogniser")
    return class_name(card)


def class_name(named: object) -> str:
    """The last part of a `class_path`; empty where there is none."""
    path = named.get("class_path") if isinstance(named, dict) else None
    return str(path).rpartition(".")[2] if path else ""


def _size(atlas: Atlas, model: str) -> str:
    """As in `9 layers (4 convolution, 5 recurrent), 1,056 features`."""
    layers = atlas.layers[model]
    if not layers:
        return ""
    kinds = Counter(layer.kind for layer in layers)
    text = f"{len(layers)} layers"
    if set(kinds) != {"layer"}:  # what is said where no card tells the kind
        text += f" ({', '.join(f'{count} {kind}' for kind, count in kinds.items())})"
    features = [layer.features for layer in layers if layer.features is not None]
    return text + (f", {sum(features):,} features" if len(features) == len(layers) else "")


def _trained(atlas: Atlas, model: str, config: Mapping[str, Any]) -> str:
    """What the run says that a recogniser learnt from; it has a curve where it was trained here."""
    if model == CONTROL:
        return "nothing: random weights"
    if model not in atlas.folder.recogniser_curves:
        known = (atlas.run / f"recognisers/{model}/recogniser.json").is_file()
        return "not in this run: studied as it came" if known else ""
    try:
        return _told(config[model], config)
    except (LookupError, TypeError, ValueError, AttributeError):
        return "in this run"


def _told(training: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """As in `850 steps on clean speech`."""
    text, share = f"{training['max_steps']:,} steps on ", training["noisy_fraction"]
    text += f"speech with noise in {100 * share:g} %" if share else "clean speech"
    if share:
        text += f" ({', '.join(noise_ranges(config))})"
        if config.get("reverberation"):
            text += ", some in simulated rooms instead"
        if training.get("clean_epochs"):
            text += f"; {_epochs(training['clean_epochs'])} clean"
    extra = class_name(config.get("extra_speech"))
    return text + (f"; with further speech of {extra}" if extra else "")


def _epochs(count: int) -> str:
    return "the first epoch" if count == 1 else f"the first {count} epochs"


def _word_errors(atlas: Atlas, model: str, condition: str) -> dict[str, str] | None:
    rows = select(
        atlas.folder.summary, condition=condition, layer=REFERENCE_LAYERS[0], metric="wer",
        scorer=model,
    )  # fmt: skip
    if not rows:
        return None
    row = next((row for row in rows if row["model"] == model), rows[0])
    ends = [spell(row[name], "wer").removesuffix(" %") for name in ("ci_low", "ci_high")]
    return {
        "mean": spell(row["mean"], "wer"), "interval": " to ".join(ends), "n": row["n_scored"]
    }  # fmt: skip
