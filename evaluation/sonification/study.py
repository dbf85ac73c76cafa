"""A whole study of one recogniser: one pass over the corpus, a second look, tables and figures."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from asr_models.layer_card import write_layers
from asr_models.recogniser import Recogniser
from corpora.batch import SpeechBatch
from corpora.corpus import Progress
from corpora.datamodule import SpeechDataModule
from evaluation.sonification.complexity_findings import find_complexity
from evaluation.sonification.findings import Examiner
from evaluation.sonification.manner import manner_of
from evaluation.sonification.moved import moved_units
from evaluation.sonification.same_word_findings import find_same_word
from evaluation.sonification.search import sonify
from evaluation.sonification.second_look import activity_patterns
from evaluation.sonification.speaker_findings import find_speakers
from evaluation.sonification.study_figures import write_figures
from evaluation.sonification.study_result import Study
from evaluation.sonification.study_settings import StudySettings
from evaluation.sonification.study_tables import write_tables
from evaluation.sonification.trace_files import write_traces
from evaluation.sonification.traces import strongest_traces
from evaluation.sonification.units import SpeechUnits, build_units
from evaluation.sonification.voices import Voices
from evaluation.sonification.word_pairs import WordPairs, draw_word_pairs
from evaluation.sonification.word_triplets import Triplets, draw_triplets


def study(
    recogniser: Recogniser,
    data: SpeechDataModule,
    folder: Path,
    name: str = "recogniser",
    settings: StudySettings | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    report: Progress | None = None,
) -> Study:
    """Finds what drives every feature of every layer, and what the article claims of it.

    Args:
        recogniser: frozen; it is moved to `device`.
        data: whose corpus is heard, clean.
        folder: where tables (Parquet and CSV), traces, figures and clips go.
        name: of the recogniser in tables and figures.
        settings: what is searched, compared and drawn.
        seed: of draws of speakers, pairs and shown features.
        device: where the recogniser runs.
        report: called with the fraction that is done and one line.

    Raises:
        UserError: a layer, a set or a unit is unknown, or something cannot be written.

    Example:
        >>> data = SpeechDataModule(EmbeddedCorpus())  # doctest: +SKIP
        >>> study(load_recogniser(saved), data, Path("sonification/mine"))  # doctest: +SKIP
    """
    settings = settings or StudySettings()
    report = report or (lambda fraction, text: None)
    made = examine(recogniser, data, name, settings, seed, device, report)
    write_layers(recogniser, folder)
    report(0.75, "activation around the strongest segments")
    few = settings.utterances_per_speaker
    traces = strongest_traces(
        recogniser, lambda ids: _batches(data, settings, few, ids), made.found, device
    )
    write_traces(folder, made.found, traces)
    report(0.8, "writing tables")
    write_tables(folder, made, settings, seed)
    report(0.88, "drawing figures")
    write_figures(folder / "figures", made, recogniser, settings, seed, device)
    return made


def examine(
    recogniser: Recogniser,
    data: SpeechDataModule,
    name: str,
    settings: StudySettings,
    seed: int,
    device: str | torch.device,
    report: Progress,
) -> Study:
    """The study without what it leaves on disk."""
    corpus, cuts = data.corpus, data.corpus_cuts(settings.splits, settings.utterances_per_speaker)
    units = moved_units(
        build_units(cuts, settings.units, settings.segment_s, corpus.phone_set, corpus.pauses), seed
    )
    voices = Voices(units.utterances, cuts, settings.replicates, seed)
    splits = [data.split_of(name) or "" for name in units.utterances.id]
    triplets, pairs = _draw_words(units, voices, settings, seed)
    kept = np.unique(np.concatenate([triplets.occurrences, pairs.female, pairs.male]))
    found = sonify(
        recogniser,
        _batches(data, settings, settings.utterances_per_speaker),
        units,
        settings.search(),
        device,
        lambda fraction, text: report(0.5 * fraction, text),
        kept,
    )
    report(0.5, "how features are active over time")
    few = min(settings.pattern_utterances, settings.utterances_per_speaker or 1_000_000)
    patterns = activity_patterns(
        recogniser, lambda: _batches(data, settings, few), found, voices, device
    )
    report(0.65, "speaker against speech, complexity, the same word by two speakers")
    examiner = Examiner(found, voices, name)
    known = (voices.remark, _heard_in_training(splits))
    examiner.findings.notes += [line for line in known if line]
    find_speakers(examiner, settings.attributes)
    find_complexity(examiner)
    find_same_word(examiner, triplets)
    manner = manner_of(name, patterns, examiner.depths, voices)
    by_id = {str(cut.id): cut for cut in cuts}
    return Study(name, found, voices, examiner.findings, manner, pairs, by_id, splits)


def _heard_in_training(splits: Sequence[str]) -> str:
    """What a reader must know of the recogniser's own training speech."""
    count = sum(split == "train" for split in splits)
    if not count:
        return ""
    return f"{count} of {len(splits)} utterances are of the training split, as utterances.csv says"


def _batches(
    data: SpeechDataModule,
    settings: StudySettings,
    per_speaker: int | None,
    ids: Collection[str] | None = None,
) -> Iterator[SpeechBatch]:
    """The corpus once, or some of it; what could not be used is noted by the data module."""
    yield from data.noted("test", data.corpus_dataloader(settings.splits, per_speaker, ids=ids))


def _draw_words(
    units: SpeechUnits, voices: Voices, settings: StudySettings, seed: int
) -> tuple[Triplets, WordPairs]:
    words = units.tiers["word"]
    speakers = voices.names_of(words)
    triplets = draw_triplets(words.label, speakers, words.sex, settings.pairs, seed)
    return triplets, draw_word_pairs(words.label, words.sex, settings.words_shown, seed)
