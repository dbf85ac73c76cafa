"""Importance masks as a stage of a run, and as a command of its own."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

CORPUS = ("--corpus", "corpora.embedded.EmbeddedCorpus", "--corpus.n_train_speakers=4")
CORPUS = (*CORPUS, "--corpus.n_dev_speakers=2", "--corpus.n_test_speakers=3")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_stage_leaves_tables_pictures_and_sounds(extended) -> None:
    run, _ = extended
    for model in ("baseline", "robust"):
        folder = run / "masks" / model
        masks = rows(folder / "masks.csv")
        assert [row["mask"] for row in masks] == ["mask", "random", "energy"] * 2
        assert len({row["speaker"] for row in masks}) == 2
        for row in masks[::3]:
            assert row["frames_preserved"] == "1" and row["transcript_preserved"] == "1"
            assert (folder / "figures" / f"{row['utterance']}.gif").is_file()
            heard = soundfile.info(folder / "audio" / row["utterance"] / "muted 0.1.flac")
            assert heard.frames == round(float(row["duration_s"]) * 16000)
        assert [row["mask"] for row in rows(folder / "summary.csv")] == ["mask", "random", "energy"]
    logged = [path.as_posix() for path in (run / "wandb").rglob("*.table.json")]
    assert all(any(f"masks/{name}" in path for path in logged) for name in ("baseline", "robust"))
    assert not any("masks/untrained" in path for path in logged)


def test_the_command_makes_what_the_stage_made(extended, here, tmp_path, small) -> None:
    given = (*small["masks"], "--threads", "1", "--output", tmp_path / "made")
    said = here("mask", extended[0] / "recognisers" / "robust", *given).ok().out
    mine, theirs = (root / "masks" / "robust" for root in (tmp_path / "made", extended[0]))
    for name in ("masks", "curves", "sounds", "summary", "failures"):
        assert (mine / f"{name}.csv").read_text() == (theirs / f"{name}.csv").read_text()
    assert "transcripts" in said and "energy" in said
    assert (tmp_path / "made" / "masks" / "config.yaml").is_file()


def test_files_of_ones_own(extended, here, tmp_path, vowels, small) -> None:
    """At any rate; one that cannot be masked is named and does not cost the others theirs."""
    recogniser = extended[0] / "recognisers" / "robust"
    soundfile.write(tmp_path / "good.wav", vowels(12000), 8000)
    soundfile.write(tmp_path / "both.wav", np.stack([vowels(9600)] * 2, 1), 16000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    soundfile.write(tmp_path / "short.wav", vowels(1600), 16000)
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    names = ("good", "both", "silent", "short", "broken", "missing")
    files = [tmp_path / f"{name}.wav" for name in names]
    files.append(f"{tmp_path}/./good.wav")  # the same again
    given = (*files, *small["masks"], "--output", tmp_path / "made")
    said = here("mask", recogniser, *given).ok().out
    masks = rows(tmp_path / "made" / "masks" / "robust" / "masks.csv")
    durations = {row["utterance"]: row["duration_s"] for row in masks}
    assert durations == {"both": "0.6", "good": "1.5"}
    failures = {
        r["utterance"]: r["reason"] for r in rows(tmp_path / "made/masks/robust/failures.csv")
    }
    assert failures["silent"].startswith("silent")
    assert failures["short"].startswith("too short (0.10 s")
    assert failures["broken"].startswith("unreadable")
    assert failures["missing"] == "there is no such file"
    assert all(f"note: {name}: " in said for name in failures)


def test_words_and_phones_have_masks_of_their_own(extended, here, tmp_path, small) -> None:
    recogniser = extended[0] / "recognisers" / "baseline"
    given = (*small["masks"][:-1], "1", "--scopes", "[word, phone]", "--output", tmp_path)
    here("mask", recogniser, *given).ok()
    masks = rows(tmp_path / "masks" / "baseline" / "masks.csv")
    failures = rows(tmp_path / "masks" / "baseline" / "failures.csv")
    phones = [row for row in masks if row["scope"] == "phone"]
    assert len(phones) == 3 and all("@" in row["span"] for row in phones)
    words = {row["utterance"] for row in masks if row["scope"] == "word"}
    assert len(words) + len(failures) == 1
    assert all("says nothing in it" in row["reason"] for row in failures)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["nowhere"], "nowhere: neither a saved recogniser nor a run"),
        (["RUN", "--ids", "[u9]"], "ids: there is no utterance 'u9' in test"),
        (["RUN", "--scopes", "[sentence]"], "scopes"),
        (["RUN", "--labels", "{word: [sea]}"], "labels: word is no scope"),
        (
            ["RUN", "--scopes", "[word]", "--labels", "{word: [xylophone]}"],
            "labels: no utterance of test says word: xylophone",
        ),
        (["RUN", "--steps", "0"], "steps is 0; it must be at least 1"),
        (["RUN", "--thresholds", "[2]"], "thresholds: 2"),
        (["RUN", "a.wav", "--ids", "[u9]"], "ids: not for files of your own"),
        (["RUN", "missing.wav"], "none of the utterances has a mask"),
        (["RUN", "--device", "abacus"], "device"),
    ],
)
def test_a_mistake_is_one_line(given, complaint, finished, here) -> None:
    words = [str(finished[0]) if word == "RUN" else word for word in given]
    assert complaint in here("mask", *words).complaint()
