"""`otoscope score`: a run's own numbers from its own audio, and folders that others made."""

import csv
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

Table = dict[tuple[str, ...], dict[str, str]]
PLACE = ("layer", "metric", "scorer")
RATE = 16000


def table(path: Path, key: tuple[str, ...], **only: str) -> Table:
    """Rows by what identifies them, of one model and condition."""
    with path.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if all(r[k] == v for k, v in only.items())]
    found = {tuple(row[name] for name in key): row for row in rows}
    assert len(found) == len(rows)
    return found


def assert_close(ours: Table, theirs: Table, columns: tuple[str, ...]) -> None:
    for key, row in ours.items():
        for column in columns:
            expected = theirs[key][column]
            assert bool(row[column]) == bool(expected), (key, column)
            if expected:
                assert float(row[column]) == pytest.approx(float(expected), abs=1e-3), (key, column)


@pytest.fixture(scope="module")
def rescored(finished, terminal, tmp_path_factory) -> tuple[Path, Path, str]:
    """The finished run, the tables made of its own audio, and what the call printed."""
    run, out = finished[0], tmp_path_factory.mktemp("scored") / "out"
    call = terminal(
        *("score", "--rendered", run / "audio" / "robust" / "clean"),
        *("--reference", run / "audio" / "reference" / "clean" / "natural"),
        *("--speaker-from", run / "utterances.csv", "--trials", run / "trials.csv"),
        *("--recogniser", run / "recognisers" / "baseline", run / "recognisers" / "robust"),
        *("--model", "robust", "--bootstrap-replicates", "100", "--output", out),
    ).ok()
    return run, out, call.out


def test_a_runs_own_audio_gives_the_runs_own_numbers(rescored) -> None:
    run, out, _ = rescored
    mine = {"model": "robust", "condition": "clean"}
    layers = {"natural", "cnn1", "cnn4", "blstm1", "blstm5"}

    key = ("layer", "utterance", "metric", "scorer")
    ours, theirs = (table(folder / "scores.csv", key, **mine) for folder in (out, run))
    shared = {k: row for k, row in ours.items() if k in theirs}
    # WER and CER by two recognisers of 6 utterances, PESQ and STOI of 3 of them, in 5 layers
    assert len(shared) == 5 * (2 * 2 * 6 + 4 * 3)
    assert_close(shared, theirs, ("value",))

    key = ("layer", "scorer", "trial")
    ours, theirs = (table(folder / "trial_scores.csv", key, **mine) for folder in (out, run))
    assert {k[0] for k in ours} == layers and len(ours) == 5 * 6
    assert_close(ours, theirs, ("score",))

    ours, theirs = (table(folder / "summary.csv", PLACE, **mine) for folder in (out, run))
    listening = {k: row for k, row in ours.items() if k[1] in ("eer", "min_dcf", "wer", "cer")}
    assert len(listening) == 5 * (2 + 2 * 2) and {k[0] for k in listening} == layers
    assert_close(listening, theirs, ("mean", "ci_low", "ci_high", "n_scored", "n_failed", "depth"))
    assert (out / "trials.csv").read_bytes() == (run / "trials.csv").read_bytes()


def test_of_the_utterances_whose_quality_it_measured_too(rescored, here, tmp_path) -> None:
    run, _, _ = rescored
    mine = {"model": "robust", "condition": "clean"}
    measured = {row["utterance"] for row in table(
        run / "scores.csv", ("layer", "utterance"), metric="stoi", **mine).values()}  # fmt: skip
    for audio in (run / "audio").glob("r*/clean/*/*.flac"):
        if audio.stem in measured:
            link = tmp_path / audio.relative_to(run / "audio")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(audio)
    here(
        *("score", "--rendered", tmp_path / "robust" / "clean"),
        *("--reference", tmp_path / "reference" / "clean" / "natural"),
        *("--speaker-from", run / "utterances.csv", "--layers", "cnn1", "blstm5"),
        *("--metrics", "pesq_wb", "estoi", "--model", "robust"),
        *("--bootstrap-replicates", "100", "--output", tmp_path / "out"),
    ).ok()
    ours = table(tmp_path / "out" / "summary.csv", PLACE)
    theirs = table(run / "summary.csv", PLACE, **mine)
    assert len(ours) == 3 * 2
    assert_close(ours, theirs, ("mean", "ci_low", "ci_high", "n_scored", "n_failed"))


