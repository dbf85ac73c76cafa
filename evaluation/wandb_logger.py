"""Weights & Biases: loggers that keep everything inside a run, and what to do when one fails.

This file and `wandb_samples` are the only ones that know wandb. It stages what stands in a table
under its data folder, outside the run, unless told otherwise (`WANDB_DATA_DIR`); `make_logger`
points it into the run folder, so a run that is moved or archived keeps its sounds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import wandb
from lightning.pytorch.loggers import WandbLogger

from acoustics.errors import UserError
from evaluation.wandb_account import seconds_to_wait, wants_offline


def make_logger(
    run: Path, project: str = "otoscope", name: str | None = None, offline: bool | None = None
) -> WandbLogger:
    """A logger that keeps everything inside the run folder, offline unless the user is logged in.

    `WANDB_MODE`, where the user has set it, decides instead. A server that does not answer is given
    up after half a minute, or after `WANDB_INIT_TIMEOUT` seconds; one that stops taking what was
    logged after ten minutes, or `WANDB_FINISH_TIMEOUT` seconds, with a TimeoutError of `finish`.

    Args:
        run: the run folder; wandb writes to its folder `wandb`.
        project: project on the server.
        name: of the run on the server (default: the folder's name).
        offline: decides, where it is given.

    Raises:
        UserError: the folder cannot be written to.
    """
    data = run.resolve() / "wandb" / "data"
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{data}: cannot be made ({error.strerror}); choose another --output"
        ) from error
    os.environ["WANDB_DATA_DIR"] = str(data)
    offline = wants_offline() if offline is None else offline
    return WandbLogger(
        project=project,
        name=name or run.resolve().name,
        save_dir=run.resolve(),
        offline=offline,
        mode="offline" if offline else "online",  # wandb reads the environment only once
        settings=wandb.Settings(
            init_timeout=seconds_to_wait("INIT", 30),
            finish_timeout=seconds_to_wait("FINISH", 600),
            finish_timeout_raises=True,
        ),
    )


def hand_over(run: Path, name: str, log: Callable[[WandbLogger], None]) -> str:
    """Log a run to W&B; where its server fails, offline, so that nothing is lost.

    Args:
        run: the run folder.
        name: of the run on the server.
        log: logs what there is; called again for a second attempt.

    Returns:
        "", or one line on what went wrong and how to upload the samples later.

    Raises:
        UserError: the run folder cannot be written to.
    """
    reason = ""
    for offline in dict.fromkeys([wants_offline(), True]):
        try:
            logger = make_logger(run, name=name, offline=offline)
            log(logger)
            folder = Path(logger.experiment.dir).parent
            finish(logger)
        except (wandb.Error, ValueError, TimeoutError) as error:  # a malformed key: ValueError
            reason = reason or " ".join(str(error).split()).rstrip(".")[:200]
            continue
        sync = f"the samples stay on disk; 'wandb sync {folder}' uploads them"
        return f"W&B failed ({reason}); {sync}" if reason else ""
    return f"W&B failed ({reason}); the samples stay on disk, in {run}"


def finish(target: WandbLogger | wandb.Run) -> None:
    """Close the run: what was logged is on disk (and on the server, when online) after this.

    Raises:
        TimeoutError: the server did not take all of it in time.
    """
    run_of(target).finish()
    if wandb.run is None:  # its service answers before it has written the last; its end waits
        wandb.teardown()


def run_of(target: WandbLogger | wandb.Run) -> wandb.Run:
    """The run behind a logger, or the run itself."""
    return target.experiment if isinstance(target, WandbLogger) else target
