"""Verifiers in a run: a ready-made one beside one that the run trains, and `otoscope verifier`."""

import csv
from pathlib import Path

import pytest
import yaml

SPEAKERS = {
    "class_path": "corpora.embedded_speakers.EmbeddedSpeakers",
    "init_args": {"n_train_speakers": 4, "n_dev_speakers": 2, "utterances_per_speaker": 3},
}
ENCODER = {
    "class_path": "evaluation.verifiers.ge2e.GE2ELSTM",
    "init_args": {"hidden": 8, "projection": 0, "width": 8},
}
LESS = ["--models", "[baseline]", "--probe.layers", "[cnn1]", "--loggers", "[]"]
LESS += ["--evaluation.quality", "[stoi]", "--evaluation.conditions", "[clean]"]


@pytest.mark.slow
def test_a_run_trains_a_verifier_once_and_scores_with_both(terminal, tiny, tmp_path: Path) -> None:
    config, run = tmp_path / "verifiers.yaml", tmp_path / "run"
    mine = {"encoder": ENCODER, "corpus": SPEAKERS, "max_steps": 2, "speakers_per_batch": 2}
    mine |= {"utterances_per_speaker": 2, "validations": 1}
    config.write_text(
        yaml.safe_dump({"verifiers": ["ge2e", "mine"], "trained_verifiers": {"mine": mine}})
    )
    call = terminal("run", *tiny, "-c", config, *LESS, "--output", run).ok()
    assert "verifiers/mine" in call.out
    with (run / "summary.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "eer"]
    layers = {"natural", "copy-synthesis", "mean-mel", "cnn1"}
    for scorer in ("ge2e", "mine"):
        assert {row["layer"] for row in rows if row["scorer"] == scorer} == layers
    again = terminal("run", *tiny, "-c", config, *LESS, "--output", run).ok()
    assert "7 of 7 stages are done" in again.out


def test_unknown_verifiers_are_named_before_the_work(here, tiny, tmp_path: Path) -> None:
    wrong = here("run", *tiny, "--verifiers", "[plda]", "--output", tmp_path / "run")
    assert "unknown 'plda'; known are ge2e, ecapa, xvector" in wrong.complaint()
    missing = here("run", *tiny, "--verifiers", "[ecapa]", "--output", tmp_path / "run")
    source = "speechbrain/spkrec-ecapa-voxceleb"
    assert f"run: hf download {source} embedding_model.ckpt --local-dir " in missing.complaint()


def test_weights_are_fetched_where_that_is_asked_for(terminal, tiny, tmp_path: Path) -> None:
    asked = ["--verifiers", "[xvector]", "--download_verifiers", "true"]
    env = {"HF_HUB_OFFLINE": "1"}
    call = terminal("run", *tiny, *asked, "--output", tmp_path / "run", env=env)
    assert "speechbrain/spkrec-xvect-voxceleb: cannot be downloaded (" in call.complaint()


def test_a_verifier_may_not_learn_the_voices_that_are_tested(here, tiny, tmp_path: Path) -> None:
    config = tmp_path / "verifiers.yaml"
    mine = {"encoder": ENCODER, "corpus": {"class_path": SPEAKERS["class_path"]}}
    config.write_text(yaml.safe_dump({"verifiers": ["mine"], "trained_verifiers": {"mine": mine}}))
    call = here(
        *("run", *tiny, "-c", config, "--output", tmp_path / "run"),
        *("--corpus.init_args.n_test_speakers", "60", "--corpus.init_args.n_train_speakers", "20"),
    )
    assert "trained_verifiers.mine.corpus: it trains on " in call.complaint()


def test_the_command_trains_saves_and_validates(terminal, here, tmp_path: Path) -> None:
    config = tmp_path / "small.yaml"
    data = {"corpus": SPEAKERS, "batches_per_epoch": 2, "speakers_per_batch": 2}
    trainer = {"max_steps": 2, "val_check_interval": 2, "default_root_dir": str(tmp_path)}
    config.write_text(
        yaml.safe_dump({"model": {"encoder": ENCODER}, "data": data, "trainer": trainer})
    )
    terminal("verifier", "fit", "-c", config, "--output", tmp_path / "mine").ok()
    assert (tmp_path / "mine" / "verifier.safetensors").is_file()
    scored = here("verifier", "validate", "-c", config, "--weights", tmp_path / "mine").ok()
    assert "val/eer" in scored.out
    other = ["--model.encoder.init_args.hidden", "6", "--weights", tmp_path / "mine"]
    refused = here("verifier", "validate", "-c", config, *other)
    assert "make them equal" in refused.complaint()
