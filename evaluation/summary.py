"""From scores to the table of every model, condition, layer and metric, with intervals.

Layers are compared on the utterances (or trials) scored for all of them: within a model,
condition, metric and scorer, the common set is what was scored in every layer. Two exceptions keep
it from being emptied: `mean-mel`, the floor, does not take part in defining it (steady noise is
often unscorable), nor does a layer without a single score. Both are averaged over what they have of
the common set, and their counts say so. `n_scored` is the number behind the mean, `n_failed` the
failures of that layer; what was scored here but failed elsewhere is in neither.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from rich import box
from rich.markup import escape
from rich.table import Table

from evaluation.bootstrap import (
    Estimate,
    detection_estimates,
    mean_estimate,
    ratio_estimate,
    speaker_weights,
)
from evaluation.records import ScoreRow, SummaryRow, TrialScoreRow, UtteranceRow
from evaluation.trials import Trial

FLOOR = "mean-mel"
CEILINGS = ("natural", "copy-synthesis")
TRIAL_METRICS = ("eer", "min_dcf")
STATES = "states"  # the scorer that never hears a sound
METRICS = (
    *("eer", "min_dcf", "pesq_wb", "pesq_nb", "stoi", "estoi"),
    *("wer", "cer", "mel_l1", "state_distance"),
)
TABLE_METRICS = ("eer", "stoi", "pesq_wb", "wer", "mel_l1")
DIGITS = {"eer": 1, "wer": 1, "cer": 1, "pesq_wb": 2, "pesq_nb": 2}


class Cell(NamedTuple):
    """One number of the summary; `scorer` is empty where the metric has none."""

    model: str
    condition: str
    layer: str
    metric: str
    scorer: str = ""


class _Group(NamedTuple):
    """Cells that differ in their layer only."""

    model: str
    condition: str
    metric: str
    scorer: str


@dataclass
class _Column:
    """The scores of one layer: NaN where there is none, `failed` where one was tried."""

    values: np.ndarray
    failed: np.ndarray

    @classmethod
    def empty(cls, n: int) -> "_Column":
        """A column in which nothing was tried yet."""
        return cls(np.full(n, np.nan), np.zeros(n, dtype=bool))

    def put(self, index: int, value: float | None, what: str) -> None:
        """Add one score; ValueError for a second one in its place."""
        if self.failed[index] or not np.isnan(self.values[index]):
            raise ValueError(f"{what} is scored twice")
        if value is None:
            self.failed[index] = True
        else:
            self.values[index] = value


@dataclass
class Results:
    """All scores of a run as arrays, 9 bytes each, with the speakers' bootstrap draws."""

    utterances: Sequence[UtteranceRow]
    trials: Sequence[Trial]
    n_replicates: int = 1000
    seed: int = 0
    _groups: dict[_Group, dict[str, _Column]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        names = sorted({row.speaker for row in self.utterances if row.speaker})
        index = {name: i for i, name in enumerate(names)}
        self._weights = speaker_weights(len(names), self.n_replicates, self.seed)
        self._speakers = np.array(
            [index.get(row.speaker, 0) for row in self.utterances], dtype=int
        )  # what was never loaded has no speaker, and no score either
        self._lengths = {
            "wer": np.array([row.n_words for row in self.utterances], dtype=float),
            "cer": np.array([row.n_chars for row in self.utterances], dtype=float),
        }
        self._targets = np.array([trial.target for trial in self.trials], dtype=bool)
        self._enrol = np.array([index[trial.enrol_speaker] for trial in self.trials], dtype=int)
        self._test = np.array([index[trial.test_speaker] for trial in self.trials], dtype=int)

    def add_scores(self, rows: Iterable[ScoreRow]) -> None:
        """Adds rows of scores.csv; ValueError for an utterance scored twice."""
        positions = {row.utterance: i for i, row in enumerate(self.utterances)}
        for row in rows:
            group = _Group(row.model, row.condition, row.metric, row.scorer)
            column = self._column(group, row.layer, len(self.utterances))
            column.put(positions[row.utterance], row.value, f"{row.utterance} ({group})")

    def add_trial_scores(self, rows: Iterable[TrialScoreRow]) -> None:
        """Adds rows of trial_scores.csv; ValueError for a trial scored twice."""
        positions = {trial.trial: i for i, trial in enumerate(self.trials)}
        for row in rows:
            group = _Group(row.model, row.condition, "eer", row.scorer)
            column = self._column(group, row.layer, len(self.trials))
            column.put(positions[row.trial], row.score, f"trial {row.trial} ({group})")

    def cells(self) -> list[Cell]:
        """Every number that the scores allow, trial metrics included."""
        return [
            Cell(group.model, group.condition, layer, metric, group.scorer)
            for group, columns in self._groups.items()
            for layer in columns
            for metric in (TRIAL_METRICS if group.metric == "eer" else (group.metric,))
        ]

    def counts(self, cell: Cell) -> tuple[int, int]:
        """Number of scores behind the cell's number, and of failures in its layer."""
        column = self._columns(cell)[cell.layer]
        return int(self._used(cell).sum()), int(column.failed.sum())

    def estimate(self, cell: Cell) -> Estimate | None:
        """The cell's number, on the common set of its layers; None where nothing is scored."""
        return self._estimates(cell, self._used(cell)).get(cell.metric)

    def difference(self, first: Cell, second: Cell) -> Estimate | None:
        """First minus second, paired: same utterances or trials, same draws of speakers.

        Raises:
            ValueError: if the cells are of different metrics.
        """
        if first.metric != second.metric:
            raise ValueError(f"no difference of {first.metric} and {second.metric}")
        one, other = self.alike([first, second])
        return None if one is None or other is None else one - other

    def alike(self, cells: Sequence[Cell]) -> list[Estimate | None]:
        """The cells' numbers, all of one metric, on what is scored for every one of them."""
        used = np.logical_and.reduce([self._used(cell) for cell in cells])
        return [self._estimates(cell, used).get(cell.metric) for cell in cells]

    def layer_estimates(self, cell: Cell) -> dict[str, Estimate]:
        """All metrics that come with the cell's own from one computation (`eer`, `min_dcf`)."""
        return self._estimates(cell, self._used(cell))

    def _column(self, group: _Group, layer: str, n: int) -> _Column:
        columns = self._groups.setdefault(group, {})
        if layer not in columns:
            columns[layer] = _Column.empty(n)
        return columns[layer]

    def _columns(self, cell: Cell) -> dict[str, _Column]:
        metric = "eer" if cell.metric in TRIAL_METRICS else cell.metric
        return self._groups[_Group(cell.model, cell.condition, metric, cell.scorer)]

    def _used(self, cell: Cell) -> np.ndarray:
        """What the cell's number is computed from, as a mask over utterances or trials."""
        columns = self._columns(cell)
        own = ~np.isnan(columns[cell.layer].values)
        for layer, column in columns.items():
            scored = ~np.isnan(column.values)
            if layer != FLOOR and scored.any():
                own = own & scored
        return own

    def _estimates(self, cell: Cell, used: np.ndarray) -> dict[str, Estimate]:
        values = self._columns(cell)[cell.layer].values[used]
        if len(values) == 0:
            return {}
        if cell.metric in TRIAL_METRICS:
            targets = self._targets[used]
            if not targets.any() or targets.all():
                return {}
            of_trial = self._enrol[used], self._test[used]
            return detection_estimates(values, targets, *of_trial, self._weights)
        speakers = self._speakers[used]
        if cell.metric not in self._lengths:
            return {cell.metric: mean_estimate(values, speakers, self._weights)}
        lengths = self._lengths[cell.metric][used]  # pooled: all errors over all words
        return {cell.metric: ratio_estimate(values * lengths, lengths, speakers, self._weights)}


def collect(
    scores: Iterable[ScoreRow],
    trial_scores: Iterable[TrialScoreRow],
    trials: Sequence[Trial],
    utterances: Sequence[UtteranceRow],
    n_replicates: int = 1000,
    seed: int = 0,
) -> Results:
    """Gathers the tables of a run; rows may come from a generator."""
    results = Results(utterances, trials, n_replicates, seed)
    results.add_scores(scores)
    results.add_trial_scores(trial_scores)
    return results


def summarise(results: Results, depths: Mapping[str, int]) -> list[SummaryRow]:
    """The rows of summary.csv, ordered by model, condition, depth and metric.

    Args:
        results: the scores.
        depths: depth of each tapped layer, from 1; others have none.
    """
    rows = []
    shared: dict[tuple[str, ...], dict[str, Estimate]] = {}  # eer and min_dcf, computed once
    for cell in results.cells():
        key = cell.model, cell.condition, cell.layer, cell.scorer
        if cell.metric not in TRIAL_METRICS:
            estimate = results.estimate(cell)
        else:
            if key not in shared:
                shared[key] = results.layer_estimates(cell)
            estimate = shared[key].get(cell.metric)
        rows.append(_summary_row(cell, estimate, results.counts(cell), depths.get(cell.layer)))
    layers = order_layers({row.layer for row in rows}, depths)
    models = list(dict.fromkeys(row.model for row in rows))
    conditions = list(dict.fromkeys(row.condition for row in rows))

    def position(row: SummaryRow) -> tuple[int, int, int, int, str]:
        places = models.index(row.model), conditions.index(row.condition), layers.index(row.layer)
        return *places, METRICS.index(row.metric), row.scorer

    return sorted(rows, key=position)


def order_layers(layers: Iterable[str], depths: Mapping[str, int]) -> list[str]:
    """Natural, copy-synthesis, the tapped layers by depth, mean-mel."""
    given = set(layers)
    tapped = sorted(given - {*CEILINGS, FLOOR}, key=lambda layer: (depths.get(layer, 0), layer))
    return [layer for layer in (*CEILINGS, *tapped, FLOOR) if layer in given]


def _summary_row(
    cell: Cell, estimate: Estimate | None, counts: tuple[int, int], depth: int | None
) -> SummaryRow:
    place = cell.model, cell.condition, cell.layer, depth, cell.metric, cell.scorer
    if estimate is None:
        return SummaryRow(*place, None, None, None, *counts)
    low, high = estimate.interval() or (None, None)
    return SummaryRow(*place, estimate.value, low, high, *counts)


def is_plain(scorer: str) -> bool:
    """Whether a scorer hears rendered speech only, as it comes: no `states`, no `ge2e:adapted`."""
    return scorer != STATES and ":" not in scorer


def results_table(
    rows: Sequence[SummaryRow],
    model: str,
    condition: str,
    metrics: Sequence[str] = TABLE_METRICS,
    markdown: bool = False,
) -> Table:
    """Layers by metrics, each number with its 95 % interval and its failures.

    Args:
        rows: from `summarise`, in its order.
        model: which model.
        condition: which condition.
        metrics: the columns; a metric with several scorers has a column for each, those that
            answer questions behind the curves (`is_plain`) apart: a console is narrow.
        markdown: draw it as a Markdown table.
    """
    chosen = [row for row in rows if (row.model, row.condition) == (model, condition)]
    by_place = {(row.layer, row.metric, row.scorer): row for row in chosen}
    wanted = [row for row in chosen if row.metric in metrics]
    pairs = {(row.metric, row.scorer) for row in wanted if is_plain(row.scorer)}
    columns = sorted(pairs, key=lambda pair: (metrics.index(pair[0]), pair[1]))
    style = box.MARKDOWN if markdown else box.SIMPLE_HEAD
    title = escape(f"{model} · {condition}")  # names may hold what rich takes for markup
    table = Table(title=title, box=style, title_justify="left")
    table.add_column("layer", no_wrap=True)
    for metric, scorer in columns:
        unit = " %" if metric in ("eer", "wer", "cer") else ""
        name = f"{metric}{unit} ({scorer})" if scorer else f"{metric}{unit}"
        table.add_column(escape(name), justify="right", no_wrap=True)
    for layer in dict.fromkeys(row.layer for row in chosen):
        table.add_row(
            escape(layer), *(_cell_text(by_place.get((layer, *pair))) for pair in columns)
        )
    return table


def _cell_text(row: SummaryRow | None) -> str:
    if row is None:
        return ""
    digits = DIGITS.get(row.metric, 3)
    text = "none" if row.mean is None else f"{row.mean:.{digits}f}"
    if row.ci_low is not None and row.ci_high is not None:
        text += f" \\[{row.ci_low:.{digits}f}, {row.ci_high:.{digits}f}]"
    return f"{text}, {row.n_failed} failed" if row.n_failed else text
