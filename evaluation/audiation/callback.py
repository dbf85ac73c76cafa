"""Audiation as a callback of `Trainer.test`: a shell around the study."""

from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

from acoustics.errors import UserError
from asr_models.recogniser import Recogniser
from corpora.batch import SpeechBatch
from evaluation.audiation.study import audiate_found, check, search_settings, units_of
from evaluation.audiation.study_settings import AudiationSettings
from evaluation.sonification.search import Search
from evaluation.watching import condition_of


class Audiation(Callback):
    """Makes sounds that drive features while a recogniser, or its probes, are tested.

    The strongest segments are those of the test speech, found in what the layers give in the test
    of one condition; the sounds are made behind it, by one process, in spite of inference mode.
    Writes `audiation/<model>/` as `otoscope audiate` does, without learned inputs of sets.

    Args:
        run: the run folder.
        model: name of the recogniser in the path.
        condition: of the test; the others are passed over.
        audiation: what is audiated, and how it is checked; its corpus is that of the test.
        seed: of all draws.
    """

    def __init__(
        self,
        run: str,
        model: str = "baseline",
        condition: str = "clean",
        audiation: AudiationSettings = AudiationSettings(),  # noqa: B008 - read only
        seed: int = 0,
    ) -> None:
        self.folder, self.model, self.condition = Path(run) / "audiation" / model, model, condition
        self.settings, self.seed = audiation, seed

    def on_test_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Refuse what cannot be; list all segments of the test speech."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        recogniser = getattr(module, "recogniser", None)
        if not isinstance(recogniser, Recogniser):
            raise UserError(
                f"Audiation: {type(module).__name__} has no recogniser; test a CTCModule or a "
                "ProbeBank"
            )
        if self.condition not in data.conditions:
            raise UserError(
                f"Audiation: condition {self.condition} is not tested; there are "
                + ", ".join(data.conditions)
            )
        layers = check(recogniser, self.settings)
        self.cuts = list(data.cuts("test"))
        units = units_of(self.cuts, data, self.settings)
        searched = search_settings(layers, self.settings)
        self.search = Search(recogniser, units, searched, module.device)

    def on_test_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:  # fmt: skip
        """Listen in on the layers."""
        if condition_of(trainer, dataloader_idx) == self.condition:
            self.search.listen()

    def on_test_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: SpeechBatch,
        batch_idx: int, dataloader_idx: int = 0,
    ) -> None:  # fmt: skip
        """Search what they gave."""
        if condition_of(trainer, dataloader_idx) == self.condition:
            self.search.add(batch)

    def on_test_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Put together what all processes found; one makes the sounds."""
        found = self.search.result()
        if trainer.is_global_zero:
            where = (self.cuts, self.folder, self.model)
            recogniser = self.search.tap.recogniser
            audiate_found(recogniser, found, *where, self.settings, self.seed, lambda f, t: None)

    def on_exception(self, trainer: Trainer, module: LightningModule, error: BaseException) -> None:
        """Leave no hook behind."""
        if hasattr(self, "search"):
            self.search.close()
