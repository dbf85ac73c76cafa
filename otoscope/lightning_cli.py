"""`otoscope asr`, `probe` and `verifier`: LightningCLI on one stage."""

import shlex
import sys
from argparse import ArgumentError
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lightning import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI

from acoustics.errors import UserError
from asr_models.checkpoint import load_recogniser, save_recogniser
from asr_models.ctc import CTCModule
from asr_models.storage import copy_weights
from corpora.datamodule import SpeechDataModule
from corpora.speaker_datamodule import SpeakerDataModule
from evaluation.verifiers.trained import load_encoder, save_encoder
from evaluation.verifiers.training import VerifierModule
from otoscope.configuration import one_line, shipped_config
from otoscope.display import output_console, say
from otoscope.public_weights import import_public
from probes.bank import ProbeBank
from probes.checkpoint import load_bank_weights, save_bank

TRAINED = Path("trained")  # laid out like a run: recognisers/, probes/, verifiers/
VERBS = {
    "fit": "Train, validating on the way; the result is saved in --output, or below trained/.",
    "validate": "Score the held-out speakers of the dev split.",
    "test": "Score the test speakers in every condition, with the callbacks that are configured.",
}


class StageCLI(LightningCLI):
    """LightningCLI with a folder for what a stage leaves.

    Attributes:
        place: folder below `trained/`, which what is trained goes to without `--output`.
        title: what its own folder there is called, by model and options.
        onward: a command that uses what was trained, by its folder.
    """

    place: str
    title: Callable[[Any, Any], str]
    onward: Callable[[str], str]
    saved: Callable[[Any, Path], None]
    restored: Callable[[Any, Path], None]
    data: type[LightningDataModule] = SpeechDataModule
    verbs: Sequence[str] = tuple(VERBS)
    others: Sequence[str] = ()  # verbs beside those, which are not LightningCLI's

    @classmethod
    def subcommands(cls) -> dict[str, set[str]]:
        """The verbs, each with the parameters that the Trainer's method takes from elsewhere."""
        known = LightningCLI.subcommands()
        return {verb: known[verb] for verb in cls.verbs}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add `--output` and `--weights`."""
        parser.add_argument(
            "--output",
            type=str | None,
            help="folder for what is trained, which is written over (default: "
            f"{TRAINED / self.place}/<name>, as long as there is nothing in it)",
        )
        parser.add_argument(
            "--weights",
            type=str | None,
            help="what --output or a run left, to be scored",
        )

    def before_fit(self) -> None:
        """Find the folder for the result before any work is done for it."""
        options = self.config[self.subcommand]
        own = TRAINED / self.place / type(self).title(self.model, options)
        self.folder = Path(options.output or own)
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(f"{self.folder} is no folder; choose one with --output")
        if not options.output and own.is_dir() and any(own.iterdir()):
            raise UserError(
                f"{own} holds what was trained before; choose another folder with --output, or "
                "the same one to write over it"
            )

    def before_validate(self) -> None:
        """Load what is to be scored."""
        self._load()

    def before_test(self) -> None:
        """Load what is to be scored."""
        self._load()

    def _load(self) -> None:
        options = self.config[self.subcommand]
        if options.weights:
            type(self).restored(self.model, Path(options.weights))
        elif not options.get("ckpt_path"):
            raise UserError(
                f"otoscope {self.subcommand}: random weights would be scored; "
                "give --weights FOLDER or --ckpt_path FILE"
            )

    def after_fit(self) -> None:
        """Save what was trained without anything of Lightning's around it."""
        if self.trainer.is_global_zero:
            type(self).saved(self.model, self.folder)
            command = type(self).onward(shlex.quote(str(self.folder)))
            say(output_console(), f"saved in {self.folder}; what to do with it:\n  {command}")


class RecogniserCLI(StageCLI):
    """Trains, validates and tests a recogniser; 'otoscope asr import' takes public weights."""

    others = ("import",)

    place = "recognisers"

    @staticmethod
    def title(model: CTCModule, options: Any) -> str:
        """The architecture, e.g. `vgg_lstm`."""
        return type(model.recogniser).__module__.rpartition(".")[2]

    @staticmethod
    def onward(folder: str) -> str:
        """Probes for it."""
        return f"otoscope probe fit --model.recogniser {folder}"

    @staticmethod
    def saved(model: CTCModule, folder: Path) -> None:
        """Save the recogniser."""
        save_recogniser(model.recogniser, folder)

    @staticmethod
    def restored(model: CTCModule, folder: Path) -> None:
        """Load a saved recogniser's weights into one of the same shape."""
        copy_weights(load_recogniser(folder), model.recogniser, str(folder), "recogniser")


