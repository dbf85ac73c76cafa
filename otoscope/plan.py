"""The stages of a run: what each needs, what it leaves, and the hash that says it is done."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from otoscope.experiment import Experiment

# What the numbers of a finished stage depend on besides the configuration.
LIBRARIES = ("otoscope", "torch", "torchaudio", "lhotse", "pesq", "pystoi", "resemblyzer")


@dataclass(frozen=True)
class Stage:
    """One resumable step of a run.

    Attributes:
        name: e.g. `probes/robust`.
        needs: names of the stages whose results it reads.
        key: hash of everything that determines its result.
        outputs: files and folders it leaves, relative to the run folder.
    """

    name: str
    needs: tuple[str, ...]
    key: str
    outputs: tuple[str, ...]


def library_versions() -> dict[str, str]:
    """Versions of the libraries that the numbers depend on."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


@cache
def code_digest() -> str:
    """Hash of the source files that compute a run's numbers."""
    digest = hashlib.sha256()
    for package in ("acoustics", "corpora", "asr_models", "probes", "evaluation", "otoscope"):
        folder = Path(str(resources.files(package)))
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class Plan:
    """Stages of an experiment, in an order in which they can run.

    Args:
        experiment: the experiment.
        config: its resolved configuration as plain values.
    """

    def __init__(self, experiment: Experiment, config: Mapping[str, Any]) -> None:
        self.config = config
        self.stages: dict[str, Stage] = {}
        self._common = {"versions": library_versions(), "seed": experiment.seed}
        compute = experiment.compute
        self._common |= {"threads": compute.threads, "accelerator": compute.accelerator}
        self._corpus = experiment.corpus.fingerprint()
        self._asr_corpus = experiment.recogniser_corpus.fingerprint()
        self._noise, rooms = experiment.noise.fingerprint(), experiment.reverberation
        self._rooms = [rooms.fingerprint()] if rooms is not None else []
        self._speakers = {
            name: experiment.trained_verifiers[name].corpus.fingerprint()
            for name in experiment.verifiers
            if name in experiment.trained_verifiers
        }
        self._build(experiment.models)

    def _build(self, models: Sequence[str]) -> None:
        evaluation = dict(self.config["evaluation"])
        trials = {k: evaluation[k] for k in ("conditions", "utterances_per_speaker", "n_positive")}
        fixed = ("utterances.csv", "mixtures.csv", "trials.csv", "corpus")
        self._add("corpus", (), fixed, self._corpus, self._asr_corpus, self._noise, trials)
        recogniser = self.config["recogniser"]
        for model in models:
            where = f"recognisers/{model}"
            parts: list[Any] = [recogniser, self._asr_corpus]
            training = self.config["robust" if model == "robust" else "baseline"]
            parts.append(training)
            if training["noisy_fraction"]:
                parts += [self._noise, self.config["snr_ranges_db"], *self._rooms]
            self._add(where, ("corpus",), (where,), *parts, upstream=False)
        for model in models:
            where = f"probes/{model}"
            parts = [self.config["probe"], self._corpus, self._noise, self.config["snr_ranges_db"]]
            rooms = self._rooms if self.config["probe"]["training"]["noisy_fraction"] else []
            self._add(where, (f"recognisers/{model}",), (where,), *parts, *rooms)
        for name, speakers in self._speakers.items():
            where = f"verifiers/{name}"
            self._add(where, (), (where,), self.config["trained_verifiers"][name], speakers)
        trained = [m for m in models if m != "untrained"]
        listeners = [f"recognisers/{m}" for m in trained]
        listeners += [f"verifiers/{name}" for name in self._speakers]
        scored = {
            k: v for k, v in evaluation.items() if k not in ("workers", "bootstrap_replicates")
        }
        for i, model in enumerate(models):
            outputs: tuple[str, ...] = (
                f"tables/{model}",
                f"audio/{model}",
                f"samples/{model}",
                f"mels/{model}",
            )
            if i == 0:
                outputs += ("audio/reference", "samples/reference", "mels/reference")
            needs = ("corpus", f"probes/{model}", *listeners)
            verifiers = self.config["verifiers"]
            self._add(f"evaluate/{model}", needs, outputs, scored, verifiers, i == 0)
        needs = tuple(f"evaluate/{m}" for m in models)
        csvs = ("scores", "trial_scores", "summary", "steps", "samples", "failures")
        tables = tuple(f"{name}.csv" for name in csvs)
        self._add("tables", needs, tables, evaluation["bootstrap_replicates"])
        self._add("report", ("tables",), ("report",), self.config["loggers"])

    def _add(
        self,
        name: str,
        needs: tuple[str, ...],
        outputs: tuple[str, ...],
        *parts: Any,
        upstream: bool = True,
    ) -> None:
        keys = [self.stages[need].key for need in needs] if upstream else []
        text = json.dumps([name, self._common, keys, parts], sort_keys=True, default=str)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.stages[name] = Stage(name, needs, key, outputs)
