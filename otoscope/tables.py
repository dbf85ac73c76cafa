"""The stage that merges what was scored, stage by stage, into the tables of a run."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

from evaluation.contrasts import ROBUST_BASELINE, ContrastRow, Pair, contrasts
from evaluation.listening import REFERENCE_LAYERS, read_samples, save_samples
from evaluation.records import (
    ScoreRow,
    SummaryRow,
    TrialScoreRow,
    UtteranceRow,
    read_rows,
    write_rows,
)
from evaluation.steps import StepRow, steps
from evaluation.summary import Results, collect, summarise
from evaluation.trials import load_trials
from otoscope.experiment import Experiment
from otoscope.failures import FAILURES, merge_failures

Row = TypeVar("Row", ScoreRow, TrialScoreRow)


def make_tables(experiment: Experiment, run: Path, scratch: Path) -> None:
    """Merge the models' tables and summarise them with intervals."""
    models, variants = list(map(str, experiment.models)), experiment.variants()
    kinds = [f"tables/{{model}}/{name}" for name in experiment.evaluation.conditions]
    kinds += ["states/{model}"] if experiment.states else []
    kinds += ["identity/{model}"] if experiment.identity else []
    scores = gather(run, kinds, models, "scores.csv", ScoreRow)
    trial_scores = gather(run, kinds, models, "trial_scores.csv", TrialScoreRow)
    write_rows(scratch / "scores.csv", ScoreRow, scores)
    write_rows(scratch / "trial_scores.csv", TrialScoreRow, trial_scores)
    results = collect(
        scores + gather(run, kinds, variants, "scores.csv", ScoreRow),
        trial_scores + gather(run, kinds, variants, "trial_scores.csv", TrialScoreRow),
        load_trials(run / "trials.csv"),
        list(read_rows(run / "utterances.csv", UtteranceRow)),
        experiment.evaluation.bootstrap_replicates,
        experiment.seed,
    )
    write_statistics(experiment, results, scratch)
    places = [run / kind.format(model=model) for model in (*models, *variants) for kind in kinds]
    save_samples(scratch, chain(*(read_samples(place) for place in places)))
    trained = [run / kind / m for kind in ("recognisers", "probes") for m in (*models, *variants)]
    verifiers = [run / "verifiers" / name for name in experiment.trained_verifiers]
    merge_failures([run / "corpus", *trained, *verifiers, *places], scratch / FAILURES)


def write_statistics(experiment: Experiment, results: Results, folder: Path) -> None:
    """Everything that has an interval: layers, steps over depth, differences between models."""
    depths = {name: layer.depth for name, layer in experiment.recogniser().layers.items()}
    models = list(map(str, experiment.models))
    rows = summarise(results, depths)
    of_variants = [row for row in rows if row.model not in models]
    write_rows(folder / "summary.csv", SummaryRow, (row for row in rows if row.model in models))
    write_rows(folder / "variants.csv", SummaryRow, of_variants)
    write_rows(folder / "steps.csv", StepRow, steps(results, depths, models))
    pairs = [Pair(ROBUST_BASELINE, "", tuple(seeds(experiment))), *bodies(experiment)]
    write_rows(
        folder / "contrasts.csv", ContrastRow, contrasts(results, pairs, depths, experiment.seed)
    )


def seeds(experiment: Experiment) -> list[tuple[str, str]]:
    """Robust and baseline, once for each seed of the probes that are otherwise the same."""
    if not {"robust", "baseline"} <= {*experiment.models}:
        return []
    body, _ = experiment.probes_of("")
    same = [name for name in experiment.probe_variants if experiment.probes_of(name)[0] == body]
    return [("robust", "baseline"), *((f"robust.{k}", f"baseline.{k}") for k in same)]


def bodies(experiment: Experiment) -> list[Pair]:
    """Every other body of the probes against the one that all numbers are of."""
    mine, seed = experiment.probes_of("")
    pairs = []
    for name in experiment.probe_variants:
        body, its_seed = experiment.probes_of(name)
        if body != mine and its_seed == seed:
            pairs += [
                Pair(f"{body} - {mine}", model, ((f"{model}.{name}", model),))
                for model in experiment.trained
            ]
    return pairs


def gather(
    run: Path, places: Sequence[str], models: Sequence[str], name: str, kind: type[Row]
) -> list[Row]:
    """Rows of all models; what the first model's tables say of the references holds for all.

    Args:
        run: the run folder.
        places: folders in it that may hold the table, with `{model}` for the model.
        models: whose rows.
        name: of the table.
        kind: of its rows.
    """
    tables = {
        model: [r for place in places for r in found(run / place.format(model=model) / name, kind)]
        for model in models
    }
    first = tables[models[0]] if models else []
    shared = [row for row in first if row.layer in REFERENCE_LAYERS]
    order = {name: i for i, name in enumerate(dict.fromkeys(row.layer for row in first))}
    for model in models[1:]:
        own = [row for row in tables[model] if row.layer not in REFERENCE_LAYERS]
        tables[model] = [replace(row, model=model) for row in shared] + own
    return [
        row
        for model in models
        for row in sorted(tables[model], key=lambda r: (r.condition, order[r.layer], *_rest(r)))
    ]


def found(path: Path, kind: type[Row]) -> Iterator[Row]:
    """The rows of a table that a stage may have had no reason to write."""
    return read_rows(path, kind) if path.is_file() else iter(())


def _rest(row: ScoreRow | TrialScoreRow) -> tuple[str, ...]:
    if isinstance(row, ScoreRow):
        return row.utterance, row.metric, row.scorer
    return row.scorer, row.trial
