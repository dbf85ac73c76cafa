"""`otoscope mask`: what saved recognisers need to hear of some utterances."""

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
from corpora.corpus import Corpus, Progress
from corpora.datamodule import SpeechDataModule
from corpora.loose_files import batches_of, cuts_of_files
from evaluation.masks.corpus_study import MasksFound, masks_of, study_masks
from evaluation.masks.judging import MASK
from evaluation.masks.logged import ROOT, read_masks
from evaluation.masks.mask_settings import MaskSettings
from evaluation.masks.subjects import require_frames
from otoscope.commands import command_line, parse
from otoscope.configuration import one_line
from otoscope.display import RunDisplay, output_console, say
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

WORK = Work("mask", "wait or stop it", "choose another --output", "no mask is cut off")


def mask(arguments: list[str]) -> None:
    """`otoscope mask`: importance masks by one recogniser, or by all trained ones of a run."""
    parser = mask_parser()
    options = parse(parser, arguments)
    places = trained(recogniser_places(options.recogniser))
    try:
        made = parser.instantiate_classes(options)
    except (ValueError, TypeError) as error:
        raise one_line(error) from error
    check_options(options)
    settings = MaskSettings(**{name: made[name] for name in MaskSettings.__dataclass_fields__})
    if options.files and (settings.ids or "phone" in settings.scopes):
        what = "ids" if settings.ids else "scopes: phone"
        raise UserError(f"{what}: not for files of your own, which are not of a corpus; leave out")
    torch.set_num_threads(options.threads)
    keep_freed()
    recognisers = {name: load(saved, options.seed) for name, saved in places.items()}
    for recogniser in recognisers.values():  # before the corpus is spoken
        require_frames(recogniser)
    title = title_of(options.recogniser)
    output, console = Path(options.output or f"masked/{title}"), output_console()
    place = output / ROOT
    with locked(output, WORK):
        corpus: Corpus = made.corpus or corpus_of(options.recogniser)
        write_call(parser, options, corpus, place, command_line("mask", arguments))
        began = time.monotonic()
        with RunDisplay(console) as display:
            if not options.files:
                say(console, f"speech of {type(corpus).__name__} ({corpus.fingerprint()})")
                corpus.fetch()
                corpus.prepare(lambda f, text: display("corpus", min(f, 0.999), text, 0.0))
            for name, recogniser in recognisers.items():
                found = one(recogniser, corpus, settings, options, place / name, name, display)
                show(console, found, name, place / name)
        say(console, f"this call took {time.monotonic() - began:.1f} s; look into {place}")
        if options.wandb:
            log(output, title, console)
    if not any((place / name / "figures").is_dir() for name in recognisers):
        raise UserError(f"none of the utterances has a mask; {place}/*/failures.csv says why")


def mask_parser() -> ArgumentParser:
    """Options of `otoscope mask`: its own, then those of a study."""
    text = (
        "Finds importance masks: the fewest entries of an utterance's frames with "
        "which a recogniser says the same in every frame, beside random and energy masks of the "
        "same size. Leaves tables, pictures, animations and sounds."
    )
    parser = study_parser("otoscope mask", text, "masks", "masked", MaskSettings)
    parser.add_argument("files", nargs="*", help="audio files (default: utterances of the corpus)")
    return parser


def trained(folders: dict[str, Path]) -> dict[str, Path]:
    """Without the control of a run, which learnt nothing and says nothing."""
    return {k: v for k, v in folders.items() if len(folders) == 1 or k != "untrained"}


def one(
    recogniser: Recogniser,
    corpus: Corpus,
    settings: MaskSettings,
    options: Namespace,
    folder: Path,
    name: str,
    display: RunDisplay,
) -> MasksFound:
    """Find the masks of one recogniser."""
    began = time.monotonic()

    def report(fraction: float, text: str) -> None:
        display(name, min(fraction, 0.999), text, time.monotonic() - began)

    scratch = folder.with_name(f".{name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        found = _found(recogniser, corpus, settings, options, scratch, name, report)
    except UserError:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)  # what another call left is not mixed in
    scratch.replace(folder)
    display(name, 1.0, "", time.monotonic() - began)
    return found


def _found(
    recogniser: Recogniser,
    corpus: Corpus,
    settings: MaskSettings,
    options: Namespace,
    folder: Path,
    name: str,
    report: Progress,
) -> MasksFound:
    if options.files:
        cuts, problems = cuts_of_files(options.files)
        recogniser.to(options.device)
        batches = batches_of(cuts, settings.batch_duration_s, recogniser.alphabet)
        known = {str(cut.id): cut for cut in cuts}
        where = (recogniser, batches, folder, name, settings, options.seed)
        return masks_of(*where, known, report=report, failures=problems)
    data = SpeechDataModule(corpus, seed=options.seed, alphabet=recogniser.alphabet)
    where_to = (folder, name, settings, options.seed, options.device)
    return study_masks(recogniser, data, *where_to, report)


def show(console: Console, found: MasksFound, name: str, folder: Path) -> None:
    """Print what masks come to, beside their controls, and what has none."""
    table = Table(title=name, title_justify="left", box=None)
    left = ("scope", "mask")
    columns = (*left, "masks", "kept", "transcripts", "frames", "lead", "insertion", "deletion")
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right")
    for row in found.summary:
        shares = (_percent(v) for v in (row.share_kept, row.transcripts, row.frames))
        lead = "" if row.mask == MASK else _percent(row.lead)
        areas = ("–" if v is None else f"{v:.2f}" for v in (row.insertion_area, row.deletion_area))
        table.add_row(row.scope, row.mask, str(row.n_masks), *shares, lead, *areas)
    if found.summary:
        console.print(table)
    for lost in found.failures:
        say(console, f"  note: {lost.utterance}: {lost.reason}")
    say(console, f"  pictures, sounds and tables: {folder}")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def log(output: Path, name: str, console: Console) -> None:
    """Log what was found to W&B."""
    from evaluation import wandb_samples
    from evaluation.wandb_logger import hand_over

    found = read_masks(output)
    complaint = hand_over(output, name, partial(wandb_samples.log_masks, found=found))
    if complaint:
        say(console, f"note: {complaint}")
