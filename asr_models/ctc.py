"""CTC training of a recogniser: plumbing around a plain module."""

from itertools import islice
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torchmetrics.text import CharErrorRate, WordErrorRate

from asr_models.decoding import encode_batch, greedy_decode
from asr_models.prior import fit_prior
from asr_models.recogniser import Recogniser
from asr_models.schedule import warmup_cosine
from corpora.batch import SpeechBatch

PRIOR_BATCHES = 6


class CTCModule(LightningModule):
    """Trains a recogniser with CTC over characters and scores it by greedy decoding.

    Args:
        recogniser: the network to train.
        learning_rate: peak of AdamW's warm-up and cosine schedule.
        weight_decay: of AdamW.
        warmup_fraction: share of the steps spent warming up.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
        warmup_fraction: float = 0.05,
    ) -> None:
        super().__init__()
        self.recogniser = recogniser
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup_fraction = warmup_fraction
        self.ctc = nn.CTCLoss(zero_infinity=True)
        self.wer = WordErrorRate()
        self.cer = CharErrorRate()

    def on_fit_start(self) -> None:
        """Start from the best constant output, the same on every rank."""
        if self.trainer.ckpt_path:
            return  # goes on from a checkpoint
        loader = self.trainer.datamodule.train_dataloader()  # type: ignore[attr-defined]
        usable = (batch for batch in loader if batch.ids)
        batches = [(b.lengths, b.texts) for b in islice(usable, PRIOR_BATCHES)]
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
        self._score(batch, "val")

    def test_step(self, batch: SpeechBatch, index: int, dataloader_idx: int = 0) -> None:
        """Loss, WER and CER of each condition."""
        self._score(batch, "test")

    def _score(self, batch: SpeechBatch, split: str) -> None:
        if not batch.ids:
            return
        log_probs, lengths = self.recogniser(batch.waveform, batch.lengths)
        heard = greedy_decode(log_probs, lengths, self.recogniser.alphabet)
        self.log(f"{split}/loss", self._loss(batch, log_probs, lengths), batch_size=len(heard))
        for name, metric in (("wer", self.wer), ("cer", self.cer)):
            metric.update(heard, batch.texts)
            self.log(f"{split}/{name}", metric, on_step=False, on_epoch=True)

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
