"""What the paper's tables, figures and claims read of a run folder, and why a number is not there.

`summary.csv` must be there. The rest is optional: what is absent or cannot be read is named in
`notes`.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from acoustics.errors import UserError
from corpora.augmentation import SNR_RANGES_DB
from evaluation.contrasts import ContrastRow
from evaluation.listening_test.folder import why_unheard
from evaluation.paper.published import BASELINE, CONDITIONS, ROBUST
from evaluation.reading import Row
from evaluation.records import SummaryRow, make_again, read_rows
from evaluation.steps import StepRow
from evaluation.summary import is_plain

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class WerRow:
    """The WER of a recogniser on a split in percent (recognisers/<model>/wer.csv)."""

    split: str
    wer: float | None
    ci_low: float | None
    ci_high: float | None
    n_scored: int
    n_failed: int


@dataclass
class FinishedRun:
    """The tables of one architecture's run."""

    name: str
    path: Path
    summary: list[SummaryRow]
    steps: list[StepRow] = field(default_factory=list)
    contrasts: list[ContrastRow] = field(default_factory=list)
    wer: dict[str, list[WerRow]] = field(default_factory=dict)
    human: list[SummaryRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    training: str = ""

    def __post_init__(self) -> None:
        self._index = {_key(**asdict(row)): row for row in self.summary}

    @property
    def depths(self) -> dict[str, int]:
        """Depth of every tapped layer, in order."""
        found = {row.layer: row.depth for row in self.summary if row.depth is not None}
        return dict(sorted(found.items(), key=lambda pair: (pair[1], pair[0])))

    @property
    def models(self) -> list[str]:
        """Models in order of appearance."""
        return list(dict.fromkeys(row.model for row in self.summary))

    @property
    def conditions(self) -> list[str]:
        """Conditions: the paper's in its order, then others."""
        return ordered_conditions(row.condition for row in self.summary)

    @property
    def verifiers(self) -> list[str]:
        """Scorers of EER that judge rendered against rendered speech as they are."""
        scorers = dict.fromkeys(row.scorer for row in self.summary if row.metric == "eer")
        return [name for name in scorers if is_plain(name)]

    @property
    def rows(self) -> list[Row]:
        """`summary.csv` as the figures read it."""
        return [asdict(row) for row in self.summary]

    def find(
        self, model: str, condition: str, layer: str, metric: str, scorer: str = ""
    ) -> SummaryRow | None:
        """The row of one number."""
        return self._index.get((model, condition, layer, metric, scorer))

    def why_missing(
        self, model: str, condition: str, layer: str, metric: str, scorer: str = ""
    ) -> str:
        """Why there is no such number, empty if there is."""
        row = self.find(model, condition, layer, metric, scorer)
        if row is not None:
            if row.mean is not None:
                return ""
            return f"all {row.n_failed} scores failed" if row.n_failed else "nothing was scored"
        if model not in self.models:
            return f"model {model} is not in this run"
        if condition not in self.conditions:
            return f"condition {condition} is not in this run"
        if not any((r.metric, r.scorer) == (metric, scorer) for r in self.summary):
            return f"{metric} by {scorer} was not scored" if scorer else f"{metric} was not scored"
        if layer not in {r.layer for r in self.summary}:
            return f"layer {layer} was not tapped"
        return "not scored here"


def read_finished_run(name: str, path: Path) -> FinishedRun:
    """Reads the tables of a run.

    Args:
        name: of the architecture.
        path: the run folder.

    Raises:
        UserError: `summary.csv` is missing, broken or empty.
    """
    summary = list(read_rows(path / "summary.csv", SummaryRow))
    if not summary:
        table = path / "summary.csv"
        raise UserError(f"{table}: has no row; {make_again(table)}")
    run = FinishedRun(name, path, summary)
    run.training = _training(path / "config.yaml")
    run.steps = _optional(run, "steps.csv", StepRow)
    run.contrasts = _optional(run, "contrasts.csv", ContrastRow)
    for model in (BASELINE, ROBUST):
        if (path / "recognisers" / model).is_dir():
            run.wer[model] = _optional(run, f"recognisers/{model}/wer.csv", WerRow)
    if (path / "listening" / "her.csv").is_file():
        unheard = why_unheard(path / "listening", path)
        if unheard:
            run.notes.append(f"{name}: listening/her.csv was left out: {unheard}")
        else:
            run.human = _optional(run, "listening/her.csv", SummaryRow)
    return run


def _training(config: Path) -> str:
    """What the recognisers learnt from, in a sentence; empty where no configuration says it."""
    try:
        values = yaml.safe_load(config.read_text())
        steps = [f"{values[name]['max_steps']} ({name})" for name in (BASELINE, ROBUST)]
        share, noise = values[ROBUST]["noisy_fraction"], noise_ranges(values)
        heard = f"robust heard noise in {share:.0%} of its training speech ({', '.join(noise)})"
    except (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError):
        return ""
    return f"{' and '.join(steps)} training steps; {heard}."


def noise_ranges(config: Mapping[str, Any]) -> list[str]:
    """As in `babble 0 to 12 dB`, of each kind of noise in the training that a configuration asks.

    Raises:
        LookupError, TypeError, ValueError: it is of another form.
    """
    ranges = config["snr_ranges_db"] or SNR_RANGES_DB
    return [f"{kind} {low:g} to {high:g} dB" for kind, (low, high) in ranges.items()]


def ordered_conditions(names: Iterable[str]) -> list[str]:
    """The paper's conditions in its order, then others as they came."""
    given = dict.fromkeys(names)
    return [name for name in CONDITIONS if name in given] + [
        name for name in given if name not in CONDITIONS
    ]


def _key(**row: Any) -> tuple[str, ...]:
    return row["model"], row["condition"], row["layer"], row["metric"], row["scorer"]


def _optional(run: FinishedRun, name: str, kind: type[Kind]) -> list[Kind]:
    if not (run.path / name).is_file():
        run.notes.append(f"{run.name}: {name} is missing")
        return []
    try:
        return list(read_rows(run.path / name, kind))
    except UserError as error:
        reason = str(error).removeprefix(f"{run.path / name}").replace(f"{run.path}{os.sep}", "")
        run.notes.append(f"{run.name}: {name} was left out{reason}")
        return []
