"""The commands `run` and `layers`."""

import json
import platform
import shlex
import shutil
import time
from argparse import ArgumentParser as PlainParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace
from rich.console import Console
from rich.table import Table

from acoustics.errors import UserError
from asr_models.checkpoint import load_recogniser
from asr_models.recogniser import Recogniser
from corpora.corpus import ImpulseResponses
from evaluation.listening import write_atomically
from evaluation.places import without_places
from evaluation.records import SummaryRow, read_rows
from evaluation.results_table import results_tables
from evaluation.steps import StepRow, steps_table
from otoscope.configuration import (
    CONFIG,
    as_values,
    build,
    experiment_parser,
    one_line,
    recogniser_of,
)
from otoscope.display import RunDisplay, output_console
from otoscope.experiment import Experiment
from otoscope.layer_table import show_layers
from otoscope.locking import locked
from otoscope.plan import Plan, architecture_config, code_digest, library_versions
from otoscope.runner import finished, record_of, run_stages

SPACE_NEEDED = 200e6  # bytes; less than that free is said before the work, not after it


def parse(parser: ArgumentParser, arguments: list[str]) -> Namespace:
    """Parse, with a mistake as one line that names the key."""
    try:
        return parser.parse_args(arguments)
    except (ArgumentError, FileNotFoundError) as error:
        raise one_line(error) from error


def run(arguments: list[str]) -> None:
    """`otoscope run`: one whole experiment."""
    parser = experiment_parser(
        prog="otoscope run",
        description="Speech, recognisers, probes, sound of every layer, scores and report. "
        "Finished stages are recognised; the same command goes on where it stopped.",
    )
    parser.add_argument("--output", type=str | None, help="run folder (default: runs/<name>)")
    options = parse(parser, arguments)
    folder = Path(options.pop("output") or f"runs/{options.name}")
    values = as_values(parser, options)
    experiment = build(parser, options)
    experiment.check()
    console = output_console()
    with locked(folder):
        if shutil.disk_usage(folder).free < SPACE_NEEDED:
            raise UserError(
                f"{folder}: less than 200 MB free; free some or choose another --output"
            )
        started = time.monotonic()
        experiment.recogniser_corpus.fetch()  # first, for the plan tells stages by their content
        if experiment.reverberation is not None:
            prepare_rooms(experiment.reverberation, console)
        plan = Plan(experiment, values, answers(folder, experiment))
        save_config(parser, options, folder)
        already = finished(folder, plan)
        console.print(f"run folder {folder}: {len(already)} of {len(plan.stages)} stages are done")
        older = [name for name, record in already.items() if record.get("code") != code_digest()]
        if older:
            console.print(
                f"note: {len(older)} of them are the work of other code than this, and are kept; "
                "for a run of one code choose another --output",
                highlight=False,
            )
        write_environment(folder, values, command_line("run", arguments))
        with RunDisplay(console) as display:

            def watch(stage: str, fraction: float, text: str, seconds: float) -> None:
                display(stage, fraction, text, seconds)
                if fraction >= 1.0:
                    write_stages(folder, plan)

            run_stages(folder, plan, experiment.compute.jobs, watch)
        write_stages(folder, plan)
        show(console, folder, plan, time.monotonic() - started, experiment.atlas.max_megabytes)


def prepare_rooms(rooms: ImpulseResponses, console: Console) -> None:
    """Simulate the rooms that the cache lacks, before stages that would do it side by side."""
    began = time.monotonic()
    with RunDisplay(console) as display:
        rooms.prepare(lambda f, text: display("reverberation", f, text, time.monotonic() - began))


def answers(folder: Path, experiment: Experiment) -> str:
    """What listening tests of this run and its architectures have given so far."""
    places = [folder, *(folder / name for name in experiment.architectures)]
    found = [place / "listening" / "her.csv" for place in places]
    return "\n".join(path.read_text(errors="replace") for path in found if path.is_file())


def save_config(parser: ArgumentParser, options: Namespace, folder: Path) -> None:
    """Write the resolved configuration; the stages read it from there."""
    text = parser.dump(options, skip_none=False)
    write_atomically(folder / CONFIG, text.encode())
    values = yaml.safe_load(text)
    for name in values["architectures"]:
        (folder / name).mkdir(exist_ok=True)
        own = yaml.safe_dump(architecture_config(values, name), sort_keys=False)
        write_atomically(folder / name / CONFIG, own.encode())


def command_line(name: str, arguments: Sequence[str]) -> str:
    """A command as it was typed, as `otoscope run -c mine.yaml`; absolute paths by their names.

    Whoever publishes results need not say where on a machine they lay.
    """
    return shlex.join(["otoscope", name, *map(without_places, arguments)])


def write_environment(folder: Path, values: dict[str, Any], command: str) -> None:
    """Write command, versions and seed beside the results."""
    facts = {
        "command": command,
        "seed": values["seed"],
        "python": platform.python_version(),
        "versions": library_versions(),
    }
    for place in (folder, *(folder / name for name in values.get("architectures", {}))):
        write_atomically(place / "environment.json", json.dumps(facts, indent=2).encode())


def write_stages(folder: Path, plan: Plan) -> None:
    """Write what is done and how long it took."""
    rows = []
    for name, stage in plan.stages.items():
        record = record_of(folder, stage)
        status = "done" if record else "open"
        rows.append({"stage": name, "seconds": record.get("seconds"), "status": status})
    write_atomically(folder / "stages.json", json.dumps(rows, indent=2).encode())


def show(console: Console, folder: Path, plan: Plan, seconds: float, bound: float) -> None:
    """Print the tables, the times and where to look next."""
    from evaluation.atlas.site import read_built
    from otoscope.report import told

    rows = list(read_rows(folder / "summary.csv", SummaryRow))
    for model, condition in dict.fromkeys((row.model, row.condition) for row in rows):
        console.print(*results_tables(rows, model, condition, console))
    console.print(steps_table(list(read_rows(folder / "steps.csv", StepRow))))
    times = Table(title="stages", title_justify="left", box=None)
    times.add_column("stage")
    times.add_column("seconds", justify="right")
    for name, stage in plan.stages.items():
        times.add_row(name, f"{record_of(folder, stage).get('seconds', 0.0):.1f}")
    console.print(times)
    console.print(f"this call took {seconds:.1f} s; look at and listen to", highlight=False)
    reports = sorted(folder.glob("*/report/index.html"))
    for page in (folder / "report" / "index.html", *reports):
        console.print(f"  {page}", highlight=False, soft_wrap=True, markup=False)
        built = read_built(page.parent)
        for line in told(built, bound, "--atlas.max_megabytes") if built else ():
            console.print(f"    {line}", highlight=False, soft_wrap=True)


def layers(arguments: list[str]) -> None:
    """`otoscope layers`: what can be tapped."""
    parser = PlainParser(
        prog="otoscope layers", description="Layers of a recogniser: stride, offset and width."
    )
    parser.add_argument(
        "recogniser",
        nargs="?",
        help="folder of a saved recogniser, or of a run, or a YAML file that names one under "
        "'recogniser' (default: that of the embedded experiment)",
    )
    network = _recogniser(parser.parse_args(arguments).recogniser).freeze()
    show_layers(network, Console())


def _recogniser(given: str | None) -> Recogniser:
    if given is None:
        parser = experiment_parser()
        return build(parser, parser.parse_args([])).recogniser()
    folder = Path(given)
    if folder.is_file():
        return recogniser_of(folder)
    inside = sorted(folder.glob("recognisers/*"))
    return load_recogniser(inside[0] if inside else folder)
