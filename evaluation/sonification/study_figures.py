"""The figures of a study: drawn, and written as PNG and SVG."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from lhotse.cut import Cut
from matplotlib.figure import Figure

from asr_models.layer import spread
from asr_models.recogniser import Recogniser
from corpora.audio import load_waveform
from evaluation.paper.panels import FORMATS, NothingToDrawError, save_figure
from evaluation.sonification.activation_grid import block_figure, layer_grid
from evaluation.sonification.activation_view import FeatureTrace, activation_view
from evaluation.sonification.activity_blocks import blocks_of
from evaluation.sonification.describe import Description
from evaluation.sonification.examples import clearest_features, example_unit
from evaluation.sonification.feature_view import spans_of
from evaluation.sonification.heat_map import heat_map_figure
from evaluation.sonification.same_word_figure import same_word_figure
from evaluation.sonification.second_look import states_of
from evaluation.sonification.spectra import spectra_figure
from evaluation.sonification.study_result import Study
from evaluation.sonification.study_settings import StudySettings
from evaluation.sonification.word_pairs import word_kinds

OVERLAID = 10
TRACES = 4
GRID = "grid-"  # lines by the ten thousand: no SVG


def write_figures(
    folder: Path,
    study: Study,
    recogniser: Recogniser,
    settings: StudySettings,
    seed: int,
    device: str | torch.device,
) -> None:
    """Draws what there is to draw; what there is not, is left out and said in the tables.

    Args:
        folder: where to; it is made.
        study: of the recogniser.
        recogniser: heard once more for the activation views.
        settings: of the study.
        seed: of the features that are shown of a word.
        device: where the recogniser runs.

    Raises:
        UserError: a file cannot be written.
    """
    drawings: dict[str, Callable[[], Figure]] = {
        "heat_map": lambda: heat_map(study),
        "same_word": lambda: same_word(study, seed),
    }
    for name, draw in {**drawings, **dict(views(study, recogniser, settings, device))}.items():
        try:
            sheet = draw()
        except NothingToDrawError:
            continue
        grid = name.startswith(GRID)
        save_figure(sheet, folder, name, ("png",) if grid else FORMATS)


def heat_map(study: Study) -> Figure:
    """Men and women in the best segments of all features."""
    sexes = study.voices.sexes
    if sexes.objection or not study.findings.shares:
        raise NothingToDrawError(sexes.objection or "nothing was searched")
    unit = study.findings.dominance[0].unit
    found, title = study.findings, f"{study.name}, {unit}"
    return heat_map_figure(found.shares, "male", "female", found.base, title)


def same_word(study: Study, seed: int) -> Figure:
    """The most frequent word by a man and a woman, and the overlaps over many pairs."""
    pairs, found = study.pairs, study.found
    if not pairs.words or not found.words:
        raise NothingToDrawError("no word is said by both sexes")
    kinds = {
        layer: word_kinds(pairs, 0, found.words[layer])
        for layer, one in found.searched.items()
        if layer == one.layer
    }
    return same_word_figure(
        pairs.words[0], kinds, study.findings.same_word, seed=seed, title=study.name
    )


def views(
    study: Study, recogniser: Recogniser, settings: StudySettings, device: str | torch.device
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The article's views: a feature of some layers over an utterance, whole layers, blocks."""
    layers = [name for name, one in study.found.searched.items() if name == one.layer]
    shown = settings.grid_layers or spread(layers, 3)
    traced = spread(layers, TRACES)
    blocks = blocks_of(layers)
    ends = [layer for m in blocks.values() for layer in (m[0], m[-2], m[-1])]
    cut, features = chosen_utterance(study, traced)
    if cut is None:
        return
    alone = states_of(recogniser, [cut], [*traced, *ends], device)[str(cut.id)]
    title = f"{study.name}, {cut.id}"
    timings = {layer: recogniser.layers[layer].timing for layer in layers}
    traces = [
        FeatureTrace(f"{layer}, feature {feature}", alone[layer][:, feature], timings[layer])
        for layer, feature in features.items()
    ]
    waveform = load_waveform(cut)[0]
    spans = {tier: spans_of(study.found.units, cut, tier) for tier in ("phone", "word")}
    yield (
        "activation",
        lambda: activation_view(traces, waveform, spans["phone"], spans["word"], title=title),
    )
    yield "spectra", lambda: spectra_figure(waveform, recogniser.log_mel, title=title)
    yield "blocks", lambda: block_figure(blocks, alone, timings, title=title)
    together = states_of(recogniser, overlaid(study), shown, device)
    for layer in shown:
        states = [heard[layer] for heard in together.values()]
        yield (
            f"grid-{layer}",
            lambda layer=layer, states=states: layer_grid(  # type: ignore[misc]
                layer, states, timings[layer]
            ),
        )


def overlaid(study: Study) -> list[Cut]:
    """One utterance of each of the first speakers that were heard."""
    utterances = study.found.units.utterances
    chosen: dict[str, str] = {}
    for name, speaker, heard in zip(
        utterances.id, study.voices.names, study.found.heard, strict=True
    ):
        if heard:
            chosen.setdefault(str(speaker), str(name))
    return [study.cuts[name] for name in list(chosen.values())[:OVERLAID]]


def chosen_utterance(study: Study, layers: Sequence[str]) -> tuple[Cut | None, dict[str, int]]:
    """The clearest feature of each layer, and the utterance that drives the deepest one most."""
    unit = example_unit(list(study.found.tops))
    features: dict[str, int] = {}
    name = ""
    describe = Description(study.found, most=1)
    for layer in layers if unit else ():
        for feature in clearest_features(study.found, describe, unit, layer, 1):
            features[layer] = feature
            best = int(study.found.tops[unit][layer].ids[feature, 0])
            name = str(study.found.units.registries[unit].utterance[best])
    return study.cuts.get(name), features
