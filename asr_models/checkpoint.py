"""Recognisers on disk: weights as safetensors, the constructor's arguments beside them."""

import importlib
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from acoustics.errors import UserError
from asr_models.recogniser import Recogniser

WEIGHTS, CARD = "recogniser.safetensors", "recogniser.json"


def identity(recogniser: Recogniser) -> dict[str, object]:
    """What is needed to rebuild a recogniser without its weights."""
    kind = type(recogniser)
    return {
        "class_path": f"{kind.__module__}.{kind.__qualname__}",
        "init_args": recogniser.config,
    }


def describe(recogniser: Recogniser) -> dict[str, object]:
    """What is needed to rebuild a recogniser and to tell it from another one."""
    return {**identity(recogniser), "weight_hash": recogniser.weight_hash()}


def save_recogniser(recogniser: Recogniser, folder: Path) -> None:
    """Write weights and card into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {k: v.detach().cpu().contiguous() for k, v in recogniser.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    (folder / CARD).write_text(json.dumps(describe(recogniser), indent=2) + "\n")


def load_recogniser(path: str | Path) -> Recogniser:
    """Rebuild a saved recogniser, frozen, on the CPU.

    Raises:
        UserError: the folder is not that of a recogniser, or its weights do not fit its card.
    """
    folder = Path(path)
    try:
        card = json.loads((folder / CARD).read_text())
        recogniser = _class_of(card["class_path"])(**card["init_args"])
        recogniser.load_state_dict(load_file(folder / WEIGHTS))
    except FileNotFoundError as error:
        raise UserError(
            f"{folder}: {Path(str(error.filename)).name} is missing, so this is not a saved "
            "recogniser; train one with 'otoscope asr fit' or 'otoscope run'"
        ) from error
    except Exception as error:
        raise UserError(
            f"{folder}: unreadable recogniser ({str(error).splitlines()[0]})"
        ) from error
    if recogniser.weight_hash() != card["weight_hash"]:
        raise UserError(f"{folder}: the weights are not those the card was written for; save again")
    return recogniser.freeze()


def _class_of(class_path: str) -> type[Recogniser]:
    module, _, name = class_path.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, Recogniser)):
        raise UserError(f"{class_path} is not a Recogniser")
    return found


def calibrate(recogniser: Recogniser, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Set the batch-norm statistics of an untrained recogniser from `(waveform, lengths)` batches.

    Without it a random network in eval mode normalises by statistics it never saw.
    """
    norms = [m for m in recogniser.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average over all batches
    recogniser.train()
    with torch.no_grad():
        for waveform, lengths in batches:
            recogniser(waveform, lengths)
    recogniser.eval()
