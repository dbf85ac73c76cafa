"""From scores to the table of every model, condition, layer and metric, with intervals.

Layers are compared on the utterances (or trials) scored for all of them: within a model,
condition, metric and scorer, the common set is what was scored in every layer. Two exceptions keep
it from being emptied: `mean-mel`, the floor, does not take part in defining it (steady noise is
often unscorable), nor does a layer without a single score. Both are averaged over what they have of
the common set, and their counts say so. `n_scored` is the number behind the mean, `n_failed` the
failures of that layer; what was scored here but failed elsewhere is in neither.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

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
    _known: dict[tuple[Cell, bytes], dict[str, Estimate]] = field(default_factory=dict, repr=False)

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

    def combine(self, terms: Sequence[tuple[int, Cell]]) -> dict[str, Estimate]:
        """Signed sum of cells, paired: same utterances or trials, same draws of speakers.

        Args:
            terms: signs and cells, all of one kind of score.

        Returns:
            By metric (`eer` comes with `min_dcf`), over what is scored for every cell; empty where
            that is nothing.
        """
        used = np.logical_and.reduce([self._used(cell) for _, cell in terms])
        found = [(sign, self._estimates(cell, used)) for sign, cell in terms]
        metrics = [metric for metric in found[0][1] if all(metric in each for _, each in found)]
        return {
            metric: Estimate(
                sum(sign * each[metric].value for sign, each in found),
                np.sum([sign * each[metric].replicates for sign, each in found], axis=0),
            )
            for metric in metrics
        }

    def _column(self, group: _Group, layer: str, n: int) -> _Column:
        self._known.clear()  # what is added now changes what was computed
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
        """All metrics of a cell's kind of score over `used`, each computed once."""
        kind = "eer" if cell.metric in TRIAL_METRICS else cell.metric
        key = cell._replace(metric=kind), hashlib.sha256(np.packbits(used).tobytes()).digest()
        if key not in self._known:
            self._known[key] = self._compute(cell, used)
        return self._known[key]

    def _compute(self, cell: Cell, used: np.ndarray) -> dict[str, Estimate]:
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
    for cell in results.cells():
        estimate = results.estimate(cell)
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
