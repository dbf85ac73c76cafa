"""Recognisers on disk, and the calibration of those that are never trained."""

from pathlib import Path

import torch

from asr_models.recogniser import Recogniser
from asr_models.storage import load_module, save_module

WHAT = "recogniser"


def save_recogniser(recogniser: Recogniser, folder: Path) -> None:
    """Write weights and card into `folder`."""
    save_module(recogniser, folder, WHAT)


def load_recogniser(path: str | Path) -> Recogniser:
    """Rebuild a saved recogniser, frozen, on the CPU.

    Raises:
        UserError: the folder is not that of a recogniser, or its weights do not fit its card.
    """
    advice = "train one with 'otoscope asr fit' or 'otoscope run'"
    return load_module(path, WHAT, Recogniser, advice).freeze()  # type: ignore[type-abstract]


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
