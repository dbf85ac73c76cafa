"""`otoscope listen build | serve | score` as they are typed."""

import csv
import http.client
import re
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest
import yaml

from evaluation.listening_test.answers import Answer, append_answer, begin_answers
from evaluation.listening_test.folder import ListeningTest, load_test


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def answer_all(test: ListeningTest, listener: str, wrong: set[str]) -> Path:
    """Answers every question, wrongly in these layers."""
    path = test.folder / "answers" / f"{listener}.csv"
    begin_answers(path)
    for triplet in test.triplets:
        other = {"a": "b", "b": "a"}[triplet.answer]
        given = other if triplet.layer in wrong else triplet.answer
        append_answer(
            path, Answer(triplet.triplet, given, 900, 4000, 1, "2026-01-01T00:00:00.000+00:00")
        )
    return path


def test_build_makes_a_test_and_says_what_is_in_it(shared_run: Path, here, tmp_path) -> None:
    out = tmp_path / "test"
    said = here("listen", "build", "--run", shared_run, "--output", out, "--per-layer", "4").ok()
    assert "12 questions, 4 of each layer: natural, cnn1, blstm1" in said.out
    assert "6 of 12 pairs of known sex are of one sex" in said.out
    assert f"now: otoscope listen serve {out}" in said.out
    assert len(load_test(out).triplets) == 12
    again = here("listen", "build", "--run", shared_run, "--output", out, "--per-layer", "4").ok()
    assert again.out == said.out
    more = ("--no-natural", "--layers", "blstm*", "--pairs", "same-sex", "--seed", "5")
    here("listen", "build", "--run", shared_run, "--output", tmp_path / "other", *more).ok()
    other = load_test(tmp_path / "other")
    assert other.settings["layers"] == {"blstm1": 2} and len(other.triplets) == 10
    assert all(triplet.sex_a == triplet.sex_b for triplet in other.triplets)


def test_score_sets_listeners_and_verifiers_side_by_side(test: ListeningTest, here) -> None:
    answer_all(test, "ann", {"blstm1"})
    path = answer_all(test, "bob", set())
    path.write_bytes(path.read_bytes() + b"garbage\n")
    said = here("listen", "score", test.folder).ok().out
    found = {(row["scorer"], row["layer"]): row for row in rows(test.folder / "her.csv")}
    assert {row["metric"] for row in found.values()} == {"her"}
    assert {scorer for scorer, _ in found} == {"human", "human:ann", "human:bob", "ge2e"}
    assert [found["human", layer]["depth"] for layer in ("cnn1", "blstm1")] == ["1", "2"]
    assert (found["human", "cnn1"]["mean"], found["human", "cnn1"]["n_scored"]) == ("0", "4")
    assert (found["human", "blstm1"]["mean"], found["human", "blstm1"]["n_scored"]) == ("50", "4")
    assert float(found["human", "blstm1"]["ci_low"]) == pytest.approx(15.0, abs=0.1)  # 2 of 4
    assert float(found["human", "blstm1"]["ci_high"]) == pytest.approx(85.0, abs=0.1)
    assert found["human:ann", "blstm1"]["mean"] == "100"
    assert found["ge2e", "cnn1"]["n_scored"] == "2"

    assert "robust · clean: answers that are wrong, in %" in said
    assert re.search(r"blstm1 +50\.0 \[15\.0, 85\.0\] of 4", said)
    assert re.search(r"ann +4 of 4 +50\.0 \[15\.0, 85\.0\] +none +900 +4", said)
    assert "not counted: bob, line 6: 1 of 6 columns" in said
    problems = rows(test.folder / "problems.csv")
    assert [(row["listener"], row["line"]) for row in problems] == [("bob", "6")]
    machine = rows(test.folder / "verifier_answers.csv")
    assert [row["triplet"] for row in machine] == [t.triplet for t in test.triplets]
    assert (test.folder / "her.png").read_bytes()[:4] == b"\x89PNG"


def test_score_before_the_first_answer_and_without_verifiers(test: ListeningTest, here) -> None:
    said = here("listen", "score", test.folder, "--verifiers").ok().out
    assert "nobody has answered yet" in said
    assert {row["mean"] for row in rows(test.folder / "her.csv")} == {""}


