"""Weights & Biases: sounds as tables, curves as charts. The only file that knows wandb.

wandb stages what stands in a table under its data folder, outside the run, unless told otherwise
(`WANDB_DATA_DIR`); `make_logger` points it into the run folder, so a run that is moved or archived
keeps its sounds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb
from lightning.pytorch.loggers import WandbLogger

from acoustics.errors import UserError
from evaluation.listening import Sample
from evaluation.reading import Row, by_depth, distinct, number, select
from evaluation.sonification.logged import COLUMNS as EXAMPLE_COLUMNS
from evaluation.sonification.logged import LoggedStudies
from evaluation.wandb_account import seconds_to_wait, wants_offline

COLUMNS = ["model", "layer", "utterance", "speaker", "audio", "mel"]


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


def log_samples(
    target: WandbLogger | wandb.Run, samples: Iterable[Sample], directory: Path
) -> None:
    """Log one table per condition: model, layer, utterance, speaker, sound and mel picture.

    A sample whose sound or picture is not on disk keeps its row with an empty cell.

    Args:
        target: a logger of `make_logger`, or a wandb run.
        samples: rows of `samples.csv`.
        directory: the run folder their paths are relative to.
    """
    by_condition: dict[str, list[Sample]] = {}
    for sample in samples:
        by_condition.setdefault(sample.condition, []).append(sample)
    tables = {}
    for condition, mine in by_condition.items():
        table = wandb.Table(columns=[*COLUMNS])
        for sample in mine:
            sound, picture = directory / sample.audio, directory / sample.picture
            table.add_data(
                sample.model,
                sample.layer,
                sample.utterance,
                sample.speaker,
                wandb.Audio(str(sound)) if sound.is_file() else None,
                wandb.Image(str(picture)) if picture.is_file() else None,
            )
        tables[f"listening/{condition}"] = table
    if tables:
        _run_of(target).log(tables)


def log_curves(target: WandbLogger | wandb.Run, summary: Sequence[Row]) -> None:
    """Log every metric over depth: a chart per metric, scorer and condition, and all numbers.

    The numbers, references included, go to the run's summary as
    `metric[.scorer]/condition/model/layer`.

    Args:
        target: a logger of `make_logger`, or a wandb run.
        summary: rows of `summary.csv`.
    """
    run, charts = _run_of(target), {}
    for metric, scorer in dict.fromkeys((str(r["metric"]), str(r["scorer"])) for r in summary):
        title = f"{metric}.{scorer}" if scorer else metric
        rows = select(summary, metric=metric, scorer=scorer)
        for condition in distinct(rows, "condition"):
            lines = {}
            for model in distinct(rows, "model"):
                drawn = by_depth(select(rows, condition=condition, model=model))
                points = [(number(row["depth"]), number(row["mean"])) for row in drawn]
                kept = [(x, y) for x, y in points if x is not None and y is not None]
                if kept:
                    lines[model] = kept
            if lines:
                charts[f"curves/{title}/{condition}"] = _chart(f"{title}, {condition}", lines)
        for row in rows:
            mean = number(row["mean"])
            if mean is not None:
                run.summary[f"{title}/{row['condition']}/{row['model']}/{row['layer']}"] = mean
    if charts:
        run.log(charts)


def log_sonification(target: WandbLogger | wandb.Run, studies: LoggedStudies) -> None:
    """Log one table of examples per model with sounds, curves over depth, and figures.

    An example whose sound is not on disk keeps its row with an empty cell.

    Args:
        target: a logger of `make_logger`, or a wandb run.
        studies: of a run, from `read_studies`.
    """
    logged: dict[str, Any] = {}
    for model, examples in studies.examples.items():
        table = wandb.Table(columns=[*EXAMPLE_COLUMNS, "audio"])
        for example in examples:
            sound = wandb.Audio(str(example.sound)) if example.sound is not None else None
            table.add_data(*example.cells, sound)
        logged[f"sonification/{model}"] = table
    for title, lines in studies.curves.items():
        logged[f"sonification/curves/{title}"] = _chart(title, lines)
    for name, path in studies.figures.items():
        logged[f"sonification/figures/{name}"] = wandb.Image(str(path))
    if logged:
        _run_of(target).log(logged)


def _chart(title: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> Any:
    """Lines over depth, each of (depth, value)."""
    return wandb.plot.line_series(
        xs=[[x for x, _ in points] for points in lines.values()],
        ys=[[y for _, y in points] for points in lines.values()],
        keys=list(lines),
        title=title,
        xname="depth",
    )


def finish(target: WandbLogger | wandb.Run) -> None:
    """Close the run: what was logged is on disk (and on the server, when online) after this.

    Raises:
        TimeoutError: the server did not take all of it in time.
    """
    _run_of(target).finish()
    if wandb.run is None:  # its service answers before it has written the last; its end waits
        wandb.teardown()


def log_training(
    target: WandbLogger | wandb.Run, scalars: Iterable[tuple[str, int, float]]
) -> None:
    """Log training curves, each over its own steps.

    Args:
        target: a logger of `make_logger`, or a wandb run.
        scalars: name, training step and value.
    """
    run = _run_of(target)
    run.define_metric("training_step", hidden=True)
    by_step: dict[int, dict[str, float]] = {}
    for name, step, value in scalars:
        by_step.setdefault(step, {})[name] = value
    for name in dict.fromkeys(name for values in by_step.values() for name in values):
        run.define_metric(name, step_metric="training_step")
    for step in sorted(by_step):
        run.log({"training_step": step, **by_step[step]})


def _run_of(target: WandbLogger | wandb.Run) -> wandb.Run:
    return target.experiment if isinstance(target, WandbLogger) else target
