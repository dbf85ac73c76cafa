"""What each stage of a run does, executed in a process of its own."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

from asr_models.memory import keep_freed
from corpora.datamodule import SpeechDataModule
from corpora.selection import mixture_rows, utterance_rows
from evaluation.callbacks import ListeningSamples, ScoreSpeech
from evaluation.listening import REFERENCE_LAYERS, SAMPLES, read_samples, save_samples
from evaluation.records import (
    MixtureRow,
    ScoreRow,
    SummaryRow,
    TrialScoreRow,
    UtteranceRow,
    read_rows,
    write_rows,
)
from evaluation.report import build_report
from evaluation.steps import StepRow, steps
from evaluation.summary import collect, summarise
from evaluation.trials import load_trials, make_trials, save_trials
from evaluation.watching import StepProgress
from otoscope.configuration import load_run
from otoscope.experiment import Experiment
from otoscope.failures import FAILURES, merge_failures, write_failures
from otoscope.logging import log_run
from otoscope.training import (
    Report,
    make_bank,
    quiet_trainer,
    set_threads,
    train_probes,
    train_recogniser,
    train_verifier,
)
from otoscope.verification import load_verifier
from probes.checkpoint import load_bank_weights

Row = TypeVar("Row", ScoreRow, TrialScoreRow)


def execute(run: Path, stage: str, scratch: Path, report: Report) -> None:
    """Run one stage of the run in `run`, leaving its outputs in `scratch`."""
    experiment, _ = load_run(run)
    set_threads(experiment.compute.threads)
    keep_freed()
    kind, _, model = stage.partition("/")
    work: dict[str, Callable[[], None]] = {
        "corpus": lambda: prepare_corpus(experiment, scratch, report),
        "recognisers": lambda: train_recogniser(
            experiment,
            model,  # type: ignore[arg-type]
            scratch / "recognisers" / model,
            report,
        ),
        "probes": lambda: train_probes(
            experiment, run / "recognisers" / model, scratch / "probes" / model, report
        ),
        "verifiers": lambda: train_verifier(
            experiment, model, scratch / "verifiers" / model, report
        ),
        "evaluate": lambda: evaluate(experiment, run, model, scratch, report),
        "tables": lambda: make_tables(experiment, run, scratch, report),
        "report": lambda: make_report(experiment, run, scratch, report),
    }
    work[kind]()


def scoring_data(experiment: Experiment) -> SpeechDataModule:
    """The test speakers in every condition."""
    settings = experiment.evaluation
    return SpeechDataModule(
        experiment.corpus,
        noise=experiment.noise,
        conditions=settings.conditions,
        batch_duration_s=settings.batch_duration_s,
        seed=experiment.seed,
        utterances_per_test_speaker=settings.utterances_per_speaker,
        alphabet=experiment.recogniser().alphabet,
    )


def prepare_corpus(experiment: Experiment, scratch: Path, report: Report) -> None:
    """Speak or index the corpus and the noise; fix test utterances, mixtures and trials."""
    for part in (experiment.recogniser_corpus, experiment.noise, experiment.reverberation):
        if part is not None:
            part.prepare(report)
    data, settings = scoring_data(experiment), experiment.evaluation
    cuts = data.cuts("test")
    utterances = [UtteranceRow(**row) for row in utterance_rows(cuts)]  # type: ignore[arg-type]
    trials, notes = make_trials(utterances, experiment.seed, settings.n_positive)
    lost = [name for split, name, _ in data.unusable if split == "test"]
    utterances += [UtteranceRow(name, "", "", 0.0, 0, 0, "") for name in lost]
    write_rows(scratch / "utterances.csv", UtteranceRow, utterances)
    mixtures = mixture_rows(cuts, settings.conditions, data.bank("test"), experiment.seed)
    write_rows(scratch / "mixtures.csv", MixtureRow, (MixtureRow(**row) for row in mixtures))  # type: ignore[arg-type]
    save_trials(scratch / "trials.csv", trials)
    (scratch / "corpus").mkdir()
    write_failures(scratch / "corpus" / FAILURES, data, notes)


def evaluate(experiment: Experiment, run: Path, model: str, scratch: Path, report: Report) -> None:
    """Render and score one model's layers; the first model brings the references along."""
    settings, first = experiment.evaluation, experiment.models[0] == model
    bank = make_bank(experiment, run / "recognisers" / model)
    load_bank_weights(bank, run / "probes" / model)
    trained = [name for name in experiment.models if name != "untrained"]
    score = ScoreSpeech(
        str(scratch),
        tables=str(scratch / "tables" / model),
        model=model,
        trials=str(run / "trials.csv"),
        references=first,
        verifiers=[load_verifier(name, run) for name in experiment.verifiers],
        recognisers={name: str(run / "recognisers" / name) for name in trained},
        quality=settings.quality,
        quality_per_speaker=settings.quality_per_speaker,
        keep_audio=settings.keep_audio,
        n_iter=settings.griffin_lim_iterations,
        seed=experiment.seed,
        workers=settings.workers,
    )
    samples = ListeningSamples(str(scratch), model, settings.sample_speakers, references=first)
    trainer = quiet_trainer(experiment, devices=1, callbacks=[score, samples, StepProgress(report)])
    data = scoring_data(experiment)
    trainer.test(bank, datamodule=data, verbose=False)
    write_failures(scratch / "tables" / model / FAILURES, data)
    shutil.move(scratch / SAMPLES, scratch / "tables" / model / SAMPLES)


