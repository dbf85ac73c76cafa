"""Tables 1 and 2 of the paper, the reconstruction loss and the verifiers, with its own numbers.

A table is a grid of cells. Its CSV has a row per cell with interval and counts; Markdown and LaTeX
show the grid (`evaluation.paper.typesetting`). A cell without a number says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.listening import safe_name
from evaluation.paper.finished_run import FinishedRun, WerRow
from evaluation.paper.published import (
    BASELINE,
    CLEAN,
    CONDITIONS,
    LINES,
    ROBUST,
    SOURCE,
    SPLITS,
    VERIFIER_EER,
    Line,
    architecture_of,
    eer_of,
    layers_of,
    wer_of,
)
from evaluation.records import SummaryRow


@dataclass(frozen=True, slots=True)
class PaperCell:
    """One number of a table (its CSV); `mean` or the reason why it is `missing`.

    `row` is the paper's letter in Table 2. EER and WER are in percent, the paper's number
    (`published`) too. A paired difference has no counts.
    """

    row: str
    architecture: str
    split: str
    condition: str
    model: str
    layer: str
    depth: int | None
    metric: str
    scorer: str
    mean: float | None
    ci_low: float | None
    ci_high: float | None
    n_scored: int | None
    n_failed: int | None
    published: float | None
    missing: str


@dataclass(frozen=True)
class PaperTable:
    """A grid of cells: `labels` stand left of each line, `columns` have a group and a name."""

    name: str
    title: str
    caption: str
    heads: tuple[str, ...]
    columns: list[tuple[str, str]]
    labels: list[tuple[str, ...]]
    lines: list[list[PaperCell]]
    digits: int

    @property
    def cells(self) -> list[PaperCell]:
        """All cells, line by line."""
        return [cell for line in self.lines for cell in line]

    @property
    def reasons(self) -> list[str]:
        """Why cells have no number, each reason once, in reading order."""
        return list(dict.fromkeys(cell.missing for cell in self.cells if cell.missing))


def paper_tables(runs: Sequence[FinishedRun]) -> list[PaperTable]:
    """All tables that the runs allow, in the paper's order."""
    verifiers = list(dict.fromkeys(name for run in runs for name in run.verifiers))
    return [
        wer_table(runs),
        *(eer_table(runs, name) for name in verifiers),
        *([verifier_table(runs, verifiers)] if verifiers else []),
        loss_table(runs),
    ]


def wer_table(runs: Sequence[FinishedRun]) -> PaperTable:
    """Table 1: WER of baseline and robust on natural speech, dev and test."""
    places = [(run, model) for run in runs for model in (BASELINE, ROBUST)]
    return PaperTable(
        name="table1",
        title="Table 1: word error rate",
        caption="WER (%) of the recognisers on natural clean speech, with 95 % intervals;"
        f" beside it {SOURCE} on LibriSpeech (dev-clean, test-clean).",
        heads=("model", "augmentation", "trained as"),
        columns=[("WER (%)", split) for split in SPLITS],
        labels=[(run.name, "yes" if model == ROBUST else "no", model) for run, model in places],
        lines=[[_wer_cell(run, model, split) for split in SPLITS] for run, model in places],
        digits=2,
    )


def eer_table(runs: Sequence[FinishedRun], verifier: str) -> PaperTable:
    """Table 2 by one of our verifiers: EER of every layer, rows a to h in the paper's order."""
    caption = (
        f"EER (%) of re-synthesised speech by {verifier}, with 95 % intervals over speakers;"
        f" beside it Table 2 of {SOURCE}, which is by their ThinResNet on LibriSpeech."
    )
    name, title = safe_name(f"table2_{verifier}"), f"Table 2: equal error rate by {verifier}"
    return _layer_table(name, title, caption, runs, "eer", verifier, digits=2)


def loss_table(runs: Sequence[FinishedRun]) -> PaperTable:
    """The reconstruction loss that section 2.2 calls a proxy for what a layer has lost."""
    caption = "Mean absolute error of the probes' log-mel (nepers), with 95 % intervals."
    return _layer_table("loss", "Reconstruction loss", caption, runs, "mel_l1", "", digits=3)


