"""A recogniser and probes to try things on, in seconds and without a run: for notebooks."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning import LightningModule, Trainer

from asr_models.ctc import CTCModule
from asr_models.recogniser import Recogniser
from asr_models.vgg_lstm import VGGLSTM
from corpora.datamodule import SpeechDataModule
from corpora.embedded import EmbeddedCorpus
from probes.bank import ProbeBank


def first_recogniser(steps: int = 100) -> tuple[Recogniser, SpeechDataModule]:
    """A small VGG-LSTM that has learnt a sentence of each of six embedded speakers by heart.

    It spells its own training utterances and no others, so look at `train`: it shows what a method
    does, and nothing about speech recognition.

    Args:
        steps: of training; 100 take about four seconds on one core.

    Returns:
        The recogniser, frozen, and its speech.

    Example:
        >>> recogniser, data = first_recogniser()  # doctest: +SKIP
    """
    corpus = EmbeddedCorpus(
        n_train_speakers=6,
        n_dev_speakers=1,
        n_test_speakers=4,
        utterances_per_train_speaker=1,
        utterances_per_dev_speaker=1,
        utterances_per_test_speaker=2,
    )
    data = SpeechDataModule(corpus, batch_duration_s=14.0, num_buckets=2)
    data.prepare_data()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        recogniser = VGGLSTM(channels=(8, 8, 16, 16), hidden=32, blstm_layers=2)
        _fit(CTCModule(recogniser, learning_rate=5e-3), data, steps, gradient_clip_val=5.0)
    return recogniser.freeze(), data


def first_probes(recogniser: Recogniser, data: SpeechDataModule, steps: int = 60) -> ProbeBank:
    """A probe of every layer, trained on the same speech; of a saved run, use `load_bank`.

    Args:
        recogniser: frozen.
        data: speech to train on.
        steps: of training; 60 take about four seconds on one core.
    """
    bank = ProbeBank(recogniser, hidden=64, learning_rate=5e-3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _fit(bank, data, steps)
    return bank.eval()


def _fit(module: LightningModule, data: SpeechDataModule, steps: int, **settings: Any) -> None:
    with warnings.catch_warnings(), _silent(logging.getLogger("lightning.pytorch")):
        warnings.simplefilter("ignore")  # of Lightning: few workers, few batches
        Trainer(
            accelerator="cpu",
            max_steps=steps,
            max_epochs=-1,
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            **settings,
        ).fit(module, datamodule=data)


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    """Inside, a logger says nothing but errors."""
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
