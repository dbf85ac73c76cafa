"""Recognisers on disk, and the calibration of those that are never trained."""

import json
from pathlib import Path

import torch

from acoustics.errors import UserError
from asr_models.adapter import Adapter
from asr_models.attachment import Attachment
from asr_models.layer_card import write_layers
from asr_models.recogniser import Recogniser
from asr_models.storage import load_module, save_module

WHAT = "recogniser"
ATTACHMENT = "attachment.json"  # what was measured of a network from elsewhere


def save_recogniser(recogniser: Recogniser, folder: Path) -> None:
    """Write weights, card and layers into `folder`; of an adapter also what was measured of it.

    `layers.json` is for readers: nothing is rebuilt from it.
    """
    save_module(recogniser, folder, WHAT)
    write_layers(recogniser, folder)
    if isinstance(recogniser, Adapter):
        measured = recogniser.freeze().attachment
        assert measured is not None  # noqa: S101 - for the type checker
        (folder / ATTACHMENT).write_text(json.dumps(measured.values(), indent=2) + "\n")


def load_recogniser(path: str | Path) -> Recogniser:
    """Rebuild a saved recogniser, frozen, on the CPU.

    Raises:
        UserError: the folder is not that of a recogniser, or its weights do not fit its card.
    """
    advice = "train one with 'otoscope asr fit' or 'otoscope run'"
    loaded = load_module(path, WHAT, Recogniser, advice)  # type: ignore[type-abstract]
    known = Path(path) / ATTACHMENT
    if isinstance(loaded, Adapter) and known.is_file():
        loaded.adopt(Attachment.of(json.loads(known.read_text())))
    return loaded.freeze()


def untrained_twin(recogniser: Recogniser) -> Recogniser:
    """A network from elsewhere with the weights that it has before any training.

    Raises:
        UserError: it cannot be made without its weights.
    """
    twin = type(recogniser)(**recogniser.config)
    if twin.weight_hash() == recogniser.weight_hash():
        raise UserError(
            f"models: {type(recogniser).__name__} comes with its weights or is made with fixed "
            "ones, so there is no untrained one; take untrained out"
        )
    return twin


def calibrate(recogniser: Recogniser, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Set the batch-norm statistics of an untrained recogniser from `(waveform, lengths)` batches.

    Without it a random network in eval mode normalises by statistics it never saw. A network from
    elsewhere keeps its own.
    """
    if not recogniser.trainable:
        return
    norms = [m for m in recogniser.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average over all batches
    recogniser.train()
    with torch.no_grad():
        for waveform, lengths in batches:
            recogniser(waveform, lengths)
    recogniser.eval()
