"""Answer files: grown line by line, and read as far as they can be read."""

import errno
import os
from pathlib import Path

import pytest

from evaluation.listening_test.answers import (
    COLUMNS,
    Answer,
    append_answer,
    begin_answers,
    is_listener,
    read_all_answers,
    read_answers,
)

KNOWN = {"q1", "q2", "q3"}
HEAD = ",".join(COLUMNS) + "\n"
NOW = "2026-01-01T00:00:00.000+00:00"


def said(triplet: str, answer: str = "a") -> Answer:
    return Answer(triplet, answer, 1200, 5600, 1, NOW)


def test_what_is_appended_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "ann.csv"
    begin_answers(path)
    given = [said("q1"), said("q2", "b")]
    for answer in given:
        append_answer(path, answer)
    assert read_answers(path, KNOWN) == (given, [])
    with pytest.raises(FileExistsError):
        begin_answers(path)
    assert read_answers(path, KNOWN) == (given, [])


def test_a_line_torn_by_a_crash_costs_itself_only(tmp_path: Path) -> None:
    path = tmp_path / "ann.csv"
    path.write_text(HEAD + f"q1,a,1,2,0,{NOW}\nq2,b,1")
    answers, problems = read_answers(path, KNOWN)
    assert [answer.triplet for answer in answers] == ["q1"]
    assert [(p.line, p.reason) for p in problems] == [(3, "torn: 'q2,b,1'")]
    append_answer(path, said("q3"))
    answers, problems = read_answers(path, KNOWN)
    assert [answer.triplet for answer in answers] == ["q1", "q3"]
    assert [(p.line, p.reason) for p in problems] == [(3, "3 of 6 columns")]


def test_a_line_torn_at_any_byte_is_no_answer_unless_it_was_complete(tmp_path: Path) -> None:
    """Also after the next answer has ended the torn line."""
    path = tmp_path / "ann.csv"
    begin_answers(path)
    append_answer(path, said("q1"))
    before = path.read_bytes()
    append_answer(path, said("q2", "b"))
    line = path.read_bytes()[len(before) :]
    assert line.endswith(b"+00:00\n")
    for kept in range(len(line)):
        path.write_bytes(before + line[:kept])
        whole = [said("q1")] if kept < len(line) - 1 else [said("q1"), said("q2", "b")]
        answers, problems = read_answers(path, KNOWN)
        assert answers == whole and len(problems) == (0 < kept < len(line) - 1)
        append_answer(path, said("q3"))
        answers, problems = read_answers(path, KNOWN)
        assert answers == [*whole, said("q3")]
        assert len(problems) == (0 < kept < len(line) - 1)


def test_an_answer_that_could_not_be_saved_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ann.csv"
    begin_answers(path)
    append_answer(path, said("q1"))
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        append_answer(path, said("q2"))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"q2,c,1,2,0,{NOW}", "the answer is a or b, not 'c'"),
        (f"q2,a,x,2,0,{NOW}", "invalid literal"),
        (f"q2,a,-1,2,0,{NOW}", "response_ms is -1, out of range"),
        (f"q2,a,1,99999999999,0,{NOW}", "total_ms"),
        (f"q9,a,1,2,0,{NOW}", "no question of this test: 'q9'"),
        (f"q1,b,1,2,0,{NOW}", "a second answer to q1; the first counts"),
        ("q2,a,1,2,0,2026-01-01", "answered_at is '2026-01-01', no whole time"),
        ("q2,a", "2 of 6 columns"),
        ("", "0 of 6 columns"),
        ("\x00\udcff,a", "columns"),
        ('"q2', "columns"),
        ("q" * 200_000, ""),  # of one column, or too long a field
    ],
)
def test_a_damaged_line_is_reported_and_the_rest_counts(
    tmp_path: Path, line: str, reason: str
) -> None:
    path = tmp_path / "ann.csv"
    text = HEAD + f"q1,a,1,2,0,{NOW}\n" + line + f"\nq3,b,1,2,0,{NOW}\n"
    path.write_bytes(text.encode(errors="surrogateescape"))
    answers, problems = read_answers(path, KNOWN)
    assert [(answer.triplet, answer.answer) for answer in answers] == [("q1", "a"), ("q3", "b")]
    ((listener, number, why),) = [(p.listener, p.line, p.reason) for p in problems]
    assert (listener, number) == ("ann", 3) and reason in why


def test_files_that_are_no_answers_are_reported(tmp_path: Path) -> None:
    begin_answers(tmp_path / "ann.csv")
    (tmp_path / "bob.csv").write_text("")
    (tmp_path / "eve.csv").write_text("triplet,answer\nq1,a\n")
    (tmp_path / "ann copy.csv").write_text(HEAD)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "zoe.csv").mkdir()
    answers, problems = read_all_answers(tmp_path, KNOWN)
    assert answers == {"ann": [], "bob": [], "eve": [], "zoe": []}
    assert {p.listener for p in problems} == {"bob", "eve", "ann copy.csv", "notes.txt", "zoe"}
    assert all(problem.line == 0 for problem in problems)


def test_names_of_listeners_are_safe_names_of_files() -> None:
    assert all(is_listener(name) for name in ("a", "anna", "7", "anna-b_2", "x" * 32))
    wrong = ("", "-a", "_", ".a", "a.b", "a/b", "..", "A", "ä", "a b", "a\n", "x" * 33, "a\x00")
    assert not [name for name in wrong if is_listener(name)]
