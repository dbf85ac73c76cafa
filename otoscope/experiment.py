"""What an experiment is: the schema behind every YAML file in `configs/experiments`."""

import re
from collections.abc import Callable
from typing import Literal

from acoustics.errors import UserError
from asr_models.layer import select_layers
from asr_models.recogniser import Recogniser
from corpora.augmentation import condition_snr_db
from corpora.corpus import Corpus, ImpulseResponses, NoiseSource
from corpora.joined import JoinedCorpus
from evaluation.atlas.settings import AtlasSettings
from evaluation.audiation.asked import wanted_layers, wants_learned_inputs
from evaluation.audiation.study_settings import AudiationSettings
from evaluation.masks.mask_settings import MaskSettings
from evaluation.masks.subjects import require_frames
from evaluation.quality import QUALITY_METRICS
from evaluation.sonification.feature_sets import sets_by_layer
from evaluation.sonification.study_settings import StudySettings
from otoscope.settings import (
    Architecture,
    Compute,
    EvaluationSettings,
    Identity,
    ModelName,
    ProbeSettings,
    ProbeVariant,
    Training,
)
from otoscope.verification import VerifierTraining, check_apart, check_verifiers
from probes.probe import Body

RESERVED = (
    *("corpus", "recognisers", "probes", "verifiers", "evaluate", "states", "identity"),
    *(
        "sonification",
        "audiation",
        "masks",
        "word_errors",
        "tables",
        "paper",
        "report",
        "audio",
        "samples",
        "mels",
        "wandb",
    ),
    *("tensorboard", "listening"),
)
"""Stages and folders of a run; what an architecture or a variant cannot be called."""


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
        download_verifiers: fetch weights of `ecapa` and `xvector` that are not there.
        architectures: further recognisers by name, each in a sub-folder of that name.
        probe_variants: the probes again by name, with another seed or body.
        states: measure distances between states, and verify speakers on the states themselves.
        identity: compare natural with rendered speech and adapt a verifier (null: do not).
        sonification: what drives every feature of every layer (null: do not ask).
        audiation: sounds made to drive some features (null: make none).
        masks: the least of some utterances with which a trained recogniser still says the same
            (null: look for none).
        paper: make the tables and figures of Li et al. (2020), and judge their claims.
        atlas: how large the pages of the run may be, and how they sound.
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
        download_verifiers: bool = False,
        architectures: dict[str, Architecture] = {},  # noqa: B006 - read only
        probe_variants: dict[str, ProbeVariant] = {},  # noqa: B006 - read only
        states: bool = False,
        identity: Identity | None = None,
        sonification: StudySettings | None = None,
        audiation: AudiationSettings | None = None,
        masks: MaskSettings | None = None,
        paper: bool = False,
        atlas: AtlasSettings = AtlasSettings(),  # noqa: B008 - read only
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
        self.download_verifiers = download_verifiers
        self.architectures, self.probe_variants = architectures, probe_variants
        self.states, self.identity, self.paper = states, identity, paper
        self.sonification, self.audiation, self.masks = sonification, audiation, masks
        self.atlas, self.loggers = atlas, loggers

    @property
    def first_architecture(self) -> str:
        """What the first architecture is called beside the others, e.g. `vgg_lstm`."""
        return type(self.recogniser()).__module__.rpartition(".")[2]

    @property
    def trained(self) -> list[str]:
        """The models that learn: all but the control."""
        return [model for model in self.models if model != "untrained"]

    def variants(self) -> list[str]:
        """`model.variant` for every variant of the probes of every model but the control."""
        return [f"{model}.{name}" for name in self.probe_variants for model in self.trained]

    def probes_of(self, variant: str) -> tuple[Body, int]:
        """Body and seed of the probes, or of a variant of them."""
        changed = self.probe_variants.get(variant, ProbeVariant())
        seed = self.seed if changed.seed is None else changed.seed
        return changed.body or self.probe.body, seed

    def _trainings(self) -> dict[str, Training]:
        found = {"baseline": self.baseline, "robust": self.robust}
        found["probe.training"] = self.probe.training
        for name, own in self.architectures.items():
            given = {"baseline": own.baseline, "robust": own.robust}
            found |= {f"architectures.{name}.{k}": t for k, t in given.items() if t is not None}
        return found

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
        for name, training in self._trainings().items():
            counts[f"{name}.max_steps"] = training.max_steps
            counts[f"{name}.validations"] = training.validations
        settings = self.evaluation
        for name, verifier in self.trained_verifiers.items():
            for key in ("max_steps", "validations", "speakers_per_batch", "utterances_per_speaker"):
                counts[f"trained_verifiers.{name}.{key}"] = getattr(verifier, key)
        for key in ("utterances_per_speaker", "quality_per_speaker", "n_positive"):
            if (value := getattr(settings, key)) is not None:
                counts[f"evaluation.{key}"] = value
        return counts

    def _amounts(self) -> dict[str, float]:
        amounts = {"evaluation.batch_duration_s": self.evaluation.batch_duration_s}
        for name, training in self._trainings().items():
            amounts[f"{name}.learning_rate"] = training.learning_rate
            amounts[f"{name}.batch_duration_s"] = training.batch_duration_s
        return amounts

    def _check_recogniser(self, recogniser: Recogniser) -> None:
        select_layers(recogniser.layers, self.probe.layers)
        name = type(recogniser).__name__
        if not recogniser.trainable and "robust" in self.models:
            raise UserError(
                f"models: {name} is studied as it is and not trained, so there is no robust one; "
                "say [baseline] or [baseline, untrained]"
            )
        if self.paper:
            recogniser.require_classes("paper, with its word errors,")
        self._check_searched(recogniser)

    def _check_names(self) -> None:
        for key, names in (
            ("architectures", self.architectures),
            ("probe_variants", self.probe_variants),
            ("trained_verifiers", self.trained_verifiers),
        ):
            for name in names:
                if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or name in RESERVED:
                    raise UserError(
                        f"{key}: {name!r} names files and folders of the run; use letters, digits, "
                        f"_ and -, and none of {', '.join(RESERVED)}"
                    )
        known = {self.probes_of("")}
        for name in self.probe_variants:
            if self.probes_of(name) in known:
                raise UserError(
                    f"probe_variants: {name!r} is no variant: give it another seed or body"
                )
            known.add(self.probes_of(name))
        for name, architecture in self.architectures.items():
            if architecture.robust is not None and not architecture.robust.noisy_fraction:
                raise UserError(
                    f"architectures.{name}.robust: noisy_fraction is 0; what is not given here is "
                    "as in a plain training, so say all of it"
                )
            if name == self.first_architecture:
                raise UserError(f"architectures: {name!r} is what the first one is called")
        for architecture in self.architectures.values():
            self._check_recogniser(architecture.recogniser())

    def _check_searched(self, recogniser: Recogniser) -> None:
        """What is to be searched must be there."""
        if self.sonification is not None:
            names = select_layers(recogniser.layers, self.sonification.layers)
            select_layers(recogniser.layers, self.sonification.grid_layers or ["*"])
            sets_by_layer(self.sonification.sets, [recogniser.layers[name] for name in names])
        if self.audiation is not None:
            wanted_layers(recogniser, self.audiation)
            wants_learned_inputs(recogniser, self.audiation)
        if self.masks is not None:
            try:
                require_frames(recogniser)
            except UserError as error:
                raise UserError(f"masks: {error}; set masks: null") from error

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
        if self.identity is not None and "clean" not in self.evaluation.conditions:
            raise UserError("identity: compares with clean speech; add clean to the conditions")
        if self.identity is not None and self.identity.utterances_per_speaker < 2:
            raise UserError("identity.utterances_per_speaker: a speaker takes 2 or more")
        keep = self.evaluation.keep_audio
        if keep is not None and keep < 1 and self.evaluation.sample_speakers:
            raise UserError("evaluation.keep_audio: listening samples need 1 or more; or set null")
        self._check_names()
        for key, value in self._counts().items():
            if value < 1:
                raise UserError(f"{key}: {value} is not possible, it must be 1 or more")
        for key, amount in self._amounts().items():
            if not 0 < amount < float("inf"):
                raise UserError(f"{key}: {amount} is not possible, it must be above 0")
        check_verifiers(self.verifiers, self.trained_verifiers, self.download_verifiers)
        check_apart(self.trained_verifiers, self.corpus)
        self._check_recogniser(self.recogniser())
        unknown = sorted(set(self.evaluation.quality) - set(QUALITY_METRICS))
        if unknown:
            raise UserError(
                f"evaluation.quality: unknown metric {unknown[0]!r}; "
                f"known are {', '.join(QUALITY_METRICS)}"
            )