def make_tables(experiment: Experiment, run: Path, scratch: Path, report: Report) -> None:
    """Merge the models' tables and summarise them with intervals."""
    models = [str(name) for name in experiment.models]
    utterances = list(read_rows(run / "utterances.csv", UtteranceRow))
    trials = load_trials(run / "trials.csv")
    scores = gather(run, models, "scores.csv", ScoreRow)
    trial_scores = gather(run, models, "trial_scores.csv", TrialScoreRow)
    write_rows(scratch / "scores.csv", ScoreRow, scores)
    write_rows(scratch / "trial_scores.csv", TrialScoreRow, trial_scores)
    settings = experiment.evaluation
    results = collect(
        scores, trial_scores, trials, utterances, settings.bootstrap_replicates, experiment.seed
    )
    depths = {name: layer.depth for name, layer in experiment.recogniser().layers.items()}
    write_rows(scratch / "summary.csv", SummaryRow, summarise(results, depths))
    write_rows(scratch / "steps.csv", StepRow, steps(results, depths))
    save_samples(scratch, chain(*(read_samples(run / "tables" / model) for model in models)))
    merge_failures(run, models, scratch / FAILURES)


def make_report(experiment: Experiment, run: Path, scratch: Path, report: Report) -> None:
    """Build the page in place and hand samples and curves to the loggers that were asked for."""
    build_report(run, models=[str(name) for name in experiment.models])
    report(0.5, "handing samples to the loggers")
    log_run(run, experiment.name, experiment.loggers)


def gather(run: Path, models: list[str], name: str, kind: type[Row]) -> list[Row]:
    """Rows of all models; what the first model's table says of the references holds for all."""
    found = {m: list(read_rows(run / "tables" / m / name, kind)) for m in models}
    shared = [row for row in found[models[0]] if row.layer in REFERENCE_LAYERS]
    for model in models[1:]:
        found[model] = [replace(row, model=model) for row in shared] + found[model]
    order = {name: i for i, name in enumerate(dict.fromkeys(r.layer for r in found[models[0]]))}
    return [
        row
        for model in models
        for row in sorted(found[model], key=lambda r: (r.condition, order[r.layer], *_rest(r)))
    ]


def _rest(row: ScoreRow | TrialScoreRow) -> tuple[str, ...]:
    if isinstance(row, ScoreRow):
        return row.utterance, row.metric, row.scorer
    return row.scorer, row.trial
