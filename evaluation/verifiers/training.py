"""Training of a speaker verifier: plumbing around a plain encoder and its loss."""

from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from lightning import LightningModule
from torch import Tensor, nn

from acoustics.errors import UserError
from asr_models.schedule import warmup_cosine
from asr_models.storage import check_identity, identity
from corpora.batch import SpeechBatch
from corpora.speaker_batches import SpeakerBatch
from evaluation.verification import eer
from evaluation.verifiers.encoder import SpeakerEncoder
from evaluation.verifiers.ge2e import GE2ELoss
from evaluation.verifiers.margin import MarginLoss

CARD_KEY = "otoscope_verifier"


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
        """EER over all pairs of held-out utterances, in percent, where both kinds exist."""
        heard, self._heard = self._heard, []
        speakers = tuple(speaker for speaker, _ in heard)
        if 1 < len(set(speakers)) < len(speakers):  # pairs of one speaker, and of two
            vectors = np.stack([vector for _, vector in heard])
            self.log("val/eer", 100 * all_pairs_eer(vectors, speakers))

    def _card(self) -> dict[str, Any]:
        """What encoder, loss and, for a margin loss, number of speakers a checkpoint belongs to."""
        speakers = len(self.loss.weight) if isinstance(self.loss, MarginLoss) else None
        return {"encoder": identity(self.encoder), "loss": self.kind, "speakers": speakers}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the encoder is built from and what its loss is."""
        checkpoint[CARD_KEY] = self._card()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of another encoder or loss.

        Raises:
            UserError: encoder, loss or number of training speakers differ, or it is of something
                else.
        """
        saved, own = checkpoint.get(CARD_KEY, {}), self._card()
        check_identity(saved.get("encoder"), self.encoder, "the checkpoint", "encoder")
        if saved["loss"] != own["loss"]:
            raise UserError(
                f"the checkpoint is of the loss {saved['loss']}, but model.loss is {own['loss']}; "
                "make them equal"
            )
        if saved["speakers"] != own["speakers"]:
            raise UserError(
                f"the checkpoint learnt {saved['speakers']} speakers, but data.corpus has "
                f"{own['speakers']} to train on; give the corpus that it was trained on"
            )

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
    return eer(*all_pairs(vectors, speakers))


def all_pairs(
    vectors: Float[np.ndarray, "utterance embedding"], speakers: tuple[str, ...]
) -> tuple[Float[np.ndarray, " pair"], Bool[np.ndarray, " pair"]]:
    """Cosine of every pair of utterances, and whether both are of one speaker.

    Takes some 20 bytes a pair, whatever the width of the vectors.
    """
    pair = np.triu(np.ones((len(speakers), len(speakers)), dtype=bool), 1)
    _, who = np.unique(speakers, return_inverse=True)
    return (vectors @ vectors.T)[pair], (who[:, None] == who)[pair]
