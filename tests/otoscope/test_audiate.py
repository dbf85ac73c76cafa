"""Audiation as a stage of a run, and as a command of its own."""

import csv
from pathlib import Path

import pytest
import soundfile

MODELS = ("baseline", "robust", "untrained")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_stage_is_added_to_a_finished_run(extended) -> None:
    """Nothing else is done again but the page, behind which the loggers stand."""
    run, done = extended
    sonified = [f"sonification/{name}" for name in (*MODELS, "overview")]
    masked = ["masks/baseline", "masks/robust"]  # the control has learnt nothing
    audiated = [f"audiation/{name}" for name in MODELS]
    assert sorted(done) == sorted([*sonified, *audiated, *masked, "report"])
    for model in MODELS:
        folder = run / "audiation" / model
        sounds = rows(folder / "sounds.csv")
        assert {row["layer"] for row in sounds} == {"cnn1", "blstm5"}
        for row in sounds:
            if row["problem"]:
                continue
            assert soundfile.info(folder / row["audio"]).frames == 8000
            assert (folder / row["picture"]).is_file() and (folder / row["clip"]).is_file()
        assert (folder / "failures.csv").is_file()
    assert "Not everything is here" not in (run / "report" / "index.html").read_text()
    logged = [path.as_posix() for path in (run / "wandb").rglob("*.table.json")]
    assert all(any(f"audiation/{model}" in path for path in logged) for model in MODELS)


def test_the_command_makes_what_the_stage_made(extended, here, tmp_path, small) -> None:
    """All recognisers of a run, on its corpus, and numbers that do not depend on who asks."""
    given = (*small["audiation"], "--threads", "1", "--output", tmp_path / "made")
    said = here("audiate", extended[0], *given).ok().out
    for model in MODELS:
        mine, theirs = (root / "audiation" / model for root in (tmp_path / "made", extended[0]))
        for name in ("sounds", "layers", "evolution", "diversity"):
            assert (mine / f"{name}.csv").read_text() == (theirs / f"{name}.csv").read_text()
        assert model in said
    assert "above corpus" in said and "as asked" in said
    assert (tmp_path / "made" / "audiation" / "config.yaml").is_file()


def test_given_features_of_one_recogniser(extended, here, tmp_path, small) -> None:
    """And what another call left is gone."""
    given = (
        *small["audiation"],
        "--threads",
        "1",
        "--features",
        "{cnn2: [3, 1]}",
        "--goal",
        "neuron",
        "--output",
        tmp_path,
    )
    old = tmp_path / "audiation" / "robust" / "sounds" / "old.flac"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"")
    here("audiate", extended[0] / "recognisers" / "robust", *given).ok()
    made = rows(tmp_path / "audiation" / "robust" / "sounds.csv")
    assert [(row["layer"], row["feature"]) for row in made] == [("cnn2", "3"), ("cnn2", "1")]
    assert not old.exists()


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["nowhere"], "nowhere: neither a saved recogniser nor a run"),
        (["RUN", "--layers", "[cnn9]"], "layer 'cnn9' is unknown"),
        (["RUN", "--features", "{cnn1: [4]}"], "layer cnn1 has no feature 4: it has 0 to 3"),
        (["RUN", "--features", "{cnn9: [0]}"], "layer 'cnn9' is unknown"),
        (["RUN", "--goal", "word"], "goal"),
        (["RUN", "--representation", "wavelets"], "representation"),
        (["RUN", "--steps", "0"], "steps is 0; it must be 1 or more"),
        (["RUN", "--segment_s", "2"], "segment_s is 2.0"),
        (["RUN", "--device", "abacus"], "device"),
        (["RUN", "--seed", "-1"], "seed"),
    ],
)
def test_a_mistake_is_one_line(given, complaint, finished, here) -> None:
    words = [str(finished[0]) if word == "RUN" else word for word in given]
    assert complaint in here("audiate", *words).complaint()


def test_a_feature_that_nothing_drives_is_one_line(
    finished, here, tmp_path, tiny_recogniser, small
) -> None:
    """Its weights are zero, so that no sound moves it."""
    import torch

    from asr_models.checkpoint import save_recogniser

    recogniser = tiny_recogniser()
    last = next(m for m in recogniser.modules() if isinstance(m, torch.nn.BatchNorm2d))
    with torch.no_grad():
        last.weight[2], last.bias[2] = 0.0, -1.0
    save_recogniser(recogniser, tmp_path / "mine")
    given = (
        *small["audiation"],
        "--features",
        "{cnn1: [2]}",
        "--corpus",
        "corpora.embedded.EmbeddedCorpus",
    )
    few = ("--corpus.n_train_speakers=4", "--corpus.n_dev_speakers=2")
    few = (*few, "--corpus.n_test_speakers=3", "--splits", "[test]")
    said = here("audiate", tmp_path / "mine", *given, *few).complaint()
    assert "audiation of cnn1-2: dead: none of 16 random inputs moves it" in said
    assert not (tmp_path / "audiated" / "mine" / "audiation" / "mine").exists()


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("layers", "[cnn9]", "layer 'cnn9' is unknown"),
        ("features", "{cnn1: [99]}", "layer cnn1 has no feature 99"),
    ],
)
def test_what_is_not_there_is_said_before_a_run_begins(
    key, value, complaint, here, tiny, tmp_path
) -> None:
    given = ("--output", tmp_path / "run", f"--audiation.{key}", value)
    assert complaint in here("run", *tiny, *given).complaint()
    assert not (tmp_path / "run").exists()
