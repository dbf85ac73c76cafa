"""`otoscope score`: any folder of rendered or enhanced speech against clean speech."""

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml
from jsonargparse import ArgumentParser
from rich.console import Console

from acoustics.errors import UserError
from asr_models.checkpoint import load_recogniser
from asr_models.recogniser import Recogniser
from corpora.corpus import SAMPLE_RATE, Progress
from evaluation.folder_scoring import UNKNOWN, FolderScoring, Remark
from evaluation.listening import write_atomically
from evaluation.quality import QUALITY_METRICS
from evaluation.records import (
    RowWriter,
    ScoreRow,
    SummaryRow,
    TrialScoreRow,
    UtteranceRow,
    read_rows,
    write_rows,
)
from evaluation.rendered import layer_depths
from evaluation.results_table import TABLE_METRICS, results_tables
from evaluation.sounds import TRANSCRIPT_METRICS, SoundScorer
from evaluation.summary import TRIAL_METRICS, collect, summarise
from evaluation.trials import save_trials
from evaluation.verifiers.verifier import Verifier
from otoscope.commands import command_line, parse, write_environment
from otoscope.configuration import CONFIG
from otoscope.display import RunDisplay, output_console, say
from otoscope.failures import FAILURES, FailureRow
from otoscope.locking import Work, locked
from otoscope.score_inputs import Call, prepare
from otoscope.verification import find_verifiers

SCORED = (*TRIAL_METRICS, *QUALITY_METRICS, *TRANSCRIPT_METRICS)
MOST_WORKERS = 8
KINDS = {
    "cut": "cut to the length of their partner",
    "converted": "resampled, mixed down, or of another format than their name says",
    "unpaired": "without a partner of their name",
    "unusable": "unreadable, silent or too short",
}
WORK = Work("score", "wait or stop it", "choose another --output", "no table is cut off")


def score(arguments: list[str]) -> None:
    """`otoscope score`: PESQ, STOI, EER and WER of folders of speech."""
    options = vars(parse(score_parser(), arguments))
    check(options)
    call = prepare(options)
    torch.set_num_threads(options["threads"])  # more would fight the workers for the cores
    verifiers = (
        find_verifiers(options["verifiers"], options["download_verifiers"]) if call.trials else []
    )
    recognisers = load_recognisers(options["recogniser"])
    console = output_console()
    with locked(call.output, WORK):
        began = time.monotonic()
        with RunDisplay(console) as display:

            def report(fraction: float, text: str) -> None:
                display("score", min(fraction, 0.999), text, time.monotonic() - began)

            counts = listen(call, verifiers, recognisers, report)
            display("score", 1.0, "", time.monotonic() - began)
        write_call(call, command_line("score", arguments))
        rows = summarise_call(call, recognisers)
        show(console, call, rows, counts)


def score_parser() -> ArgumentParser:
    """Options of `otoscope score`."""
    parser = ArgumentParser(
        prog="otoscope score",
        exit_on_error=False,
        allow_abbrev=False,
        description="Scores any folder of re-synthesised or enhanced speech against clean speech: "
        "PESQ, STOI and ESTOI of every file, EER and minDCF over pairs of files, WER and CER. "
        "Files pair by their names without extension; a folder with a sub-folder for each layer "
        "gives the curve.",
    )
    add = parser.add_argument
    add("--rendered", required=True, help="folder to score, flat or with a sub-folder a layer")
    add("--reference", required=True, help="folder of the clean speech")
    add(
        "--speaker-from",
        help="who speaks: a table with the columns utterance and speaker (and perhaps sex and "
        "text), or a regular expression for file names, with one group",
    )
    add("--trials", help="pairs to verify, like trials.csv of a run (default: drawn)")
    add(
        "--transcripts",
        help="what is said: a table with the columns utterance and text, or lines of a name and "
        "its words (default: the speakers' table)",
    )
    add("--recogniser", nargs="+", default=[], help="folders of saved recognisers, for WER and CER")
    add(
        "--verifiers",
        nargs="+",
        default=["ge2e"],
        help="ge2e, ecapa, xvector, or folders of saved verifiers",
    )
    add("--download-verifiers", action="store_true", help="fetch weights of ecapa and xvector")
    add("--metrics", nargs="+", default=list(SCORED), help=f"any of {', '.join(SCORED)}")
    add(
        "--layers",
        nargs="+",
        help="sub-folders to score (default: all that pair with the reference, sorted by name); "
        "their depth is that of the recogniser's layers, else their place",
    )
    add("--model", default="rendered", help="name in the tables")
    add("--condition", default="clean", help="name in the tables")
    add(
        "--output",
        help="folder of the tables (default: scores/<name of the rendered folder>); what was "
        "scored from other folders, or under another --condition, is not written over",
    )
    add("--n-positive", type=int, help="draw at most so many trials of one speaker (default: all)")
    add("--bootstrap-replicates", type=int, default=1000, help="resamplings behind an interval")
    add("--seed", type=int, default=0, help="of the trials that are drawn, and of the intervals")
    add(
        "--workers",
        type=int,
        default=min(MOST_WORKERS, os.cpu_count() or 1),
        help="processes that measure PESQ and STOI",
    )
    add("--threads", type=int, default=1, help="of computation, beside these processes")
    return parser


