"""`otoscope asr import`: public weights as a saved recogniser."""

from argparse import ArgumentParser
from pathlib import Path

from acoustics.errors import UserError
from asr_models.checkpoint import save_recogniser
from asr_models.jasper_weights import load_public_jasper


def import_public(arguments: list[str]) -> None:
    """`otoscope asr import`: a checkpoint file of NVIDIA's Jasper becomes a recogniser's folder."""
    parser = ArgumentParser(
        prog="otoscope asr import",
        description="Save public weights of Jasper 10x5 as a recogniser that can be studied.",
    )
    parser.add_argument(
        "--from",
        dest="file",
        required=True,
        help="a .pt file of NVIDIA's DeepLearningExamples, or a .nemo or .ckpt file of NeMo",
    )
    parser.add_argument("--output", required=True, help="folder for the recogniser")
    options = parser.parse_args(arguments)
    folder = Path(options.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)  # before the minute of reading
        save_recogniser(load_public_jasper(options.file), folder)
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror or error}; choose another --output") from error
    print(folder)
