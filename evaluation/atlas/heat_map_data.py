"""The heat map of a whole network as data: a column per layer, a cell per feature, sorted."""

from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.colors import to_hex

from evaluation.atlas.feature_sounds import Sounds, sound_column, spans_of
from evaluation.atlas.feature_study import FeatureStudy, Rows, by_feature, read_rows
from evaluation.atlas.feature_units import labels_of
from evaluation.atlas.packing import coded, packed
from evaluation.atlas.sounds import Span
from evaluation.reading import number, select
from evaluation.sonification.alignments import TIERS
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.heat_map import DEAD, SHADES, squeezed

GROUP = "male"
DENSITIES = matplotlib.colormaps["viridis"](np.linspace(0.0, 1.0, 21))
SHARE_TICKS = [(0.0, "women only"), (0.1, "10 %"), (0.5, "50 %"), (0.9, "90 %"), (1.0, "men only")]


def heat_map_data(study: FeatureStudy, sounds: Sounds) -> dict[str, Any]:
    """What the map of one model needs, all layers one behind the other, features in order.

    `value` is what is coloured, NaN where a feature is dead; `order` has each layer's features from
    below. Features without sexes of speakers are coloured by their density.

    Args:
        study: of the model.
        sounds: of segments.
    """
    values, q, by = _coloured(study)
    order = [squeezed(value, len(value)) for value in values]
    dead = np.concatenate([_dead(study, i, value) for i, value in enumerate(values)])
    colours = SHADES if by == "share" else DENSITIES
    flat = np.concatenate(values)
    top = 1.0 if by == "share" else float(np.nanmax(flat, initial=0.0)) or 1.0
    ticks = SHARE_TICKS if by == "share" else [(0.0, "0"), (1.0, f"{100 * top:.3g} %")]
    return {
        "unit": study.unit,
        "units": study.units,
        "layers": [
            {"name": layer.name, "depth": layer.depth, "features": layer.features}
            for layer in study.layers
        ],
        "by": by,
        "bases": speaker_shares(study),
        "top": top,
        "shades": [to_hex(shade) for shade in colours],
        "ticks": ticks,
        "grey": DEAD,
        "value": packed(flat),
        "q": packed(np.concatenate(q)),
        "dead": packed(dead),
        "order": packed(np.concatenate(order)),
        "word": _first_labels(study),
        "sound": _first_sounds(study, sounds),
    }


def speaker_shares(study: FeatureStudy) -> dict[str, dict[str, float]]:
    """Of each attribute the part of the speakers in each group.

    Dealing groups out over the speakers, as the test behind `q` does, gives every feature this
    share on average.
    """
    sizes: dict[str, dict[str, float]] = {}
    for row in select(study.folder.rows("dominance", DominanceRow), unit=study.unit):
        size = number(row["n_speakers"])
        if row["group"] and size:
            sizes.setdefault(str(row["attribute"]), {})[str(row["group"])] = size
    return {
        attribute: {group: size / sum(groups.values()) for group, size in groups.items()}
        for attribute, groups in sizes.items()
    }


def _coloured(study: FeatureStudy) -> tuple[list[np.ndarray], list[np.ndarray], str]:
    """By layer what is coloured, its q, and what it is: `share` of men, or `density`."""
    rows = read_rows(
        study.folder, "selectivity", [], ["feature", "share", "q"],
        unit=study.unit, attribute="sex", group=GROUP,
    )  # fmt: skip
    if rows:
        return _columns(study, rows, "share"), _columns(study, rows, "q"), "share"
    rows = study.activity
    density = _columns(study, rows, "density") if rows else _columns(study, None, "")
    for i, column in enumerate(density):
        column[_dead(study, i, column)] = np.nan
    return density, _columns(study, None, ""), "density"


def _columns(
    study: FeatureStudy, rows: Rows | None, name: str
) -> list[Float[np.ndarray, " feature"]]:
    """A column by layer; NaN where there is no row."""
    return [
        np.full(layer.features, np.nan, np.float32)
        if rows is None
        else by_feature(rows.of(layer), name, layer.features)
        for layer in study.layers
    ]


def _dead(study: FeatureStudy, layer: int, value: np.ndarray) -> np.ndarray:
    """Which features of a layer are dead: as the table says, else those without a value."""
    if study.activity is None:
        return np.isnan(value)
    rows = study.activity.of(study.layers[layer])
    found = np.zeros(len(value), bool)
    found[rows["feature"]] = study.activity.names["dead"][rows["dead"]] != ""
    return found


def _first_labels(study: FeatureStudy) -> dict[str, Any]:
    """The most common word of every feature, or phone where there are no words."""
    tables = labels_of(study, study.unit)
    tier = next((tier for tier in TIERS if tier in tables), None)
    if tier is None:
        return {}
    every, parts = tables[tier], []
    for layer in study.layers:
        rows = every.of(layer)
        first = rows["rank"] == 1
        codes = np.full(layer.features, len(every.names["label"]) - 1)  # the empty text
        codes[rows["feature"][first]] = rows["label"][first]
        parts.append(codes)
    return {"tier": tier, **coded(np.concatenate(parts), every.names["label"])}


def _first_sounds(study: FeatureStudy, sounds: Sounds) -> dict[str, Any]:
    """The sound of every feature's strongest segment."""
    numbers = ["feature", "rank", "start_s", "end_s"]
    every = read_rows(study.folder, "segments", ["utterance"], numbers, unit=study.unit)
    spans: list[Span | None] = []
    for layer in study.layers:
        own: dict[int, Span | None] = dict.fromkeys(range(layer.features))
        if every is not None:
            rows = every.of(layer)
            first = {name: column[rows["rank"] == 1] for name, column in rows.items()}
            strongest = spans_of(Rows(first, every.names, {}), np.arange(len(first["rank"])))
            own |= dict(zip(first["feature"].tolist(), strongest, strict=True))
        spans += own.values()
    return sound_column(spans, sounds)
