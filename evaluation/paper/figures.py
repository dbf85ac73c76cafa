"""Figures 2 and 4 of the paper, its Table 2 as curves, the loss, states and lost identity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from matplotlib.figure import Figure

from evaluation.listening_test.her import HUMAN
from evaluation.paper.finished_run import FinishedRun, ordered_conditions
from evaluation.paper.panels import (
    INK,
    NothingToDrawError,
    add_legend,
    draw_published,
    draw_references,
    draw_series,
    dress,
    empty_panel,
)
from evaluation.paper.published import BASELINE, CLEAN, ROBUST, eer_of
from evaluation.reading import Row, colour_of, number, select, value_range
from evaluation.summary import STATES, is_plain

MODELS = (BASELINE, ROBUST, "untrained")
SIZE = (3.3, 2.7)  # inches of a panel
CHANCE = 50.0
PEOPLE = "#197a5d"
NO_SOUND = "#c07000"  # of no verifier: they take theirs in turn
KINDS = {
    "": "rendered against rendered",
    ":natural": "natural against rendered",
    ":adapted": "verifier adapted to rendered speech",
}
"""Who hears what in the figure of lost identity, by the end of the scorer's name."""


def _sheet(rows: int, columns: int, sharey: Literal["all", "row"]) -> tuple[Figure, Any]:
    sheet = Figure(figsize=(SIZE[0] * columns, SIZE[1] * rows + 0.6), layout="constrained")
    return sheet, sheet.subplots(rows, columns, sharey=sharey, squeeze=False)


def depth_sheet(runs: Sequence[FinishedRun], quantities: Sequence[tuple[str, str]]) -> Figure:
    """A row of panels per run and quantity, a panel per condition, a curve per model.

    Args:
        runs: whose tables are drawn.
        quantities: metric and scorer; those that a run lacks are left out.

    Raises:
        NothingToDrawError: no run has any of the quantities.
    """
    wanted = [(run, metric, select(run.rows, metric=metric, scorer=scorer))
              for run in runs for metric, scorer in quantities]  # fmt: skip
    drawn = [(run, metric, rows) for run, metric, rows in wanted if rows]
    if not drawn:
        raise NothingToDrawError(f"no row of {', '.join(metric for metric, _ in quantities)}")
    conditions = ordered_conditions(str(row["condition"]) for *_, rows in drawn for row in rows)
    sheet, panels = _sheet(len(drawn), len(conditions), sharey="row")
    for line, (run, metric, rows) in zip(panels, drawn, strict=True):
        for at, (panel, condition) in enumerate(zip(line, conditions, strict=True)):
            title = f"{run.name}, {condition}" if len(runs) > 1 else condition
            mine = select(rows, condition=condition)
            if mine:
                _draw_models(panel, run, metric, mine)
                dress(panel, mine, metric, title, label=at == 0)
            else:
                empty_panel(panel, title, "not in this run")
        line[0].set_ylim(*value_range([*_shown(rows), *_theirs(run, metric)], metric))
    add_legend(sheet)
    return sheet


def _shown(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["model"] in MODELS]


def _draw_models(panel: Any, run: FinishedRun, metric: str, rows: list[Row]) -> None:
    for model in MODELS:
        colour = colour_of(model, MODELS)[0]
        style = ":" if model == "untrained" else "-"
        draw_series(panel, select(rows, model=model), model, colour, style)
        if metric == "eer":
            condition = str(rows[0]["condition"])
            draw_published(panel, _published(run, condition, model), colour, model)
    draw_references(panel, _shown(rows))


def _published(run: FinishedRun, condition: str, model: str) -> dict[float, float]:
    pairs = [(depth, eer_of(run.name, layer, condition, model))
             for layer, depth in run.depths.items()]  # fmt: skip
    return {float(depth): value for depth, value in pairs if value is not None}


def _theirs(run: FinishedRun, metric: str) -> list[Row]:
    """The paper's numbers as rows, for the range of a panel that they are drawn in."""
    if metric != "eer":
        return []
    points = [_published(run, condition, model).values()
              for condition in run.conditions for model in MODELS]  # fmt: skip
    none = {"ci_low": None, "ci_high": None}
    return [{"mean": value, **none} for values in points for value in values]


