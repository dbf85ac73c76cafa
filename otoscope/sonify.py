"""`otoscope sonify`: what drives every feature of every layer of saved recognisers."""

import shlex
import time
from functools import partial
from pathlib import Path

import torch
from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.table import Table

from acoustics.errors import UserError
from asr_models.checkpoint import load_recogniser
from asr_models.memory import keep_freed
from asr_models.recogniser import Recogniser
from corpora.corpus import Corpus
from corpora.datamodule import SpeechDataModule
from evaluation.listening import write_atomically
from evaluation.sonification.overview import OVERVIEW, write_overview
from evaluation.sonification.study import study
from evaluation.sonification.study_result import Study
from evaluation.sonification.study_settings import StudySettings
from otoscope.commands import parse, write_environment
from otoscope.configuration import CONFIG, as_values, load_run, one_line
from otoscope.display import RunDisplay, output_console, say
from otoscope.failures import FAILURES, write_failures
from otoscope.locking import Work, locked

WORK = Work("sonify", "wait or stop it", "choose another --output", "no table is cut off")


def sonify(arguments: list[str]) -> None:
    """`otoscope sonify`: dataset sonification of one recogniser, or of all of a run."""
    parser = sonify_parser()
    options = parse(parser, arguments)
    folders = recogniser_folders(options.recogniser)
    try:
        made = parser.instantiate_classes(options)
    except (ValueError, TypeError) as error:
        raise one_line(error) from error
    check(options)
    settings = StudySettings(**{name: made[name] for name in StudySettings.__dataclass_fields__})
    torch.set_num_threads(options.threads)
    keep_freed()
    title = Path(options.recogniser).resolve().name
    output, console = Path(options.output or f"sonified/{title}"), output_console()
    place = output / "sonification"
    with locked(output, WORK):
        write_call(parser, options, output)
        corpus: Corpus = made.corpus or corpus_of(options.recogniser)
        began = time.monotonic()
        with RunDisplay(console) as display:
            corpus.fetch()
            corpus.prepare(lambda f, text: display("corpus", min(f, 0.999), text, 0.0))
            for name, folder in folders.items():
                recogniser = load_recogniser(folder)
                found = one(recogniser, corpus, settings, options, place / name, name, display)
                show(console, found, place / name)
        write_overview(place, place / OVERVIEW, folders)
        say(console, f"this call took {time.monotonic() - began:.1f} s; look into {place}")
        if options.wandb:
            log(output, title, console)


def sonify_parser() -> ArgumentParser:
    """Options of `otoscope sonify`: its own, then those of a study."""
    parser = ArgumentParser(
        prog="otoscope sonify",
        exit_on_error=False,
        allow_abbrev=False,
        description="Finds the segments of a corpus that drive every feature of every layer most, "
        "in one pass, with their words, phones and speakers; and tests what is said of layers: "
        "speaker against speech, complexity, density. Leaves tables, figures and sounds.",
    )
    parser.add_argument("-c", "--config", action="config", help="YAML file with any of the options")
    parser.add_argument("recogniser", help="folder of a saved recogniser, or of a run: all of its")
    parser.add_argument(
        "--corpus",
        type=Corpus | None,
        help="aligned speech (default: that of the run, else the embedded corpus)",
    )
    parser.add_argument(
        "--output",
        type=str | None,
        help="the results go to sonification/ below it (default: sonified/<the folder's name>)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of all draws")
    parser.add_argument("--device", default="cpu", help="where the recogniser runs, as cuda")
    parser.add_argument("--threads", type=int, default=2, help="of computation")
    parser.add_argument("--wandb", action="store_true", help="log tables with audio to W&B")
    parser.add_class_arguments(StudySettings, None)
    return parser


def check(options: Namespace) -> None:
    """Refuse what cannot be.

    Raises:
        UserError: names the option.
    """
    for name, least in (("seed", 0), ("threads", 1)):
        if getattr(options, name) < least:
            value = getattr(options, name)
            raise UserError(f"--{name}: {value} is not possible, it must be {least} or more")
    try:
        torch.zeros(1, device=options.device)
    except (RuntimeError, AssertionError) as error:  # torch asserts that it was built for CUDA
        reason = str(error).splitlines()[0]
        raise UserError(f"--device: '{options.device}' cannot be used ({reason})") from error


