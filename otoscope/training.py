"""The stages that train: recognisers and probe banks, each a Lightning fit."""

import logging
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from lightning import LightningDataModule, LightningModule, Trainer, seed_everything

from asr_models.checkpoint import (
    calibrate,
    load_recogniser,
    save_recogniser,
    untrained_twin,
)
from asr_models.ctc import CTCModule
from corpora.datamodule import SpeechDataModule
from corpora.speaker_datamodule import SpeakerDataModule
from evaluation.verifiers.trained import save_encoder
from evaluation.verifiers.training import VerifierModule
from evaluation.watching import CurveRecorder, MemoryReturn, StepProgress
from otoscope.experiment import Experiment
from otoscope.failures import FAILURES, write_failures
from otoscope.settings import ModelName, Training
from otoscope.verification import VerifierTraining
from probes.bank import ProbeBank
from probes.checkpoint import save_bank

Report = Callable[[float, str], None]
CALIBRATION_BATCHES = 16


def data_module(
    experiment: Experiment, training: Training, recogniser: bool, seed: int | None = None
) -> SpeechDataModule:
    """Training and held-out speech as `training` wants it, in the order of `seed`."""
    return SpeechDataModule(
        experiment.recogniser_corpus if recogniser else experiment.corpus,
        noise=experiment.noise if training.noisy_fraction else None,
        noisy_fraction=training.noisy_fraction,
        clean_epochs=training.clean_epochs,
        snr_ranges_db=experiment.snr_ranges_db,
        batch_duration_s=training.batch_duration_s,
        num_workers=experiment.compute.num_workers,
        seed=experiment.seed if seed is None else seed,
        reverberation=experiment.reverberation if training.noisy_fraction else None,
        alphabet=experiment.recogniser().alphabet,
    )


def quiet_trainer(experiment: Experiment, **settings: Any) -> Trainer:
    """A Trainer that leaves bars, checkpoints and folders to the run, and says little."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    compute = experiment.compute
    return Trainer(
        **{
            "accelerator": compute.accelerator,
            "devices": compute.devices,
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "use_distributed_sampler": False,
            "num_sanity_val_steps": 0,
            **settings,
        }
    )


def device_of(experiment: Experiment) -> torch.device:
    """Where a stage works that has no Trainer: the first device that one would choose."""
    device: torch.device = quiet_trainer(experiment, devices=1).strategy.root_device
    return device


def fit(
    experiment: Experiment,
    module: LightningModule,
    data: LightningDataModule,
    training: Training | VerifierTraining,
    curves: CurveRecorder,
    report: Report,
    clip: float | None = None,
) -> None:
    """Train `module` for the steps that `training` says, with its curve on disk."""
    trainer = quiet_trainer(
        experiment,
        max_steps=training.max_steps,
        max_epochs=-1,
        val_check_interval=max(1, training.max_steps // training.validations),
        check_val_every_n_epoch=None,
        log_every_n_steps=max(1, training.max_steps // 80),
        gradient_clip_val=clip,
        callbacks=[curves, MemoryReturn(), StepProgress(report)],
    )
    trainer.fit(module, datamodule=data)


def train_recogniser(
    experiment: Experiment, model: ModelName, folder: Path, report: Report
) -> None:
    """Train a recogniser (or only calibrate an untrained one) and save it into `folder`.

    One from elsewhere is saved as it is, or with the weights it had before any training.
    """
    seed_everything(experiment.seed, verbose=False)
    recogniser = experiment.recogniser()
    if not recogniser.trainable:
        found = untrained_twin(recogniser) if model == "untrained" else recogniser
        save_recogniser(found, folder)
        return
    training = experiment.robust if model == "robust" else experiment.baseline
    data = data_module(experiment, training, recogniser=True)
    if model == "untrained":
        usable = (batch for batch in data.train_dataloader() if batch.ids)
        batches = islice(usable, CALIBRATION_BATCHES)
        calibrate(recogniser, [(batch.waveform, batch.lengths) for batch in batches])
    else:
        module = CTCModule(recogniser, training.learning_rate)
        fit(
            experiment,
            module,
            data,
            training,
            CurveRecorder(str(folder / "curves.csv")),
            report,
            5.0,
        )
    save_recogniser(recogniser, folder)
    write_failures(folder / FAILURES, data)


def make_bank(experiment: Experiment, recogniser: Path, variant: str = "") -> ProbeBank:
    """An untrained bank, or a variant of it, for a saved recogniser."""
    probe, (body, seed) = experiment.probe, experiment.probes_of(variant)
    return ProbeBank(
        load_recogniser(recogniser),
        layers=probe.layers,
        body=body,
        hidden=probe.hidden,
        highway_layers=probe.highway_layers,
        learning_rate=probe.training.learning_rate,
        seed=seed,
    )


def train_probes(
    experiment: Experiment, run: Path, name: str, folder: Path, report: Report
) -> None:
    """Train a probe for every layer of a model, and save them into `folder`.

    Args:
        experiment: the experiment.
        run: the run folder with its recognisers.
        name: of the model, or `model.variant`.
        folder: where the probes go.
        report: told of the steps.
    """
    model, _, variant = name.partition(".")
    _, seed = experiment.probes_of(variant)
    seed_everything(seed, verbose=False)
    training = experiment.probe.training
    bank = make_bank(experiment, run / "recognisers" / model, variant)
    curves = CurveRecorder(str(folder / "curves.csv"), ("step", "split", "layer", "mel_l1"))
    data = data_module(experiment, training, recogniser=False, seed=seed)
    fit(experiment, bank, data, training, curves, report)
    save_bank(bank, folder)
    write_failures(folder / FAILURES, data)


def train_verifier(experiment: Experiment, name: str, folder: Path, report: Report) -> None:
    """Train a verifier on its own speakers and save it into `folder`."""
    seed_everything(experiment.seed, verbose=False)
    training = experiment.trained_verifiers[name]
    training.corpus.prepare(lambda _, text: report(0.0, text))
    data = SpeakerDataModule(
        training.corpus,
        training.max_steps,
        training.speakers_per_batch,
        training.utterances_per_speaker,
        training.crop_s,
        num_workers=experiment.compute.num_workers,
        seed=experiment.seed,
    )
    module = VerifierModule(training.encoder(), training.loss, training.learning_rate)
    fit(experiment, module, data, training, CurveRecorder(str(folder / "curves.csv")), report, 3.0)
    save_encoder(module.encoder, folder)
    write_failures(folder / FAILURES, data)


def set_threads(count: int) -> None:
    """Limit computation to `count` threads; what a stage computes depends on it."""
    torch.set_num_threads(count)
    torch.use_deterministic_algorithms(True, warn_only=True)