def check(options: dict[str, Any]) -> None:
    """Refuse what cannot be; take out listeners whose metrics nobody wants.

    Raises:
        UserError: names the option.
    """
    for name in ("workers", "threads", "bootstrap_replicates", "n_positive"):
        if options[name] is not None and options[name] < 1:
            option = name.replace("_", "-")
            raise UserError(f"--{option}: {options[name]} is not possible, it must be 1 or more")
    if options["seed"] < 0:
        raise UserError(f"--seed: {options['seed']} is not possible, it must be 0 or more")
    unknown = [metric for metric in options["metrics"] if metric not in SCORED]
    if unknown:
        raise UserError(f"--metrics: unknown {unknown[0]!r}; known are {', '.join(SCORED)}")
    for name in ("model", "condition"):
        if not options[name]:
            raise UserError(f"--{name}: it must not be empty; leave it out or name it")
    if not set(options["metrics"]) & set(TRIAL_METRICS):
        options["verifiers"] = []
    if not set(options["metrics"]) & set(TRANSCRIPT_METRICS):
        options["recogniser"] = []


def load_recognisers(folders: Sequence[str]) -> dict[str, Recogniser]:
    """Recognisers by the names of their folders.

    Raises:
        UserError: a folder holds none, or two have one name.
    """
    names = [Path(folder).resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise UserError("--recogniser: two folders have one name, which the tables need; copy one")
    return {name: load_recogniser(folder) for name, folder in zip(names, folders, strict=True)}


def write_call(call: Call, command: str) -> None:
    """Write what was asked for, by which command and with what, beside the results."""
    text = yaml.safe_dump(call.options, sort_keys=False)
    write_atomically(call.output / CONFIG, text.encode())
    write_environment(call.output, call.options, command)
    write_rows(call.output / "utterances.csv", UtteranceRow, call.utterances)
    save_trials(call.output / "trials.csv", call.trials)


def listen(
    call: Call,
    verifiers: Sequence[Verifier],
    recognisers: Mapping[str, Recogniser],
    report: Progress,
) -> Counter[str]:
    """Score all files into `scores.csv` and `trial_scores.csv`; count what was odd, by kind."""
    counts: Counter[str] = Counter()
    options, output = call.options, call.output
    quality = [metric for metric in QUALITY_METRICS if metric in options["metrics"]]
    with RowWriter(output / FAILURES, FailureRow) as failures:

        def remember(remark: Remark) -> None:
            counts[remark.kind] += 1
            reason = f"{remark.layer}: {remark.reason}"
            failures.write(FailureRow("test", remark.utterance, reason, remark.used))

        for name in call.folders.left_out:
            reason = f"{name}: this sub-folder has nothing in common with the reference"
            failures.write(FailureRow("test", "", reason, False))
        for note in call.notes:
            failures.write(FailureRow("test", "", note, True))
        with SoundScorer(
            output,
            options["model"],
            SAMPLE_RATE,
            call.trials,
            verifiers,
            recognisers,
            quality,
            workers=options["workers"],
        ) as scorer:
            FolderScoring(
                call.folders, call.utterances, scorer, options["condition"], remember
            ).run(report)
    return counts


def summarise_call(call: Call, recognisers: Mapping[str, Recogniser]) -> list[SummaryRow]:
    """Write `summary.csv`, with the intervals of a run."""
    known = [
        {name: layer.depth for name, layer in recogniser.layers.items()}
        for recogniser in recognisers.values()
    ]
    depths = layer_depths(call.folders.layers, known)
    results = collect(
        read_rows(call.output / "scores.csv", ScoreRow),
        read_rows(call.output / "trial_scores.csv", TrialScoreRow),
        call.trials,
        [replace(row, speaker=row.speaker or UNKNOWN) for row in call.utterances],
        call.options["bootstrap_replicates"],
        call.options["seed"],
    )
    rows = [row for row in summarise(results, depths) if row.metric in call.options["metrics"]]
    write_rows(call.output / "summary.csv", SummaryRow, rows)
    return rows


def show(console: Console, call: Call, rows: Sequence[SummaryRow], counts: Counter[str]) -> None:
    """Print the table, what was odd and where to look next."""
    options, failures = call.options, call.output / FAILURES
    metrics = [metric for metric in TABLE_METRICS if metric in options["metrics"]]
    model, condition = options["model"], options["condition"]
    shown = metrics or options["metrics"]
    console.print(*results_tables(rows, model, condition, console, shown))

    for name in call.folders.left_out:
        say(console, f"left out: {name}, which has nothing in common with the reference")
    for note in call.notes:
        say(console, note)
    for kind, words in KINDS.items():
        if counts[kind]:
            say(console, f"{counts[kind]} {words}: {failures}")
    say(console, f"{len(call.folders.utterances)} utterances, tables in {call.output}")
