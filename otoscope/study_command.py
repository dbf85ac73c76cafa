"""What the commands that study saved recognisers share: their options, and whom they study."""

import json
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentParser, Namespace

from acoustics.errors import UserError
from asr_models.checkpoint import load_recogniser
from asr_models.recogniser import Recogniser
from corpora.corpus import Corpus
from corpora.embedded import EmbeddedCorpus
from evaluation.listening import write_atomically
from evaluation.run_folder import RECORD
from otoscope.commands import write_environment
from otoscope.configuration import CONFIG, as_values, load_run, recogniser_of


def study_parser(
    prog: str, description: str, folder: str, done: str, settings: type[Any]
) -> ArgumentParser:
    """Options of a command: whom it studies on what, then those of its settings.

    Args:
        prog: the command as it is typed.
        description: what it does.
        folder: where its results go, below `--output`.
        done: where `--output` is if it is not given, as `sonified`.
        settings: a dataclass.
    """
    parser = ArgumentParser(
        prog=prog, exit_on_error=False, allow_abbrev=False, description=description
    )
    parser.add_argument("-c", "--config", action="config", help="YAML file with any of the options")
    parser.add_argument(
        "recogniser",
        help="folder of a saved recogniser, or of a run: all of its; or a YAML file that names one "
        "under 'recogniser'",
    )
    parser.add_argument(
        "--corpus",
        type=Corpus | None,
        help="speech (default: that of the run, else the embedded corpus)",
    )
    parser.add_argument(
        "--output",
        type=str | None,
        help=f"the results go to {folder}/ below it (default: {done}/<the folder's name>)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of all draws")
    parser.add_argument("--device", default="cpu", help="where the recogniser runs, as cuda")
    parser.add_argument("--threads", type=int, default=2, help="of computation")
    parser.add_argument("--wandb", action="store_true", help="log tables with audio to W&B")
    parser.add_class_arguments(settings, None)
    return parser


def check_options(options: Namespace) -> None:
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


def recogniser_places(given: str) -> dict[str, Path]:
    """Recognisers by name: the folder or YAML file that was given, or the folders of a run.

    Raises:
        UserError: there is none.
    """
    place = Path(given)
    if place.is_file():
        return {place.stem: place}
    inside = sorted(path.parent for path in place.glob("recognisers/*/recogniser.json"))
    if not inside and not (place / "recogniser.json").is_file():
        raise UserError(
            f"{place}: neither a saved recogniser nor a run with recognisers; make one with "
            "'otoscope asr fit' or 'otoscope run', or name one in a YAML file"
        )
    return {path.resolve().name: path for path in inside or [place]}


def load(place: Path, seed: int) -> Recogniser:
    """A recogniser of `recogniser_places`, frozen; random weights of a YAML file are seeded."""
    if place.is_file():
        torch.manual_seed(seed)
        return recogniser_of(place).freeze()
    return load_recogniser(place)


def title_of(given: str) -> str:
    """What a run of a command is called: as the folder or the file."""
    place = Path(given).resolve()
    return place.stem if place.is_file() else place.name


def corpus_of(given: str) -> Corpus:
    """The corpus of the run that the folder is or lies in, or the embedded one."""
    folder = Path(given).resolve()
    for run in (folder, *folder.parents[:3]):
        if (run / CONFIG).is_file() and (run / "recognisers").is_dir():
            return load_run(run)[0].corpus
    return EmbeddedCorpus()


def write_call(parser: ArgumentParser, options: Namespace, corpus: Corpus, folder: Path) -> None:
    """Write what was asked for, and with what, beside the results."""
    folder.mkdir(exist_ok=True)
    write_atomically(folder / CONFIG, parser.dump(options, skip_none=False).encode())
    write_environment(folder, as_values(parser, options))
    write_searched(folder, corpus)


def write_searched(folder: Path, corpus: Corpus) -> None:
    """Record which corpus was heard, so that it can be told from another one later."""
    searched = {"class": type(corpus).__qualname__, "fingerprint": corpus.fingerprint()}
    write_atomically(folder / RECORD, json.dumps(searched, indent=2).encode())
