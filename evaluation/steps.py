"""Where a curve over depth really steps: paired differences between groups of layers.

Layers are grouped by the letters of their names (`cnn1..cnn4`, `blstm1..blstm5`). Steps are taken
from the worst layer of one group to the first and to the last of the next, from the first to the
last layer of a group, and from the first to the last of all. All are paired: same trials or
utterances, same draws of speakers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from rich import box
from rich.table import Table

from evaluation.bootstrap import Estimate, highest
from evaluation.summary import Cell, Results, is_plain

STEP_METRICS = {"eer": 1, "stoi": -1}  # metric: the sign with which it grows worse


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step (steps.csv): `later` minus `earlier`; EER in percent points."""

    model: str
    condition: str
    metric: str
    scorer: str
    earlier: str
    later: str
    difference: float
    ci_low: float | None
    ci_high: float | None


def layer_groups(depths: Mapping[str, int]) -> list[list[str]]:
    """Layers in order of depth, neighbours with the same letters together."""
    ordered = sorted(depths, key=lambda name: depths[name])
    return [list(group) for _, group in groupby(ordered, key=_stem)]


def _stem(layer: str) -> str:
    found = re.match(r"[A-Za-z]+", layer)
    return found.group() if found else layer


def steps(
    results: Results, depths: Mapping[str, int], models: Sequence[str] | None = None
) -> list[StepRow]:
    """The steps of EER and STOI for every condition and scorer of `models` (default: all)."""
    rows = []
    cells = [cell for cell in results.cells() if cell.metric in STEP_METRICS]
    cells = [cell for cell in cells if models is None or cell.model in models]
    places = dict.fromkeys(cell._replace(layer="") for cell in cells)
    for place in places:
        present = {cell.layer for cell in cells if cell._replace(layer="") == place}
        groups = layer_groups({k: v for k, v in depths.items() if k in present})
        pairs = [(before, after[:1]) for before, after in pairwise(groups)]
        pairs += [(before, after[-1:]) for before, after in pairwise(groups) if len(after) > 1]
        pairs += [(group[:1], group[-1:]) for group in groups if len(group) > 1]
        ends = groups[0][:1], groups[-1][-1:]
        pairs += [ends] if ends not in pairs and ends[0] != ends[1] else []
        for earlier, later in pairs:
            rows += _step(results, place, earlier, later)
    return rows


def _step(
    results: Results, place: Cell, earlier: Sequence[str], later: Sequence[str]
) -> list[StepRow]:
    sign = STEP_METRICS[place.metric]
    ends = [results.estimate(place._replace(layer=name)) for name in (*earlier, *later)]
    known = [Estimate(sign * e.value, sign * e.replicates) for e in ends if e is not None]
    if len(known) < len(ends):
        return []
    rise = known[-1] - highest(known[:-1])
    difference = Estimate(sign * rise.value, sign * rise.replicates)
    low, high = difference.interval() or (None, None)
    where = place.model, place.condition, place.metric, place.scorer
    return [StepRow(*where, worst_of(earlier), later[-1], difference.value, low, high)]


def worst_of(layers: Sequence[str]) -> str:
    """What the `earlier` side of a step from several layers, or from one, is called."""
    return f"worst of {layers[0]}-{layers[-1]}" if len(layers) > 1 else layers[0]


def steps_table(rows: Sequence[StepRow]) -> Table:
    """The steps of plain scorers as a table; one whose interval excludes zero is marked."""
    table = Table(title="steps over depth (95 % interval)", title_justify="left", box=box.SIMPLE)
    for name in ("model", "condition", "metric", "from", "to"):
        table.add_column(name)
    table.add_column("difference", justify="right")
    table.add_column("excludes zero")
    for row in (row for row in rows if is_plain(row.scorer)):
        text, beyond = f"{row.difference:+.3g}", ""
        if row.ci_low is not None and row.ci_high is not None:
            text += f" \\[{row.ci_low:.3g}, {row.ci_high:.3g}]"
            beyond = "yes" if row.ci_low > 0 or row.ci_high < 0 else "no"
        metric = f"{row.metric} ({row.scorer})" if row.scorer else row.metric
        table.add_row(row.model, row.condition, metric, row.earlier, row.later, text, beyond)
    return table
