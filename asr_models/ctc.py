"""CTC training of a recogniser: plumbing around a plain module."""

from itertools import islice
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.text import CharErrorRate, WordErrorRate

from acoustics.errors import UserError
from asr_models.decoding import can_spell, encode_batch, greedy_decode
from asr_models.prior import fit_prior
from asr_models.recogniser import Recogniser
from asr_models.schedule import warmup_cosine
from asr_models.storage import check_identity, identity
from corpora.batch import SpeechBatch

PRIOR_BATCHES = 6
CARD_KEY = "otoscope_recogniser"


class CTCModule(LightningModule):
    """Trains a recogniser with CTC over characters and scores it by greedy decoding.

    Args:
        recogniser: the network to train.
        learning_rate: peak of AdamW's warm-up and cosine schedule.
        weight_decay: of AdamW.
        warmup_fraction: share of the steps spent warming up.

    Raises:
        UserError: the recogniser comes from elsewhere and is studied as it is.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
        warmup_fraction: float = 0.05,
    ) -> None:
        super().__init__()
        if not recogniser.trainable:
            raise UserError(
                f"{type(recogniser).__name__} is studied as it is and not trained here; "
                "show it to 'otoscope layers', or name it in a run with models: [baseline]"
            )
        self.recogniser = recogniser
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup_fraction = warmup_fraction
        self.ctc = nn.CTCLoss(zero_infinity=True)
        self._errors: dict[str, Metric] = {}

    def on_fit_start(self) -> None:
        """Start from the best constant output, the same on every rank."""
        if self.trainer.ckpt_path:
            return  # goes on from a checkpoint
        loader = self.trainer.datamodule.train_dataloader()  # type: ignore[attr-defined]
        usable = (batch for batch in loader if batch.ids)
        batches = [(b.lengths, b.texts) for b in islice(usable, PRIOR_BATCHES)]
        if not batches:
            raise UserError("no utterance of the train split could be read")
        head = self.recogniser.head
        fit_prior(self.recogniser, batches)
        head.load_state_dict(self.trainer.strategy.broadcast(head.state_dict()))

    def training_step(self, batch: SpeechBatch, index: int) -> Tensor | None:
        """CTC loss of a batch; a batch without a usable utterance is skipped."""
        if not batch.ids:
            return None
        loss = self._loss(batch, *self.recogniser(batch.waveform, batch.lengths))
        self.log("train/loss", loss, batch_size=len(batch.ids))
        return loss

    def _loss(self, batch: SpeechBatch, log_probs: Tensor, lengths: Tensor) -> Tensor:
        tokens, counts = encode_batch(batch.texts, self.recogniser.alphabet)
        return self.ctc(log_probs.transpose(0, 1), tokens.to(self.device), lengths, counts)

    def validation_step(self, batch: SpeechBatch, index: int) -> None:
        """Loss, WER and CER on held-out speech."""
        self._score(batch, "val", "")

    def test_step(self, batch: SpeechBatch, index: int, dataloader_idx: int = 0) -> None:
        """Loss, WER and CER of each condition."""
        conditions = getattr(self.trainer.datamodule, "conditions", [])  # type: ignore[attr-defined]
        of = f"/{conditions[dataloader_idx]}" if len(conditions) > 1 else ""
        self._score(batch, "test", of)

    def _score(self, batch: SpeechBatch, split: str, of: str) -> None:
        alphabet = self.recogniser.alphabet
        spelt = [i for i in range(len(batch.ids)) if can_spell(batch.texts[i], alphabet)]
        if not spelt:
            return  # test speech is kept whatever its transcript, and reported
        batch = batch.select(spelt)
        log_probs, lengths = self.recogniser(batch.waveform, batch.lengths)
        heard = greedy_decode(log_probs, lengths, alphabet)
        loss, count = self._loss(batch, log_probs, lengths), len(heard)
        self.log(f"{split}/loss{of}", loss, batch_size=count, add_dataloader_idx=False)
        for name, kind in (("wer", WordErrorRate), ("cer", CharErrorRate)):
            key = f"{split}/{name}{of}"
            if key not in self._errors:
                self._errors[key] = kind().to(self.device)
            self._errors[key].update(heard, batch.texts)

    def on_validation_epoch_end(self) -> None:
        """WER and CER over all batches."""
        self._log_errors()

    def on_test_epoch_end(self) -> None:
        """WER and CER over all batches of each condition."""
        self._log_errors()

    def _log_errors(self) -> None:
        # By hand: a metric that is logged is not reset between the loaders of several conditions.
        for name, metric in self._errors.items():
            self.log(name, metric.compute())
        self._errors.clear()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the recogniser is built from."""
        checkpoint[CARD_KEY] = identity(self.recogniser)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of another recogniser.

        Raises:
            UserError: it is of another class or size, or of something else.
        """
        saved = checkpoint.get(CARD_KEY)
        check_identity(saved, self.recogniser, "the checkpoint", "recogniser")

    def configure_optimizers(self) -> Any:
        """AdamW with linear warm-up and a cosine to zero over all steps."""
        optimizer = torch.optim.AdamW(
            self.parameters(),
            lr=self.learning_rate,
            betas=(0.9, 0.98),  # forgets the large gradients of the first steps soon
            weight_decay=self.weight_decay,
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = warmup_cosine(optimizer, steps, self.warmup_fraction)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
