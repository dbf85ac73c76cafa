"""The page Features: every feature of every layer, its segments, sounds, and the map of all."""

from __future__ import annotations

from typing import Any

from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.feature_audiations import Audiations
from evaluation.atlas.feature_facts import DiscardedTables, activity_block
from evaluation.atlas.feature_sounds import Sounds, cut_segments
from evaluation.atlas.feature_study import FeatureStudy, feature_studies
from evaluation.atlas.feature_traces import FeatureTraces
from evaluation.atlas.feature_units import UnitTables
from evaluation.atlas.heat_map_data import heat_map_data
from evaluation.atlas.search_index import search_index
from evaluation.sonification.study_folder import caveats_of


def context(atlas: Atlas) -> dict[str, Any]:
    """What the template of the page reads.

    Of each model there are the shards `features/<model>/map` and `features/<model>/search`; of each
    layer `features/<model>/<layer>` with the unit of search that is shown first, `.../u1` and so on
    with the others, and `.../trace` with activation over time.
    """
    audiations = {name: Audiations(atlas, name) for name in atlas.models}
    studies = feature_studies(atlas)
    sounds = cut_segments(atlas, studies)
    for study in studies:
        _write(atlas, study, sounds, audiations[study.folder.name])
    return {
        "searched": [study.folder.name for study in studies],
        "features": sum(layer.features for study in studies for layer in study.layers),
        "run": atlas.called,
        "caveats": caveats_of(atlas.studies),
        "remarks": {study.folder.name: study.folder.remarks() for study in studies},
    }


def _write(atlas: Atlas, study: FeatureStudy, sounds: Sounds, audiations: Audiations) -> None:
    """The shards of one model, a unit of search at a time."""
    place = f"features/{study.number}"
    first = UnitTables.read(study, study.unit)
    discarded, traces = DiscardedTables(study), FeatureTraces(atlas, study)
    traced = []
    for i, layer in enumerate(study.layers):
        trace = traces.block(layer)
        if trace:
            atlas.site.shard(f"{place}/{i}/trace", trace)
            traced.append(i)
        atlas.site.shard(
            f"{place}/{i}",
            {
                **activity_block(study, layer),
                **first.block(layer, sounds),
                "discarded": discarded.block(layer),
                "audiation": audiations.block(layer.name),
            },
        )
    for number, unit in enumerate(study.units[1:], start=1):
        _write_unit(atlas, f"u{number}", UnitTables.read(study, unit), study, sounds)
    atlas.site.shard(f"{place}/search", search_index(study))
    about = {"run": atlas.called, "audiations": audiations.count, "traced": traced}
    atlas.site.shard(f"{place}/map", {**heat_map_data(study, sounds), **about})


def _write_unit(
    atlas: Atlas, name: str, tables: UnitTables, study: FeatureStudy, sounds: Sounds
) -> None:
    for i, layer in enumerate(study.layers):
        atlas.site.shard(f"features/{study.number}/{i}/{name}", tables.block(layer, sounds))
