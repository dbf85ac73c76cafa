"""Hands a run's listening samples and curves to W&B and TensorBoard, beside the disk."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from evaluation import tensorboard_samples, wandb_samples
from evaluation.listening import read_samples
from evaluation.records import SummaryRow, read_rows


def log_run(run: Path, name: str, loggers: Sequence[str]) -> None:
    """Log samples and curves of a finished run.

    Args:
        run: the run folder.
        name: of the run in W&B.
        loggers: any of `wandb` (offline unless the user is logged in) and `tensorboard`.
    """
    summary = [asdict(row) for row in read_rows(run / "summary.csv", SummaryRow)]
    samples = read_samples(run)
    if "wandb" in loggers:
        logger = wandb_samples.make_logger(run, name=name)
        wandb_samples.log_samples(logger, samples, run)
        wandb_samples.log_curves(logger, summary)
        wandb_samples.finish(logger)
    if "tensorboard" in loggers:
        with SummaryWriter(str(run / "tensorboard")) as writer:
            tensorboard_samples.log_samples(writer, samples, run)
            tensorboard_samples.log_curves(writer, summary)
