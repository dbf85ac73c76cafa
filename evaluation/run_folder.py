"""What a run folder holds, read with patience: a run may be half done, a table half written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acoustics.errors import UserError
from evaluation.listening import REFERENCE, Sample, read_samples
from evaluation.patient_tables import Kind, whole_json, whole_rows
from evaluation.reading import Row

SUMMARY = ["model", "condition", "layer", "depth", "metric", "scorer"]
SUMMARY += ["mean", "ci_low", "ci_high", "n_scored", "n_failed"]
SCORES = ["model", "condition", "layer", "utterance", "metric", "scorer", "failure"]
TRIALS = ["model", "condition", "layer", "scorer", "trial", "failure"]
STEPS = ["model", "condition", "metric", "earlier", "later", "difference", "ci_low", "ci_high"]
PROBE_CURVES = ["step", "split", "layer", "mel_l1"]
RECOGNISER_CURVES = ["step", "split", "metric", "value"]

STUDIES = ("sonification", "audiation", "masks")
"""Folders of methods that can stand alone, without a run around them."""

RUN_FILES = ("config.yaml", "summary.csv", "samples.csv", "stages.json")

CORPUS, RECORD = "corpus", "corpus.json"
"""Where a run says which corpus it heard, and the name under which a study does too."""

FAILURES_SHOWN = 200
"""Failed scores listed one by one; all of them are counted by reason."""


@dataclass
class RunFolder:
    """The parts of a run that a report shows; what is absent is empty, and `notes` says so."""

    path: Path
    summary: list[Row] = field(default_factory=list)
    probe_curves: dict[str, list[Row]] = field(default_factory=dict)
    recogniser_curves: dict[str, list[Row]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    failed_scores: list[Row] = field(default_factory=list)
    failure_counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    unusable: list[Row] = field(default_factory=list)
    remarks: list[Row] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)
    config: str = ""
    notes: list[str] = field(default_factory=list)


def must_be_there(path: Path) -> None:
    """Refuse a run folder that does not exist.

    Raises:
        UserError: it does not.
    """
    if not path.is_dir():
        raise UserError(f"{path}: no such run folder; `otoscope run --output {path}` makes one")


def read_run(path: Path, models: Sequence[str] | None = None) -> RunFolder:
    """Read what there is.

    Args:
        path: the run folder.
        models: whose rows and training curves to read (default: all that are there).

    Raises:
        UserError: the folder does not exist, or holds nothing that a run leaves.
    """
    must_be_there(path)
    run = RunFolder(path)
    studies = [name for name in STUDIES if (path / name).is_dir()]
    if studies and not any((path / name).exists() for name in RUN_FILES):
        return _read_studies(run, studies)
    run.config = _text(run, "config.yaml", "the resolved configuration")
    run.summary = _table(run, "summary.csv", SUMMARY, "the scores over depth")
    run.samples = read_samples(path, run.notes)
    if not run.samples and not any(note.startswith("samples.csv:") for note in run.notes):
        run.notes.append("samples.csv: missing or empty, so there is nothing to listen to yet")
    run.probe_curves = _curves(run, "probes", PROBE_CURVES, models)
    run.recogniser_curves = _curves(run, "recognisers", RECOGNISER_CURVES, models)
    run.stages = [entry for entry in _json(run, "stages.json", list) if isinstance(entry, dict)]
    run.environment = _json(run, "environment.json", dict)
    tables = (run.summary, run.samples, run.probe_curves, run.recogniser_curves)
    if not any((*tables, run.config, run.stages, run.environment, studies)):
        raise UserError(f"{path}: holds nothing of a run; give the folder of `otoscope run`")
    run.steps = list(whole_rows(path, "steps.csv", run.notes, STEPS))
    if models is not None:
        shown = {REFERENCE, *models}
        run.summary, run.steps = ([row for row in rows if row["model"] in shown]
                                  for rows in (run.summary, run.steps))  # fmt: skip
        run.samples = [sample for sample in run.samples if sample.model in shown]
    heard = {sample.utterance for sample in run.samples}
    for row in whole_rows(path, "utterances.csv", run.notes, ["utterance", "text"]):
        if row["utterance"] in heard:
            run.texts[row["utterance"]] = row["text"]
    found = list(whole_rows(path, "failures.csv", run.notes, ["split", "utterance", "reason"]))
    run.unusable = [row for row in found if row.get("used") != "1"]
    run.remarks = [row for row in found if row.get("used") == "1"]
    _collect_failures(run, models)
    return run


def _read_studies(run: RunFolder, studies: Sequence[str]) -> RunFolder:
    """What `otoscope sonify`, `audiate` and `mask` leave, without a run around them."""
    run.config = "\n".join(
        f"# {name}\n{_text(run, f'{name}/config.yaml', 'what was asked for')}" for name in studies
    )
    run.environment = _json(run, f"{studies[0]}/environment.json", dict)
    run.notes.append(
        f"only {', '.join(studies)} were called for here; `otoscope run` adds curves over depth, "
        "sounds of every layer and training"
    )
    return run


def _collect_failures(run: RunFolder, models: Sequence[str] | None) -> None:
    for name, columns in (("scores.csv", SCORES), ("trial_scores.csv", TRIALS)):
        for row in whole_rows(run.path, name, run.notes, columns):
            if not row["failure"] or (models is not None and row["model"] not in models):
                continue
            metric = row.get("metric") or "eer"
            run.failure_counts[metric, row["failure"]] += 1
            if len(run.failed_scores) < FAILURES_SHOWN:
                utterance = row.get("utterance") or f"trial {row['trial']}"
                run.failed_scores.append({**row, "metric": metric, "utterance": utterance})


def _table(run: RunFolder, name: str, columns: Sequence[str], what: str) -> list[Row]:
    rows: list[Row] = list(whole_rows(run.path, name, run.notes, columns))
    if not rows and not any(note.startswith(f"{name}:") for note in run.notes):
        run.notes.append(f"{name}: missing or empty, so {what} cannot be shown yet")
    return rows


def _curves(
    run: RunFolder, folder: str, columns: Sequence[str], models: Sequence[str] | None
) -> dict[str, list[Row]]:
    found = {}
    for path in sorted(run.path.glob(f"{folder}/*/curves.csv")):
        if models is not None and path.parent.name not in models:
            continue  # left by an earlier configuration
        rows: list[Row] = list(whole_rows(run.path, path.relative_to(run.path), run.notes, columns))
        if rows:
            found[path.parent.name] = rows
    if not found:
        why = "missing: nothing of theirs was trained here, or it is not done yet"
        run.notes.append(f"{folder}/*/curves.csv: {why}")
    return found


def _text(run: RunFolder, name: str, what: str) -> str:
    path = run.path / name
    if path.is_file():
        return path.read_text(encoding="utf-8", errors="replace")
    run.notes.append(f"{name}: missing ({what})")
    return ""


def _json(run: RunFolder, name: str, kind: type[Kind]) -> Kind:
    if not (run.path / name).is_file():
        run.notes.append(f"{name}: missing")
    return whole_json(run.path, name, run.notes, kind) or kind()
