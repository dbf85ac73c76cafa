"""The settings of an experiment, part by part: the schema behind the YAML files."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from asr_models.recogniser import Recogniser
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
    hidden: int = 96
    highway_layers: int = 4
    training: Training = field(
        default_factory=lambda: Training(300, 4e-3, 9.0, noisy_fraction=0.5, validations=5)
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
class Architecture:
    """Another recogniser, studied beside the first: same trials, mixtures, verifiers and seeds.

    Attributes:
        recogniser: the architecture.
        baseline: training on clean speech (null: as the first architecture).
        robust: training on noise-augmented speech (null: as the first architecture).
    """

    recogniser: Callable[[], Recogniser]
    baseline: Training | None = None
    robust: Training | None = None


@dataclass
class ProbeVariant:
    """The probes once more with something else; scored by the first verifier, STOI and mel_l1.

    Attributes:
        seed: of the probes' initial weights and batches (null: the experiment's).
        body: `highway` or `linear` (null: the experiment's).
    """

    seed: int | None = None
    body: Body | None = None


@dataclass
class Identity:
    """Whether a rising EER is lost identity or only damaged audio.

    Trials of natural against rendered speech, and a verifier adapted on rendered speech.

    Attributes:
        utterances_per_speaker: of each training speaker, rendered to adapt the first verifier.
    """

    utterances_per_speaker: int = 4


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
