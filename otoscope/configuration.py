"""From YAML and command line to an `Experiment`, and to what is written beside the run."""

from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace

from acoustics.errors import UserError, mistake_in
from asr_models.recogniser import Recogniser
from otoscope.experiment import Experiment

CONFIG = "config.yaml"


def shipped_config(name: str) -> Path:
    """Path of a YAML file that ships in the package `configs`."""
    return Path(str(resources.files("configs").joinpath(name)))


def experiment_parser(**settings: Any) -> ArgumentParser:
    """Parser of `otoscope run`: the embedded experiment, then `-c` files, then single keys."""
    parser = ArgumentParser(
        default_config_files=[str(shipped_config("experiments/embedded.yaml"))],
        exit_on_error=False,
        allow_abbrev=False,
        parser_mode="omegaconf",  # a file may say ${oc.env:NAME,default}
        **settings,
    )
    parser.add_argument("-c", "--config", action="config", help="YAML file with what differs")
    parser.add_class_arguments(Experiment, None, sub_configs=False)
    return parser


def one_line(error: Exception) -> UserError:
    """What a parser has to say against the arguments, as one line that names the key.

    What is named in them may have said it itself while it was made: then its own words.
    """
    said = mistake_in(error)
    if said is not None:
        return UserError(said)
    reason = " ".join(str(error).split())
    return UserError(reason if len(reason) < 400 else f"{reason[:400]}...")


def as_values(parser: ArgumentParser, options: Namespace) -> dict[str, Any]:
    """Resolved configuration as plain values."""
    text = parser.dump(options, skip_none=False, skip_validation=True)
    values: dict[str, Any] = yaml.safe_load(text)
    return values


def build(parser: ArgumentParser, options: Namespace) -> Experiment:
    """Instantiate the experiment that `options` describe."""
    made = parser.instantiate_classes(options)
    names = [a for a in vars(made) if a not in ("config", "output")]
    return Experiment(**{name: made[name] for name in names})


def recogniser_of(path: Path) -> Recogniser:
    """The recogniser that a YAML file names under `recogniser`, or under `model.recogniser`.

    Raises:
        UserError: it names none, or one that cannot be made.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: unreadable ({' '.join(str(error).split())[:200]})") from error
    named = values if isinstance(values, dict) else {}
    named = named if "recogniser" in named else named.get("model") or {}
    if "recogniser" not in named:
        raise UserError(f"{path}: names no recogniser; say recogniser: {{class_path: ...}}")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Recogniser, "recogniser", required=True)
    try:
        options = parser.parse_object({"recogniser": named["recogniser"]})
        made: Recogniser = parser.instantiate_classes(options).recogniser
    except (ArgumentError, ValueError, TypeError) as error:
        raise one_line(error) from error
    return made


def load_run(run: Path) -> tuple[Experiment, dict[str, Any]]:
    """Experiment and resolved configuration of a run folder.

    Raises:
        UserError: there is no readable `config.yaml`.
    """
    path = run / CONFIG
    if not path.is_file():
        raise UserError(f"{path} is missing, so {run} is not a run; start one with 'otoscope run'")
    parser = experiment_parser()
    options = parser.parse_path(path)
    return build(parser, options), as_values(parser, options)
