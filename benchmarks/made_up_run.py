"""A finished run of a network of any size, that nobody trained and nothing heard.

Every table, sound and picture is written by the same functions as those of a real run, of values
that are drawn; the corpus is in files, so that clips can be cut.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import yaml
from lhotse.cut import Cut
from made_up_corpus import Spell, hostile, make_corpus, split_of
from made_up_masks import write_masks
from made_up_search import made_up_layers
from made_up_sounds import write_audiation, write_samples
from made_up_study import write_layers, write_study

from asr_models.layer import Layer, spread
from evaluation.listening import REFERENCE_LAYERS, write_atomically
from evaluation.records import ScoreRow, SummaryRow, UtteranceRow, write_rows
from evaluation.steps import StepRow
from otoscope.failures import FailureRow

MODELS = ("baseline", "robust", "untrained")
CONDITIONS = ("clean", "snr20", "snr10", "snr0")
LEVELS = {"eer": (2, 45), "pesq_wb": (3.6, 1.3), "stoi": (0.95, 0.6), "wer": (5, 90)}
"""Of metrics, in the first and the last layer."""


@dataclass(frozen=True, slots=True)
class CurveRow:
    """A point of the training of a recogniser (curves.csv)."""

    step: int
    split: str
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class ProbeCurveRow:
    """A point of the training of a probe (curves.csv)."""

    step: int
    split: str
    layer: str
    mel_l1: float


@dataclass(frozen=True)
class MadeUpRun:
    """What was made.

    Attributes:
        path: the run folder.
        layers: of the network, by name.
        cuts: of the corpus, by id, as `build_atlas` wants them.
    """

    path: Path
    layers: Mapping[str, Layer]
    cuts: Callable[[], Mapping[str, Cut]]


def make_run(
    folder: Path,
    features: int,
    *,
    blocks: int = 10,
    sub_blocks: int = 5,
    minutes: float = 4.0,
    sonified: tuple[str, ...] = MODELS[:1],
    sampled_layers: int = 8,
    evil: bool = False,
    seed: int = 0,
) -> MadeUpRun:
    """Writes a run folder, the same for the same arguments.

    Args:
        folder: of the run, and beside it `<name>-corpus`, the corpus.
        features: of all layers of the network together.
        blocks: of its Jasper.
        sub_blocks: of each block.
        minutes: of speech in the corpus.
        sonified: models that have sonification, audiation and masks.
        sampled_layers: that can be listened to, in all models and conditions.
        evil: names and transcripts that come from data have code, quotes and paths in them.
        seed: of all draws.
    """
    spell: Spell = hostile if evil else str
    corpus_folder = folder.with_name(f"{folder.name}-corpus")
    corpus, cuts = make_corpus(corpus_folder, minutes, spell)
    splits = split_of(cuts)
    test = [cut for cut, split in zip(cuts.values(), splits, strict=True) if split == "test"]
    layers = {
        spell(name): replace(
            of, name=spell(name), inputs=None if of.inputs is None else tuple(map(spell, of.inputs))
        )
        for name, of in made_up_layers(features, blocks, sub_blocks).items()
    }
    folder.mkdir(parents=True)
    _write_records(folder, corpus.manifests)
    write_rows(folder / "utterances.csv", UtteranceRow, map(_utterance, test))
    write_rows(folder / "summary.csv", SummaryRow, _summary(layers, seed))
    write_rows(folder / "steps.csv", StepRow, _steps(list(layers)))
    write_rows(folder / "scores.csv", ScoreRow, _failed_scores(list(layers), test, spell))
    failures = [FailureRow("test", spell("u99"), spell("no sound in it"), used=False)]
    write_rows(folder / "failures.csv", FailureRow, failures)
    for model in MODELS:
        _write_training(folder, model, layers)
    heard = spread(list(layers), sampled_layers)
    write_samples(folder, MODELS, CONDITIONS, heard, test[:2], seed)
    for model in sonified:
        place = folder / "sonification" / model
        found = write_study(place, model, layers, cuts, splits, seed)
        write_audiation(folder / "audiation" / model, model, layers, found, cuts, seed)
        write_masks(folder / "masks" / model, model, test[:3], seed)
    return MadeUpRun(folder, layers, lambda: cuts)


def _write_records(folder: Path, manifests: Mapping[str, str | None]) -> None:
    """What a run says of itself."""
    corpus = {"class_path": "corpora.manifests.ManifestCorpus", "init_args": dict(manifests)}
    stages = [{"stage": "corpus", "seconds": 1.5, "status": "done"}]
    environment = {"seed": 0, "python": "3.11.7", "versions": {"otoscope": "0.1.0"}}
    write_atomically(folder / "config.yaml", yaml.safe_dump({"corpus": corpus}).encode())
    write_atomically(folder / "stages.json", json.dumps(stages).encode())
    write_atomically(folder / "environment.json", json.dumps(environment).encode())


def _utterance(cut: Cut) -> UtteranceRow:
    said = cut.supervisions[0]
    text = str(said.text)
    name, sex = str(said.speaker), str(said.gender)
    return UtteranceRow(str(cut.id), name, sex, cut.duration, len(text.split()), len(text), text)


def _summary(layers: Mapping[str, Layer], seed: int) -> Iterator[SummaryRow]:
    rng = np.random.default_rng([seed, 6])
    depths: dict[str, int | None] = dict.fromkeys(REFERENCE_LAYERS)
    depths |= {name: layer.depth for name, layer in layers.items()}
    for model, condition, (metric, ends) in product(MODELS, CONDITIONS, LEVELS.items()):
        scorer = {"eer": "ge2e", "wer": "baseline"}.get(metric, "")
        row = partial(SummaryRow, model, condition)
        for layer, depth in depths.items():
            share = {"mean-mel": 1.0}.get(layer, (depth or 0) / len(layers))
            mean = float(np.interp(share, [0, 1], ends) * rng.uniform(0.95, 1.05))
            low, high = 0.95 * mean, 1.05 * mean
            yield row(layer, depth, metric, scorer, mean, low, high, 64, depth == 1)


def _steps(layers: list[str]) -> Iterator[StepRow]:
    for model, condition in product(MODELS, CONDITIONS):
        yield StepRow(model, condition, "stoi", "", layers[0], layers[-1], -0.3, -0.35, -0.25)


def _failed_scores(layers: list[str], test: list[Cut], spell: Spell) -> Iterator[ScoreRow]:
    for model, condition in product(MODELS, CONDITIONS):
        place = (model, condition, "", layers[0], str(test[0].id))
        speaker = str(test[0].supervisions[0].speaker)
        yield ScoreRow(*place, speaker, "pesq_wb", "", None, spell("no utterance detected"))


def _write_training(folder: Path, model: str, layers: Mapping[str, Layer]) -> None:
    recogniser, probes = folder / "recognisers" / model, folder / "probes" / model
    write_layers(recogniser, layers)
    probes.mkdir(parents=True)
    steps = range(10, 101, 10)
    losses = (CurveRow(step, "train", "loss", 3 * 0.98**step) for step in steps)
    write_rows(recogniser / "curves.csv", CurveRow, losses)
    rows = (ProbeCurveRow(s, "train", n, 1.5 * 0.99**s) for s, n in product(steps, layers))
    write_rows(probes / "curves.csv", ProbeCurveRow, rows)
