"""The paired differences as tables: robust minus baseline, also beyond clean, linear minus Highway.

They come from `contrasts.csv`, one bootstrap over speakers for both sides, averaged over probe
seeds; a difference whose interval excludes zero is one.
"""

import re
from collections.abc import Sequence

from evaluation.contrasts import ContrastRow
from evaluation.listening import safe_name
from evaluation.paper.finished_run import FinishedRun, ordered_conditions
from evaluation.paper.tables import PaperCell, PaperTable
from evaluation.paper.verdicts import PROBELESS
from evaluation.reading import metric_of

DIGITS = {"eer": 2}


def contrast_tables(runs: Sequence[FinishedRun]) -> list[PaperTable]:
    """A table for every contrast, metric and scorer of the runs' `contrasts.csv`."""
    rows = [row for run in runs for row in run.contrasts]
    kinds = dict.fromkeys((row.contrast, row.metric, row.scorer) for row in rows)
    return [_table(runs, *kind) for kind in kinds]


def _table(runs: Sequence[FinishedRun], contrast: str, metric: str, scorer: str) -> PaperTable:
    found: dict[tuple[str, str, str, str], ContrastRow] = {}
    for run in runs:
        for row in run.contrasts:
            if (row.contrast, row.metric, row.scorer) == (contrast, metric, scorer):
                found[run.name, row.condition, row.model, row.layer] = row
    places = dict.fromkeys((condition, model) for _, condition, model, _ in found)
    conditions = ordered_conditions(condition for condition, _ in places)
    labels = sorted(places, key=lambda place: (conditions.index(place[0]), place[1]))
    columns = [(run.name, layer) for run in runs for layer in run.depths]
    lines = [
        [_cell(name, place, layer, metric, scorer, found) for name, layer in columns]
        for place in labels
    ]
    seeds = sorted({row.n_seeds for row in found.values()})
    of = "" if metric in PROBELESS else f"; mean of {' or '.join(map(str, seeds))} probe seed(s)"
    what = metric_of(metric).label + (f" by {scorer}" if scorer else "")
    return PaperTable(
        name=safe_name(_slug(f"{contrast} {metric}") + f"_{scorer}".replace(":", ".").rstrip("_")),
        title=f"{contrast}: {what}",
        caption=f"Paired difference of {what}, {contrast}, with 95 % intervals over speakers{of}.",
        heads=("SNR", "type"),
        columns=columns,
        labels=[(condition, model or "both") for condition, model in labels],
        lines=lines,
        digits=DIGITS.get(metric, 3),
    )


def _cell(
    name: str,
    place: tuple[str, str],
    layer: str,
    metric: str,
    scorer: str,
    found: dict[tuple[str, str, str, str], ContrastRow],
) -> PaperCell:
    condition, model = place
    row = found.get((name, condition, model, layer))
    numbers: tuple[float | None, float | None, float | None] = (None, None, None)
    if row is not None:
        numbers = row.difference, row.ci_low, row.ci_high
    where = ("", name, "test", condition, model, layer, row.depth if row else None)
    why = "" if numbers[0] is not None else f"{name}: not in contrasts.csv"
    return PaperCell(*where, metric, scorer, *numbers, None, None, None, why)


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "_", text.lower()).strip("_")
