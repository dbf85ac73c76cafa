"""Every YAML file under configs/ parses, holds no unknown key, and builds what it describes."""

from pathlib import Path

import pytest

from asr_models.checkpoint import save_recogniser
from asr_models.ctc import CTCModule
from asr_models.recogniser import Recogniser
from corpora.datamodule import SpeechDataModule
from corpora.speaker_datamodule import SpeakerDataModule
from evaluation.verifiers.training import VerifierModule
from otoscope.configuration import as_values, build, experiment_parser
from otoscope.experiment import Experiment
from otoscope.lightning_cli import ProbeCLI, RecogniserCLI, VerifierCLI, make_cli
from otoscope.plan import Plan
from probes.bank import ProbeBank

ROOT = Path(__file__).parents[1] / "configs"
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.yaml"))


def of(kind: str) -> list[str]:
    return [name for name in FILES if name.startswith(f"{kind}/")]


def experiment(name: str) -> tuple[Experiment, dict[str, object]]:
    parser = experiment_parser()
    options = parser.parse_args(["-c", str(ROOT / name)])
    return build(parser, options), as_values(parser, options)


def test_every_file_is_of_a_kind_that_is_tested() -> None:
    kinds = ("experiments", "asr", "probe", "verifier")
    assert set(FILES) == {name for kind in kinds for name in of(kind)}
    assert all(of(kind) for kind in kinds)


@pytest.mark.parametrize("name", of("experiments"))
def test_an_experiment_builds(name: str) -> None:
    built, values = experiment(name)
    assert isinstance(built.recogniser(), Recogniser)
    assert built.name == Path(name).stem == values["name"]


@pytest.mark.parametrize("name", ["experiments/embedded.yaml", "experiments/tiny.yaml"])
def test_an_experiment_without_downloads_has_a_plan(name: str) -> None:
    plan = Plan(*experiment(name))
    first, *_, last = plan.stages
    assert (first, last) == ("corpus", "report")


@pytest.mark.parametrize("name", of("experiments"))
def test_an_experiment_is_a_short_difference_from_the_embedded_one(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    said = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    assert len(said) <= 80


STAGES = {
    "asr": (RecogniserCLI, CTCModule, "asr/vgg_lstm_mini.yaml", SpeechDataModule, "recogniser"),
    "probe": (ProbeCLI, ProbeBank, "probe/highway.yaml", SpeechDataModule, "probes"),
    "verifier": (VerifierCLI, VerifierModule, "verifier/ge2e.yaml", SpeakerDataModule, "encoder"),
}


@pytest.mark.parametrize("name", [name for kind in STAGES for name in of(kind)])
def test_a_stages_training_builds(name: str, tiny_recogniser, tmp_path: Path) -> None:
    kind = name.partition("/")[0]
    cli, module, default, data, part = STAGES[kind]
    arguments = ["--config", str(ROOT / name), "--trainer.default_root_dir", str(tmp_path)]
    if kind == "probe":
        save_recogniser(tiny_recogniser(), tmp_path)
        arguments += ["--model.recogniser", str(tmp_path)]
    made = make_cli(cli, module, default, kind, arguments, run=False)
    assert isinstance(made.model, module) and isinstance(made.datamodule, data)
    assert list(getattr(made.model, part).parameters())


@pytest.mark.parametrize(
    ("name", "file"), [("ge2e_lstm", "ge2e.yaml"), ("thin_resnet", "thin_resnet.yaml")]
)
def test_a_verifier_is_trained_alike_by_itself_and_in_the_papers_run(
    name: str, file: str, tmp_path: Path
) -> None:
    cli, module, default, _, _ = STAGES["verifier"]
    arguments = ["--config", str(ROOT / "verifier" / file)]
    arguments += ["--trainer.default_root_dir", str(tmp_path)]
    made = make_cli(cli, module, default, "verifier", arguments, run=False)
    training = experiment("experiments/paper_mini.yaml")[0].trained_verifiers[name]
    encoder = training.encoder()
    assert (type(made.model.encoder), made.model.encoder.config) == (type(encoder), encoder.config)
    assert made.model.kind == training.loss
    assert made.model.learning_rate == training.learning_rate
    data = made.datamodule
    assert data.corpus.fingerprint() == training.corpus.fingerprint()
    for key in ("speakers_per_batch", "utterances_per_speaker", "crop_s"):
        assert getattr(data, key) == getattr(training, key), key
    assert made.trainer.max_steps == data.batches_per_epoch == training.max_steps
    assert made.trainer.val_check_interval == training.max_steps // training.validations


def keys(**changes: object) -> dict[str, str]:
    """Keys of the stages of the tiny experiment, with other settings."""
    parser = experiment_parser()
    given = [f"--{name}={value}" for name, value in changes.items()]
    options = parser.parse_args(["-c", str(ROOT / "experiments/tiny.yaml"), *given])
    plan = Plan(build(parser, options), as_values(parser, options))
    return {name: stage.key for name, stage in plan.stages.items()}


def test_what_an_identity_needs_is_evaluated_again() -> None:
    without, with_it = keys(), keys(identity="{utterances_per_speaker: 2}")
    assert without["evaluate/robust/clean"] != with_it["evaluate/robust/clean"]
    assert without["probes/robust"] == with_it["probes/robust"]


@pytest.mark.parametrize(
    "change", [{"probe.training.noisy_fraction": 0.3}, {"models": "[robust, baseline, untrained]"}]
)
def test_states_are_scored_again_when_what_the_speaker_probe_hears_changes(change) -> None:
    before, after = keys(states=True), keys(states=True, **change)
    assert before["states/baseline"] != after["states/baseline"]


def test_the_shipped_file_is_found_as_a_resource() -> None:
    from otoscope.configuration import shipped_config

    assert shipped_config("experiments/embedded.yaml").read_text().count("EmbeddedCorpus") == 1


def test_rooms_concern_the_stages_that_hear_them_only() -> None:
    """Set or not, what never hears them is not done again."""
    parser = experiment_parser()
    keys = []
    for more in ([], ["--reverberation", "corpora.reverberation.SimulatedRooms"]):
        options = parser.parse_args(["-c", str(ROOT / "experiments/tiny.yaml"), *more])
        plan = Plan(build(parser, options), as_values(parser, options))
        keys.append({name: stage.key for name, stage in plan.stages.items()})
    changed = {name for name in keys[0] if keys[0][name] != keys[1][name]}
    kept = {"corpus", "recognisers/baseline", "recognisers/untrained"}
    assert set(keys[0]) - changed == kept


@pytest.mark.parametrize(("folder", "found"), [(None, "../shared/speech"), ("/data/x", "/data/x")])
def test_real_speech_is_looked_for_where_the_environment_says(
    folder: str | None, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTOSCOPE_SPEECH", raising=False)
    if folder is not None:
        monkeypatch.setenv("OTOSCOPE_SPEECH", folder)
    built, values = experiment("experiments/librispeech_mini.yaml")
    assert built.corpus.root == f"{found}/LibriSpeech"
    assert built.noise.root == f"{found}/musan"
    assert "${" not in str(values)  # what a run saves is resolved
