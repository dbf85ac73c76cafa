"""Networks from elsewhere through the front doors: shown, probed, and as stages of a run."""

from pathlib import Path

import pytest
import torch
import yaml

from acoustics.errors import UserError
from asr_models.checkpoint import load_recogniser
from asr_models.tap import LayerTap
from asr_models.torchaudio_bundle import TorchaudioBundle
from evaluation.audiation.feature_terms import channel
from evaluation.audiation.loop import LoopSettings, audiate
from evaluation.audiation.neuron_terms import neuron
from evaluation.audiation.parameterisations import Spectrum
from evaluation.audiation.targets import Target
from otoscope.commands import layers
from otoscope.configuration import build, experiment_parser, recogniser_of, shipped_config
from otoscope.experiment import Experiment
from otoscope.training import train_recogniser
from probes.bank import ProbeBank

SIZES = {
    "extractor_conv_layer_config": [[8, 10, 5], *[[8, 3, 2]] * 4, *[[8, 2, 2]] * 2],
    "encoder_embed_dim": 16,
    "encoder_pos_conv_groups": 4,
    "encoder_num_layers": 2,
    "encoder_num_heads": 2,
    "encoder_ff_interm_features": 32,
}
NAMED = {
    "recogniser": {
        "class_path": "asr_models.torchaudio_bundle.TorchaudioBundle",
        "init_args": {"bundle": "WAV2VEC2_BASE", "sizes": SIZES},
    }
}


@pytest.fixture
def named(tmp_path: Path) -> Path:
    path = tmp_path / "wav2vec2.yaml"
    path.write_text(yaml.safe_dump(NAMED))
    return path


def experiment(folder: Path, **changes: object) -> Experiment:
    own = {**NAMED, "models": ["baseline", "untrained"], "probe": {"layers": ["*"]}, **changes}
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(own))
    parser = experiment_parser()
    tiny = str(shipped_config("experiments/tiny.yaml"))
    return build(parser, parser.parse_args(["-c", tiny, "-c", str(path)]))


def test_layers_shows_what_a_file_names_and_what_was_measured(named, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    layers([str(named)])
    said = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines()]
    table = {row[0]: row[1:] for row in rows if row}
    assert [*table] == [*(f"cnn{i}" for i in range(1, 8)), "transformer1", "transformer2"]
    assert [row[1] for row in table.values()] == ["5", "10", "20", "40", "80", "160", *["320"] * 3]
    assert all(float(row[6]) < 1e-4 for row in table.values())  # alone against padded
    assert float(table["cnn7"][8]) == pytest.approx(79.5, abs=80)
    assert "a state alone equals the state in a padded batch" in said
    assert "no output classes" in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: x", "names no recogniser"),
        ("[1, 2]", "names no recogniser"),
        ("{", "unreadable"),
        ("recogniser: {class_path: asr_models.jasper.NoSuch}", "NoSuch"),
        (
            "recogniser: {class_path: asr_models.torchaudio_bundle.TorchaudioBundle, "
            "init_args: {bundle: WAV}}",
            "^bundle 'WAV' is unknown; torchaudio has ",
        ),
        (
            "recogniser: {class_path: asr_models.any_module.AnyModule, "
            "init_args: {module: os.system, layers: [a], arguments: {command: 'exit 1'}}}",
            "^module: os.system is neither a torch module nor",
        ),
    ],
)
def test_a_file_that_names_none_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(UserError, match=reason):
        recogniser_of(tmp_path / "bad.yaml")


def test_a_file_of_a_training_names_its_recogniser_below_model() -> None:
    made = recogniser_of(shipped_config("asr/deepspeech_mini.yaml"))
    assert [*made.layers][3] == "rnn_output"


def test_every_layer_can_be_probed_the_finest_ones_too(named, make_batch) -> None:
    """A state every 5 samples: 32 of them make one mel frame."""
    torch.manual_seed(0)
    bank, batch = ProbeBank(recogniser_of(named), hidden=8), make_batch([8000, 5000])
    losses = bank.losses(batch)
    assert len(losses) == 9 and all(torch.isfinite(loss) for loss in losses.values())
    assert all(mel.shape == (2, 51, 80) for mel in bank.reconstruct(batch).values())


@pytest.mark.parametrize("objective", [channel("transformer2", 3), neuron("transformer2", 3, 6)])
def test_a_layer_can_be_audiated(named, objective) -> None:
    """A sound drives a feature of a transformer layer far above where noise does."""
    torch.manual_seed(0)
    network, lengths = recogniser_of(named).freeze(), torch.tensor([4000])
    settings = LoopSettings(steps=30, learning_rate=0.1, checks=3, snapshots=2)
    found = audiate(network, [Target("f", objective)], Spectrum(4000), settings=settings)
    driven, noise = (
        LayerTap(network, ["transformer2"])(sound, lengths).states["transformer2"].values[0, 6, 3]
        for sound in (found.signals, 0.1 * torch.randn(1, 4000))
    )
    assert driven > noise + 0.5


def test_a_run_keeps_the_network_as_it_is_and_its_untrained_twin(tmp_path: Path) -> None:
    made, said = experiment(tmp_path), []
    for model in ("baseline", "untrained"):
        train_recogniser(made, model, tmp_path / model, lambda *told: said.append(told))
        assert (tmp_path / model / "attachment.json").is_file()
    first, second = (load_recogniser(tmp_path / model) for model in ("baseline", "untrained"))
    assert isinstance(first, TorchaudioBundle) and first.attachment is not None
    assert first.layers == second.layers and first.weight_hash() != second.weight_hash()


def test_what_needs_training_or_classes_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no robust one; say \\[baseline\\]"):
        experiment(tmp_path, models=["baseline", "robust"]).check()
    with pytest.raises(UserError, match="paper, with its word errors, does not apply"):
        experiment(tmp_path, paper=True).check()


@pytest.mark.slow
def test_what_a_file_names_is_audiated_and_has_no_masks(named, here, tmp_path) -> None:
    """Random weights are seeded, so two calls make the same sounds."""
    small = ("--layers", "[cnn2, transformer1]", "--per_layer", "1", "--steps", "2", "--seed", "3")
    small = (*small, "--held_out", "1", "--controls", "0", "--diverse", "0", "--splits", "[test]")
    corpus = ("--corpus", "corpora.embedded.EmbeddedCorpus", "--corpus.n_train_speakers=4")
    corpus = (*corpus, "--corpus.n_dev_speakers=2", "--corpus.n_test_speakers=3")
    found = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        here("audiate", named, *small, *corpus, "--output", folder).ok()
        found.append((folder / "audiation" / "wav2vec2" / "sounds.csv").read_text())
    assert found[0] == found[1] and found[0].count("\n") == 3
    said = here("mask", named, *corpus).complaint()
    assert "TorchaudioBundle has no output classes, so an importance mask does not apply" in said
