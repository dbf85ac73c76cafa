"""A study of dataset sonification as `otoscope sonify` leaves it, of what was drawn, not heard."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from lhotse.cut import Cut
from made_up_search import made_up_search
from safetensors.numpy import save

from asr_models.layer import Layer
from corpora.corpus import SAMPLE_RATE
from evaluation.listening import write_atomically
from evaluation.sonification.activity_claims import ActivityRow
from evaluation.sonification.activity_pattern import MEASURES
from evaluation.sonification.complexity_findings import find_complexity
from evaluation.sonification.export import write_records
from evaluation.sonification.findings import Examiner
from evaluation.sonification.manner import Manner
from evaluation.sonification.result import Sonification
from evaluation.sonification.same_word_findings import find_same_word
from evaluation.sonification.speaker_findings import find_speakers
from evaluation.sonification.study_result import Study
from evaluation.sonification.study_settings import StudySettings
from evaluation.sonification.study_tables import write_tables
from evaluation.sonification.units import build_units
from evaluation.sonification.voices import SEX, Voices
from evaluation.sonification.word_pairs import draw_word_pairs
from evaluation.sonification.word_triplets import draw_triplets

UNIT = "segments"
REPLICATES, TRIPLETS, WORDS = 50, 40, 20
CONTEXT_S = 0.75


@dataclass(frozen=True, slots=True)
class SpokenRow:
    """A word or a phone of an utterance (spoken.csv)."""

    tier: str
    utterance: str
    label: str
    start_s: float
    end_s: float


def write_layers(folder: Path, layers: Mapping[str, Layer]) -> None:
    """Writes layers.json; the last layer of each block hears the ends of all blocks before it."""
    cards, ends, before = [], list(layers)[:1], list[str]()
    names = list(layers)
    for i, (name, layer) in enumerate(layers.items()):
        block, follows = _block(layer), _block(layers[names[i + 1]]) if i + 1 < len(names) else ""
        closes = block.startswith("blocks.") and block != follows
        cards.append(
            {
                "name": name,
                "depth": layer.depth,
                "kind": "convolution",
                "stride": layer.timing.stride,
                "offset": float(layer.timing.offset),
                "width": layer.width,
                "features": layer.features,
                "inputs": list(dict.fromkeys([*ends, *before])) if closes else before,
            }
        )
        ends += [name] if closes else []
        before = [name]
    write_atomically(folder / "layers.json", json.dumps(cards, indent=2).encode())


def _block(layer: Layer) -> str:
    return layer.module.rpartition(".subs.")[0]


def write_study(
    folder: Path,
    name: str,
    layers: Mapping[str, Layer],
    cuts: Mapping[str, Cut],
    splits: list[str],
    seed: int,
) -> Sonification:
    """Draws a study and writes its tables, traces and clips.

    Args:
        folder: where to, `sonification/<model>`.
        name: of the model.
        layers: of it.
        cuts: of the corpus, by id.
        splits: of each cut.
        seed: of all draws.
    """
    units = build_units(cuts.values(), (UNIT, "words"))
    voices = Voices(units.utterances, cuts.values(), REPLICATES, seed)
    words = units.tiers["word"]
    triplets = draw_triplets(words.label, voices.names_of(words), words.sex, TRIPLETS, seed)
    pairs = draw_word_pairs(words.label, words.sex, WORDS, seed)
    kept = np.unique(np.concatenate([triplets.occurrences, pairs.female, pairs.male]))
    found = made_up_search(units, layers, kept, seed)
    shown = replace(found, tops={UNIT: found.tops[UNIT]})  # words are for the complexity only
    speakers, examiner = Examiner(shown, voices, name), Examiner(found, voices, name)
    find_speakers(speakers, [SEX])
    examiner.findings = speakers.findings
    find_complexity(examiner)
    find_same_word(examiner, triplets)
    manner = Manner(list(_activity_rows(name, layers, seed)), [], [], 0)
    study = Study(name, shown, voices, examiner.findings, manner, pairs, dict(cuts), splits)
    write_tables(folder, study, StudySettings(units=[UNIT], examples=1), seed)
    write_layers(folder, layers)
    write_traces(folder, shown, layers, seed)
    return shown


def _activity_rows(name: str, layers: Mapping[str, Layer], seed: int) -> Iterator[ActivityRow]:
    rng = np.random.default_rng([seed, 1])
    for layer, of in layers.items():
        for measure in MEASURES:
            mean = float(rng.uniform(0.2, 0.8))
            counts = of.features, 0
            yield ActivityRow(name, layer, of.depth, measure, *counts, mean, mean - 0.1, mean + 0.1)


def write_traces(folder: Path, found: Sonification, layers: Mapping[str, Layer], seed: int) -> None:
    """Writes traces.safetensors and what is spoken: a bump in the middle of every best segment."""
    registry, parts = found.units.registries[UNIT], dict[str, np.ndarray]()
    rng, used = np.random.default_rng([seed, 2]), set[int]()
    for name, layer in layers.items():
        best = np.where(found.activity[name].dead == "", found.tops[UNIT][name].ids[:, 0], -1)
        there, stride_s = best >= 0, layer.timing.stride / SAMPLE_RATE
        ends = found.units.utterances.samples[registry.owner[best]] / SAMPLE_RATE
        first = np.ceil(np.clip(registry.start_s[best] - CONTEXT_S, 0, None) / stride_s)
        last = np.floor(np.clip(registry.end_s[best] + CONTEXT_S, None, ends - stride_s) / stride_s)
        count = np.where(there, last - first + 1, 0).astype(np.int32)
        middle = (registry.start_s + registry.end_s)[best] / 2 / stride_s - first
        place = np.arange(max(count.max(initial=0), 1))
        bump = np.exp(-(((place - middle[:, None]) / 8) ** 2)) * 230
        values = bump + rng.uniform(0, 25, bump.shape)
        values[place >= count[:, None]] = 0
        used |= set(registry.owner[best[there]].tolist())
        parts |= {
            f"{name}.values": values.astype(np.uint8),
            f"{name}.low": np.zeros(len(best), np.float32),
            f"{name}.high": found.tops[UNIT][name].scores[:, 0].astype(np.float32),
            f"{name}.count": count,
            f"{name}.first_s": np.where(there, first * stride_s, 0).astype(np.float32),
            f"{name}.utterance": np.where(there, registry.owner[best], -1).astype(np.int32),
        }
    write_atomically(folder / "traces.safetensors", save(parts))
    write_records(folder, "spoken", SpokenRow, _spoken(found, np.array(sorted(used), np.int64)))


def _spoken(found: Sonification, utterances: np.ndarray) -> Iterator[SpokenRow]:
    for tier, items in found.units.tiers.items():
        for i in items.of(utterances)[0].tolist():
            times = float(items.start_s[i]), float(items.end_s[i])
            yield SpokenRow(tier, str(items.utterance[i]), str(items.label[i]), *times)
