"""Paired differences between models on identical mixtures, and between bodies of their probes.

Both sides of a difference share utterances, trials and draws of speakers. Where probes were trained
with several seeds the difference is their mean, and the bootstrap draws seeds as well as speakers.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from evaluation.bootstrap import Estimate
from evaluation.summary import TRIAL_METRICS, Cell, Results

CLEAN = "clean"
BEYOND = ", beyond clean"
"""What the name of a contrast ends in when its own value on clean speech is taken off."""


@dataclass(frozen=True)
class Pair:
    """What is compared: `models` are pairs (first, second), one for each seed of the probes."""

    contrast: str
    model: str
    models: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ContrastRow:
    """A difference (contrasts.csv); EER, WER and CER in percent points.

    `lowest` and `highest` are the differences of single seeds; `model` is empty where the contrast
    is between models.
    """

    contrast: str
    model: str
    condition: str
    layer: str
    depth: int | None
    metric: str
    scorer: str
    difference: float
    ci_low: float | None
    ci_high: float | None
    n_seeds: int
    lowest: float
    highest: float


def contrasts(
    results: Results, pairs: Iterable[Pair], depths: Mapping[str, int], seed: int = 0
) -> list[ContrastRow]:
    """The rows of contrasts.csv, for tapped layers.

    Args:
        results: scores of all models that the pairs name.
        pairs: what is compared.
        depths: depth of each tapped layer, from 1.
        seed: of the draw of probe seeds.
    """
    rows: list[ContrastRow] = []
    cells = set(results.cells())
    for pair in pairs:
        places = dict.fromkeys(
            cell._replace(model="")
            for cell in results.cells()
            if cell.layer in depths
            and pair.models
            and cell.model == pair.models[0][0]
            and cell.metric not in TRIAL_METRICS[1:]  # these come with the first
        )
        for place in places:
            each = [_differences(results, names, place, cells) for names in pair.models]
            rows += _rows(pair.contrast, pair.model, place, each, depths, seed)
            if place.condition != CLEAN and not pair.model:
                both = [_beyond_clean(results, names, place, cells) for names in pair.models]
                rows += _rows(pair.contrast + BEYOND, pair.model, place, both, depths, seed)
    order = {name: i for i, name in enumerate(dict.fromkeys(row.contrast for row in rows))}
    return sorted(rows, key=lambda r: (order[r.contrast], r.model, r.metric, r.scorer))


def _differences(
    results: Results, names: tuple[str, str], place: Cell, cells: Set[Cell]
) -> dict[str, Estimate]:
    """First minus second model by metric; none where one of them has no score there."""
    two = [place._replace(model=name) for name in names]
    return results.difference(*two) if set(two) <= cells else {}


def _beyond_clean(
    results: Results, names: tuple[str, str], place: Cell, cells: Set[Cell]
) -> dict[str, Estimate]:
    """The same, less what it is on clean speech, over what all four have scored."""
    four = [
        place._replace(model=name, condition=condition)
        for condition in (place.condition, CLEAN)
        for name in names
    ]
    if not set(four) <= cells:
        return {}
    found = results.alike(four)
    metrics = [metric for metric in found[0] if all(metric in each for each in found)]
    first, second, clean_first, clean_second = found
    return {m: (first[m] - second[m]) - (clean_first[m] - clean_second[m]) for m in metrics}


def over_seeds(estimates: Sequence[Estimate], seed: int = 0) -> Estimate:
    """Mean of several seeds' estimates; every replicate draws as many seeds with replacement."""
    values = np.array([estimate.value for estimate in estimates])
    replicates = np.stack([estimate.replicates for estimate in estimates])
    count, n_replicates = replicates.shape
    drawn = np.random.default_rng(seed).integers(count, size=(count, n_replicates))
    return Estimate(float(values.mean()), np.take_along_axis(replicates, drawn, 0).mean(0))


def _rows(
    contrast: str,
    model: str,
    place: Cell,
    of_seeds: Sequence[Mapping[str, Estimate]],
    depths: Mapping[str, int],
    seed: int,
) -> list[ContrastRow]:
    rows = []
    for metric in dict.fromkeys(metric for found in of_seeds for metric in found):
        estimates = [found[metric] for found in of_seeds if metric in found]
        mean = over_seeds(estimates, seed)
        low, high = mean.interval() or (None, None)
        values = [estimate.value for estimate in estimates]
        where = place.condition, place.layer, depths[place.layer], metric, place.scorer
        spread = len(values), min(values), max(values)
        rows.append(ContrastRow(contrast, model, *where, mean.value, low, high, *spread))
    return rows
