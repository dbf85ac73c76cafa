"""A whole study of one recogniser: strongest segments, sounds, checks, controls, pictures."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import torch
from lhotse.cut import Cut

from acoustics.errors import UserError
from asr_models.recogniser import FrameRecogniser, Recogniser
from corpora.batch import SpeechBatch
from corpora.corpus import Progress
from corpora.datamodule import SpeechDataModule
from evaluation.audiation.asked import wanted_layers, wants_learned_inputs
from evaluation.audiation.judged import (
    diversity,
    evolution,
    judged,
    speech_row,
)
from evaluation.audiation.learned_inputs import learn_inputs
from evaluation.audiation.made import check_reached, make_sounds
from evaluation.audiation.speech_statistics import speech_statistics
from evaluation.audiation.strongest import UNIT, Speech
from evaluation.audiation.study_files import write_study
from evaluation.audiation.study_result import AudiationStudy
from evaluation.audiation.study_rows import layer_rows
from evaluation.audiation.study_settings import AudiationSettings
from evaluation.audiation.wanted import all_wanted, wanted_features
from evaluation.sonification.result import Sonification
from evaluation.sonification.search import sonify
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.units import SpeechUnits, build_units


def study(
    recogniser: Recogniser,
    data: SpeechDataModule,
    folder: Path,
    name: str = "recogniser",
    settings: AudiationSettings | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    report: Progress | None = None,
) -> AudiationStudy:
    """Audiates features, holds the sounds against the corpus, and writes all of it.

    Args:
        recogniser: frozen; it is moved to `device`.
        data: whose corpus is heard, clean.
        folder: where sounds, pictures and tables go.
        name: of the recogniser in tables.
        settings: what is audiated, and how it is checked.
        seed: of all draws.
        device: where the recogniser runs.
        report: called with the fraction that is done and one line.

    Raises:
        UserError: a layer or a feature is not there or cannot be driven, or something cannot be
            written.

    Example:
        >>> data = SpeechDataModule(EmbeddedCorpus())  # doctest: +SKIP
        >>> study(load_recogniser(saved), data, Path("audiation/mine"))  # doctest: +SKIP
    """
    settings, report = settings or AudiationSettings(), report or (lambda fraction, text: None)
    recogniser.to(device).eval()
    layers = check(recogniser, settings)
    cuts = data.corpus_cuts(settings.splits, settings.utterances_per_speaker)
    units = units_of(cuts, data, settings)
    found = sonify(
        recogniser,
        _batches(data, settings),
        units,
        search_settings(layers, settings),
        device,
        lambda fraction, text: report(0.2 * fraction, text),
    )
    shown = wants_learned_inputs(recogniser, settings)
    end = 0.75 if shown else 1.0

    def tell(fraction: float, text: str) -> None:
        report(0.2 + (end - 0.2) * fraction, text)

    made = audiate_found(recogniser, found, cuts, folder, name, settings, seed, tell)
    if shown and isinstance(recogniser, FrameRecogniser):
        report(end, "learned inputs of sets of features")
        learn_inputs(
            recogniser, lambda: _batches(data, settings), found, cuts, folder, name, settings, seed
        )
    return made


def check(recogniser: Recogniser, settings: AudiationSettings) -> list[str]:
    """Refuse what cannot be, before the corpus is heard; the layers that are asked for.

    Raises:
        UserError: a layer or a feature is not there, a sound does not reach a layer, or the
            recogniser cannot be fed what is to be optimised.
    """
    layers = wanted_layers(recogniser, settings)
    if settings.representation in ("mel", "mfcc") and not isinstance(recogniser, FrameRecogniser):
        raise UserError(
            f"representation: {type(recogniser).__name__} hears waveforms and cannot be fed "
            f"{settings.representation}; choose spectrum or samples"
        )
    check_reached(recogniser, layers, settings.samples_of_sound)
    return layers


def units_of(
    cuts: Sequence[Cut], data: SpeechDataModule, settings: AudiationSettings
) -> SpeechUnits:
    """The corpus in windows as long as those of the sounds."""
    corpus = data.corpus
    return build_units(cuts, [UNIT], settings.segment_s, corpus.phone_set, corpus.pauses)


def search_settings(layers: Sequence[str], settings: AudiationSettings) -> SearchSettings:
    """Of the strongest segment of every feature of some layers."""
    return SearchSettings(layers, settings.score, k=1, most_labels=1)


def audiate_found(
    recogniser: Recogniser,
    found: Sonification,
    cuts: Sequence[Cut],
    folder: Path,
    name: str,
    settings: AudiationSettings,
    seed: int,
    report: Progress,
) -> AudiationStudy:
    """The study behind the search: makes sounds, judges and writes them.

    Args:
        recogniser: frozen; on the device where it is to run. Inference mode does not matter.
        found: of a search with `units_of` and `search_settings`.
        cuts: the utterances of the search.
        folder: where sounds, pictures and tables go.
        name: of the recogniser in tables.
        settings: as of the search.
        seed: of all draws.
        report: called with the fraction that is done and one line.

    Raises:
        UserError: no feature that was named can be driven, or something cannot be written.
    """
    if UNIT not in found.tops:
        raise UserError(f"audiation: {found.units.missing.get(UNIT, 'nothing was searched')}")
    layers = [layer for layer, one in found.searched.items() if layer == one.layer]
    features = wanted_features(found, layers, settings, seed)
    speech = Speech(found, name)
    made = make_sounds(
        recogniser,
        list(all_wanted(features, settings)),
        {layer: speech.scale(layer) for layer in layers},
        cache(lambda: speech_statistics(recogniser, cuts, settings.samples_of_sound)),
        seed,
        lambda fraction, text: report(0.75 * fraction, text),
    )
    problems = [one.problem for one in made]
    if settings.features and all(problems):
        which = ", ".join(dict.fromkeys(one.wanted.name for one in made))
        raise UserError(f"audiation of {which}: {problems[0]}; choose other features")
    report(0.75, "held-out changes, ranks, distances")
    rows = judged(recogniser, made, speech, settings, seed)
    result = AudiationStudy(
        speech,
        made,
        rows,
        [*layer_rows(rows), *speech_row(speech, rows, cuts)],
        list(evolution(made, name)),
        list(diversity(rows, made)),
    )
    report(0.85, "writing sounds and pictures")
    write_study(folder, recogniser, result, cuts, settings)
    return result


def _batches(data: SpeechDataModule, settings: AudiationSettings) -> Iterator[SpeechBatch]:
    """The corpus once; what could not be used is noted by the data module."""
    loader = data.corpus_dataloader(settings.splits, settings.utterances_per_speaker)
    yield from data.noted("test", loader)
