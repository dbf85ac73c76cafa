"""`otoscope listen score`: error rates of listeners, and of verifiers on the same questions."""

import shlex
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentParser
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evaluation.listening_test.answers import Problem, read_all_answers
from evaluation.listening_test.folder import ANSWERS, ListeningTest, load_test
from evaluation.listening_test.her import (
    HUMAN,
    ListenerRow,
    human_rows,
    listener_rows,
    verifier_rows,
)
from evaluation.listening_test.her_picture import save_her_picture
from evaluation.listening_test.machine import MachineAnswer, verifier_answers
from evaluation.records import SummaryRow, write_rows
from otoscope.commands import parse
from otoscope.configuration import CONFIG
from otoscope.display import RunDisplay, output_console, say
from otoscope.verification import find_verifiers

SHOWN = 10  # problems; problems.csv has all


def score(arguments: list[str]) -> None:
    """`otoscope listen score`: error rates of listeners and verifiers."""
    parser = ArgumentParser(
        prog="otoscope listen score", exit_on_error=False, allow_abbrev=False,
        description="Human error rate of each layer with Wilson intervals, and what verifiers "
        "answer to the same questions: her.csv, her.png, listeners.csv, verifier_answers.csv.",
    )  # fmt: skip
    parser.add_argument("folder", help="folder of the test")
    parser.add_argument(
        "--verifiers", nargs="*", default=["ge2e"],
        help="ge2e, ecapa, xvector, or folders of saved verifiers (default: ge2e)",
    )  # fmt: skip
    parser.add_argument(
        "--download-verifiers", action="store_true", help="fetch weights of ecapa and xvector"
    )
    options = parse(parser, arguments)
    test = load_test(Path(options.folder))
    verifiers = find_verifiers(options.verifiers, options.download_verifiers)
    console = output_console()
    machines: list[MachineAnswer] = []
    with RunDisplay(console) as display:
        for verifier in verifiers:
            name, began = verifier.name, time.monotonic()

            def watch(fraction: float, name: str = name, began: float = began) -> None:
                display(name, fraction, "listening", time.monotonic() - began)

            machines += verifier_answers(test, verifier, watch)
    known = {triplet.triplet for triplet in test.triplets}
    answers, problems = read_all_answers(test.folder / ANSWERS, known)
    rows = [*human_rows(test, answers), *verifier_rows(test, machines)]
    listeners = listener_rows(test, answers)
    write_rows(test.folder / "her.csv", SummaryRow, rows)
    write_rows(test.folder / "listeners.csv", ListenerRow, listeners)
    write_rows(test.folder / "verifier_answers.csv", MachineAnswer, machines)
    write_rows(test.folder / "problems.csv", Problem, problems)
    save_her_picture(rows, test.folder / "her.png")
    _show(console, test, rows, listeners)
    _show_oddities(console, test, machines, problems)
    run = _paper_run(test.folder)
    if run is not None:
        config, output = (shlex.quote(str(path)) for path in (run / CONFIG, run))
        say(console, f"into figure 2 of {run / 'paper'} they come by calling otoscope run again:")
        say(console, f"  otoscope run -c {config} --output {output}")


def _paper_run(folder: Path) -> Path | None:
    """The run whose paper shows the rates of a test: those in `listening/` of an architecture."""
    place = folder.absolute().parent
    if folder.absolute().name != "listening":
        return None
    if _config(place).get("paper"):
        return place
    above = _config(place.parent)  # of the run, where the place is a further architecture's
    listed = above.get("architectures") or {}
    return place.parent if above.get("paper") and place.name in listed else None


def _config(run: Path) -> dict[str, Any]:
    """The configuration of a run, empty where there is none that can be read."""
    try:
        values = yaml.safe_load((run / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return values if isinstance(values, dict) else {}


def _show(
    console: Console, test: ListeningTest, rows: list[SummaryRow], listeners: list[ListenerRow]
) -> None:
    shared = [row for row in rows if not row.scorer.startswith(f"{HUMAN}:")]
    scorers = list(dict.fromkeys(row.scorer for row in shared))
    title = f"{test.settings['model']} · {test.settings['condition']}: answers that are wrong, in %"
    table = Table(title=escape(title), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("layer", no_wrap=True)
    for scorer in scorers:
        table.add_column(escape(scorer), justify="right", no_wrap=True)
    for layer in test.settings["layers"]:
        found = {row.scorer: row for row in shared if row.layer == layer}
        table.add_row(escape(layer), *(_spell_row(found[scorer]) for scorer in scorers))
    console.print(table)
    people = Table(title="listeners (tapped layers; natural apart)", title_justify="left", box=None)
    for column in ("listener", "answers", "wrong %", "of natural", "median ms", "replays"):
        people.add_column(column, justify="left" if column == "listener" else "right")
    for one in listeners:
        people.add_row(
            one.listener, f"{one.n_answered} of {one.n_questions}",
            _spell(one.her, one.ci_low, one.ci_high), _spell(one.her_natural),
            _spell(one.median_response_ms, digits=0), str(one.n_replays),
        )  # fmt: skip
    if listeners:
        console.print(people)


def _spell_row(row: SummaryRow) -> str:
    failed = f", {row.n_failed} failed" if row.n_failed else ""
    return f"{_spell(row.mean, row.ci_low, row.ci_high)} of {row.n_scored}{failed}"


def _spell(
    value: float | None, low: float | None = None, high: float | None = None, digits: int = 1
) -> str:
    if value is None:
        return "none"
    interval = "" if low is None or high is None else f" \\[{low:.{digits}f}, {high:.{digits}f}]"
    return f"{value:.{digits}f}{interval}"


def _show_oddities(
    console: Console, test: ListeningTest, machines: list[MachineAnswer], problems: list[Problem]
) -> None:
    if not any((test.folder / ANSWERS).glob("*.csv")):
        say(console, "nobody has answered yet")
    for scorer, ties in Counter(m.scorer for m in machines if m.answer == "tie").items():
        say(console, f"{scorer}: {ties} tie(s), each counted as half an error")
    for scorer, failed in Counter(m.scorer for m in machines if m.failure).items():
        say(
            console,
            f"{scorer}: {failed} question(s) without an answer: {test.folder}/verifier_answers.csv",
        )
    for problem in problems[:SHOWN]:
        line = f", line {problem.line}" if problem.line else ""
        say(console, f"not counted: {problem.listener}{line}: {problem.reason}")
    if len(problems) > SHOWN:
        say(console, f"... and {len(problems) - SHOWN} more: {test.folder / 'problems.csv'}")
    say(console, f"tables and picture in {test.folder}")
