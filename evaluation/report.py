"""The report of a run: one HTML file with its figures, tables and sounds inside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from evaluation.listening import REFERENCE, write_atomically
from evaluation.metric_blocks import metric_block, scored
from evaluation.page_pictures import embed_pictures
from evaluation.paper.section import paper_section
from evaluation.reading import (
    CONDITION_ORDER,
    MODEL_ORDER,
    REFERENCE_DASHES,
    Row,
    by_depth,
    colour_of,
    distinct,
    number,
    ordered,
    select,
)
from evaluation.report_samples import OVERHEAD, embed_samples
from evaluation.run_folder import RunFolder, read_run
from evaluation.sonification.section import sonification_section
from evaluation.training_figures import plateaus, probe_curves_figure, recogniser_curves_figure

TEMPLATES = Path(__file__).parent / "templates"
VERBATIM = {
    "css": ("report.css", "sonification.css"),
    "js": ("page.js", "report.js", "sonification.js"),
}


def build_report(
    run: Path, max_megabytes: float = 25.0, models: Sequence[str] | None = None
) -> Path:
    """Write `report/index.html` from whatever the run has left so far.

    The file needs nothing else: charts, pictures and sounds are inside, and it forbids itself the
    network. A part that is missing is named on the page instead.

    Args:
        run: the run folder.
        max_megabytes: sounds and mel pictures are embedded utterance by utterance as long as the
            page stays below this, the rest is listed by path; the figures of the paper and the
            sounds and figures of sonification come before them, charts (4.8 MB) and tables always
            are inside.
        models: whose training curves and sonification to show (default: all that are there).

    Returns:
        The path of the page.

    Raises:
        UserError: there is no such run, or the page cannot be written.
    """
    folder = read_run(run, models)
    figures: dict[str, go.Figure] = {}
    metrics = [metric_block(folder.summary, *pair, figures) for pair in scored(folder.summary)]
    training = _training(folder, figures)
    section = sonification_section(run, folder.notes, figures, models)
    models, conditions = _names(folder)
    page: dict[str, Any] = {
        "name": run.resolve().name,
        "run": folder,
        "facts": _facts(folder),
        "models": [(name, *colour_of(name, models)) for name in models],
        "conditions": [(name, *colour_of(name, conditions)) for name in conditions],
        "references": REFERENCE_DASHES,
        "metrics": metrics,
        "training": training,
        "environment": list(_flatten(folder.environment)),
        "stages": [_stage(stage) for stage in folder.stages],
        "total_s": sum(number(stage.get("seconds")) or 0.0 for stage in folder.stages),
        "n_failed_scores": sum(folder.failure_counts.values()),
        "figures": _script_json({name: _plain(figure) for name, figure in figures.items()}),
        "limit_mb": max_megabytes,
        "paper": paper_section(run, folder.notes),
        "sonification": section,
    }
    if page["paper"]:
        left = max_megabytes * 1e6 - len(_render(page, [], 0)) - OVERHEAD * len(folder.samples)
        embed_pictures(page["paper"]["figures"], left)
    if section:
        left = max_megabytes * 1e6 - len(_render(page, [], 0)) - OVERHEAD * len(folder.samples)
        section.embed(left)
    budget = max_megabytes * 1e6 - len(_render(page, [], 0))
    samples, left_out = embed_samples(folder, models, conditions, budget)
    target = run / "report" / "index.html"
    write_atomically(target, _render(page, samples, left_out))
    return target


@cache
def _template() -> tuple[Template, dict[str, Markup]]:
    """The page, and what is put into it as it is; a report is rendered several times, to fit."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    verbatim = {
        kind: "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)
        for kind, names in VERBATIM.items()
    }
    verbatim["plotly"] = get_plotlyjs()
    marked = {kind: Markup(text) for kind, text in verbatim.items()}  # noqa: S704
    return environment.get_template("report.html.j2"), marked


def _render(page: Mapping[str, Any], samples: list[dict[str, Any]], left_out: int) -> bytes:
    sonification = page["sonification"]
    template, verbatim = _template()
    text = template.render(
        **page,
        **verbatim,
        samples=_script_json(samples),
        sonification_data=_script_json(sonification.data() if sonification else {}),
        n_samples=len(samples),
        left_out=left_out,
    )
    return text.encode()


def _script_json(value: object) -> Markup:
    """JSON that cannot end the script element it stands in, whatever the data say."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _plain(figure: go.Figure) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(figure.to_json())
    plain["layout"].pop("template", None)
    return plain


def _stage(entry: dict[str, Any]) -> dict[str, str]:
    seconds = number(entry.get("seconds"))
    return {
        "stage": str(entry.get("stage", "")),
        "seconds": "–" if seconds is None else f"{seconds:.1f}",
        "status": str(entry.get("status", "")),
    }


def _names(folder: RunFolder) -> tuple[list[str], list[str]]:
    """Models and conditions of tables and samples in the order of the house."""
    rows: list[Row] = [*folder.summary, *(vars(sample) for sample in folder.samples)]
    models = [name for name in distinct(rows, "model") if name != REFERENCE]
    return ordered(models, MODEL_ORDER), ordered(distinct(rows, "condition"), CONDITION_ORDER)


def _facts(folder: RunFolder) -> list[tuple[str, str]]:
    layers = distinct(by_depth(folder.summary), "layer")
    models, conditions = _names(folder)
    facts = [
        ("models", ", ".join(models)),
        ("conditions", ", ".join(conditions)),
        ("layers", f"{len(layers)}: {layers[0]} to {layers[-1]}" if layers else ""),
        ("verifier", ", ".join(distinct(select(folder.summary, metric="eer"), "scorer"))),
    ]
    return [(name, text) for name, text in facts if text]


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


def _flatten(value: Any, name: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for at, inner in enumerate(value):
            yield from _flatten(inner, f"{name}[{at}]")
    else:
        yield name, str(value)
