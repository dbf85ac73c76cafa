"""The stages of a run that look inside a recogniser: sonification, audiation and masks."""

from pathlib import Path

from asr_models.checkpoint import load_recogniser
from corpora.datamodule import SpeechDataModule
from evaluation.audiation.study import study as audiation
from evaluation.masks.corpus_study import study_masks
from evaluation.sonification.overview import write_overview
from evaluation.sonification.study import study as sonification
from evaluation.sonification.study_settings import OVERVIEW
from otoscope.experiment import Experiment
from otoscope.failures import FAILURES, write_failures
from otoscope.training import Report, device_of


def sonify_model(
    experiment: Experiment, run: Path, name: str, scratch: Path, report: Report
) -> None:
    """What drives every feature of one model, or all models side by side."""
    assert experiment.sonification is not None  # noqa: S101 - for the type checker
    if name == OVERVIEW:
        target = scratch / "sonification"
        write_overview(run / "sonification", target / OVERVIEW, map(str, experiment.models))
        return
    data = whole_corpus(experiment, experiment.sonification.batch_duration_s)
    target = scratch / "sonification" / name
    sonification(
        load_recogniser(run / "recognisers" / name),
        data,
        target,
        name,
        experiment.sonification,
        experiment.seed,
        device_of(experiment),
        report,
    )
    write_failures(target / FAILURES, data)


def audiate_model(
    experiment: Experiment, run: Path, name: str, scratch: Path, report: Report
) -> None:
    """Sounds that drive some features of one model."""
    assert experiment.audiation is not None  # noqa: S101 - for the type checker
    data = whole_corpus(experiment, experiment.audiation.batch_duration_s)
    target = scratch / "audiation" / name
    audiation(
        load_recogniser(run / "recognisers" / name),
        data,
        target,
        name,
        experiment.audiation,
        experiment.seed,
        device_of(experiment),
        report,
    )
    write_failures(target / FAILURES, data)


def mask_model(experiment: Experiment, run: Path, name: str, scratch: Path, report: Report) -> None:
    """Importance masks of some utterances for one model."""
    assert experiment.masks is not None  # noqa: S101 - for the type checker
    data = whole_corpus(experiment, experiment.masks.batch_duration_s)
    study_masks(
        load_recogniser(run / "recognisers" / name),
        data,
        scratch / "masks" / name,
        name,
        experiment.masks,
        experiment.seed,
        device_of(experiment),
        report,
    )


def whole_corpus(experiment: Experiment, batch_duration_s: float) -> SpeechDataModule:
    """Speech of all splits, clean."""
    return SpeechDataModule(
        experiment.corpus,
        batch_duration_s=batch_duration_s,
        seed=experiment.seed,
        alphabet=experiment.recogniser().alphabet,
    )
