"""Callbacks that watch: curves on disk, progress, memory given back."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

from asr_models.memory import give_back_freed
from corpora.batch import SpeechBatch

SPLITS = {"train": "train", "val": "dev"}  # Lightning's names to those of the tables


class CurveRecorder(Callback):
    """Writes every logged training and validation value to a CSV file.

    Args:
        path: the file, written when training ends.
        columns: names of the four columns: step, split, what, value.
    """

    def __init__(
        self, path: str, columns: tuple[str, str, str, str] = ("step", "split", "metric", "value")
    ) -> None:
        self.path, self.columns = Path(path), columns
        self.rows: list[tuple[int, str, str, str]] = []

    def _record(self, trainer: Trainer, split: str) -> None:
        for name, value in trainer.callback_metrics.items():
            kind, _, what = name.partition("/")
            if kind == split and what:
                row = (trainer.global_step, SPLITS[split], what, f"{float(value):.6g}")
                if row not in self.rows[-64:]:
                    self.rows.append(row)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Keep the losses of this step."""
        if trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._record(trainer, "train")

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Keep the means over the validation set."""
        if not trainer.sanity_checking:
            self._record(trainer, "val")

    def on_fit_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Write the file."""
        if trainer.is_global_zero:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("w", newline="") as file:
                csv.writer(file).writerows([self.columns, *self.rows])


class MemoryReturn(Callback):
    """Returns freed memory to the system every few steps; see `asr_models.memory`.

    Args:
        every: training steps from one return to the next.
    """

    def __init__(self, every: int = 20) -> None:
        self.every = every

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Return what is free."""
        if trainer.global_step % self.every == 0:
            give_back_freed()


class StepProgress(Callback):
    """Reports progress to whoever asked for it, as a fraction and a line of text.

    Args:
        report: called with the fraction done and what is going on.
    """

    def __init__(self, report: Callable[[float, str], None]) -> None:
        self.report = report
        self.tested = 0

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        """Report the step and the last loss."""
        loss = trainer.callback_metrics.get("train/loss")
        text = f"step {trainer.global_step}/{trainer.max_steps}"
        text += "" if loss is None else f", loss {float(loss):.2f}"
        self.report(trainer.global_step / max(1, trainer.max_steps), text)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        module: LightningModule,
        outputs: Any,
        batch: SpeechBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Report the condition and the utterances done."""
        self.tested += len(batch)
        data = trainer.datamodule  # type: ignore[attr-defined]
        total = len(data.cuts("test")) * len(data.conditions)
        condition = condition_of(trainer, dataloader_idx)
        self.report(self.tested / max(1, total), f"{condition}, {self.tested}/{total} utterances")


def condition_of(trainer: Trainer, dataloader_idx: int) -> str:
    """Name of the condition that a test loader serves."""
    return trainer.datamodule.conditions[dataloader_idx]  # type: ignore[attr-defined]
