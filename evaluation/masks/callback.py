"""Importance masks as a callback of `Trainer.test`: a shell around the study."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch.distributed as dist
from lightning import Callback, LightningModule, Trainer

from acoustics.errors import UserError
from asr_models.recogniser import Recogniser
from corpora.batch import SpeechBatch, joined
from corpora.corpus import SAMPLE_RATE
from evaluation.masks.corpus_study import masks_of
from evaluation.masks.mask_settings import MaskSettings
from evaluation.masks.span_choice import choose_cuts
from evaluation.masks.subjects import require_frames
from evaluation.watching import condition_of


class ImportanceMasks(Callback):
    """Finds masks of some test utterances as they were heard, while a recogniser is tested.

    The utterances are taken from the batches of one condition as they go by, with their noise; the
    masks are found behind the test, by one process, in spite of inference mode. Writes
    `masks/<model>/` as `otoscope mask` does.

    Args:
        run: the run folder.
        model: name of the recogniser in the path.
        condition: of the test; the others are passed over.
        masks: which utterances, and what is to be kept; its `splits` are that of the test.
        seed: of all draws.
    """

    def __init__(
        self,
        run: str,
        model: str = "baseline",
        condition: str = "clean",
        masks: MaskSettings = MaskSettings(),  # noqa: B008 - read only
        seed: int = 0,
    ) -> None:
        self.folder, self.model, self.condition = Path(run) / "masks" / model, model, condition
        self.settings, self.seed = masks, seed

    def on_test_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Refuse what cannot be; choose the utterances."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        recogniser = getattr(module, "recogniser", None)
        if not isinstance(recogniser, Recogniser):
            raise UserError(
                f"ImportanceMasks: {type(module).__name__} has no recogniser; test a CTCModule or "
                "a ProbeBank"
            )
        if self.condition not in data.conditions:
            raise UserError(
                f"ImportanceMasks: condition {self.condition} is not tested; there are "
                + ", ".join(data.conditions)
            )
        self.recogniser = require_frames(recogniser)
        self.pauses = data.corpus.pauses
        cuts = choose_cuts(data.cuts("test"), self.settings, self.pauses, self.seed)
        self.cuts = {str(cut.id): cut for cut in cuts}
        self.heard: dict[str, SpeechBatch] = {}
        self.lost: dict[str, str] = {}

    def on_test_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: SpeechBatch,
        batch_idx: int, dataloader_idx: int = 0,
    ) -> None:  # fmt: skip
        """Keep the utterances that are wanted."""
        if condition_of(trainer, dataloader_idx) != self.condition:
            return
        rows = [row for row, name in enumerate(batch.ids) if name in self.cuts]
        self.heard |= {batch.ids[row]: batch.single(row) for row in rows}
        self.lost |= {name: reason for name, reason in batch.failures if name in self.cuts}

    def on_test_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Put together what all processes heard; one finds the masks."""
        mine = (self.heard, self.lost)
        parts = [mine]
        if trainer.world_size > 1:
            parts = [mine] * trainer.world_size
            dist.all_gather_object(parts, mine)
        if trainer.is_global_zero:
            heard = {name: one for found, _ in parts for name, one in found.items()}
            batches = list(self._batches([heard[name] for name in self.cuts if name in heard]))
            lost = {name: reason for _, found in parts for name, reason in found.items()}
            unheard = [name for name in self.cuts if name not in heard | lost]
            lost |= dict.fromkeys(unheard, "did not come by in the test, so it was not heard")
            where = (self.folder, self.model, self.settings, self.seed, self.cuts, self.pauses)
            masks_of(self.recogniser, batches, *where, failures=list(lost.items()))

    def _batches(self, singles: list[SpeechBatch]) -> Iterator[SpeechBatch]:
        """The utterances, as many at once as the settings allow."""
        together: list[SpeechBatch] = []
        for one in sorted(singles, key=lambda one: int(one.lengths[0])):
            total = sum(int(each.lengths[0]) for each in [*together, one])
            if together and total > self.settings.batch_duration_s * SAMPLE_RATE:
                yield joined(together)
                together = []
            together.append(one)
        if together:
            yield joined(together)