def verifier_table(runs: Sequence[FinishedRun], verifiers: Sequence[str]) -> PaperTable:
    """EER of every verifier on natural clean speech, which is the same for all recognisers."""
    lines = []
    for verifier in verifiers:
        run = next(run for run in runs if verifier in run.verifiers)
        model = next((name for name in (BASELINE, ROBUST) if name in run.models), run.models[0])
        cell = _cell(run, Line("", CLEAN, model), "natural", "eer", verifier)
        lines.append([_with_published(cell, VERIFIER_EER.get(verifier))])
    return PaperTable(
        name="verifiers",
        title="The verifiers on natural speech",
        caption=f"EER (%) on the natural, clean test speech; beside it {SOURCE} on test-clean.",
        heads=("verifier",),
        columns=[("natural speech", "EER (%)")],
        labels=[(verifier,) for verifier in verifiers],
        lines=lines,
        digits=2,
    )


def _layer_table(
    name: str,
    title: str,
    caption: str,
    runs: Sequence[FinishedRun],
    metric: str,
    scorer: str,
    digits: int,
) -> PaperTable:
    lines = [*LINES, *_further_lines(runs)]
    columns = [(run, layer) for run in runs for layer in _layers(run)]
    heads: tuple[str, ...] = ("row", "SNR", "type")
    labels: list[tuple[str, ...]] = [
        (line.letter and f"({line.letter})", line.condition, line.model) for line in lines
    ]
    if metric != "eer":  # the letters are those of Table 2
        heads, labels = heads[1:], [label[1:] for label in labels]
    cells = [[_cell(run, line, layer, metric, scorer) for run, layer in columns] for line in lines]
    groups = [(run.name, layer) for run, layer in columns]
    return PaperTable(name, title, caption, heads, groups, labels, cells, digits)


def _layers(run: FinishedRun) -> list[str]:
    """All our layers by depth, then those of the paper that we lack."""
    return list(dict.fromkeys([*run.depths, *layers_of(run.name)]))


def _further_lines(runs: Sequence[FinishedRun]) -> list[Line]:
    names = dict.fromkeys(name for run in runs for name in run.conditions)
    ours = [name for name in names if name not in CONDITIONS]
    return [Line("", name, model) for name in ours for model in (ROBUST, BASELINE)]


def _cell(run: FinishedRun, line: Line, layer: str, metric: str, scorer: str) -> PaperCell:
    key = (line.model, line.condition, layer, metric, scorer)
    row, why = run.find(*key), run.why_missing(*key)
    letter = line.letter if metric == "eer" else ""
    place = (letter, run.name, "test", line.condition, line.model, layer, run.depths.get(layer))
    published = eer_of(run.name, layer, line.condition, line.model) if metric == "eer" else None
    return PaperCell(*place, metric, scorer, *_numbers(row), published, why)


def _wer_cell(run: FinishedRun, model: str, split: str) -> PaperCell:
    """From wer.csv; the test split, where that lacks it, from the natural speech of the summary."""
    found: WerRow | SummaryRow | None = next(
        (row for row in run.wer.get(model, []) if row.split == split), None
    )
    why = f"{run.name}: recognisers/{model}/wer.csv has no split {split}"
    if found is None and split == "test":
        found = run.find(model, CLEAN, "natural", "wer", model)
    if model not in run.models:
        why = f"{run.name}: model {model} is not in this run"
    numbers = _numbers(found)
    if found is not None:
        why = "" if numbers[0] is not None else f"{run.name}: nothing of {split} was scored"
    place = ("", run.name, split, CLEAN, model, "natural", None, "wer", model)
    return PaperCell(*place, *numbers, wer_of(run.name, model, split), why)


def _numbers(
    row: SummaryRow | WerRow | None,
) -> tuple[float | None, float | None, float | None, int, int]:
    if row is None:
        return None, None, None, 0, 0
    mean = row.wer if isinstance(row, WerRow) else row.mean
    return mean, row.ci_low, row.ci_high, row.n_scored, row.n_failed


def _with_published(cell: PaperCell, published: float | None) -> PaperCell:
    values = {name: getattr(cell, name) for name in PaperCell.__slots__}
    return PaperCell(**{**values, "published": published})


def missing_architectures(runs: Sequence[FinishedRun]) -> list[str]:
    """The paper's architectures that none of the runs is of."""
    found = {architecture_of(run.name) for run in runs}
    return [name for name in ("VGG-LSTM", "pure-LSTM") if name not in found]
