"""Training of a speaker verifier: plumbing around a plain encoder and its loss."""

from itertools import combinations
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from lightning import LightningModule
from torch import Tensor, nn

from asr_models.schedule import warmup_cosine
from corpora.batch import SpeechBatch
from corpora.speaker_batches import SpeakerBatch
from evaluation.verification import eer
from evaluation.verifiers.encoder import SpeakerEncoder
from evaluation.verifiers.ge2e import GE2ELoss
from evaluation.verifiers.margin import MarginLoss


class VerifierModule(LightningModule):
    """Trains a speaker encoder and follows the EER of held-out speakers, over all their pairs.

    Args:
        encoder: the network to train.
        loss: `ge2e` (Wan et al. 2018) or `margin` (additive-margin softmax over the speakers).
        learning_rate: peak of AdamW's warm-up and cosine schedule.
        weight_decay: of AdamW.
    """

    def __init__(
        self,
        encoder: SpeakerEncoder,
        loss: Literal["ge2e", "margin"] = "ge2e",
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-4,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.kind, self.learning_rate, self.weight_decay = loss, learning_rate, weight_decay
        self.loss: nn.Module = GE2ELoss() if loss == "ge2e" else nn.Identity()
        self._heard: list[tuple[str, np.ndarray]] = []

    def configure_model(self) -> None:
        """Make the classifier of a margin loss, once it is known how many speakers there are."""
        if self.kind == "margin" and isinstance(self.loss, nn.Identity):
            names = self.trainer.datamodule.batches().names  # type: ignore[attr-defined]
            self.loss = MarginLoss(len(names), self.encoder.width).to(self.device)

    def training_step(self, batch: SpeakerBatch, index: int) -> Tensor | None:
        """Loss of a batch; one that holds no two speakers is skipped."""
        if len(batch.speakers) < 2:
            return None
        vectors = self.encoder(batch.waveform, batch.lengths)
        shape = (len(batch.speakers), batch.utterances, -1)
        loss: Tensor = self.loss(vectors.reshape(shape), batch.speakers)
        self.log("train/loss", loss, batch_size=len(vectors))
        return loss

    def validation_step(self, batch: SpeechBatch, index: int) -> None:
        """Embed whole utterances of held-out speakers."""
        if batch.ids:
            vectors = self.encoder.embed(batch.waveform, batch.lengths).float().cpu().numpy()
            self._heard += zip(batch.speakers, vectors, strict=True)

    def on_validation_epoch_end(self) -> None:
        """EER over all pairs of held-out utterances, in percent."""
        heard, self._heard = self._heard, []
        if len({speaker for speaker, _ in heard}) > 1:
            speakers, vectors = zip(*heard, strict=True)
            self.log("val/eer", 100 * all_pairs_eer(np.stack(vectors), speakers))

    def configure_optimizers(self) -> Any:
        """AdamW with linear warm-up and a cosine to zero over all steps."""
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        schedule = warmup_cosine(optimizer, int(self.trainer.estimated_stepping_batches))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def all_pairs_eer(
    vectors: Float[np.ndarray, "utterance embedding"], speakers: tuple[str, ...]
) -> float:
    """EER, as a fraction, over every pair of utterances.

    Raises:
        ValueError: no pair is of one speaker, or all are.
    """
    first, second = np.array(list(combinations(range(len(speakers)), 2))).T
    names = np.array(speakers)
    return eer((vectors[first] * vectors[second]).sum(1), names[first] == names[second])