def test_it_leaves_tables_of_a_runs_shape_and_what_it_was_asked(rescored) -> None:
    run, out, said = rescored
    for name in ("scores", "trials", "trial_scores", "summary", "utterances", "failures"):
        ours, theirs = ((f / f"{name}.csv").read_text().split("\n")[0] for f in (out, run))
        assert ours == theirs
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert config["speaker_from"] == str(run / "utterances.csv") and config["seed"] == 0
    environment = json.loads((out / "environment.json").read_text())
    assert "torch" in environment["versions"]
    assert environment["command"].startswith("otoscope score --rendered ")
    assert str(run) not in environment["command"] and "utterances.csv" in environment["command"]
    assert "robust · clean" in said and "eer % (ge2e)" in said and "wer % (baseline)" in said
    layers = [line.split()[0] for line in said.splitlines() if line[2:3].isalpha() and "[" in line]
    assert layers == ["natural", "cnn1", "cnn4", "blstm1", "blstm5"], "by depth, not by name"


def test_its_folder_becomes_a_page_with_the_curves(rescored, here) -> None:
    _, out, _ = rescored
    assert here("report", out).ok().out.endswith(f"\n{out / 'report' / 'index.html'}\n")
    data = (out / "report" / "data" / "overview.js").read_text()
    found = re.search(r'^otoscope\.take\("overview", (.*)\);$', data, re.MULTILINE)
    assert found is not None
    lines = [
        [trace["x"], trace["y"]]
        for figure in json.loads(found[1]).values()
        for trace in figure["data"]
        if trace.get("meta", {}).get("role") == "line"
    ]
    rows = table(out / "summary.csv", PLACE)
    layers = ("cnn1", "cnn4", "blstm1", "blstm5")
    for metric, scorer in (("eer", "ge2e"), ("stoi", ""), ("wer", "robust")):
        drawn = [rows[layer, metric, scorer] for layer in layers]
        curve = [[float(row[column]) for row in drawn] for column in ("depth", "mean")]
        assert curve in lines, metric


def test_a_run_never_loses_its_tables_to_it(finished, here) -> None:
    run, audio = finished[0], finished[0] / "audio"
    folders = ("--rendered", audio / "robust" / "clean", "--reference", audio)
    said = here("score", *folders, "--output", run).complaint()
    assert f"--output: {run} is a run" in said


def test_speakers_from_names_give_the_runs_own_trials(finished, here, tmp_path) -> None:
    run = finished[0]
    call = here(
        *("score", "--rendered", run / "audio" / "baseline" / "clean" / "cnn1"),
        *("--reference", run / "audio" / "reference" / "clean" / "natural"),
        *("--speaker-from", r"^([a-z]\d+)-", "--metrics", "eer"),
    ).ok()
    out = tmp_path / "scores" / "cnn1"
    assert (out / "trials.csv").read_bytes() == (run / "trials.csv").read_bytes()
    assert set(table(out / "summary.csv", PLACE)) == {
        ("natural", "eer", "ge2e"),
        ("cnn1", "eer", "ge2e"),
    }
    assert "tables in scores/cnn1" in call.out


@pytest.fixture(scope="module")
def folders(vowels: Callable[..., np.ndarray], tmp_path_factory) -> Path:
    """Clean speech of two speakers, and what an enhancer of mixed habits made of it."""
    root = tmp_path_factory.mktemp("folders")
    (root / "clean").mkdir()
    (root / "enhanced" / "sub").mkdir(parents=True)
    for i, name in enumerate(("ann-1", "ann-2", "bob-1", "bob-2", "bob-3")):
        sound = vowels(12000 + 1000 * i, seed=i)
        soundfile.write(root / "clean" / f"{name}.flac", sound, RATE)
        noisy = sound + 0.01 * np.random.default_rng(i).standard_normal(len(sound))
        target = root / "enhanced" / f"{name}.wav"
        if name == "ann-1":
            soundfile.write(target, noisy[:-700], RATE, format="FLAC")
        elif name == "ann-2":
            soundfile.write(target, np.stack([noisy, noisy], 1), RATE)
        elif name == "bob-1":
            target.write_text("no sound")
        elif name == "bob-2":
            soundfile.write(root / "enhanced" / "sub" / f"{name}.ogg", noisy, RATE)
    soundfile.write(root / "enhanced" / "eve-1.wav", vowels(12000), RATE)
    (root / "enhanced" / "notes.txt").write_text("made by hand")
    return root


def typed(root: Path, *more: str | Path) -> tuple[str | Path, ...]:
    both = ("--rendered", root / "enhanced", "--reference", root / "clean")
    return ("score", *both, "--workers", "1", *more)


