"""What a sonification found out of each layer, in numbers that the page Layers draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.reading import CONTROL, Row, number, select
from evaluation.sonification.activity_claims import ActivityRow
from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.same_word import SameWordRow
from evaluation.sonification.section_tables import SEX
from evaluation.sonification.study_folder import StudyFolder

BINS = 20
"""Of the histogram of densities, from 0 to 1."""

DOMINANCE: tuple[str, ...] = ("share", "ci_low", "ci_high", "chance", "chance_low", "chance_high")
DOMINANCE += ("dominated", "n_features", "n_empty", "significant", "n_speakers")
COMPLEXITY: tuple[str, ...] = ("mean", "ci_low", "ci_high", "minimum", "maximum", "base")
COMPLEXITY += ("null", "excess", "excess_low", "excess_high", "n_features", "n_empty")
ACTIVITY = ("mean", "ci_low", "ci_high", "n_features", "n_silent")
SAME_WORD: tuple[str, ...] = (
    "overlap",
    "ci_low",
    "ci_high",
    "chance",
    "alike",
    "alike_low",
    "alike_high",
)
SAME_WORD += ("n_pairs", "n_undefined")
TABLES: dict[str, tuple[type, tuple[str, ...], tuple[str, ...]]] = {
    "dominance": (DominanceRow, ("unit", "group", "remark"), DOMINANCE),
    "complexity": (ComplexityRow, ("unit",), COMPLEXITY),
    "activity_pattern": (ActivityRow, ("measure",), ACTIVITY),
    "same_word": (SameWordRow, (), SAME_WORD),
}
"""Of each table: the dataclass of its rows, its columns of text and of numbers that are shown."""

Found = dict[str, Any]


class Summaries:
    """Tables of all studies, each read once.

    Args:
        studies: by model.
    """

    def __init__(self, studies: Mapping[str, StudyFolder]) -> None:
        self._tables = {
            model: {name: folder.rows(name, kind) for name, (kind, _, _) in TABLES.items()}
            for model, folder in studies.items()
        }

    def of(self, model: str, layer: str) -> dict[str, list[Found]]:
        """The rows of one layer, table by table; `control` is the same of the untrained one."""
        return {name: self._rows(name, model, layer) for name in TABLES}

    def _rows(self, table: str, model: str, layer: str) -> list[Found]:
        _, texts, numbers = TABLES[table]
        controls = [] if model == CONTROL else self._shown(table, CONTROL, layer)
        rows = []
        for row in self._shown(table, model, layer):
            told = {name: str(row[name]) for name in texts}
            beside = [other for other in controls if all(other[n] == row[n] for n in texts[:2])]
            control = _numbers(beside[0], numbers[:3]) if beside else None
            rows.append({**told, **_numbers(row, numbers), "control": control})
        return rows

    def _shown(self, table: str, model: str, layer: str) -> list[Row]:
        rows = select(self._tables.get(model, {}).get(table, []), layer=layer)
        if table == "dominance":  # the row without a group says only why there is none
            return [row for row in select(rows, attribute=SEX) if row["group"]]
        return rows


def _numbers(row: Row, names: Sequence[str]) -> dict[str, float | None]:
    return {name: number(row[name]) for name in names}


def densities(study: StudyFolder) -> dict[str, Found]:
    """Of every layer: how many features there are, which are dead, how dense the others are.

    `counts` are features by density in `BINS` equal bins from 0 to 1 (the last one includes 1),
    `mean` is their mean density, `dead` are pairs of a feature and the reason, `thresholds` are
    the least and the highest one above which a state of a feature is active.
    """
    found = study.columns("features", ["layer", "feature", "density", "threshold", "dead"])
    if found is None:
        return {}
    names = found["layer"].astype(str)
    layers = {}
    for name in dict.fromkeys(names.tolist()):
        mine = names == name
        feature, density, above, dead = (
            found[key][mine] for key in ("feature", "density", "threshold", "dead")
        )
        alive = (dead == "") & np.isfinite(density.astype(float))
        counts, _ = np.histogram(density[alive].astype(float), BINS, (0.0, 1.0))
        layers[name] = {
            "features": int(feature.max()) + 1,
            "dead": [
                [int(i), str(why)]
                for i, why in zip(feature[dead != ""], dead[dead != ""], strict=True)
            ],
            "counts": counts.tolist(),
            "mean": float(density[alive].mean()) if alive.any() else None,
            "thresholds": [float(above[alive].min()), float(above[alive].max())]
            if alive.any()
            else None,
        }
    return layers
