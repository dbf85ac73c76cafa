"""`otoscope sonify`: what drives every feature of every layer of saved recognisers."""

import json
import shutil
import time
from functools import partial
from pathlib import Path

import torch
from jsonargparse import ArgumentParser, Namespace
from rich.console import Console

from acoustics.errors import UserError
from asr_models.checkpoint import load_recogniser
from asr_models.memory import keep_freed
from asr_models.recogniser import Recogniser
from corpora.corpus import Corpus
from corpora.datamodule import SpeechDataModule
from corpora.embedded import EmbeddedCorpus
from evaluation.listening import write_atomically
from evaluation.sonification.logged import read_studies
from evaluation.sonification.overview import write_overview
from evaluation.sonification.study import study
from evaluation.sonification.study_result import Study
from evaluation.sonification.study_settings import OVERVIEW, StudySettings
from otoscope.commands import parse, write_environment
from otoscope.configuration import CONFIG, as_values, load_run, one_line
from otoscope.display import RunDisplay, output_console, say
from otoscope.failures import FAILURES, write_failures
from otoscope.locking import Work, locked
from otoscope.sonify_summary import show

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
        corpus: Corpus = made.corpus or corpus_of(options.recogniser)
        say(console, f"searching {type(corpus).__name__} ({corpus.fingerprint()})")
        write_call(parser, options, corpus, place)
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
    names = {path.resolve().name: path for path in found}
    if OVERVIEW in names:
        raise UserError(f"{names[OVERVIEW]}: '{OVERVIEW}' names what is of all; rename the folder")
    return names


def corpus_of(given: str) -> Corpus:
    """The corpus of the run that the folder is or lies in, or the embedded one."""
    folder = Path(given).resolve()
    for run in (folder, *folder.parents[:3]):
        if (run / CONFIG).is_file() and (run / "recognisers").is_dir():
            return load_run(run)[0].corpus
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

    scratch = folder.with_name(f".{name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    found = study(recogniser, data, scratch, name, settings, options.seed, options.device, report)
    write_failures(scratch / FAILURES, data)
    shutil.rmtree(folder, ignore_errors=True)  # what another call left is not mixed in
    scratch.replace(folder)
    display(name, 1.0, "", time.monotonic() - began)
    return found


def write_call(parser: ArgumentParser, options: Namespace, corpus: Corpus, folder: Path) -> None:
    """Write what was asked for, and with what, beside the results."""
    folder.mkdir(exist_ok=True)
    write_atomically(folder / CONFIG, parser.dump(options, skip_none=False).encode())
    write_environment(folder, as_values(parser, options))
    searched = {"class": type(corpus).__qualname__, "fingerprint": corpus.fingerprint()}
    write_atomically(folder / "corpus.json", json.dumps(searched, indent=2).encode())


def log(output: Path, name: str, console: Console) -> None:
    """Log what was found to W&B."""
    from evaluation import wandb_samples
    from evaluation.wandb_logger import hand_over

    studies = read_studies(output)
    complaint = hand_over(output, name, partial(wandb_samples.log_sonification, studies=studies))
    if complaint:
        say(console, f"note: {complaint}")
