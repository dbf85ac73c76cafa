"""The page Layers: of each layer its curves, its samples, what drives its features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.layer_audiations import audiations_of
from evaluation.atlas.layer_complexity import Example, examples_of, spans_of
from evaluation.atlas.layer_curves import curves_of
from evaluation.atlas.layer_summary import Summaries, densities
from evaluation.atlas.pictures import stills
from evaluation.atlas.segment_sounds import segment_sounds
from evaluation.atlas.sounds import sound_of
from evaluation.atlas.study_pictures import JOINT_TITLES, TITLES, grid_of, pictures_of
from evaluation.listening import REFERENCE_LAYERS, Sample
from evaluation.page_pictures import Picture
from evaluation.sonification.section_tables import complexity_of, counted, dominance_of
from evaluation.sonification.study_folder import StudyFolder, caveats_of
from evaluation.sonification.study_settings import OVERVIEW

Examples = dict[str, dict[str, list[Example]]]
"""By model and layer."""


def context(atlas: Atlas) -> dict[str, Any]:
    """What the template of the page reads; a shard `layers/<m>/<l>` for each layer.

    `layers/<m>/curves` has all curves of a model, so that a step to the next layer loads little.
    """
    samples = _samples(atlas)
    examples: Examples = {
        model: {layer.name: examples_of(study, layer.name, atlas.site.settings.clips)
                for layer in atlas.layers[model]}
        for model, study in atlas.studies.items()
    }  # fmt: skip
    sounds = segment_sounds(atlas, spans_of(atlas.studies, examples))
    summaries = Summaries(atlas.studies)
    for m, model in enumerate(atlas.models):
        atlas.report(m / len(atlas.models), f"layers of {model}")
        atlas.site.shard(f"layers/{m}/curves", curves_of(atlas.folder.summary, model))
        study = atlas.studies.get(model)
        density = densities(study) if study else {}
        audiations = audiations_of(atlas, model)
        for place, layer in enumerate(entry.name for entry in atlas.layers[model]):
            found = examples.get(model, {}).get(layer, [])
            shard = {
                "samples": samples.get((model, layer), []),
                "sonified": density.get(layer),
                **summaries.of(model, layer),
                "examples": [example.entry(sounds) for example in found],
                "picture": _grid(atlas, study, layer),
                "audiation": audiations.get(layer),
            }
            atlas.site.shard(f"layers/{m}/{place}", shard)
    return _whole_network(atlas)


def _samples(atlas: Atlas) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Samples of every model and layer, each beside the natural speech that was fed in."""
    by_key = {sample.key[1:]: sample for sample in atlas.folder.samples if _is_natural(sample)}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for sample in atlas.folder.samples:
        if sample.layer in REFERENCE_LAYERS:
            continue
        natural = by_key.get((sample.condition, REFERENCE_LAYERS[0], sample.utterance))
        found.setdefault((sample.model, sample.layer), []).append(
            {
                "condition": sample.condition,
                "utterance": sample.utterance,
                "speaker": sample.speaker,
                "text": atlas.folder.texts.get(sample.utterance, ""),
                "natural": _sound(atlas, natural),
                "sound": _sound(atlas, sample),
            }
        )
    return found


def _is_natural(sample: Sample) -> bool:
    return sample.layer == REFERENCE_LAYERS[0]


def _sound(atlas: Atlas, sample: Sample | None) -> str | None:
    return sound_of(atlas.site, atlas.run / sample.audio) if sample else None


def _grid(atlas: Atlas, study: StudyFolder | None, layer: str) -> dict[str, Any] | None:
    found = stills(atlas.site, grid_of(study, layer)) if study else []
    return {"title": found[0].title, "image": found[0].image} if found else None


def _whole_network(atlas: Atlas) -> dict[str, Any]:
    """Tables and figures of all layers together."""
    studies: Mapping[str, StudyFolder] = atlas.studies
    overview = StudyFolder(atlas.run, OVERVIEW, atlas.notes)
    pictures: dict[str, list[Picture]] = {
        model: stills(atlas.site, pictures_of(study, TITLES)) for model, study in studies.items()
    }
    return {
        "run": atlas.called,
        "layers": sum(len(entries) for entries in atlas.layers.values()),
        "counts": counted(studies),
        "dominance": dominance_of(studies),
        "complexity": complexity_of(studies),
        "caveats": caveats_of(studies),
        "remarks": {model: study.remarks() for model, study in studies.items()},
        "joint": stills(atlas.site, pictures_of(overview, JOINT_TITLES)),
        "pictures": {model: found for model, found in pictures.items() if found},
    }
