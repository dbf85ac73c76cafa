"""Speaker against speech: dominance by, and selectivity for, groups of speakers, over depth."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from evaluation.sonification.describe import Columns
from evaluation.sonification.dominance import LayerDominance, draw_speakers, layer_dominance
from evaluation.sonification.dominance_table import dominance_claim, dominance_rows
from evaluation.sonification.findings import Examiner
from evaluation.sonification.unit_names import NAMED_UNITS
from evaluation.sonification.voices import SEX


def find_speakers(asked: Examiner, attributes: Sequence[str] | None) -> None:
    """Which features are dominated by, or selective for, groups of speakers; trends over depth.

    Args:
        asked: its findings are added to.
        attributes: of speakers (None: all that the corpus knows).
    """
    found, voices = asked.found, asked.voices
    units = [unit for unit in found.tops if unit in NAMED_UNITS]
    for attribute in voices.attributes() if attributes is None else attributes:
        everybody = voices.groups(attribute)
        if everybody.objection:
            asked.findings.notes.append(f"{attribute}: {everybody.objection}")
        for unit in units:
            registry = found.units.registries[unit]
            names = voices.names_of(registry, attribute)
            groups = voices.groups(attribute, registry)
            draws = draw_speakers(groups, voices.seed, n_replicates=len(voices.weights))
            layers = {
                layer: layer_dominance(asked.live_ids(unit, layer), names, groups, draws)
                for layer in asked.depths
            }
            _tell(asked, unit, attribute, layers, groups.bases(names))


def _tell(
    asked: Examiner,
    unit: str,
    attribute: str,
    layers: Mapping[str, LayerDominance],
    bases: Float[np.ndarray, " group"],
) -> None:
    findings = asked.findings
    findings.dominance += dominance_rows(asked.name, unit, layers, asked.depths)
    for layer, dominance in layers.items():
        place = {"unit": unit, "attribute": attribute, "layer": layer}
        findings.selectivity.append(_selectivity(place, asked.depths[layer], dominance, bases))
    groups = next(iter(layers.values())).groups
    if attribute == SEX:
        findings.claims += [
            dominance_claim(asked.name, unit, group, layers, asked.depths) for group in groups.names
        ]
        if not findings.shares and "male" in groups.names:
            male = groups.names.index("male")
            findings.shares = {n: one.selectivity.shares[:, male] for n, one in layers.items()}
            findings.base = float(bases[male])


def _selectivity(
    place: Mapping[str, str],
    depth: int,
    dominance: LayerDominance,
    bases: Float[np.ndarray, " group"],
) -> Columns:
    names = np.array(dominance.groups.names, object)
    of = dominance.selectivity
    feature, group = (axis.ravel() for axis in np.indices(of.shares.shape))
    columns = {key: np.full(len(feature), text, object) for key, text in place.items()}
    return columns | {
        "depth": np.full(len(feature), depth),
        "feature": feature,
        "group": names[group] if len(names) else np.zeros(0, object),
        "share": of.shares.ravel(),
        "base": bases[group],
        "p": of.p[feature],
        "q": of.q[feature],
        "favourite": of.favourite[feature] == group,
    }
