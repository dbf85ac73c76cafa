"""Dataset sonification as a stage of a run, and as a command of its own."""

import csv
import re
from pathlib import Path

import pyarrow.parquet
import pytest

from otoscope.configuration import load_run

MODELS = ("baseline", "robust", "untrained")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_stage_leaves_tables_and_figures(extended) -> None:
    for model in MODELS:
        folder = extended[0] / "sonification" / model
        assert rows(folder / "segments.csv") and rows(folder / "dominance.csv")
        assert (folder / "figures" / "heat_map.svg").is_file()
    claims = rows(extended[0] / "sonification" / "overview" / "claims.csv")
    assert {row["model"] for row in claims} == set(MODELS)
    assert any("less untrained" in row["quantity"] for row in claims)


def test_all_nine_speakers_are_heard_and_their_words_told(extended) -> None:
    segments = pyarrow.parquet.read_table(
        extended[0] / "sonification" / "baseline" / "segments.parquet"
    ).to_pylist()
    assert len({row["speaker"] for row in segments}) > 3  # those of the training too
    words = [row for row in segments if row["unit"] == "words"]
    assert words and all(row["label"] and row["phones"] for row in words)
    assert all(row["sex"] in ("female", "male") for row in segments)


@pytest.mark.slow
def test_the_command_finds_what_the_stage_found(extended, here, tmp_path, small) -> None:
    """All recognisers of a run, on its corpus, and numbers that do not depend on who asks."""
    given = (*small["sonification"], "--threads", "1", "--output", tmp_path / "found")
    said = here("sonify", extended[0], *given).ok().out
    for model in MODELS:
        mine, theirs = (root / "sonification" / model for root in (tmp_path / "found", extended[0]))
        for name in ("features", "segments", "dominance", "complexity", "claims"):
            assert (mine / f"{name}.csv").read_text() == (theirs / f"{name}.csv").read_text()
        assert re.search(rf"^{model}\s", said, re.MULTILINE)
    assert "beyond chance" in said and "cnn1" in said
    assert (tmp_path / "found" / "sonification" / "config.yaml").is_file()


def test_one_recogniser_of_a_run_is_searched_on_the_run_s_corpus(
    extended, here, tmp_path, small
) -> None:
    """Into the run itself, whose own files stay; and what another call left is gone."""
    before = (extended[0] / "config.yaml").read_bytes()
    folder = extended[0] / "sonification" / "robust"
    (folder / "clips" / "old.flac").write_bytes(b"")
    given = (
        *small["sonification"],
        "--threads",
        "1",
        "--layers",
        "[cnn1]",
        "--output",
        extended[0],
    )
    said = here("sonify", extended[0] / "recognisers" / "robust", *given).ok().out
    assert load_run(extended[0])[0].corpus.fingerprint() in said
    assert (extended[0] / "config.yaml").read_bytes() == before
    assert {row["layer"] for row in rows(folder / "features.csv")} == {"cnn1"}
    assert not (folder / "clips" / "old.flac").exists()


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["nowhere"], "nowhere: neither a saved recogniser nor a run"),
        (["RUN", "--layers", "[cnn9]"], "cnn9"),
        (["RUN", "--units", "[syllables]"], "unit of search 'syllables' is unknown"),
        (["RUN", "--score", "median"], "score"),
        (["RUN", "--k", "0"], "k is 0; it must be 1 or more"),
        (["RUN", "--sets", "{'cnn1:vowels': [99]}"], "cnn1:vowels"),
        (["RUN", "--device", "abacus"], "device"),
        (["RUN", "--seed", "-1"], "seed"),
    ],
)
def test_a_mistake_is_one_line(given, complaint, finished, here) -> None:
    words = [str(finished[0]) if word == "RUN" else word for word in given]
    assert complaint in here("sonify", *words).complaint()


def test_a_layer_that_is_not_there_is_said_before_a_run_begins(here, tiny, tmp_path) -> None:
    said = here(
        "run", *tiny, "--output", tmp_path / "run", "--sonification.layers", "[cnn9]"
    ).complaint()
    assert "cnn9" in said and not (tmp_path / "run").exists()