def test_score_tells_how_the_rates_get_into_the_papers_figure(
    test: ListeningTest, here, tmp_path: Path
) -> None:
    run = tmp_path / "two of them"
    for place in (run, run / "pure_lstm"):
        shutil.copytree(test.folder, place / "listening")
    settings = {"paper": True, "architectures": {"pure_lstm": {}}}
    (run / "config.yaml").write_text(yaml.safe_dump(settings))
    (run / "pure_lstm" / "config.yaml").write_text(yaml.safe_dump({"paper": False}))
    for place in (run, run / "pure_lstm"):
        said = here("listen", "score", place / "listening", "--verifiers").ok().out
        assert said.splitlines()[-2:] == [
            f"into figure 2 of {run}/paper they come by calling otoscope run again:",
            f"  otoscope run -c '{run}/config.yaml' --output '{run}'",
        ]
    for text in ("paper: false", "paper: true\narchitectures: {other: {}}", "[", "3", "\0"):
        (run / "config.yaml").write_text(text)
        said = here("listen", "score", run / "pure_lstm" / "listening", "--verifiers").ok().out
        assert "figure 2" not in said


def ask(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


def test_serve_until_it_is_told_to_end(test: ListeningTest, terminal, here, ending) -> None:
    began = time.monotonic()
    process = terminal.start("listen", "serve", test.folder, "--port", "0")
    address = process.stdout.readline()
    assert address.startswith("listening test at http://127.0.0.1:")
    port = int(address.rsplit(":")[-1].rstrip("/\n"))
    assert [ask(port, path) for path in ("/", "/page.js", "/listen.json")] == [200, 200, 404]
    line = here("listen", "serve", test.folder, "--port", "0").complaint()
    assert line == (
        f"otoscope: {test.folder}: another otoscope listen serve is at work there; "
        "use its address, or stop it"
    )
    process.send_signal(signal.SIGINT)
    ended = ending(process, began).ok()
    assert f"ended; now: otoscope listen score {test.folder}" in ended.out and not ended.err


def test_a_port_that_is_taken_is_told(test: ListeningTest, here) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = here("listen", "serve", test.folder, "--port", port).complaint()
    assert f"--port: {port} cannot be had (" in line and "choose another" in line


def test_a_folder_that_takes_no_answers_is_told_before_anybody_comes(
    test: ListeningTest, here
) -> None:
    (test.folder / ".lock").mkdir()  # as good as a disk that cannot be written to
    line = here("listen", "serve", test.folder, "--port", "0").complaint()
    assert line == (
        f"otoscope: {test.folder}: cannot be written to (Is a directory); "
        "copy the folder to where answers can be written"
    )


@pytest.mark.parametrize("command", ["serve", "score"])
def test_a_test_that_was_changed_is_refused_at_the_start(
    command: str, test: ListeningTest, here
) -> None:
    sound = test.sound(test.triplets[0].sound_a)
    sound.write_bytes(test.sound(test.triplets[1].sound_a).read_bytes())
    assert (
        f"{sound}: was changed since it was built"
        in here("listen", command, test.folder).complaint()
    )


MISTAKES = {
    "unknown command": ("dance", ("unknown command 'dance'", "otoscope listen --help")),
    "no run": ("build --run {tmp}/no --output {tmp}/t", ("--run", "/no", "otoscope run")),
    "run not given": ("build --output {tmp}/t", ("run",)),
    "no model": ("build {good} --model baseline", ("--model", "'baseline'", "robust")),
    "no condition": ("build {good} --condition snr0", ("--condition", "'snr0'", "clean")),
    "no layer": ("build {good} --layers rnn*", ("--layers", "'rnn*'", "cnn1, blstm1")),
    "too many": ("build {good} --per-layer 999", ("--per-layer", "999", "layer natural")),
    "too few": ("build {good} --per-layer 0", ("--per-layer", "1 or more")),
    "negative seed": ("build {good} --seed -1", ("--seed", "0 or more")),
    "no such pairs": ("build {good} --pairs odd", ("--pairs", "'odd'", "same-sex")),
    "misspelt option": ("build {good} --layer cnn1", ("--layer",)),
    "output taken": ("build --run {run} --output {run}", ("--output", "something else")),
    "serve nothing": ("serve {run}", ("holds no listening test", "otoscope listen build")),
    "serve on no port": ("serve {test} --port 70000", ("--port", "70000")),
    "score nothing": ("score {tmp}/no", ("holds no listening test",)),
    "score by nobody": ("score {test} --verifiers plda", ("'plda'", "ge2e")),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_costs_one_line(case: str, shared_run, built, here, tmp_path) -> None:
    text, words = MISTAKES[case]
    places = {"run": shared_run, "test": built.folder, "tmp": tmp_path}
    places["good"] = f"--run {shared_run} --output {tmp_path}/t"
    line = here("listen", *text.format(**places).split()).complaint()
    assert all(word in line for word in words), line
    assert not (tmp_path / "t").exists()


def test_the_command_is_listed_and_explains_itself(here) -> None:
    assert "listen    the human listening test" in here("--help").ok().out
    assert "build | serve | score" in here("listen").ok().out
    for command in ("build", "serve", "score"):
        assert f"otoscope listen {command}" in here("listen", command, "--help").ok().out
