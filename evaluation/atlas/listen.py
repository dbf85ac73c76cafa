"""The page on which layers are heard: utterance x condition x model x layer, equally loud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import soundfile

from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.pictures import Levels, mel_of
from evaluation.atlas.sounds import sound_of
from evaluation.listening import REFERENCE, REFERENCE_LAYERS, Sample, read_mel
from evaluation.patient_tables import whole_rows
from evaluation.pictures import mel_levels
from evaluation.reading import Row, distinct, metric_of, number, ordered, select, spell

SCORES = ("eer", "stoi", "wer")
"""What stands below a picture, where it was scored."""

Scene = tuple[str, str]
"""An utterance and a condition: what shares a scale of colours."""


def context(atlas: Atlas) -> dict[str, Any]:
    """What the template of the page reads.

    The shard `listen` says what there is to choose from and how each layer scores; the shard
    `listen/<number>` has the sounds and pictures of one utterance, in all conditions.
    """
    samples = _in_order(atlas)
    levels = _levels(atlas, samples)
    told = whole_rows(atlas.run, "utterances.csv", [], ["utterance", "text"])
    facts = {row["utterance"]: row for row in told}
    missing: Counter[str] = Counter()
    utterances = []
    for place, (utterance, mine) in enumerate(_by_utterance(samples)):
        atlas.report(place / len(samples), f"sounds of {utterance}")
        cells = [_cell(atlas, sample, levels, missing) for sample in mine]
        known = facts.get(utterance, {})
        about = {
            "utterance": utterance,
            "speaker": mine[0].speaker,
            "sex": known.get("sex") or "",
            "text": known.get("text") or "",
        }
        longest = max((cell["seconds"] or 0.0 for cell in cells), default=0.0)
        atlas.site.shard(f"listen/{place}", {**about, "seconds": longest, "cells": cells})
        utterances.append(about)
    shown = _choices(atlas, samples)
    atlas.site.shard("listen", {**shown, "utterances": [about["utterance"] for about in utterances],
                                "scores": _scores(atlas)})  # fmt: skip
    said = _said(missing, len(samples), atlas.site.settings.max_megabytes)
    atlas.notes += [f"listening: {line}" for line in said]
    return {**shown, "utterances": utterances, "missing": said, "scorers": _scorers(atlas)}


def _in_order(atlas: Atlas) -> list[Sample]:
    """Samples of the models that are shown, the most important first."""
    models = [REFERENCE, *atlas.models]
    samples = [sample for sample in atlas.folder.samples if sample.model in models]
    names = (
        distinct((vars(sample) for sample in samples), "utterance"),
        atlas.conditions,
        models,
        [*REFERENCE_LAYERS, *_layers(atlas, samples)],
    )
    ranks = [{name: at for at, name in enumerate(known)} for known in names]

    def place(sample: Sample) -> list[int]:
        cells = (sample.utterance, sample.condition, sample.model, sample.layer)
        return [rank[cell] for rank, cell in zip(ranks, cells, strict=True)]

    return sorted(samples, key=place)


def _layers(atlas: Atlas, samples: Iterable[Sample]) -> list[str]:
    """Layers that can be heard by depth, those last of which no model knows the depth."""
    entries = [entry for model in atlas.models for entry in atlas.layers[model]]
    depths = [entry.name for entry in sorted(entries, key=lambda entry: entry.depth)]
    heard = {sample.layer for sample in samples if sample.layer not in REFERENCE_LAYERS}
    return ordered(sorted(heard), [name for name in dict.fromkeys(depths) if name in heard])


def _by_utterance(samples: Iterable[Sample]) -> list[tuple[str, list[Sample]]]:
    return [(name, list(mine)) for name, mine in groupby(samples, lambda one: one.utterance)]


def _levels(atlas: Atlas, samples: Iterable[Sample]) -> dict[Scene, Levels]:
    """One scale per utterance and condition: of the natural mel, or the first that there is."""
    found: dict[Scene, Levels] = {}
    for sample in samples:
        scene = sample.utterance, sample.condition
        mel = None if scene in found else read_mel(atlas.run / sample.mel)
        if mel is not None:
            found[scene] = mel_levels(mel)
    return found


def _cell(
    atlas: Atlas, sample: Sample, levels: dict[Scene, Levels], missing: Counter[str]
) -> dict[str, Any]:
    """A sample for its shard; without a sound it says why, in `gone`."""
    crowded = atlas.site.left_out
    sound = sound_of(atlas.site, atlas.run / sample.audio)
    gone = "" if sound else "no room" if atlas.site.left_out > crowded else "absent"
    scale = levels.get((sample.utterance, sample.condition))
    picture = mel_of(atlas.site, atlas.run / sample.mel, scale) if sound else None
    missing[gone] += 1
    return {
        "condition": sample.condition,
        "model": sample.model,
        "layer": sample.layer,
        "sound": sound,
        "picture": picture,
        "seconds": soundfile.info(atlas.run / sample.audio).duration if sound else None,
        "gone": gone,
    }


def _choices(atlas: Atlas, samples: list[Sample]) -> dict[str, Any]:
    """Conditions, models, references and layers that can be chosen, in the order of the page."""
    rows = [vars(sample) for sample in samples]
    references = [row for row in rows if row["model"] == REFERENCE]
    heard, there = distinct(rows, "condition"), distinct(rows, "model")
    return {
        "conditions": [name for name in atlas.conditions if name in heard],
        "models": [
            {"name": name, "colour": atlas.colour(name),
             "layers": distinct(select(rows, model=name), "layer")}
            for name in atlas.models if name in there
        ],
        "references": ordered(distinct(references, "layer"), REFERENCE_LAYERS),
        "layers": _layers(atlas, samples),
    }  # fmt: skip


def _scorers(atlas: Atlas) -> dict[str, str]:
    """Which scorer's numbers stand on the page: of each metric the first."""
    found = {metric: select(atlas.folder.summary, metric=metric) for metric in SCORES}
    return {metric: str(rows[0]["scorer"]) for metric, rows in found.items() if rows}


