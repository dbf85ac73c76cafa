"""The first page: what was run, the curves over depth, which claims hold, what failed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go

from evaluation.atlas.calls import calls_of
from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.citing import citations
from evaluation.atlas.pictures import stills
from evaluation.atlas.studied import configuration, recognisers_told
from evaluation.atlas.studied_speech import conditions_told, corpus_named, speech_told, trials_told
from evaluation.metric_blocks import metric_block, scored, step_lines
from evaluation.paper.section import paper_section
from evaluation.places import without_places
from evaluation.reading import (
    MODEL_ORDER,
    REFERENCE_DASHES,
    by_depth,
    distinct,
    number,
    ordered,
    select,
)
from evaluation.run_folder import RunFolder
from evaluation.sonification.claim_lists import claims_of
from evaluation.sonification.study_folder import StudyFolder, caveats_of
from evaluation.sonification.study_settings import OVERVIEW
from evaluation.training_figures import plateaus, probe_curves_figure, recogniser_curves_figure

DOORS = {
    "listen.html": (
        "Listen",
        "every layer's voice, utterance by utterance, in noise and out of it",
    ),
    "layers.html": ("Layers", "where a layer stands, what it keeps, what drives it"),
    "features.html": ("Features", "the segments of speech that drive each feature most"),
    "words.html": ("One word, two voices", "what a man and a woman activate in saying the same"),
    "masks.html": ("Masks", "the least of an utterance with which the same is recognised"),
    "network.html": ("Network", "the architecture to scale, every layer a link"),
}
"""Address, name and purpose of the other pages."""

REMARKS = 200
"""Listed one by one."""


def context(atlas: Atlas) -> dict[str, Any]:
    """What the template of the page reads; its charts go into the shard `overview`."""
    folder, figures = atlas.folder, dict[str, go.Figure]()
    metrics = [metric_block(folder.summary, *pair, figures) for pair in scored(folder.summary)]
    training = _training(folder, figures)
    atlas.site.shard("overview", {name: plain(figure) for name, figure in figures.items()})
    paper = paper_section(atlas.run, atlas.notes)
    if paper:
        if atlas.site.folder != atlas.run / "report":
            paper["others"] = []  # from elsewhere no way leads to them
        paper["figures"] = stills(atlas.site, paper["figures"])
    calls, config = calls_of(atlas), configuration(folder.config)
    return {
        "run": folder,
        "doors": [(address, *texts) for address, texts in DOORS.items()],
        "called": atlas.called,
        "config": without_places(folder.config),
        "facts": _facts(atlas, config),
        "recognisers": recognisers_told(atlas, config),
        "speech": speech_told(atlas),
        "caveats": caveats_of(atlas.studies),
        "calls": calls,
        "models": [(name, *atlas.colour(name)) for name in atlas.models],
        "conditions": [(name, *atlas.colour(name)) for name in atlas.conditions],
        "references": REFERENCE_DASHES,
        "metrics": metrics,
        "steps": step_lines(folder.steps),
        "training": training,
        "environment": [
            line
            for line in _flatten(folder.environment)
            if line[0] != "command"  # stands apart
        ],
        "stages": [_stage(stage) for stage in folder.stages],
        "total_s": sum(number(stage.get("seconds")) or 0.0 for stage in folder.stages),
        "n_failed_scores": sum(folder.failure_counts.values()),
        "remarks": REMARKS,
        "paper": paper,
        "claims": _claims(atlas),
        "site": atlas.site,
        "citations": citations(folder.environment),
    }


def plain(figure: go.Figure) -> dict[str, Any]:
    """A figure as Plotly's script reads it, without the template that the page overrides."""
    found: dict[str, Any] = json.loads(figure.to_json())
    found["layout"].pop("template", None)
    return found


def _facts(atlas: Atlas, config: dict[str, Any]) -> list[tuple[str, str]]:
    layers = distinct(by_depth(atlas.folder.summary), "layer")
    verifiers = distinct(select(atlas.folder.summary, metric="eer"), "scorer")
    facts = [
        ("models", ", ".join(atlas.models)),
        ("conditions", "; ".join(conditions_told(atlas))),
        ("layers", f"{len(layers)}: {layers[0]} to {layers[-1]}" if layers else ""),
        ("verifier", ", ".join(verifiers)),
        ("trials", trials_told(atlas)),
        ("corpus", corpus_named(atlas, config)),
    ]
    return [(name, text) for name, text in facts if text]


def _claims(atlas: Atlas) -> list[dict[str, Any]]:
    """Which of the sonification article's claims hold here."""
    return claims_of(atlas.studies, StudyFolder(atlas.run, OVERVIEW, atlas.notes))


def _training(folder: RunFolder, figures: dict[str, go.Figure]) -> dict[str, Any]:
    probes, recognisers = [], []
    for model in ordered(folder.probe_curves, MODEL_ORDER):
        rows = folder.probe_curves[model]
        identity = f"figure-{len(figures)}"
        figures[identity] = probe_curves_figure(rows)
        probes.append({"id": identity, "model": model, "plateaus": plateaus(rows)})
    quantities = dict.fromkeys(
        name for rows in folder.recogniser_curves.values() for name in distinct(rows, "metric")
    )
    for quantity in quantities:
        identity = f"figure-{len(figures)}"
        figures[identity] = recogniser_curves_figure(folder.recogniser_curves, quantity)
        recognisers.append({"id": identity, "metric": quantity})
    return {"probes": probes, "recognisers": recognisers}


def _stage(entry: dict[str, Any]) -> dict[str, str]:
    seconds = number(entry.get("seconds"))
    return {
        "stage": str(entry.get("stage", "")),
        "seconds": "–" if seconds is None else f"{seconds:.1f}",
        "status": str(entry.get("status", "")),
    }


def _flatten(value: Any, name: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for at, inner in enumerate(value):
            yield from _flatten(inner, f"{name}[{at}]")
    else:
        yield name, str(value)