class ProbeCLI(StageCLI):
    """Trains, validates and tests a bank of probes."""

    place = "probes"

    @staticmethod
    def title(model: ProbeBank, options: Any) -> str:
        """The name of the recogniser's folder, e.g. `baseline`."""
        given = options.model.recogniser
        own = type(model.recogniser).__module__.rpartition(".")[2]
        return Path(given).resolve().name if isinstance(given, str | Path) else own

    @staticmethod
    def onward(folder: str) -> str:
        """Their losses on test speech; the shape of the bank must be the same again."""
        return f"otoscope probe test [the options of this call] --weights {folder}"

    @staticmethod
    def saved(model: ProbeBank, folder: Path) -> None:
        """Save the probes."""
        save_bank(model, folder)

    @staticmethod
    def restored(model: ProbeBank, folder: Path) -> None:
        """Load saved probes; those of another recogniser are refused."""
        load_bank_weights(model, folder)


class VerifierCLI(StageCLI):
    """Trains and validates a speaker verifier."""

    place = "verifiers"
    data = SpeakerDataModule
    verbs = ("fit", "validate")

    @staticmethod
    def title(model: VerifierModule, options: Any) -> str:
        """The encoder's name, e.g. `thin_resnet`."""
        return model.encoder.name

    @staticmethod
    def onward(folder: str) -> str:
        """Scores of any speech."""
        return (
            "otoscope score --rendered DIR --reference DIR --speaker-from TABLE "
            f"--verifiers {folder}"
        )

    @staticmethod
    def saved(model: VerifierModule, folder: Path) -> None:
        """Save the encoder, without the loss."""
        save_encoder(model.encoder, folder)

    @staticmethod
    def restored(model: VerifierModule, folder: Path) -> None:
        """Load a saved encoder's weights into one of the same shape."""
        copy_weights(load_encoder(folder), model.encoder, str(folder), "encoder")


def asr(arguments: list[str]) -> None:
    """`otoscope asr fit | validate | test | import`."""
    if arguments[:1] == ["import"]:
        import_public(arguments[1:])
        return
    _call(RecogniserCLI, CTCModule, "asr/vgg_lstm_mini.yaml", "asr", arguments)


def probe(arguments: list[str]) -> None:
    """`otoscope probe fit | validate | test`."""
    _call(ProbeCLI, ProbeBank, "probe/highway.yaml", "probe", arguments)


def verifier(arguments: list[str]) -> None:
    """`otoscope verifier fit | validate`."""
    _call(VerifierCLI, VerifierModule, "verifier/ge2e.yaml", "verifier", arguments)


def make_cli(
    kind: type[StageCLI],
    module: type[LightningModule],
    default: str,
    name: str,
    arguments: ArgsType,
    run: bool = True,
) -> StageCLI:
    """Build the command line of a stage; with `run` the verb in `arguments` is executed."""
    settings: dict[str, Any] = {
        "prog": f"otoscope {name}",
        "exit_on_error": False,
        "allow_abbrev": False,
    }
    settings["description"] = kind.__doc__
    defaults = {"default_config_files": [str(shipped_config(default))]}
    verbs = {verb: {"description": VERBS[verb], **defaults} for verb in kind.verbs}
    return kind(
        module,
        kind.data,
        save_config_kwargs={"overwrite": True},
        seed_everything_default=0,
        trainer_class=Trainer,
        parser_kwargs=settings | (verbs if run else defaults),
        args=arguments,
        run=run,
    )


def _call(
    kind: type[StageCLI],
    module: type[LightningModule],
    default: str,
    name: str,
    arguments: list[str],
) -> None:
    if arguments and arguments[0] not in (*kind.verbs, "-h", "--help", "--print_config"):
        known = ", ".join((*kind.verbs, *kind.others))
        raise UserError(f"{name}: '{arguments[0]}' is not one of {known}")
    sys.argv = [f"otoscope {name}"]  # LightningCLI warns where it finds arguments here too
    try:
        make_cli(kind, module, default, name, arguments or ["--help"])
    except ArgumentError as error:
        raise one_line(error) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise UserError(f"{name}: {where}{error.strerror or error}") from error