def _scores(atlas: Atlas) -> list[dict[str, Any]]:
    """What was scored, per condition, model and layer; references once, from the first model."""
    scorers = _scorers(atlas)
    cells: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for row in atlas.folder.summary:
        metric, layer = str(row["metric"]), str(row["layer"])
        if scorers.get(metric) != str(row["scorer"]):
            continue
        model = REFERENCE if layer in REFERENCE_LAYERS else str(row["model"])
        texts = cells.setdefault((str(row["condition"]), model, layer), {})
        text = f"{metric_of(metric).label} {spell(row['mean'], metric)}"
        texts.setdefault(metric, [text, _counted(row, metric)])
    return [
        {"condition": condition, "model": model, "layer": layer,
         "scores": [texts[metric] for metric in SCORES if metric in texts]}
        for (condition, model, layer), texts in cells.items()
    ]  # fmt: skip


def _counted(row: Row, metric: str) -> str:
    """What a number rests on: n, failures, interval."""
    parts = [f"n {row['n_scored']}"]
    if number(row["n_failed"]):
        parts.append(f"{row['n_failed']} failed")
    if number(row["ci_low"]) is not None and number(row["ci_high"]) is not None:
        low, high = spell(row["ci_low"], metric), spell(row["ci_high"], metric)
        parts.append(f"95 % interval over speakers {low} to {high}")
    return ", ".join(parts)


def _said(missing: Counter[str], n: int, bound: float) -> list[str]:
    """What cannot be heard, and why."""
    lines = []
    if missing["absent"]:
        lines.append(f"{missing['absent']} of {n} sounds are absent: their files under audio/ are"
                     " missing or broken")  # fmt: skip
    if missing["no room"]:
        lines.append(f"{missing['no room']} of {n} sounds have no room in {bound:g} MB;"
                     " otoscope report --max_megabytes is the bound")  # fmt: skip
    return lines
