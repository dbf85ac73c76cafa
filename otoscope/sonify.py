"""`otoscope sonify`: what drives every feature of every layer of saved recognisers."""

import shutil
import time
from functools import partial
from pathlib import Path

import torch
from jsonargparse import ArgumentParser, Namespace
from rich.console import Console

from acoustics.errors import UserError
from asr_models.memory import keep_freed
from asr_models.recogniser import Recogniser
from corpora.corpus import Corpus
from corpora.datamodule import SpeechDataModule
from evaluation.sonification.logged import read_studies
from evaluation.sonification.overview import write_overview
from evaluation.sonification.study import study
from evaluation.sonification.study_result import Study
from evaluation.sonification.study_settings import OVERVIEW, StudySettings
from otoscope.commands import command_line, parse
from otoscope.configuration import one_line
from otoscope.display import RunDisplay, output_console, say
from otoscope.failures import FAILURES, write_failures
from otoscope.locking import Work, locked
from otoscope.sonify_summary import show
from otoscope.study_command import (
    check_options,
    corpus_of,
    load,
    recogniser_places,
    study_parser,
    title_of,
    write_call,
)

WORK = Work("sonify", "wait or stop it", "choose another --output", "no table is cut off")


def sonify(arguments: list[str]) -> None:
    """`otoscope sonify`: dataset sonification of one recogniser, or of all of a run."""
    parser = sonify_parser()
    options = parse(parser, arguments)
    places = recogniser_places(options.recogniser)
    if OVERVIEW in places:
        raise UserError(f"{places[OVERVIEW]}: '{OVERVIEW}' names what is of all; rename it")
    try:
        made = parser.instantiate_classes(options)
    except (ValueError, TypeError) as error:
        raise one_line(error) from error
    check_options(options)
    settings = StudySettings(**{name: made[name] for name in StudySettings.__dataclass_fields__})
    torch.set_num_threads(options.threads)
    keep_freed()
    title = title_of(options.recogniser)
    output, console = Path(options.output or f"sonified/{title}"), output_console()
    place = output / "sonification"
    with locked(output, WORK):
        corpus: Corpus = made.corpus or corpus_of(options.recogniser)
        say(console, f"searching {type(corpus).__name__} ({corpus.fingerprint()})")
        write_call(parser, options, corpus, place, command_line("sonify", arguments))
        began = time.monotonic()
        with RunDisplay(console) as display:
            corpus.fetch()
            corpus.prepare(lambda f, text: display("corpus", min(f, 0.999), text, 0.0))
            for name, folder in places.items():
                recogniser = load(folder, options.seed)
                found = one(recogniser, corpus, settings, options, place / name, name, display)
                show(console, found, place / name)
        write_overview(place, place / OVERVIEW, places)
        say(console, f"this call took {time.monotonic() - began:.1f} s; look into {place}")
        if options.wandb:
            log(output, title, console)


def sonify_parser() -> ArgumentParser:
    """Options of `otoscope sonify`: its own, then those of a study."""
    text = (
        "Finds the segments of a corpus that drive every feature of every layer most, "
        "in one pass, with their words, phones and speakers; and tests what is said of layers: "
        "speaker against speech, complexity, density. Leaves tables, figures and sounds."
    )
    return study_parser("otoscope sonify", text, "sonification", "sonified", StudySettings)


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


def log(output: Path, name: str, console: Console) -> None:
    """Log what was found to W&B."""
    from evaluation import wandb_samples
    from evaluation.wandb_logger import hand_over

    studies = read_studies(output)
    complaint = hand_over(output, name, partial(wandb_samples.log_sonification, studies=studies))
    if complaint:
        say(console, f"note: {complaint}")