def test_tables_of_other_folders_or_conditions_are_not_written_over(
    folders, here, tmp_path
) -> None:
    """Two models rendered folders of one name, as in a run."""
    for model in ("baseline", "robust"):
        shutil.copytree(folders / "enhanced", tmp_path / model / "clean")

    def score(rendered: str, *more: str):
        both = ("--rendered", rendered, "--reference", folders / "clean", "--workers", "1")
        return here("score", *both, "--metrics", "stoi", *more)

    score("baseline/clean").ok()
    scores = tmp_path / "scores" / "clean" / "scores.csv"
    before = scores.stat().st_mtime_ns
    line = score("robust/clean").complaint()
    assert "--output: scores/clean holds scores of --rendered baseline/clean" in line
    assert "choose another --output" in line
    assert "--condition clean" in score("baseline/clean", "--condition", "snr0").complaint()
    assert scores.stat().st_mtime_ns == before
    score(str(tmp_path / "baseline" / "clean")).ok()
    assert scores.stat().st_mtime_ns > before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.yaml").write_text("- not\n- ours\n")
    line = score("robust/clean", "--output", "other").complaint()
    assert "other holds a config.yaml of something else" in line


def test_odd_files_cost_themselves_and_are_told(folders, here, tmp_path) -> None:
    call = here(*typed(folders, "--metrics", "stoi", "--output", tmp_path / "out")).ok()
    failures = table(tmp_path / "out" / "failures.csv", ("utterance", "reason"))
    told = {f"{who}, {reason}": row["used"] for (who, reason), row in failures.items() if who}
    assert told == {
        "ann-1, enhanced: is FLAC in spite of its name ann-1.wav": "1",
        "ann-1, enhanced: reference file cut by 700 samples to the 11300 of the rendered one": "1",
        "ann-2, enhanced: 2 channels mixed down to one": "1",
        "bob-1, enhanced: unreadable: Format not recognised.": "0",
        "bob-3, enhanced: no rendered file of this name": "0",
        "eve-1, enhanced: no reference file of this name": "0",
    }
    for line in (
        "1 cut to the length of their partner",
        "2 resampled, mixed down, or of another format than their name says",
        "2 without a partner of their name",
        "1 unreadable, silent or too short",
    ):
        assert line in call.out
    rows = table(tmp_path / "out" / "summary.csv", PLACE)
    counts = {k[0]: (row["n_scored"], row["n_failed"]) for k, row in rows.items()}
    assert counts == {"natural": ("3", "1"), "enhanced": ("3", "3")}


def test_without_speakers_there_is_no_eer_and_it_says_why(folders, here, tmp_path) -> None:
    call = here(*typed(folders, "--metrics", "eer", "stoi", "--output", tmp_path / "out")).ok()
    (line,) = [line for line in call.out.splitlines() if line.startswith("no EER")]
    assert "no speaker is known; give --speaker-from" in line
    rows = table(tmp_path / "out" / "summary.csv", PLACE)
    assert {k[1] for k in rows} == {"stoi"}
    assert all(row["mean"] and not row["ci_low"] for row in rows.values())


def test_one_speaker_only_costs_the_eer_only(folders, here, tmp_path) -> None:
    ann = tmp_path / "speakers.csv"
    ann.write_text("utterance,speaker\nann-1,ann\nann-2,ann\n")
    more = ("--metrics", "eer", "stoi", "--speaker-from", ann, "--output", tmp_path / "o")
    said = here(*typed(folders, *more)).ok().out
    assert "no EER: speaker trials need at least two speakers, the test set has 1" in said
    assert table(tmp_path / "o" / "summary.csv", PLACE)["enhanced", "stoi", ""]["n_scored"] == "3"


def test_names_may_be_anything_that_a_disk_takes(folders, here, tmp_path) -> None:
    names = ("[red] a,\n1", "\u00e9 \u4e2d", os.fsdecode(b"not\xffutf-8"))
    sound = (folders / "clean" / "ann-1.flac").read_bytes()
    for folder in ("clean", *(f"rendered/{name}" for name in names)):
        (tmp_path / folder).mkdir(parents=True)
        for name in names:
            (tmp_path / folder / f"{name}.wav").write_bytes(sound)
    both = ("--rendered", tmp_path / "rendered", "--reference", tmp_path / "clean")
    long = "(" + "b" * 300 + "|.)"
    more = ("--metrics", "stoi", "--speaker-from", long, "--model", "[/b]", "--output", "out")
    said = here("score", *both, *more).ok().out
    assert "[/b] · clean" in said and "[red] a," in said
    rows = table(tmp_path / "out" / "scores.csv", ("layer", "utterance"))
    assert len(rows) == 4 * 3 and all(row["value"] == "1" for row in rows.values())


