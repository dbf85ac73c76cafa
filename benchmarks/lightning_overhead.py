"""Lightning's Trainer against a bare PyTorch loop of the same training steps.

    python benchmarks/lightning_overhead.py

Bar: at most 10 % on top. The two take turns; both read the same batches from memory, clip and
schedule alike. Setting a Trainer up is counted in neither and is printed beside.
"""

import argparse
import tempfile
import time
from collections.abc import Callable

import torch
from fair import load, speech
from lightning import Callback, LightningDataModule, LightningModule, Trainer
from torch.utils.data import DataLoader

from asr_models.ctc import CTCModule
from asr_models.schedule import warmup_cosine
from asr_models.vgg_lstm import VGGLSTM
from corpora.batch import SpeechBatch
from probes.bank import ProbeBank


class Batches(LightningDataModule):
    """Batches in memory."""

    def __init__(self, batches: list[SpeechBatch]) -> None:
        super().__init__()
        self.batches = batches

    def train_dataloader(self) -> DataLoader[SpeechBatch]:
        """In the order given."""
        return DataLoader(self.batches, batch_size=None)  # type: ignore[arg-type]


class Clock(Callback):
    """Time from the first step to the end of the last."""

    def on_train_start(self, *_: object) -> None:
        """Start."""
        self.start = time.perf_counter()

    def on_train_end(self, *_: object) -> None:
        """Stop."""
        self.seconds = time.perf_counter() - self.start


def bank() -> ProbeBank:
    """A bank over three layers of an untrained recogniser."""
    return ProbeBank(VGGLSTM().freeze(), layers=["cnn1", "blstm1", "blstm5"])


def bank_loss(module: ProbeBank, batch: SpeechBatch) -> torch.Tensor:
    """What a training step of the bank minimises."""
    return torch.stack(list(module.losses(batch).values())).sum()


def ctc_loss(module: CTCModule, batch: SpeechBatch) -> torch.Tensor:
    """What a training step of the recogniser minimises."""
    return module._loss(batch, *module.recogniser(batch.waveform, batch.lengths))


def with_lightning(module: LightningModule, batches: list[SpeechBatch], clip: float | None):
    """Seconds of the steps inside a Trainer."""
    with tempfile.TemporaryDirectory() as folder:
        clock, start = Clock(), time.perf_counter()
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            gradient_clip_val=clip,
            callbacks=[clock],
            default_root_dir=folder,
        )
        trainer.fit(module, datamodule=Batches(batches))
        return clock.seconds, time.perf_counter() - start - clock.seconds


def bare(module, batches: list[SpeechBatch], loss_of: Callable, probes: bool) -> float:
    """Seconds of the same steps in a plain loop."""
    parameters = (module.probes if probes else module).parameters()
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-2, fused=probes or None)
    schedule = warmup_cosine(optimizer, len(batches))
    module.train()
    start = time.perf_counter()
    for batch in batches:
        loss = loss_of(module, batch)
        optimizer.zero_grad()
        loss.backward()
        if probes:
            module.configure_gradient_clipping(optimizer)
        else:
            torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    return time.perf_counter() - start


def measure(name: str, batches: list[SpeechBatch], repeats: int) -> None:
    """The ratio of both, fastest of several rounds."""
    probes = name == "probes"
    make = bank if probes else lambda: CTCModule(VGGLSTM())
    loss_of, clip = (bank_loss, None) if probes else (ctc_loss, 5.0)
    bare(make(), batches[:1], loss_of, probes)  # warm up
    best = {"bare": float("inf"), "lightning": float("inf"), "set-up": float("inf")}
    for _ in range(repeats):
        best["bare"] = min(best["bare"], bare(make(), batches, loss_of, probes))
        training_s, setup_s = with_lightning(make(), batches, clip)
        best["lightning"] = min(best["lightning"], training_s)
        best["set-up"] = min(best["set-up"], setup_s)
    step_ms = {side: 1000 * seconds / len(batches) for side, seconds in best.items()}
    print(
        f"{name}: bare {step_ms['bare']:.1f} ms, Lightning {step_ms['lightning']:.1f} ms a step, "
        f"set-up {best['set-up']:.2f} s: ratio {best['lightning'] / best['bare']:.3f} (bar 1.10)"
    )


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--duration-s", type=float, default=20.0)
    parser.add_argument("--repeats", type=int, default=4)
    args = parser.parse_args()
    batches = speech(args.duration_s, args.steps)
    print(load())
    for name in ("recogniser", "probes"):
        measure(name, batches, args.repeats)


if __name__ == "__main__":
    import logging
    import warnings

    logging.getLogger("lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    main()