def recogniser_folders(given: str) -> dict[str, Path]:
    """Recognisers by the names of their folders: the one that was given, or those of a run.

    Raises:
        UserError: there is none.
    """
    folder = Path(given)
    inside = sorted(path.parent for path in folder.glob("recognisers/*/recogniser.json"))
    found = inside or [folder]
    if not inside and not (folder / "recogniser.json").is_file():
        raise UserError(
            f"{folder}: neither a saved recogniser nor a run with recognisers; make one with "
            "'otoscope asr fit' or 'otoscope run'"
        )
    return {path.resolve().name: path for path in found}


def corpus_of(given: str) -> Corpus:
    """The corpus of a run, or the embedded one."""
    if (Path(given) / CONFIG).is_file():
        return load_run(Path(given))[0].corpus
    from corpora.embedded import EmbeddedCorpus

    return EmbeddedCorpus()


def one(
    recogniser: Recogniser,
    corpus: Corpus,
    settings: StudySettings,
    options: Namespace,
    folder: Path,
    name: str,
    display: RunDisplay,
) -> Study:
    """Study one recogniser."""
    began = time.monotonic()
    data = SpeechDataModule(
        corpus,
        batch_duration_s=settings.batch_duration_s,
        seed=options.seed,
        alphabet=recogniser.alphabet,
    )

    def report(fraction: float, text: str) -> None:
        display(name, min(fraction, 0.999), text, time.monotonic() - began)

    found = study(recogniser, data, folder, name, settings, options.seed, options.device, report)
    write_failures(folder / FAILURES, data)
    display(name, 1.0, "", time.monotonic() - began)
    return found


def write_call(parser: ArgumentParser, options: Namespace, output: Path) -> None:
    """Write what was asked for, and with what, beside the results."""
    text = parser.dump(options, skip_none=False)
    write_atomically(output / CONFIG, text.encode())
    write_environment(output, as_values(parser, options))


def show(console: Console, found: Study, folder: Path) -> None:
    """Print counts by layer, remarks and claims."""
    table = Table(title=found.name, title_justify="left", box=None)
    columns = ("layer", "features", "dead", "by men", "by women", "phones a word")
    for column in columns:
        table.add_column(column, justify="left" if column == "layer" else "right")
    for row in layer_rows(found):
        table.add_row(*row)
    console.print(table)
    for remark in [*found.found.remarks(), *found.findings.notes]:
        say(console, f"  note: {remark}")
    for claim in [*found.findings.claims, *found.manner.claims]:
        say(console, f"  {claim.verdict}: {claim.sentence}")
    say(console, f"  tables, figures and sounds: {shlex.quote(str(folder))}")


def layer_rows(found: Study) -> list[tuple[str, ...]]:
    """One line for each layer: what most of its features are driven by."""
    rows = []
    sexes = {
        (row.layer, row.group): row.share
        for row in reversed(found.findings.dominance)
        if row.attribute == "sex"
    }
    words = {row.layer: row.mean for row in found.findings.complexity if row.unit == "words"}
    for layer, activity in found.found.activity.items():
        numbers = [sexes.get((layer, sex)) for sex in ("male", "female")]
        rows.append(
            (
                layer,
                str(len(activity.dead)),
                str(int((activity.dead != "").sum())),
                *("–" if share is None else f"{100 * share:.0f} %" for share in numbers),
                f"{words[layer]:.2f}" if words.get(layer) is not None else "–",
            )
        )
    return rows


def log(output: Path, name: str, console: Console) -> None:
    """Log what was found to W&B."""
    from evaluation import wandb_samples

    complaint = wandb_samples.hand_over(
        output, name, partial(wandb_samples.log_sonification, run=output)
    )
    if complaint:
        say(console, f"note: {complaint}")
