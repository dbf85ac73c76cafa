"""Dataset sonification as a callback of `Trainer.test`: a shell around the search."""

from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

from acoustics.errors import UserError
from asr_models.layer_card import write_layers
from asr_models.recogniser import Recogniser
from corpora.batch import SpeechBatch
from evaluation.sonification.export import write_sonification
from evaluation.sonification.search import Search
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.unit_names import ARTICLE_UNITS
from evaluation.sonification.units import build_units
from evaluation.watching import condition_of


class Sonification(Callback):
    """Finds what drives every feature while a recogniser, or its probes, are tested.

    The recogniser is not run again: what its layers give in the test of one condition is searched.
    Any number of processes may share the work; each utterance is heard by one of them. Writes
    `sonification/<model>/` as `otoscope sonify` does, without the statistics over speakers.

    Args:
        run: the run folder.
        model: name of the recogniser in the path.
        condition: of the test; the others are passed over.
        units: of search: segments, utterances, words, phones, and phonesN for N phones in a row.
        segment_s: length of `segments`, in seconds.
        search: layers, score, limit, k, named sets of features.
    """

    def __init__(
        self,
        run: str,
        model: str = "baseline",
        condition: str = "clean",
        units: list[str] = list(ARTICLE_UNITS),  # noqa: B006 - read only
        segment_s: float = 0.5,
        search: SearchSettings = SearchSettings(),  # noqa: B008 - read only
    ) -> None:
        self.folder, self.condition = Path(run) / "sonification" / model, condition
        self.units, self.segment_s, self.settings = units, segment_s, search

    def on_test_start(self, trainer: Trainer, module: LightningModule) -> None:
        """List all segments of the test speech."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        recogniser = getattr(module, "recogniser", None)
        if not isinstance(recogniser, Recogniser):
            raise UserError(
                f"Sonification: {type(module).__name__} has no recogniser; test a CTCModule or a "
                "ProbeBank"
            )
        if self.condition not in data.conditions:
            raise UserError(
                f"Sonification: condition {self.condition} is not tested; there are "
                + ", ".join(data.conditions)
            )
        labels = data.corpus.phone_set, data.corpus.pauses
        units = build_units(data.cuts("test"), self.units, self.segment_s, *labels)
        self.search = Search(recogniser, units, self.settings, module.device)

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
        """Put together what all processes found, and write it once."""
        found = self.search.result()
        if trainer.is_global_zero:
            write_layers(self.search.tap.recogniser, self.folder)
            write_sonification(self.folder, found)

    def on_exception(self, trainer: Trainer, module: LightningModule, error: BaseException) -> None:
        """Leave no hook behind."""
        if hasattr(self, "search"):
            self.search.close()
