"""`otoscope audiate`: sounds made to drive features of saved recognisers."""

import shutil
import time
from functools import partial
from pathlib import Path

import torch
from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.table import Table

from acoustics.errors import UserError
from asr_models.memory import keep_freed
from asr_models.recogniser import Recogniser
from corpora.corpus import Corpus
from corpora.datamodule import SpeechDataModule
from evaluation.audiation.asked import wants_learned_inputs
from evaluation.audiation.logged import ROOT, read_audiations
from evaluation.audiation.study import check, study
from evaluation.audiation.study_result import AudiationStudy
from evaluation.audiation.study_rows import as_asked
from evaluation.audiation.study_settings import AudiationSettings
from otoscope.commands import command_line, parse
from otoscope.configuration import one_line
from otoscope.display import RunDisplay, output_console, say
from otoscope.failures import FAILURES, write_failures
from otoscope.locking import Work, locked
from otoscope.study_command import (
    check_options,
    corpus_of,
    load,
    recogniser_places,
    study_parser,
    title_of,
    write_call,
)

WORK = Work("audiate", "wait or stop it", "choose another --output", "no sound is cut off")


def audiate(arguments: list[str]) -> None:
    """`otoscope audiate`: audiation of one recogniser, or of all of a run."""
    parser = audiate_parser()
    options = parse(parser, arguments)
    places = recogniser_places(options.recogniser)
    try:
        made = parser.instantiate_classes(options)
    except (ValueError, TypeError) as error:
        raise one_line(error) from error
    check_options(options)
    names = AudiationSettings.__dataclass_fields__
    settings = AudiationSettings(**{name: made[name] for name in names})
    torch.set_num_threads(options.threads)
    keep_freed()
    recognisers = {name: load(saved, options.seed) for name, saved in places.items()}
    for recogniser in recognisers.values():  # before the corpus is spoken
        check(recogniser.eval(), settings)
        wants_learned_inputs(recogniser, settings)
    title = title_of(options.recogniser)
    output, console = Path(options.output or f"audiated/{title}"), output_console()
    place = output / ROOT
    with locked(output, WORK):
        corpus: Corpus = made.corpus or corpus_of(options.recogniser)
        say(console, f"searching {type(corpus).__name__} ({corpus.fingerprint()})")
        write_call(parser, options, corpus, place, command_line("audiate", arguments))
        began = time.monotonic()
        with RunDisplay(console) as display:
            corpus.fetch()
            corpus.prepare(lambda f, text: display("corpus", min(f, 0.999), text, 0.0))
            for name, recogniser in recognisers.items():
                found = one(recogniser, corpus, settings, options, place / name, name, display)
                show(console, found, place / name)
        say(console, f"this call took {time.monotonic() - began:.1f} s; look into {place}")
        if options.wandb:
            log(output, title, console)


def audiate_parser() -> ArgumentParser:
    """Options of `otoscope audiate`: its own, then those of a study."""
    text = (
        "Makes sounds that drive features, given or random ones, as much as can be. "
        "Each is held against the strongest segment of a corpus, changes that it was not made for, "
        "and the other features of its layer. Leaves sounds, pictures and tables."
    )
    return study_parser("otoscope audiate", text, "audiation", "audiated", AudiationSettings)


def one(
    recogniser: Recogniser,
    corpus: Corpus,
    settings: AudiationSettings,
    options: Namespace,
    folder: Path,
    name: str,
    display: RunDisplay,
) -> AudiationStudy:
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
    try:
        found = study(
            recogniser, data, scratch, name, settings, options.seed, options.device, report
        )
    except UserError:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    write_failures(scratch / FAILURES, data)
    shutil.rmtree(folder, ignore_errors=True)  # what another call left is not mixed in
    scratch.replace(folder)
    display(name, 1.0, "", time.monotonic() - began)
    return found


def show(console: Console, found: AudiationStudy, folder: Path) -> None:
    """Print what was reached by layer and variant, and what has no sound."""
    table = Table(title=found.speech.model, title_justify="left", box=None)
    left = ("variant", "layer")
    columns = (*left, "sounds", "above corpus", "held out", "first in layer", "SNR dB", "2-8 Hz")
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right")
    for row in found.layers:
        if row.layer == "all" or row.variant == found.layers[0].variant:
            shares = (_percent(v) for v in (row.above, row.held_out_above, row.first))
            snr = "–" if row.snr_db is None else f"{row.snr_db:.1f}"
            count = f"{row.sounds} of {row.sounds + row.without}"
            syllabic = _percent(row.syllabic_share)
            table.add_row(row.variant, row.layer, count, *shares, snr, syllabic)
    console.print(table)
    for sound in as_asked(found.rows):
        if sound.problem:
            say(console, f"  note: {sound.layer}, feature {sound.feature}: {sound.problem}")
    say(console, f"  sounds, pictures and tables: {folder}")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def log(output: Path, name: str, console: Console) -> None:
    """Log what was made to W&B."""
    from evaluation import wandb_samples
    from evaluation.wandb_logger import hand_over

    found = read_audiations(output)
    complaint = hand_over(output, name, partial(wandb_samples.log_audiation, found=found))
    if complaint:
        say(console, f"note: {complaint}")