def figure2(run: FinishedRun) -> Figure:
    """EER of every verifier per layer on clean speech, and people's error rate where it is known.

    Of the robust recogniser, as in the paper; of another one where the run lacks it.

    Raises:
        NothingToDrawError: the run has no EER on clean speech.
    """
    rows = select(run.rows, metric="eer", condition=CLEAN)
    models = [name for name in (ROBUST, *run.models) if select(rows, model=name)]
    if not models or not run.verifiers:
        raise NothingToDrawError(f"{run.name} has no EER on clean speech")
    mine, people = select(rows, model=models[0]), _listening(run, models[0])
    sheet, panels = _sheet(1, 2 if people else 1, sharey="all")
    sheet.set_figwidth(4.6 * len(panels[0]))
    scorers = list(dict.fromkeys([*run.verifiers, *(name for name in people if name != HUMAN)]))
    for verifier in run.verifiers:
        colour = colour_of(verifier, scorers)[0]
        draw_series(panels[0][0], select(mine, scorer=verifier), verifier, colour)
    points = _published(run, CLEAN, models[0])
    draw_published(panels[0][0], points, INK)
    dress(panels[0][0], mine, "eer", f"{run.name}, {models[0]}, clean")
    if people:
        for who, answers in people.items():
            if who == HUMAN:
                draw_series(panels[0][1], answers, "people", PEOPLE)
            else:
                colour = colour_of(who, scorers)[0]
                draw_series(panels[0][1], answers, f"{who}, same triplets", colour, "--")
        dress(panels[0][1], mine, "her", "human error rate")
        panels[0][1].set_ylabel("HER (%)")
    for panel in panels[0]:
        panel.axhline(CHANCE, color="#888888", lw=0.8, ls=":", label="chance")
        panel.set_ylim(bottom=0)
    add_legend(sheet)
    return sheet


def _listening(run: FinishedRun, model: str) -> dict[str, list[Row]]:
    """Error rates of the listening test by scorer: people, and verifiers on the same questions.

    Of clean speech of this model only, single listeners left out; depths are those of the run.
    """
    found: dict[str, list[Row]] = {}
    for row in run.human:
        if (row.metric, row.model, row.condition) != ("her", model, CLEAN):
            continue
        if row.scorer.startswith(f"{HUMAN}:"):
            continue
        spelt: dict[str, Any] = {"layer": row.layer, "depth": run.depths.get(row.layer, row.depth)}
        spelt |= {"mean": row.mean, "ci_low": row.ci_low, "ci_high": row.ci_high}
        found.setdefault(row.scorer or HUMAN, []).append(spelt)
    return found


def identity_figure(run: FinishedRun) -> Figure:
    """Lost identity or damaged audio: EER of one layer by all that can tell the two apart.

    A row of panels per model, a panel per condition in which a verifier heard natural speech too,
    was adapted to rendered speech, or a probe looked at the states themselves.

    Raises:
        NothingToDrawError: the run has no such row.
    """
    rows = select(run.rows, metric="eer")
    telling = [row for row in rows if not is_plain(str(row["scorer"]))]
    telling = [row for row in telling if row["model"] in MODELS]
    if not telling:
        raise NothingToDrawError(f"{run.name} has no EER of states, natural or adapted trials")
    conditions = ordered_conditions(str(row["condition"]) for row in telling)
    models = [name for name in MODELS if select(telling, model=name)]
    sheet, panels = _sheet(len(models), len(conditions), sharey="all")
    for line, model in zip(panels, models, strict=True):
        for at, (panel, condition) in enumerate(zip(line, conditions, strict=True)):
            mine = select(rows, model=model, condition=condition)
            _draw_identity(panel, run, mine)
            dress(panel, mine, "eer", f"{run.name}, {model}, {condition}", label=at == 0)
            panel.axhline(CHANCE, color="#888888", lw=0.8, ls=":", label="chance")
            panel.set_ylim(bottom=0)
    add_legend(sheet)
    return sheet


def _draw_identity(panel: Any, run: FinishedRun, rows: list[Row]) -> None:
    scorers = {str(row["scorer"]) for row in rows}
    told = [name for name in run.verifiers if {name + end for end in KINDS if end} & scorers]
    for verifier in told or run.verifiers[:1]:
        colour = colour_of(verifier, run.verifiers)[0]
        for (end, what), style in zip(KINDS.items(), ("-", "--", "-."), strict=True):
            mine = select(rows, scorer=verifier + end)
            draw_series(panel, mine, f"{verifier}: {what}", colour, style)
    mine = select(rows, scorer=STATES)
    draw_series(panel, mine, "linear probe of the states", NO_SOUND)
    for row in select(mine, layer="natural"):
        level = number(row["mean"])
        if level is not None:
            panel.axhline(level, color=NO_SOUND, lw=0.9, ls=":", label="the same on log-mels")
