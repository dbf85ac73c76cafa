"""Paired differences between models on identical mixtures, and between bodies of their probes.

Both sides of a difference share utterances, trials and draws of speakers. Where probes were trained
with several seeds the difference is their mean, and the bootstrap draws seeds as well as speakers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.bootstrap import Estimate
from evaluation.steps import STEP_METRICS, layer_groups
from evaluation.summary import TRIAL_METRICS, Cell, Results

CLEAN = "clean"
ROBUST_BASELINE = "robust - baseline"
BEYOND = ", beyond clean"
"""What the name of a contrast ends in when its own value on clean speech is taken off."""
LESS = ", less "
"""... and when, besides, its value at a first layer is, which follows: how it grows with depth."""


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
    firsts = _firsts(depths)
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
            for name, sums in _sums(pair, place, firsts):
                each = [results.combine(s) if {c for _, c in s} <= cells else {} for s in sums]
                rows += _rows(name, pair.model, place, each, depths, seed)
    order = {name: i for i, name in enumerate(dict.fromkeys(row.contrast for row in rows))}
    return sorted(rows, key=lambda r: (order[r.contrast], r.model, r.metric, r.scorer))


def _firsts(depths: Mapping[str, int]) -> dict[str, str]:
    """The first layer of the deepest group, for every later one of it."""
    group = layer_groups(depths)[-1] if depths else []
    return dict.fromkeys(group[1:], *group[:1])


def _sums(
    pair: Pair, place: Cell, firsts: Mapping[str, str]
) -> Iterator[tuple[str, list[list[tuple[int, Cell]]]]]:
    """What is asked at a place: its name, and for each seed the cells to add and to take off."""
    here = [_pair_at(place, names) for names in pair.models]
    yield pair.contrast, here
    if place.condition == CLEAN or pair.model:
        return
    clean = [_pair_at(place._replace(condition=CLEAN), names) for names in pair.models]
    beyond = [_less(*each) for each in zip(here, clean, strict=True)]
    yield pair.contrast + BEYOND, beyond
    if place.layer in firsts and place.metric in STEP_METRICS:
        first = firsts[place.layer]
        there = [[(sign, cell._replace(layer=first)) for sign, cell in s] for s in beyond]
        growth = [_less(*each) for each in zip(beyond, there, strict=True)]
        yield pair.contrast + BEYOND + LESS + first, growth


def _pair_at(place: Cell, names: tuple[str, str]) -> list[tuple[int, Cell]]:
    return [(1, place._replace(model=names[0])), (-1, place._replace(model=names[1]))]


def _less(terms: list[tuple[int, Cell]], others: list[tuple[int, Cell]]) -> list[tuple[int, Cell]]:
    return [*terms, *((-sign, cell) for sign, cell in others)]


def over_seeds(estimates: Sequence[Estimate], seed: int = 0) -> Estimate:
    """Mean of several seeds' estimates; a replicate draws as many seeds with replacement, too.

    The draw is widened by sqrt(n / (n - 1)): of so few seeds it would be too narrow by as much.
    """
    values = np.array([estimate.value for estimate in estimates])
    replicates = np.mean([estimate.replicates for estimate in estimates], axis=0)
    count = len(values)
    if count == 1:
        return Estimate(float(values[0]), replicates)
    drawn = np.random.default_rng(seed).integers(count, size=(count, len(replicates)))
    luck = (values[drawn] - values.mean()).mean(0) * np.sqrt(count / (count - 1))
    return Estimate(float(values.mean()), replicates + luck)


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
