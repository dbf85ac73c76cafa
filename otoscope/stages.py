"""What each stage of a run does, executed in a process of its own."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from asr_models.memory import keep_freed
from corpora.datamodule import SpeechDataModule
from corpora.selection import mixture_rows, utterance_rows
from evaluation.atlas.build import build_atlas
from evaluation.callbacks import ListeningSamples, ScoreSpeech
from evaluation.listening import SAMPLES
from evaluation.paper.paper import write_paper
from evaluation.records import MixtureRow, UtteranceRow, write_rows
from evaluation.trials import make_trials, save_trials
from evaluation.watching import StepProgress
from otoscope.configuration import load_run
from otoscope.experiment import Experiment
from otoscope.failures import FAILURES, write_failures
from otoscope.feature_stages import audiate_model, mask_model, sonify_model
from otoscope.locking import alone
from otoscope.plan import FIXED
from otoscope.questions import ask_identity, ask_states
from otoscope.report_corpus import corpus_cuts
from otoscope.study_command import write_searched
from otoscope.tables import make_tables
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
from otoscope.word_errors import count_word_errors
from probes.checkpoint import load_bank_weights

KINDS = (
    *("corpus", "recognisers", "probes", "verifiers", "evaluate", "states", "identity"),
    *("sonification", "audiation", "masks", "word_errors", "tables", "paper", "report"),
)


def execute(root: Path, stage: str, scratch: Path, report: Report) -> None:
    """Run one stage of the run in `root`, leaving its outputs in `scratch`."""
    place, kind, name, condition = split_stage(stage)
    run = root / place
    experiment, _ = load_run(run)
    set_threads(experiment.compute.threads)
    keep_freed()
    if kind != "report":  # which works in place
        scratch = scratch / place
        scratch.mkdir(exist_ok=True)
    work: dict[str, Callable[[], None]] = {
        "corpus": lambda: (
            copy_corpus(root, scratch) if place else prepare_corpus(experiment, scratch, report)
        ),
        "recognisers": lambda: train_recogniser(
            experiment,
            name,  # type: ignore[arg-type]
            scratch / "recognisers" / name,
            report,
        ),
        "probes": lambda: train_probes(experiment, run, name, scratch / "probes" / name, report),
        "verifiers": lambda: train_verifier(experiment, name, scratch / "verifiers" / name, report),
        "evaluate": lambda: evaluate(experiment, run, root, name, condition, scratch, report),
        "states": lambda: ask_states(
            experiment,
            run,
            name,
            scoring_data(experiment, experiment.evaluation.conditions),
            scratch / "states" / name,
            report,
        ),
        "identity": lambda: ask_identity(
            experiment, run, root, name, scratch / "identity" / name, report
        ),
        "sonification": lambda: sonify_model(experiment, run, name, scratch, report),
        "audiation": lambda: audiate_model(experiment, run, name, scratch, report),
        "masks": lambda: mask_model(experiment, run, name, scratch, report),
        "word_errors": lambda: count_word_errors(
            experiment, run, name, scratch / "recognisers" / name, report
        ),
        "tables": lambda: make_tables(experiment, run, scratch),
        "paper": lambda: make_paper(experiment, root, scratch),
        "report": lambda: make_report(experiment, run, report),
    }
    work[kind]()


def split_stage(stage: str) -> tuple[str, str, str, str]:
    """Sub-folder of the architecture ("" for the first), kind, model or verifier, condition."""
    parts = stage.split("/")
    place = "" if parts[0] in KINDS else parts.pop(0)
    kind, name, condition = [*parts, "", ""][:3]
    return place, kind, name, condition


def scoring_data(experiment: Experiment, conditions: Sequence[str]) -> SpeechDataModule:
    """The test speakers in some conditions."""
    settings = experiment.evaluation
    return SpeechDataModule(
        experiment.corpus,
        noise=experiment.noise,
        conditions=conditions,
        batch_duration_s=settings.batch_duration_s,
        seed=experiment.seed,
        utterances_per_test_speaker=settings.utterances_per_speaker,
        alphabet=experiment.recogniser().alphabet,
    )


def prepare_corpus(experiment: Experiment, scratch: Path, report: Report) -> None:
    """Speak or index the corpus and the noise; fix test utterances, mixtures and trials."""
    with ThreadPoolExecutor(1) as beside:  # a voice in one process, noise in this one
        noise = beside.submit(experiment.noise.prepare)
        experiment.recogniser_corpus.prepare(report)
        noise.result()
    settings = experiment.evaluation
    data = scoring_data(experiment, settings.conditions)
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
    write_searched(scratch / "corpus", experiment.corpus)
    write_failures(scratch / "corpus" / FAILURES, data, notes=notes)


def copy_corpus(root: Path, scratch: Path) -> None:
    """Every architecture hears the utterances, mixtures and trials of the first."""
    for name in FIXED:
        source = root / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, scratch / name)


def evaluate(
    experiment: Experiment,
    run: Path,
    root: Path,
    name: str,
    condition: str,
    scratch: Path,
    report: Report,
) -> None:
    """Render and score the layers of a model, or of a variant of its probes, in one condition.

    The first model brings the references along. A variant is scored by all verifiers and
    by STOI, and leaves no sound.
    """
    model, _, variant = name.partition(".")
    settings, first = experiment.evaluation, experiment.models[0] == name
    tables = scratch / "tables" / name / condition
    bank = make_bank(experiment, run / "recognisers" / model, variant)
    load_bank_weights(bank, run / "probes" / name)
    spells = bank.recogniser.has_classes
    listeners = experiment.trained if spells and not variant else []
    score = ScoreSpeech(
        str(scratch),
        tables=str(tables),
        model=name,
        trials=str(run / "trials.csv"),
        references=first,
        verifiers=[load_verifier(verifier, root) for verifier in experiment.verifiers],
        recognisers={other: str(run / "recognisers" / other) for other in listeners},
        quality=[metric for metric in settings.quality if not variant or metric == "stoi"],
        quality_per_speaker=settings.quality_per_speaker,
        keep_audio=0 if variant else settings.keep_audio,
        n_iter=settings.griffin_lim_iterations,
        seed=experiment.seed,
        workers=settings.workers,
        keep_embeddings=experiment.identity is not None and not variant,
    )
    samples = ListeningSamples(str(scratch), model, settings.sample_speakers, references=first)
    keep = [score] if variant else [score, samples]
    trainer = quiet_trainer(experiment, devices=1, callbacks=[*keep, StepProgress(report)])
    data = scoring_data(experiment, [condition])
    trainer.test(bank, datamodule=data, verbose=False)
    write_failures(tables / FAILURES, data)
    if not variant:
        shutil.move(scratch / SAMPLES, tables / SAMPLES)


def make_paper(experiment: Experiment, root: Path, scratch: Path) -> None:
    """Draw up the tables, figures and claims of Li et al. (2020) from all architectures."""
    places = {
        experiment.first_architecture: root,
        **{name: root / name for name in experiment.architectures},
    }
    write_paper(root, places, scratch / "paper")


def make_report(experiment: Experiment, run: Path, report: Report) -> None:
    """Build the atlas in place and hand samples and curves to the loggers that were asked for."""
    models = [str(name) for name in experiment.models]
    build_atlas(
        run, experiment.atlas, models, corpus_cuts(run), lambda f, t: report(0.9 * f, t),
        guard=partial(alone, wait=True),
    )  # fmt: skip
    if experiment.loggers:
        from otoscope.logging import log_run  # here, for wandb takes half a second to import

        report(0.9, "handing samples to the loggers")
        log_run(run, experiment.name, experiment.loggers)
