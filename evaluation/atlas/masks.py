"""Importance masks: what a recogniser needs to hear, to see and to hear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.mask_charts import NAMES, curve_charts
from evaluation.atlas.mask_entries import FoundMask, mask_entry
from evaluation.masks.folder import MaskFailureRow
from evaluation.masks.judging import MASK
from evaluation.masks.logged import ROOT
from evaluation.masks.rows import CurveRow, MaskRow, SoundRow
from evaluation.masks.summary import MaskSummaryRow
from evaluation.patient_tables import whole_rows
from evaluation.reading import Row, distinct, number, select
from evaluation.sonification.study_folder import ROOT as STUDIES

SHARD = "masks"
FAILURES_SHOWN = 200


def context(atlas: Atlas) -> dict[str, Any]:
    """What the template of the page reads; every utterance of a model has a shard."""
    models, summaries, failures = [], [], []
    references = _references(atlas)
    for place, model in enumerate(atlas.models):
        if not (atlas.run / ROOT / model).is_dir():
            continue
        if not (atlas.run / ROOT / model / "masks.csv").is_file():
            atlas.notes.append(f"{ROOT}/{model}/masks.csv: missing, so it is not finished")
        found = _masks(atlas, model)
        failures += _rows(atlas, model, "failures", MaskFailureRow)
        summaries += [_summed(row) for row in _rows(atlas, model, "summary", MaskSummaryRow)]
        if found:
            models.append(_write(atlas, model, place, found, references))
    atlas.site.shard(SHARD, {"models": models, "names": NAMES})
    return {
        "run": atlas.called,
        "models": [model["name"] for model in models],
        "masked": [model for model in atlas.models if (atlas.run / ROOT / model).is_dir()],
        "summary": summaries,
        "failures": failures[:FAILURES_SHOWN],
        "more_failures": max(len(failures) - FAILURES_SHOWN, 0),
    }


def _rows(atlas: Atlas, model: str, table: str, kind: type) -> list[Row]:
    columns = [one.name for one in fields(kind)]
    name = f"{ROOT}/{model}/{table}.csv"
    return [{"model": model, **row} for row in whole_rows(atlas.run, name, atlas.notes, columns)]


def _masks(atlas: Atlas, model: str) -> dict[str, list[FoundMask]]:
    """The masks of a model by utterance, in the order of the table."""
    found: dict[tuple[str, str, str], FoundMask] = {}
    for row in _rows(atlas, model, "masks", MaskRow):
        key = (str(row["utterance"]), str(row["scope"]), str(row["span"]))
        if key[0]:
            found.setdefault(key, FoundMask(*key)).rows.append(row)
    for table, kind in (("sounds", SoundRow), ("curves", CurveRow)):
        for row in _rows(atlas, model, table, kind):
            one = found.get((str(row["utterance"]), str(row["scope"]), str(row["span"])))
            if one is not None:
                (one.sounds if kind is SoundRow else one.curves).append(row)
    by_utterance: dict[str, list[FoundMask]] = {}
    for one in found.values():
        by_utterance.setdefault(one.utterance, []).append(one)
    return by_utterance


def _references(atlas: Atlas) -> dict[str, str]:
    """What is said in which utterance, as the run or a study of it knows the corpus."""
    folders = ["", *(f"{STUDIES}/{model}/" for model in atlas.studies)]
    tables = [
        whole_rows(atlas.run, f"{folder}utterances.csv", [], ["utterance", "text"])
        for folder in reversed(folders)
    ]
    return {row["utterance"]: row["text"] for table in tables for row in table}


def _write(
    atlas: Atlas,
    model: str,
    place: int,
    found: dict[str, list[FoundMask]],
    references: dict[str, str],
) -> dict[str, Any]:
    """Writes the shards of a model, and gives what the page must know to ask for them."""
    folder, utterances = atlas.run / ROOT / model, []
    for at, (utterance, masks) in enumerate(found.items()):
        atlas.report(at / len(found), f"masks of {utterance}")
        first = masks[0].rows[0]
        inputs: list[str] = []
        entries = [mask_entry(atlas.site, folder, one, inputs) for one in masks]
        facts = {
            "id": utterance, "text": _heard(masks),
            "reference": references.get(utterance, ""),
        }  # fmt: skip
        atlas.site.shard(f"{SHARD}/{place}/{at}", {
            **facts, "speaker": first["speaker"], "duration_s": number(first["duration_s"]),
            "inputs": inputs, "masks": entries,
        })  # fmt: skip
        utterances.append({
            **facts,
            "masks": [{"scope": one.scope, "span": one.span, "label": one.label} for one in masks],
        })  # fmt: skip
    return {
        "name": model, "place": place, "utterances": utterances, "means": dict(_means(found)),
    }  # fmt: skip


def _heard(masks: list[FoundMask]) -> str:
    """What the recogniser spells in the whole utterance, where a mask of it says that."""
    return next((str(one.rows[0]["text"]) for one in masks if not one.span), "")


def _means(found: dict[str, list[FoundMask]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Charts of the mean curves of every scope."""
    curves = [row for masks in found.values() for one in masks for row in one.curves]
    for scope in distinct(curves, "scope"):
        yield scope, curve_charts(select(curves, scope=scope))


def _summed(row: Row) -> dict[str, str]:
    """A row of the summary as it is printed."""
    return {
        "model": str(row["model"]), "scope": str(row["scope"]), "mask": str(row["mask"]),
        "name": NAMES.get(str(row["mask"]), str(row["mask"])),
        "n": f"{row['n_masks']}, {row['n_speakers']}", "failed": str(row["n_failed"]),
        "kept": _percent(row["share_kept"], 1),
        "transcripts": _interval(row, "transcripts"),
        "frames": _interval(row, "frames"),
        "lead": "" if row["mask"] == MASK else _interval(row, "lead"),
        "insertion": _area(row["insertion_area"]),
        "deletion": _area(row["deletion_area"]),
    }  # fmt: skip


def _interval(row: Row, name: str) -> str:
    low, high = _percent(row[f"{name}_low"]), _percent(row[f"{name}_high"])
    between = f" ({low} to {high})" if "–" not in (low, high) else ""
    return _percent(row[name]) + between


def _percent(cell: object, digits: int = 0) -> str:
    value = number(cell)
    return "–" if value is None else f"{100 * value:.{digits}f}"


def _area(cell: object) -> str:
    value = number(cell)
    return "–" if value is None else f"{value:.2f}"
