"""A study of dataset sonification as `otoscope sonify` leaves it, of what was drawn, not heard."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from lhotse.cut import Cut
from made_up_search import made_up_search

from asr_models.layer import Layer
from asr_models.layer_card import LAYERS, LayerCard, inputs_of
from corpora.corpus import SAMPLE_RATE
from evaluation.listening import write_atomically
from evaluation.sonification.activity_claims import ActivityRow
from evaluation.sonification.activity_pattern import MEASURES
from evaluation.sonification.complexity_findings import find_complexity
from evaluation.sonification.findings import Examiner
from evaluation.sonification.manner import Manner
from evaluation.sonification.result import Sonification
from evaluation.sonification.same_word_findings import find_same_word
from evaluation.sonification.speaker_findings import find_speakers
from evaluation.sonification.study_result import Study
from evaluation.sonification.study_settings import StudySettings
from evaluation.sonification.study_tables import write_tables
from evaluation.sonification.trace_files import write_traces
from evaluation.sonification.traces import CONTEXT_S, NOBODY, UNIT, LayerTraces
from evaluation.sonification.units import build_units
from evaluation.sonification.voices import SEX, Voices
from evaluation.sonification.word_pairs import draw_word_pairs
from evaluation.sonification.word_triplets import draw_triplets

REPLICATES, TRIPLETS, WORDS = 50, 40, 20


def write_layers(folder: Path, layers: Mapping[str, Layer]) -> None:
    """Writes layers.json, of convolutions."""
    inputs = inputs_of(layers)
    cards = [
        LayerCard(
            name, of.depth, "convolution", of.timing.stride, float(of.timing.offset), of.width,
            of.features, inputs[name],
        )
        for name, of in layers.items()
    ]  # fmt: skip
    text = json.dumps([asdict(card) for card in cards], indent=2)
    write_atomically(folder / LAYERS, text.encode())


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
    write_traces(folder, shown, dict(_traces(shown, layers, seed)))
    return shown


def _activity_rows(name: str, layers: Mapping[str, Layer], seed: int) -> Iterator[ActivityRow]:
    rng = np.random.default_rng([seed, 1])
    for layer, of in layers.items():
        for measure in MEASURES:
            mean = float(rng.uniform(0.2, 0.8))
            counts = of.features, 0
            yield ActivityRow(name, layer, of.depth, measure, *counts, mean, mean - 0.1, mean + 0.1)


def _traces(
    found: Sonification, layers: Mapping[str, Layer], seed: int
) -> Iterator[tuple[str, LayerTraces]]:
    """A bump in the middle of every best segment, on some noise."""
    registry, rng = found.units.registries[UNIT], np.random.default_rng([seed, 2])
    for name, layer in layers.items():
        best = np.where(found.activity[name].dead == "", found.tops[UNIT][name].ids[:, 0], NOBODY)
        there, stride_s = best != NOBODY, layer.timing.stride / SAMPLE_RATE
        ends = found.units.utterances.samples[registry.owner[best]] / SAMPLE_RATE
        first = np.ceil(np.clip(registry.start_s[best] - CONTEXT_S, 0, None) / stride_s)
        last = np.floor(np.clip(registry.end_s[best] + CONTEXT_S, None, ends - stride_s) / stride_s)
        count = np.where(there, last - first + 1, 0).astype(np.int32)
        middle = (registry.start_s + registry.end_s)[best] / 2 / stride_s - first
        place = np.arange(max(count.max(initial=0), 1))
        bump = np.exp(-(((place - middle[:, None]) / 8) ** 2)) * 230
        values = np.where(place < count[:, None], bump + rng.uniform(0, 25, bump.shape), 0)
        yield (
            name,
            LayerTraces(
                values.astype(np.uint8),
                low=np.zeros(len(best), np.float32),
                high=found.tops[UNIT][name].scores[:, 0].astype(np.float32),
                count=count,
                first_s=np.where(there, first * stride_s, 0).astype(np.float32),
                utterance=np.where(there, registry.owner[best], NOBODY).astype(np.int32),
            ),
        )
