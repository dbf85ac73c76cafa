"""`ProbeBank`: one probe per layer, all trained from a single pass through the recogniser."""

import hashlib
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from lightning import LightningModule
from torch import Tensor, nn

from acoustics.errors import UserError
from acoustics.frames import mel_frames, rate_of
from acoustics.mel import LogMel
from asr_models.checkpoint import load_recogniser
from asr_models.memory import give_back_freed
from asr_models.recogniser import Recogniser
from asr_models.schedule import warmup_cosine
from asr_models.tap import Hearing, LayerTap
from corpora.batch import SpeechBatch
from probes.checkpoint import bank_card, check_card
from probes.probe import Body, Probe
from probes.targets import (
    RunningStatistics,
    StateStatistics,
    TargetStatistics,
    flatten_target,
    gather_frames,
    masked_l1,
    target_statistics,
    utterance_l1,
)

CARD_KEY = "otoscope_bank"
STATISTICS_BATCHES = 40


class ProbeBank(LightningModule):
    """Trains a probe for every chosen layer of a frozen recogniser.

    The parameters of the probes are disjoint, gradients are clipped probe by probe and the
    schedule depends on the step alone, so a bank equals banks of one. Checkpoints hold the probes
    and what identifies the recogniser, never the recogniser.

    Args:
        recogniser: a saved recogniser's folder, or a recogniser.
        layers: names or globs of the layers to probe.
        body: `highway` or `linear`.
        hidden: width of the Highway layers.
        highway_layers: number of Highway layers.
        n_mels: bands of the target; the other mel settings are `LogMel`'s.
        learning_rate: peak of AdamW's warm-up and cosine schedule.
        clip: largest gradient norm of each probe.
        seed: of the initial weights; each layer derives its own from it and its name.
    """

    constant: Tensor

    def __init__(
        self,
        recogniser: str | Path | Recogniser,
        layers: list[str] | None = None,
        body: Body = "highway",
        hidden: int = 96,
        highway_layers: int = 4,
        n_mels: int = 80,
        learning_rate: float = 3e-3,
        clip: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.strict_loading = False
        if isinstance(recogniser, Recogniser):
            self.recogniser = recogniser.freeze()
        else:
            self.recogniser = load_recogniser(recogniser)
        self.log_mel = LogMel(n_mels=n_mels)
        self.tap = LayerTap(self.recogniser, layers or ["*"])
        self.learning_rate, self.clip = learning_rate, clip
        self.probes = nn.ModuleDict(
            {
                key_of(layer.name): Probe(
                    layer.width,
                    rate_of(layer.timing.stride, self.log_mel.hop_length),
                    n_mels,
                    body,
                    hidden,
                    highway_layers,
                    layer_seed(seed, layer.name),
                )
                for layer in self.tap.layers
            }
        )
        self.register_buffer("constant", torch.zeros(n_mels))
        self.body, self.hidden, self.highway_layers = body, hidden, highway_layers

    def probe(self, layer: str) -> Probe:
        """The probe of `layer`."""
        probe = self.probes[key_of(layer)]
        assert isinstance(probe, Probe)  # noqa: S101 - for the type checker
        return probe

    def target(self, batch: SpeechBatch) -> tuple[Tensor, Tensor]:
        """Log-mel `(batch, frame, mel)` of what was fed in, and its frames."""
        return self.log_mel(batch.waveform, batch.lengths)

    @torch.no_grad()
    def hear(self, batch: SpeechBatch) -> Hearing:
        """The one pass through the frozen recogniser."""
        return self.tap(batch.waveform, batch.lengths)

    def losses(self, batch: SpeechBatch) -> dict[str, Tensor]:
        """Masked L1 of every layer's probe on one batch, from a single pass."""
        mel, frames = self.target(batch)
        hearing, losses = self.hear(batch), {}
        for name, states in hearing.states.items():
            probe = self.probe(name)
            target = flatten_target(mel, frames, states.lengths, probe.rate)
            losses[name] = masked_l1(probe(states.values[target.states]), target)
        return losses

    def reconstruct(self, batch: SpeechBatch) -> dict[str, Float[Tensor, "batch frame mel"]]:
        """Log-mel of every layer for one batch, cut to the frames of its longest utterance."""
        frames = mel_frames(batch.lengths, self.log_mel.hop_length)
        out = {}
        for name, states in self.hear(batch).states.items():
            probe = self.probe(name)
            probe.rate.check(states.lengths, frames)
            out[name] = probe(states.values)[:, : int(frames.max())]
        return out

    def on_fit_start(self) -> None:
        """Take the target's statistics from training batches, the same on every rank."""
        if self.trainer.ckpt_path:
            return  # goes on from a checkpoint
        loader = self.trainer.datamodule.train_dataloader()  # type: ignore[attr-defined]
        usable = (batch for batch in loader if batch.ids)
        rows: list[Tensor] = []
        running = {name: RunningStatistics() for name in self.tap.names}
        for batch in islice(usable, STATISTICS_BATCHES):
            batch = self.transfer_batch_to_device(batch, self.device, 0)
            rows.append(gather_frames(*self.target(batch)))
            for name, found in self.hear(batch).states.items():
                running[name].update(gather_frames(found.values, found.lengths))
        if not rows:
            raise UserError("no utterance of the train split could be read")
        target = target_statistics(torch.cat(rows))
        layers = {name: found.statistics() for name, found in running.items()}
        self.set_statistics(*self.trainer.strategy.broadcast((target, layers)))

    def set_statistics(
        self, target: TargetStatistics, layers: Mapping[str, StateStatistics]
    ) -> None:
        """Give the floor its constant, and every probe the scale of its input and output."""
        self.constant.copy_(target.constant)
        for name, states in layers.items():
            probe = self.probe(name)
            probe.mean.copy_(target.mean)
            probe.deviation.copy_(target.deviation)
            probe.state_mean.copy_(states.mean)
            probe.state_deviation.copy_(states.deviation)

    def training_step(self, batch: SpeechBatch, index: int) -> Tensor | None:
        """Sum of the layers' losses; a batch without a usable utterance is skipped."""
        if not batch.ids:
            return None
        losses = self.losses(batch)
        self.log_dict({f"train/{k}": v for k, v in losses.items()}, batch_size=len(batch.ids))
        return torch.stack(list(losses.values())).sum()

    def validation_step(self, batch: SpeechBatch, index: int) -> None:
        """Each layer's loss on held-out speakers."""
        if batch.ids:
            losses = {f"val/{k}": v for k, v in self.losses(batch).items()}
            self.log_dict(losses, batch_size=int(batch.lengths.sum()))

    def test_step(
        self, batch: SpeechBatch, index: int, dataloader_idx: int = 0
    ) -> dict[str, dict[str, Tensor]]:
        """What the layers say, for the callbacks that render, score and keep it.

        Returns:
            `mels`: log-mel `(batch, frame, mel)` of every layer; `losses`: its `mel_l1` `(batch,)`.
        """
        if not batch.ids:
            return {}
        mels = self.reconstruct(batch)
        losses = self.utterance_losses(batch, mels)
        for name, values in losses.items():
            self.log(f"test/{name}", values.mean(), batch_size=len(batch.ids))
        return {"mels": mels, "losses": losses}

    def on_test_batch_end(self, *_: Any) -> None:
        """Keep memory flat, whatever number of utterances is evaluated."""
        give_back_freed()

    def utterance_losses(
        self, batch: SpeechBatch, mels: dict[str, Tensor]
    ) -> dict[str, Float[Tensor, " batch"]]:
        """`mel_l1` of each utterance for each of `mels`."""
        mel, frames = self.target(batch)
        return {name: utterance_l1(value, mel, frames) for name, value in mels.items()}

    def configure_gradient_clipping(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        """Clip each probe by itself: one layer's spike never slows another's learning."""
        for probe in self.probes.values():
            nn.utils.clip_grad_norm_(probe.parameters(), self.clip)

    def configure_optimizers(self) -> Any:
        """AdamW over all probes with a schedule of the step alone."""
        optimizer = torch.optim.AdamW(
            self.probes.parameters(), lr=self.learning_rate, betas=(0.9, 0.98), fused=True
        )
        schedule = warmup_cosine(optimizer, int(self.trainer.estimated_stepping_batches))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """The probes and the floor; the recogniser under study stays out."""
        state = super().state_dict(*args, **kwargs)
        return {k: v for k, v in state.items() if not k.startswith("recogniser.")}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what identifies recogniser, target and layers."""
        checkpoint[CARD_KEY] = bank_card(self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint made for another recogniser, target or set of layers."""
        check_card(checkpoint.get(CARD_KEY, {}), bank_card(self))


def key_of(layer: str) -> str:
    """A layer's name among modules, where a dot (`block4.sub2`) would be a level."""
    return layer.replace(".", "-")


def layer_seed(seed: int, layer: str) -> int:
    """Seed of one layer's probe: independent of which other layers are probed."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{layer}".encode()).digest()[:6], "big")
