"""The stages behind the curves: what the states themselves tell, whose voice a rendering has."""

from pathlib import Path

from acoustics.griffin_lim import GriffinLim
from asr_models.checkpoint import load_recogniser
from corpora.corpus import Progress
from corpora.datamodule import SpeechDataModule
from evaluation.embeddings import Place, Voices, load_embeddings
from evaluation.identity import natural_voices
from evaluation.identity_scoring import score_identity
from evaluation.state_scoring import score_states
from evaluation.trials import load_trials
from otoscope.experiment import Experiment
from otoscope.failures import FAILURES, write_failures
from otoscope.training import data_module, device_of, make_bank
from otoscope.verification import load_verifier
from probes.checkpoint import load_bank_weights


def ask_states(
    experiment: Experiment,
    run: Path,
    model: str,
    data: SpeechDataModule,
    folder: Path,
    report: Progress,
) -> None:
    """Write how far noise moves a model's states, and how well they tell speakers apart."""
    training = data_module(experiment, experiment.probe.training, recogniser=False)
    score_states(
        load_recogniser(run / "recognisers" / model),
        experiment.probe.layers,
        training,
        data,
        load_trials(run / "trials.csv"),
        folder,
        model=model,
        references=experiment.models[0] == model,
        device=str(device_of(experiment)),
        report=report,
    )
    write_failures(folder / FAILURES, data, training)


def ask_identity(
    experiment: Experiment, run: Path, root: Path, model: str, folder: Path, report: Progress
) -> None:
    """Write how alike rendered and natural speech sound, and what an adapted verifier says."""
    assert experiment.identity is not None  # noqa: S101 - for the type checker
    first = experiment.models[0]
    bank = make_bank(experiment, run / "recognisers" / model)
    load_bank_weights(bank, run / "probes" / model)
    settings, device = experiment.evaluation, device_of(experiment)
    bank = bank.to(device)
    verifier = load_verifier(experiment.verifiers[0], root)
    verifier.move_to(str(device))
    training = data_module(experiment, experiment.probe.training, recogniser=False)
    score_identity(
        bank,
        GriffinLim(bank.log_mel, settings.griffin_lim_iterations).to(device),
        [verifier],
        training,
        load_trials(run / "trials.csv"),
        heard(experiment, run, model),
        natural_voices(heard(experiment, run, first)),
        folder,
        model=model,
        references=first == model,
        per_speaker=experiment.identity.utterances_per_speaker,
        seed=experiment.seed,
        report=report,
    )
    write_failures(folder / FAILURES, training)


def heard(experiment: Experiment, run: Path, model: str) -> dict[Place, Voices]:
    """The embeddings that the evaluation of a model kept, of all conditions."""
    found: dict[Place, Voices] = {}
    for condition in experiment.evaluation.conditions:
        found.update(load_embeddings(run / "tables" / model / condition))
    return found
