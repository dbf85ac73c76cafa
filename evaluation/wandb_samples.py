"""Weights & Biases: sounds and pictures as tables, curves as charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb
from lightning.pytorch.loggers import WandbLogger

from evaluation.audiation.logged import COLUMNS as SOUND_COLUMNS
from evaluation.audiation.logged import FILES, LoggedAudiations
from evaluation.listening import Sample
from evaluation.masks.logged import COLUMNS as MASK_COLUMNS
from evaluation.masks.logged import LoggedMasks
from evaluation.reading import Row, by_depth, distinct, number, select
from evaluation.sonification.logged import COLUMNS as EXAMPLE_COLUMNS
from evaluation.sonification.logged import LoggedStudies
from evaluation.wandb_logger import run_of

COLUMNS = ["model", "layer", "utterance", "speaker", "audio", "mel"]


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
        cells = [
            [s.model, s.layer, s.utterance, s.speaker, directory / s.audio, directory / s.picture]
            for s in mine
        ]
        tables[f"listening/{condition}"] = _table(COLUMNS, cells)
    if tables:
        run_of(target).log(tables)


def log_curves(target: WandbLogger | wandb.Run, summary: Sequence[Row]) -> None:
    """Log every metric over depth: a chart per metric, scorer and condition, and all numbers.

    The numbers, references included, go to the run's summary as
    `metric[.scorer]/condition/model/layer`.

    Args:
        target: a logger of `make_logger`, or a wandb run.
        summary: rows of `summary.csv`.
    """
    run, charts = run_of(target), {}
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
        rows = [[*example.cells, example.sound] for example in examples]
        logged[f"sonification/{model}"] = _table([*EXAMPLE_COLUMNS, "audio"], rows)
    for title, lines in studies.curves.items():
        logged[f"sonification/curves/{title}"] = _chart(title, lines)
    for name, path in studies.figures.items():
        logged[f"sonification/figures/{name}"] = wandb.Image(str(path))
    if logged:
        run_of(target).log(logged)


def log_audiation(target: WandbLogger | wandb.Run, found: LoggedAudiations) -> None:
    """Log one table of sounds per model, with pictures and the strongest segments, and figures.

    Args:
        target: a logger of `make_logger`, or a wandb run.
        found: of a run, from `read_audiations`.
    """
    logged: dict[str, Any] = {
        f"audiation/{model}": _table([*SOUND_COLUMNS, *FILES], rows)
        for model, rows in found.sounds.items()
    }
    for name, path in found.figures.items():
        logged[f"audiation/figures/{name}"] = wandb.Image(str(path))
    if logged:
        run_of(target).log(logged)


def log_masks(target: WandbLogger | wandb.Run, found: LoggedMasks) -> None:
    """Log one table per model of what is heard in the sounds of masks, with pictures, and figures.

    Args:
        target: a logger of `make_logger`, or a wandb run.
        found: of a run, from `read_masks`.
    """
    logged: dict[str, Any] = {
        f"masks/{model}": _table([*MASK_COLUMNS, "audio", "picture"], rows)
        for model, rows in found.sounds.items()
    }
    for name, path in found.figures.items():
        logged[f"masks/figures/{name}"] = wandb.Image(str(path))
    if logged:
        run_of(target).log(logged)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> wandb.Table:
    """A table whose paths are sounds and pictures, or empty where there is no such file."""
    table = wandb.Table(columns=[*columns])
    for row in rows:
        table.add_data(*(_medium(cell) if isinstance(cell, Path) else cell for cell in row))
    return table


def _medium(path: Path) -> wandb.Audio | wandb.Image | None:
    if not path.is_file():
        return None
    return wandb.Audio(str(path)) if path.suffix == ".flac" else wandb.Image(str(path))


def _chart(title: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> Any:
    """Lines over depth, each of (depth, value)."""
    return wandb.plot.line_series(
        xs=[[x for x, _ in points] for points in lines.values()],
        ys=[[y for _, y in points] for points in lines.values()],
        keys=list(lines),
        title=title,
        xname="depth",
    )


def log_training(
    target: WandbLogger | wandb.Run, scalars: Iterable[tuple[str, int, float]]
) -> None:
    """Log training curves, each over its own steps.

    Args:
        target: a logger of `make_logger`, or a wandb run.
        scalars: name, training step and value.
    """
    run = run_of(target)
    run.define_metric("training_step", hidden=True)
    by_step: dict[int, dict[str, float]] = {}
    for name, step, value in scalars:
        by_step.setdefault(step, {})[name] = value
    for name in dict.fromkeys(name for values in by_step.values() for name in values):
        run.define_metric(name, step_metric="training_step")
    for step in sorted(by_step):
        run.log({"training_step": step, **by_step[step]})
