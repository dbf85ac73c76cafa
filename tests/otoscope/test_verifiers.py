"""Verifiers in a run: a ready-made one beside one that the run trains, and `otoscope verifier`."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
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


def test_a_trained_verifier_that_scores_nothing_is_a_mistake(here, tiny, tmp_path: Path) -> None:
    config = tmp_path / "verifiers.yaml"
    mine = {"encoder": ENCODER, "corpus": SPEAKERS}
    config.write_text(yaml.safe_dump({"verifiers": ["ge2e"], "trained_verifiers": {"mine": mine}}))
    line = here("run", *tiny, "-c", config, "--output", tmp_path / "run").complaint()
    assert "trained_verifiers: 'mine'" in line and "verifiers does not name it" in line


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


def small(folder: Path, encoder: dict[str, object]) -> Path:
    """Settings of a training of two steps."""
    data = {"corpus": SPEAKERS, "batches_per_epoch": 2, "speakers_per_batch": 2}
    trainer = {"max_steps": 2, "val_check_interval": 2, "default_root_dir": str(folder)}
    trainer |= {"logger": False}
    path = folder / f"{str(encoder['class_path']).rpartition('.')[2]}.yaml"
    path.write_text(
        yaml.safe_dump({"model": {"encoder": encoder}, "data": data, "trainer": trainer})
    )
    return path


def test_the_command_trains_saves_and_validates(here, tmp_path: Path) -> None:
    config = small(tmp_path, ENCODER)
    here("verifier", "fit", "-c", config, "--output", tmp_path / "mine").ok()
    assert (tmp_path / "mine" / "verifier.safetensors").is_file()
    scored = here("verifier", "validate", "-c", config, "--weights", tmp_path / "mine").ok()
    assert "val/eer" in scored.out
    other = ["--model.encoder.init_args.hidden", "6", "--weights", tmp_path / "mine"]
    refused = here("verifier", "validate", "-c", config, *other)
    assert "make them equal" in refused.complaint()


def test_what_is_trained_is_saved_without_asking_and_never_over_something(here, tmp_path) -> None:
    config, saved = small(tmp_path, ENCODER), Path("trained", "verifiers", "ge2e_lstm")
    said = here("verifier", "fit", "-c", config).ok().out
    assert f"saved in {saved}" in said
    assert "otoscope score --rendered DIR" in said and f"--verifiers {saved}" in said
    weights = tmp_path / saved / "verifier.safetensors"
    before = weights.stat().st_mtime_ns
    line = here("verifier", "fit", "-c", config).complaint()
    assert f"{saved} holds what was trained before" in line and "--output" in line
    assert weights.stat().st_mtime_ns == before
    here("verifier", "fit", "-c", config, "--output", saved).ok()
    assert weights.stat().st_mtime_ns > before
    in_the_way = here("verifier", "fit", "-c", config, "--output", config).complaint()
    assert f"{config} is no folder" in in_the_way


def test_a_checkpoint_goes_on_with_its_own_encoder_only(here, tmp_path: Path) -> None:
    mine = small(tmp_path, ENCODER)
    thin = {"class_path": "evaluation.verifiers.thin_resnet.ThinResNet"}
    other = small(tmp_path, thin | {"init_args": {"channels": [2, 2, 2, 2, 4], "width": 4}})
    here("verifier", "fit", "-c", mine, "--output", tmp_path / "mine").ok()
    (checkpoint,) = tmp_path.rglob("*.ckpt")
    here("verifier", "validate", "-c", mine, "--ckpt_path", checkpoint).ok()
    for verb in ("validate", "fit"):
        line = here("verifier", verb, "-c", other, "--ckpt_path", checkpoint).complaint()
        assert "another encoder" in line and "GE2ELSTM" in line and "ThinResNet" in line
    assert not (tmp_path / "trained").exists()
    margin = ("--model.loss", "margin", "--ckpt_path", checkpoint)
    refused = here("verifier", "validate", "-c", mine, *margin).complaint()
    assert "of the loss ge2e, but model.loss is margin" in refused
    more = ("--trainer.max_steps", "3", "--ckpt_path", checkpoint, "--output", tmp_path / "more")
    here("verifier", "fit", "-c", mine, *more).ok()
    assert (tmp_path / "more" / "verifier.safetensors").is_file()


def test_what_is_wrong_with_a_voxceleb_folder_is_one_line(here, tmp_path: Path) -> None:
    root = tmp_path / "vox"
    for number in range(3):
        path = root / "wav" / "id00001" / "video" / f"{number:05d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(number).uniform(-0.3, 0.3, 8000), 16000)
    corpus = ("--data.corpus", "corpora.voxceleb.VoxCelebCorpus")
    fit = ("verifier", "fit", *corpus, "--data.corpus.init_args.root", root)
    fit = (*fit, "--trainer.default_root_dir", tmp_path, "--trainer.logger", "false")
    line = here(*fit).complaint()
    assert f"there is no speaker list vox1_meta.csv or vox2_meta.csv in {root}" in line
    (root / "vox2_meta.csv").write_text("VoxCeleb2 ID,Gender,Set\nid00001,f,dev\n")
    line = here(*fit).complaint()
    assert f"VoxCeleb: {root}: only one speaker was found" in line and "add speakers" in line
    line = here(*fit, "--data.corpus.init_args.dev_speakers", "0").complaint()
    assert "two speakers with two utterances" in line
