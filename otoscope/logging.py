"""Hands the sounds, curves and studies of a run to W&B and TensorBoard, beside the disk."""

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from lightning.pytorch.loggers import WandbLogger
from torch.utils.tensorboard import SummaryWriter

from evaluation import tensorboard_samples, wandb_samples
from evaluation.audiation.logged import LoggedAudiations, read_audiations
from evaluation.listening import Sample, read_samples
from evaluation.masks.logged import LoggedMasks, read_masks
from evaluation.reading import Row
from evaluation.records import SummaryRow, read_rows
from evaluation.sonification.logged import LoggedStudies, read_studies
from evaluation.wandb_logger import hand_over


def log_run(run: Path, name: str, loggers: Sequence[str]) -> None:
    """Log samples, curves, sonification, audiation and masks of a finished run.

    Args:
        run: the run folder.
        name: of the run in W&B.
        loggers: any of `wandb` (offline unless the user is logged in) and `tensorboard`.
    """
    summary = [asdict(row) for row in read_rows(run / "summary.csv", SummaryRow)]
    samples, studies, sounds = read_samples(run), read_studies(run), read_audiations(run)
    masks = read_masks(run)
    if "wandb" in loggers:
        log = partial(_to_wandb, run, samples, summary, studies, sounds, masks)
        complaint = hand_over(run, name, log)
        if complaint:
            print(f"note: {complaint}", file=sys.stderr)
    if "tensorboard" in loggers:
        with SummaryWriter(str(run / "tensorboard")) as writer:
            tensorboard_samples.log_samples(writer, samples, run)
            tensorboard_samples.log_curves(writer, summary)
            tensorboard_samples.log_sonification(writer, studies)
            tensorboard_samples.log_audiation(writer, sounds)
            tensorboard_samples.log_masks(writer, masks)
            for tag, step, value in training_scalars(run):
                writer.add_scalar(tag, value, step)


def _to_wandb(
    run: Path,
    samples: Sequence[Sample],
    summary: Sequence[Row],
    studies: LoggedStudies,
    sounds: LoggedAudiations,
    masks: LoggedMasks,
    logger: WandbLogger,
) -> None:
    wandb_samples.log_samples(logger, samples, run)
    wandb_samples.log_curves(logger, summary)
    wandb_samples.log_sonification(logger, studies)
    wandb_samples.log_audiation(logger, sounds)
    wandb_samples.log_masks(logger, masks)
    wandb_samples.log_training(logger, training_scalars(run))


def training_scalars(run: Path) -> Iterator[tuple[str, int, float]]:
    """Name, step and value of every training curve of a run."""
    for kind, what, column in (("recognisers", "metric", "value"), ("probes", "layer", "mel_l1")):
        for path in sorted(run.glob(f"{kind}/*/curves.csv")):
            with path.open(newline="") as file:
                for row in csv.DictReader(file):
                    name = f"{kind}/{path.parent.name}/{row['split']}/{row[what]}"
                    yield name, int(row["step"]), float(row[column])
