"""What an experiment is: the schema behind every YAML file in `configs/experiments`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from acoustics.errors import UserError
from asr_models.layer import select_layers
from asr_models.recogniser import Recogniser
from corpora.augmentation import condition_snr_db
from corpora.corpus import Corpus, ImpulseResponses, NoiseSource
from corpora.joined import JoinedCorpus
from evaluation.quality import QUALITY_METRICS
from otoscope.verification import VerifierTraining, check_verifiers
from probes.probe import Body

ModelName = Literal["baseline", "robust", "untrained"]


@dataclass
class Training:
    """How long and on what something is trained.

    Attributes:
        max_steps: optimiser steps.
        learning_rate: peak of the warm-up and cosine schedule.
        batch_duration_s: seconds of speech in a batch.
        noisy_fraction: share of the utterances that get noise.
        clean_epochs: epochs at the beginning that have none.
        validations: how often the held-out speakers are scored on the way.
    """

    max_steps: int = 850
    learning_rate: float = 4e-3
    batch_duration_s: float = 24.0
    noisy_fraction: float = 0.0
    clean_epochs: int = 0
    validations: int = 4


@dataclass
class ProbeSettings:
    """The probes: which layers, what shape, how trained.

    Attributes:
        layers: names or globs.
        body: `highway` or `linear`.
        hidden: width of the Highway layers.
        highway_layers: number of Highway layers.
        training: length, batches and share of noisy utterances.
    """

    layers: list[str] = field(default_factory=lambda: ["*"])
    body: Body = "highway"
    hidden: int = 128
    highway_layers: int = 4
    training: Training = field(
        default_factory=lambda: Training(300, 4e-3, 9.0, noisy_fraction=0.5, validations=8)
    )


@dataclass
class EvaluationSettings:
    """What is rendered and how it is scored.

    Attributes:
        conditions: `clean`, or `snrN` for noise at N dB.
        utterances_per_speaker: of each test speaker (null: all there are).
        quality: which of PESQ, STOI and ESTOI to measure.
        quality_per_speaker: utterances of each speaker that get them (null: all).
        keep_audio: utterances of each speaker whose audio is kept (null: all that are scored).
        sample_speakers: speakers of whom one utterance each is kept as listening sample.
        griffin_lim_iterations: of the vocoder.
        n_positive: at most so many positive trials, and as many negative ones (null: all).
        bootstrap_replicates: resamplings of the test speakers behind every interval.
        workers: processes that measure PESQ and STOI, for each job.
        batch_duration_s: seconds of speech rendered at once.
    """

    conditions: list[str] = field(default_factory=lambda: ["clean", "snr0"])
    utterances_per_speaker: int | None = 4
    quality: list[str] = field(default_factory=lambda: ["pesq_wb", "pesq_nb", "stoi", "estoi"])
    quality_per_speaker: int | None = 1
    keep_audio: int | None = None
    sample_speakers: int = 4
    griffin_lim_iterations: int = 32
    n_positive: int | None = None
    bootstrap_replicates: int = 1000
    workers: int = 1
    batch_duration_s: float = 40.0


@dataclass
class Compute:
    """Where and how widely things run.

    Attributes:
        accelerator: Lightning's name of the device kind, e.g. `cpu`, `gpu` or `auto`.
        devices: devices of one training job.
        jobs: stages that run at once, each in a process of its own.
        threads: threads of computation of each job; part of what a run's numbers depend on.
        num_workers: processes that load data, for each job.
    """

    accelerator: str = "cpu"
    devices: int = 1
    jobs: int = 2
    threads: int = 1
    num_workers: int = 0


class Experiment:
    """One comparison of recognisers, from speech to scores.

    Args:
        corpus: speech with speaker-disjoint train, dev and test splits.
        noise: noise recordings, training and test ones disjoint.
        reverberation: rooms that some of the noisy training speech is heard in instead, as many as
            get one kind of noise.
        recogniser: the architecture under study.
        name: names the run folder, `runs/<name>`.
        seed: of training, probes, test mixtures, trials and phases; corpus and generated noise have
            seeds of their own, so that another training seed is heard on the same speech.
        models: which recognisers to compare.
        extra_speech: what the recognisers, but not the probes, learn from besides `corpus`.
        baseline: training of the recogniser on clean speech.
        robust: training of the recogniser on noise-augmented speech.
        snr_ranges_db: range of the signal-to-noise ratio in training for each kind of noise.
        probe: the probes.
        evaluation: what is rendered and scored.
        verifiers: which score speakers: `ge2e` (of `resemblyzer`), `ecapa` and `xvector` (of
            speechbrain), or names in `trained_verifiers`.
        trained_verifiers: verifiers that a run trains itself, by name.
        compute: device, processes and threads.
        loggers: `wandb` and `tensorboard`, beside what always goes to disk.
    """

    def __init__(
        self,
        corpus: Corpus,
        noise: NoiseSource,
        recogniser: Callable[[], Recogniser],
        reverberation: ImpulseResponses | None = None,
        name: str = "embedded",
        seed: int = 0,
        models: list[ModelName] = ["baseline", "robust", "untrained"],  # noqa: B006 - read only
        extra_speech: Corpus | None = None,
        baseline: Training = Training(),  # noqa: B008 - read only
        robust: Training = Training(1050, noisy_fraction=0.85, clean_epochs=1),  # noqa: B008 - read only
        snr_ranges_db: dict[str, tuple[float, float]] | None = None,
        probe: ProbeSettings = ProbeSettings(),  # noqa: B008 - read only
        evaluation: EvaluationSettings = EvaluationSettings(),  # noqa: B008 - read only
        verifiers: list[str] = ["ge2e"],  # noqa: B006 - read only
        trained_verifiers: dict[str, VerifierTraining] = {},  # noqa: B006 - read only
        compute: Compute = Compute(),  # noqa: B008 - read only
        loggers: list[Literal["wandb", "tensorboard"]] = ["wandb"],  # noqa: B006 - read only
    ) -> None:
        self.corpus, self.noise, self.recogniser = corpus, noise, recogniser
        self.reverberation = reverberation
        self.name, self.seed, self.models = name, seed, list(dict.fromkeys(models))
        self.recogniser_corpus = JoinedCorpus([corpus, extra_speech]) if extra_speech else corpus
        self.baseline, self.robust = baseline, robust
        self.snr_ranges_db = snr_ranges_db
        self.probe, self.evaluation, self.compute = probe, evaluation, compute
        self.verifiers, self.trained_verifiers = verifiers, trained_verifiers
        self.loggers = loggers

    def _counts(self) -> dict[str, int]:
        counts = {
            "evaluation.workers": self.evaluation.workers,
            "evaluation.bootstrap_replicates": self.evaluation.bootstrap_replicates,
            "evaluation.griffin_lim_iterations": self.evaluation.griffin_lim_iterations,
            "probe.hidden": self.probe.hidden,
            "probe.highway_layers": self.probe.highway_layers,
            "compute.jobs": self.compute.jobs,
            "compute.threads": self.compute.threads,
        }
        trainings = {"baseline": self.baseline, "robust": self.robust}
        for name, training in (trainings | {"probe.training": self.probe.training}).items():
            counts[f"{name}.max_steps"] = training.max_steps
            counts[f"{name}.validations"] = training.validations
        settings = self.evaluation
        for key in ("utterances_per_speaker", "quality_per_speaker", "n_positive"):
            if (value := getattr(settings, key)) is not None:
                counts[f"evaluation.{key}"] = value
        return counts

    def _amounts(self) -> dict[str, float]:
        amounts = {"evaluation.batch_duration_s": self.evaluation.batch_duration_s}
        trainings = {"baseline": self.baseline, "robust": self.robust}
        for name, training in (trainings | {"probe.training": self.probe.training}).items():
            amounts[f"{name}.learning_rate"] = training.learning_rate
            amounts[f"{name}.batch_duration_s"] = training.batch_duration_s
        return amounts

    def check(self) -> None:
        """Find the mistakes that would otherwise show only after hours of work.

        Raises:
            UserError: names the key.
        """
        if not self.models or self.models == ["untrained"]:
            raise UserError("models: name at least one of baseline and robust")
        if not self.evaluation.conditions:
            raise UserError("evaluation.conditions: name at least one, e.g. clean")
        for condition in self.evaluation.conditions:
            condition_snr_db(condition)
        if len(set(self.evaluation.conditions)) < len(self.evaluation.conditions):
            raise UserError("evaluation.conditions: a condition is named twice")
        if self.compute.devices != 1:
            raise UserError(
                "compute.devices: a stage of a run trains on one device; set 1, or train with "
                "'otoscope asr fit' and 'otoscope probe fit', which take trainer.devices"
            )
        keep = self.evaluation.keep_audio
        if keep is not None and keep < 1 and self.evaluation.sample_speakers:
            raise UserError("evaluation.keep_audio: listening samples need 1 or more; or set null")
        for key, value in self._counts().items():
            if value < 1:
                raise UserError(f"{key}: {value} is not possible, it must be 1 or more")
        for key, amount in self._amounts().items():
            if not 0 < amount < float("inf"):
                raise UserError(f"{key}: {amount} is not possible, it must be above 0")
        check_verifiers(self.verifiers, self.trained_verifiers)
        select_layers(self.recogniser().layers, self.probe.layers)
        unknown = sorted(set(self.evaluation.quality) - set(QUALITY_METRICS))
        if unknown:
            raise UserError(
                f"evaluation.quality: unknown metric {unknown[0]!r}; "
                f"known are {', '.join(QUALITY_METRICS)}"
            )