MISTAKES: dict[str, tuple[str, tuple[str, ...]]] = {
    "nothing to score": ("--reference {clean}", ("rendered",)),
    "no such folder": ("--rendered {root}/no --reference {clean}", ("--rendered", "{root}/no")),
    "no such reference": ("--rendered {clean} --reference {root}/no", ("--reference", "{root}/no")),
    "nothing in common": (
        "--rendered {enhanced}/sub --reference {other}",
        ("nothing in common", "'bob-2' here", "'zoe' there"),
    ),
    "one name twice": ("--rendered {twice} --reference {clean}", ("ann-1.flac and", "/sub/ann-1")),
    "unknown metric": ("{good} --metrics mos", ("--metrics", "'mos'", "pesq_wb")),
    "unknown verifier": ("{good} --verifiers plda --speaker-from ^(...)", ("'plda'", "ge2e")),
    "misspelt option": ("{good} --speakers x", ("--speakers",)),
    "no workers": ("{good} --workers 0", ("--workers", "1 or more")),
    "no such table": ("{good} --speaker-from {root}/no.csv", ("--speaker-from", "no.csv")),
    "table of others": ("{good} --speaker-from {others}", ("--speaker-from", "'zoe'", "'ann-1'")),
    "no recogniser": ("{good} --recogniser {clean} --transcripts {said}", ("recogniser.json",)),
    "nothing said": ("{good} --recogniser {clean}", ("--recogniser", "--transcripts")),
    "no trials": ("{good} --trials {root}/no.csv", ("--trials", "no.csv: cannot", "give a table")),
    "trials of one kind": ("{good} --trials {alike}", ("--trials", "target 0")),
    "trials of nobody": ("{good} --trials {blank}", ("trial 't1': its test_speaker is empty",)),
    "trials that contradict": (
        "{good} --trials {wrong}",
        ("trial 't1': target is 1, but 'ann' and 'bob' speak",),
    ),
    "trials in Latin-1": ("{good} --trials {latin}", ("--trials", "not UTF-8", "give a table")),
    "trials that are sound": ("{good} --trials {sound}", ("--trials", "not UTF-8")),
    "trials in one cell": ("{good} --trials {long}", ("long.csv, line 2",)),
    "transcripts of others": (
        "{good} --transcripts {strangers}",
        ("--transcripts", "'zoe' there", "'ann-1'"),
    ),
    "seed below 0": ("{good} --seed -1", ("--seed", "0 or more")),
    "trials of others": ("{good} --trials {foreign}", ("--trials", "'kim' there", "'ann-1'")),
    "no folder to write": ("{good} --output {others}", ("cannot be written to", "--output")),
}  # fmt: skip


@pytest.fixture(scope="module")
def places(folders, tmp_path_factory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("mistakes")
    (root / "other").mkdir()
    soundfile.write(root / "other" / "zoe.wav", np.ones(9000) / 9, RATE)
    (root / "twice" / "sub").mkdir(parents=True)
    for name in ("ann-1.flac", "sub/ann-1.wav"):
        (root / "twice" / name).touch()
    (root / "others.csv").write_text("utterance,speaker\nzoe,zoe\n")
    (root / "said.txt").write_text("ann-1 hello there\n")
    head = "trial,enrol,test,enrol_speaker,test_speaker,target\n"
    (root / "alike.csv").write_text(head + "t0,ann-1,ann-2,ann,ann,1\n")
    (root / "foreign.csv").write_text(head + "t0,zoe,zoe,zoe,zoe,1\nt1,zoe,kim,zoe,kim,0\n")
    same, two = "t0,ann-1,ann-2,ann,ann,1\n", "t1,ann-1,bob-1,ann,{},{}\n"
    (root / "blank.csv").write_text(head + same + two.format("", 0))
    (root / "wrong.csv").write_text(head + same + two.format("bob", 1))
    (root / "latin.csv").write_bytes((head + two.format("b\u00f6b", 0)).encode("latin-1"))
    (root / "long.csv").write_text(head + "x" * 150_000)
    (root / "strangers.txt").write_text("zoe\thello there\n")
    places = {"root": str(root), "clean": str(folders / "clean"), "twice": str(root / "twice")}
    places |= {"enhanced": str(folders / "enhanced"), "other": str(root / "other")}
    places |= {name: f"{root}/{name}.csv" for name in ("others", "alike", "foreign")}
    places |= {name: f"{root}/{name}.csv" for name in ("blank", "wrong", "latin", "long")}
    places |= {"said": f"{root}/said.txt", "strangers": f"{root}/strangers.txt"}
    places |= {"sound": str(folders / "clean" / "ann-1.flac")}
    places["good"] = " ".join(map(str, typed(folders)[1:]))
    return places


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_costs_one_line_and_nothing_is_written(case, places, here, tmp_path) -> None:
    text, words = MISTAKES[case]
    line = here("score", *text.format(**places).split()).complaint()
    assert all(word.format(**places) in line for word in words), line
    assert not (tmp_path / "scores").exists()
