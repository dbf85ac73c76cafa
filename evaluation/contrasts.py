"""Paired differences between models on identical mixtures, and between bodies of their probes.

Both sides of a difference share utterances, trials and draws of speakers. Where probes were trained
with several seeds the difference is their mean, and the bootstrap draws seeds as well as speakers.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from evaluation.bootstrap import Estimate
from evaluation.summary import Cell, Results

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
            if cell.layer in depths and pair.models and cell.model == pair.models[0][0]
        )
        for place in places:
            each = [_difference(results, names, place, cells) for names in pair.models]
            rows += _row(pair.contrast, pair.model, place, each, depths, seed)
            if place.condition != CLEAN and not pair.model:
                both = [_beyond_clean(results, names, place, cells) for names in pair.models]
                rows += _row(pair.contrast + BEYOND, pair.model, place, both, depths, seed)
    order = {name: i for i, name in enumerate(dict.fromkeys(row.contrast for row in rows))}
    return sorted(rows, key=lambda r: (order[r.contrast], r.model, r.metric, r.scorer))


def _difference(
    results: Results, names: tuple[str, str], place: Cell, cells: Set[Cell]
) -> Estimate | None:
    """First minus second model, None where one of them has no score there."""
    first, second = (place._replace(model=name) for name in names)
    return results.difference(first, second) if {first, second} <= cells else None


def _beyond_clean(
    results: Results, names: tuple[str, str], place: Cell, cells: Set[Cell]
) -> Estimate | None:
    """The same, less what it is on clean speech, over what all four have scored."""
    four = [
        place._replace(model=name, condition=condition)
        for condition in (place.condition, CLEAN)
        for name in names
    ]
    if not set(four) <= cells:
        return None
    first, second, clean_first, clean_second = results.alike(four)
    if first is None or second is None or clean_first is None or clean_second is None:
        return None
    return (first - second) - (clean_first - clean_second)


def over_seeds(estimates: Sequence[Estimate], seed: int = 0) -> Estimate:
    """Mean of several seeds' estimates; every replicate draws as many seeds with replacement."""
    values = np.array([estimate.value for estimate in estimates])
    replicates = np.stack([estimate.replicates for estimate in estimates])
    count, n_replicates = replicates.shape
    drawn = np.random.default_rng(seed).integers(count, size=(count, n_replicates))
    return Estimate(float(values.mean()), np.take_along_axis(replicates, drawn, 0).mean(0))


def _row(
    contrast: str,
    model: str,
    place: Cell,
    of_seeds: Sequence[Estimate | None],
    depths: Mapping[str, int],
    seed: int,
) -> list[ContrastRow]:
    estimates = [estimate for estimate in of_seeds if estimate is not None]
    if not estimates:
        return []
    mean = over_seeds(estimates, seed)
    low, high = mean.interval() or (None, None)
    values = [estimate.value for estimate in estimates]
    where = place.condition, place.layer, depths[place.layer], place.metric, place.scorer
    spread = len(values), min(values), max(values)
    return [ContrastRow(contrast, model, *where, mean.value, low, high, *spread)]
