"""The stages of a run: what each needs, what it leaves, and the hash that says it is done."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from typing import Any

from evaluation.listening import REFERENCE
from evaluation.sonification.study_settings import OVERVIEW
from evaluation.verifiers.speechbrain import RECIPES, find_weights
from otoscope.experiment import Experiment

# What the numbers of a finished stage depend on besides the configuration.
LIBRARIES = (
    "otoscope",
    "torch",
    "torchaudio",
    "lhotse",
    "pesq",
    "pystoi",
    "resemblyzer",
    "scikit-learn",
)

FIXED = ("utterances.csv", "mixtures.csv", "trials.csv", "corpus")
CSVS = (
    "scores",
    "trial_scores",
    "summary",
    "variants",
    "steps",
    "contrasts",
    "samples",
    "failures",
)


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


def architecture_config(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Configuration of the run in the sub-folder of one of the `architectures`."""
    own = config["architectures"][name]
    found = {**config, "name": f"{config['name']}-{name}", "architectures": {}, "paper": False}
    found |= {key: own[key] for key in ("baseline", "robust") if own[key] is not None}
    return found | {"recogniser": own["recogniser"]}


class Plan:
    """Stages of an experiment, in an order in which they can run.

    The stages of the first architecture have the run folder to themselves; those of another have
    its name before their own, and so have their outputs.

    Args:
        experiment: the experiment.
        config: its resolved configuration as plain values.
        listeners: what listeners have answered so far, as text (every `her.csv`).
    """

    def __init__(
        self, experiment: Experiment, config: Mapping[str, Any], listeners: str = ""
    ) -> None:
        self.stages: dict[str, Stage] = {}
        self._experiment, self._config = experiment, config
        self._common = {"versions": library_versions(), "seed": experiment.seed}
        compute = experiment.compute
        self._common |= {"threads": compute.threads, "accelerator": compute.accelerator}
        self._corpus = experiment.corpus.fingerprint()
        self._asr_corpus = experiment.recogniser_corpus.fingerprint()
        self._noise, rooms = experiment.noise.fingerprint(), experiment.reverberation
        self._rooms = [rooms.fingerprint()] if rooms is not None else []
        self._corpus_stage()
        self._verifiers()
        places = {"": config}
        for name in experiment.architectures:
            places[f"{name}/"] = architecture_config(config, name)
            fixed = tuple(f"{name}/{path}" for path in FIXED)
            self._add(f"{name}/corpus", ("corpus",), fixed)
        for place, values in places.items():
            self._train(place, values)
        for place, values in places.items():
            self._score(place, values)
        for place in places:
            self._close(place)
        tables = tuple(f"{place}tables" for place in places)
        if experiment.paper:
            words = [f"{p}word_errors/{m}" for p in places for m in self._experiment.trained]
            self._add("paper", (*tables, *words), ("paper",), listeners)
        self._pages(list(places))

    def _corpus_stage(self) -> None:
        evaluation = self._config["evaluation"]
        trials = {k: evaluation[k] for k in ("conditions", "utterances_per_speaker", "n_positive")}
        self._add("corpus", (), FIXED, self._corpus, self._asr_corpus, self._noise, trials)

    def _verifiers(self) -> None:
        trained = self._experiment.trained_verifiers
        for name in [name for name in self._experiment.verifiers if name in trained]:
            parts = self._config["trained_verifiers"][name], trained[name].corpus.fingerprint()
            self._add(f"verifiers/{name}", (), (f"verifiers/{name}",), *parts)

    def _train(self, place: str, values: Mapping[str, Any]) -> None:
        """Recognisers and probes, variants included."""
        noise = self._noisy(values)
        for model in self._experiment.models:
            where = f"{place}recognisers/{model}"
            training = values["robust" if model == "robust" else "baseline"]
            parts = [values["recogniser"], self._asr_corpus, training]
            parts += noise if training["noisy_fraction"] else []
            self._add(where, (f"{place}corpus",), (where,), *parts, upstream=False)
        variants = values["probe_variants"]
        for name in self._banks():
            its_model, _, variant = name.partition(".")
            where, needs = f"{place}probes/{name}", (f"{place}recognisers/{its_model}",)
            more = noise if values["probe"]["training"]["noisy_fraction"] else []
            more = [*more, variants[variant]] if variant else more
            self._add(where, needs, (where,), values["probe"], self._corpus, *more)

    def _downloaded(self) -> list[str]:
        """What scores depend on where speechbrain's verifiers listen: its version, the weights."""
        wanted = [name for name in self._experiment.verifiers if name in RECIPES]
        digests = [hashlib.sha256(find_weights(n).read_bytes()).hexdigest() for n in wanted]
        return [version("speechbrain"), *digests] if wanted else []

    def _noisy(self, values: Mapping[str, Any]) -> list[Any]:
        """What noisy training speech is made of."""
        return [self._noise, values["snr_ranges_db"], *self._rooms]

    def _banks(self) -> list[str]:
        return [*map(str, self._experiment.models), *self._experiment.variants()]

    def _score(self, place: str, values: Mapping[str, Any]) -> None:
        """Everything that makes tables of single scores."""
        experiment, evaluation = self._experiment, dict(values["evaluation"])
        verifiers = [name for name in self.stages if name.startswith("verifiers/")]
        listeners = [*(f"{place}recognisers/{m}" for m in self._experiment.trained), *verifiers]
        scored = {
            k: v for k, v in evaluation.items() if k not in ("workers", "bootstrap_replicates")
        }
        first = experiment.models[0]
        for name, condition in product(self._banks(), evaluation["conditions"]):
            folders = ["tables"] if "." in name else ["tables", "audio", "samples", "mels"]
            outputs = [f"{place}{folder}/{name}/{condition}" for folder in folders]
            if name == first:
                outputs += [f"{place}{folder}/{REFERENCE}/{condition}" for folder in folders[1:]]
            needs = (f"{place}corpus", f"{place}probes/{name}", *listeners)
            parts = [scored, values["verifiers"], name == first, *self._downloaded()]
            if experiment.identity and "." not in name:
                parts.append("with embeddings")
            self._add(f"{place}evaluate/{name}/{condition}", needs, tuple(outputs), *parts)
        training = values["probe"]["training"]["noisy_fraction"]
        heard_in_training = [training, *(self._noisy(values) if training else [])]
        for model in map(str, experiment.models):
            if experiment.states:
                where = f"{place}states/{model}"
                needs = (f"{place}corpus", f"{place}recognisers/{model}")
                layers = values["probe"]["layers"]
                self._add(where, needs, (where,), layers, model == first, heard_in_training)
            if experiment.identity:
                where = f"{place}identity/{model}"
                heard = [
                    f"{place}evaluate/{name}/{condition}"
                    for name in dict.fromkeys((first, model))
                    for condition in evaluation["conditions"]
                ]
                self._add(where, tuple(heard), (where,), values["identity"])
            for kind in self._looked_into(model):
                where, needs = f"{place}{kind}/{model}", (f"{place}recognisers/{model}",)
                self._add(where, needs, (where,), values[kind], self._corpus)
            if experiment.paper and model != "untrained":
                where = f"{place}recognisers/{model}"
                draws = evaluation["bootstrap_replicates"]
                self._add(f"{place}word_errors/{model}", (where,), (f"{where}/wer.csv",), draws)

    def _looked_into(self, model: str) -> list[str]:
        """What else is asked of a model; one that learnt nothing says nothing worth a mask."""
        asked, kinds = self._experiment, []
        kinds += ["sonification"] if asked.sonification else []
        kinds += ["audiation"] if asked.audiation else []
        return kinds + (["masks"] if asked.masks and model != "untrained" else [])

    def _close(self, place: str) -> None:
        """The tables of one architecture."""
        kinds = ("evaluate", "states", "identity")
        needs = tuple(n for n in self.stages if n.startswith(tuple(f"{place}{k}/" for k in kinds)))
        outputs = tuple(f"{place}{name}.csv" for name in CSVS)
        self._add(
            f"{place}tables", needs, outputs, self._config["evaluation"]["bootstrap_replicates"]
        )
        if self._experiment.sonification:
            folder = f"{place}sonification"
            studies = tuple(f"{folder}/{model}" for model in self._experiment.models)
            self._add(f"{folder}/{OVERVIEW}", studies, (f"{folder}/{OVERVIEW}",))

    def _pages(self, places: Sequence[str]) -> None:
        """The reports, that of the first architecture last, since it links to the others."""
        experiment, asked = self._experiment, [self._config[key] for key in ("loggers", "atlas")]
        reports: list[str] = []
        for place in reversed(places):
            needs = [f"{place}tables"]
            if experiment.sonification:
                needs.append(f"{place}sonification/{OVERVIEW}")
            for model in map(str, experiment.models):
                kinds = [kind for kind in self._looked_into(model) if kind != "sonification"]
                needs += [f"{place}{kind}/{model}" for kind in kinds]
            if not place:
                needs += [*(["paper"] if experiment.paper else []), *reports]
            reports.append(f"{place}report")
            self._add(reports[-1], tuple(needs), (reports[-1],), *asked)

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
