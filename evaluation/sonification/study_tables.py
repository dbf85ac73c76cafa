"""What a study leaves as tables and sounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpora.corpus import SAMPLE_RATE
from evaluation.sonification.activity_blocks import BlockRow
from evaluation.sonification.activity_claims import ActivityRow
from evaluation.sonification.clips import clip_paths, write_clips
from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.depth_trend import Claim
from evaluation.sonification.describe import text_column
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.examples import ExampleRow, write_examples
from evaluation.sonification.export import write_records, write_sonification, write_table
from evaluation.sonification.same_word import SameWordRow
from evaluation.sonification.study_result import Study
from evaluation.sonification.study_settings import StudySettings
from evaluation.sonification.word_pairs import (
    WordFeatureRow,
    WordOverlapRow,
    WordPairRow,
    word_feature_rows,
    word_overlap_rows,
    word_pair_rows,
)


@dataclass(frozen=True, slots=True)
class HeardRow:
    """One utterance that was searched, or not heard (utterances.csv); `voice` may be shared."""

    utterance: str
    split: str
    speaker: str
    voice: str
    sex: str
    duration_s: float
    heard: str
    text: str


def heard_rows(study: Study) -> Iterator[HeardRow]:
    """The rows of utterances.csv; `heard` is yes, or the reason why not."""
    said, found = study.found.units.utterances, study.found
    for i, name in enumerate(said.id):
        yield HeardRow(
            str(name),
            study.splits[i],
            str(said.speaker[i]),
            study.voices.shared[str(study.voices.names[i])],
            str(said.sex[i]),
            round(float(said.samples[i]) / SAMPLE_RATE, 4),
            "yes" if found.heard[i] else found.lost.get(str(name), "no"),
            str(said.text[i]),
        )


def write_tables(folder: Path, study: Study, settings: StudySettings, seed: int) -> None:
    """Writes every table of a study, and the sounds that they name.

    Args:
        folder: where to; it is made.
        study: of one recogniser.
        settings: of the study.
        seed: of the features that are shown of a word.

    Raises:
        UserError: a file cannot be written.
    """
    findings, manner, name = study.findings, study.manner, study.name
    write_sonification(folder, study.found)
    remarks = [*study.found.remarks(), *findings.notes]
    if manner.failed:
        remarks.append(
            f"activity: {manner.failed} utterances left out for features that are not finite there"
        )
    write_table(folder, "remarks", [{"remark": text_column(remarks)}])
    write_table(folder, "selectivity", findings.selectivity)
    write_table(folder, "complexity_draws", findings.complexity_draws)
    write_records(folder, "utterances", HeardRow, heard_rows(study))
    for table, kind, rows in (
        ("dominance", DominanceRow, findings.dominance),
        ("complexity", ComplexityRow, findings.complexity),
        ("same_word", SameWordRow, findings.same_word),
        ("activity_pattern", ActivityRow, manner.activity),
        ("blocks", BlockRow, manner.blocks),
        ("claims", Claim, [*findings.claims, *manner.claims]),
    ):
        write_records(folder, table, kind, rows)
    examples = write_examples(
        folder, study.found, study.cuts, name, settings.examples, settings.example_segments
    )
    write_records(folder, "examples", ExampleRow, examples)
    for unit in settings.clips:
        if unit in study.found.tops:
            tops = study.found.tops[unit].values()
            kept = np.unique(np.concatenate([top.ids.ravel() for top in tops]))
            registry = study.found.units.registries[unit]
            write_clips(folder, study.cuts.values(), registry, kept)
    _write_words(folder, study, seed)


def _write_words(folder: Path, study: Study, seed: int) -> None:
    """The words that are shown one by one: features, and both voices as sound."""
    found, pairs = study.found, study.pairs
    words = found.units.tiers["word"]
    depths = {layer: one.depth for layer, one in found.searched.items() if layer == one.layer}
    chosen = np.concatenate([pairs.female, pairs.male])
    write_clips(folder, study.cuts.values(), words, chosen)
    clips = dict(zip(chosen.tolist(), clip_paths(words, chosen), strict=True))
    rows = word_feature_rows(study.name, pairs, found.words, depths, seed) if found.words else ()
    write_records(folder, "word_features", WordFeatureRow, rows)
    counts = word_overlap_rows(study.name, pairs, found.words, depths) if found.words else ()
    write_records(folder, "word_overlaps", WordOverlapRow, counts)
    write_records(
        folder, "word_pairs", WordPairRow, word_pair_rows(study.name, pairs, words, clips)
    )
