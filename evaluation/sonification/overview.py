"""All recognisers of a run side by side: figures over depth, claims, and the control."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet
from matplotlib.figure import Figure

from acoustics.errors import UserError
from evaluation.bootstrap import Estimate
from evaluation.paper.panels import NothingToDrawError, save_figure
from evaluation.reading import CONTROL
from evaluation.records import Row, read_rows
from evaluation.sonification.activity_claims import ActivityRow
from evaluation.sonification.complexity import ComplexityRow, complexity_claim
from evaluation.sonification.depth_figures import (
    activity_figure,
    complexity_figure,
    dominance_figure,
)
from evaluation.sonification.depth_trend import Claim, hedged
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.export import write_records


def write_overview(folder: Path, target: Path, models: Iterable[str]) -> None:
    """Draws the figures over depth and judges complexity against the untrained recogniser.

    Args:
        folder: of the studies, a folder for each model.
        target: where claims and figures go, as `overview/` beside them.
        models: in the order of tables and figures.

    Raises:
        UserError: a study's table is missing or broken, or something cannot be written.
    """
    names = list(models)
    dominance = [row for name in names for row in _read(folder / name, "dominance", DominanceRow)]
    complexity = [
        row for name in names for row in _read(folder / name, "complexity", ComplexityRow)
    ]
    activity = [
        row for name in names for row in _read(folder / name, "activity_pattern", ActivityRow)
    ]
    claims = [claim for name in names for claim in _read(folder / name, "claims", Claim)]
    counts = {(row.model, row.unit): row.n_speakers for row in complexity}
    write_records(target, "claims", Claim, [*claims, *_against_control(folder, names, counts)])
    first = next((row.unit for row in dominance), "")
    sexes = [row for row in dominance if row.unit == first and row.attribute == "sex"]
    figures: Mapping[str, Callable[[], Figure]] = {
        "dominance": lambda: dominance_figure(sexes),
        "complexity": lambda: complexity_figure(complexity),
        "activity": lambda: activity_figure(activity),
    }
    for name, draw in figures.items():
        try:
            save_figure(draw(), target / "figures", name)
        except NothingToDrawError:
            continue  # the tables say why


def _read(folder: Path, name: str, kind: type[Row]) -> list[Row]:
    return list(read_rows(folder / f"{name}.csv", kind))


def _against_control(
    folder: Path, names: Sequence[str], counts: Mapping[tuple[str, str], int]
) -> list[Claim]:
    """Does complexity rise with depth by more than in the untrained recogniser? And its excess?"""
    if CONTROL not in names:
        return []
    claims = []
    for column, beyond_moved in (("mean", False), ("excess", True)):
        control = _complexity(folder / CONTROL, column)
        for name in names:
            if name == CONTROL:
                continue
            for unit, (means, depths) in _complexity(folder / name, column).items():
                theirs = control.get(unit, ({}, {}))[0]
                more = {layer: means[layer] - theirs[layer] for layer in means if layer in theirs}
                claim = complexity_claim(name, unit, more, depths, CONTROL, beyond_moved)
                claims.append(hedged(claim, counts[name, unit]))
    return claims


def _complexity(folder: Path, column: str) -> dict[str, tuple[dict[str, Estimate], dict[str, int]]]:
    """Complexity by unit and layer, with the stored replicates; and depths of the layers.

    Args:
        folder: of a study.
        column: `mean`, or `excess` over moved segments.
    """
    path = folder / "complexity_draws.parquet"
    try:
        table = pyarrow.parquet.read_table(path, columns=["unit", "layer", "depth", column])
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(
            f"{path}: cannot be read ({error}); delete {folder} and make it again"
        ) from error
    unit, layer, depth = (np.array(table[key].to_pylist()) for key in ("unit", "layer", "depth"))
    drawn = table[column].to_numpy()
    found: dict[str, tuple[dict[str, Estimate], dict[str, int]]] = {}
    for pair in dict.fromkeys(zip(unit.tolist(), layer.tolist(), strict=True)):
        mine = (unit == pair[0]) & (layer == pair[1])
        means, depths = found.setdefault(pair[0], ({}, {}))
        means[pair[1]] = Estimate(float(drawn[mine][0]), drawn[mine][1:])
        depths[pair[1]] = int(depth[mine][0])
    return found
