"""Answers of listeners: one CSV file for each, grown line by line, read with patience."""

import csv
import errno
import io
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from evaluation.listening_test.triplets import SIDES

LISTENER = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
MOST_MS = 24 * 3600 * 1000
WHOLE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")  # cut short, it is none


@dataclass(frozen=True, slots=True)
class Answer:
    """What a listener answered to one question (a row of answers/<listener>.csv).

    Attributes:
        triplet: the question.
        answer: `a` or `b`.
        response_ms: from when all three sounds had been heard to the answer, in milliseconds.
        total_ms: from when the question was shown to the answer.
        replays: sounds started beyond the first three.
        answered_at: time of the server in UTC, ISO 8601 with milliseconds. It ends the line and has
            a fixed length, so a line that was cut anywhere is no answer.
    """

    triplet: str
    answer: str
    response_ms: int
    total_ms: int
    replays: int
    answered_at: str

    def __post_init__(self) -> None:
        if self.answer not in SIDES:
            raise ValueError(f"the answer is a or b, not {self.answer!r}")
        for name in ("response_ms", "total_ms", "replays"):
            if not 0 <= getattr(self, name) <= MOST_MS:
                raise ValueError(f"{name} is {getattr(self, name)}, out of range")
        if not WHOLE_TIME.fullmatch(self.answered_at):
            raise ValueError(f"answered_at is {self.answered_at!r}, no whole time")


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of an answer file that cannot be counted; line 0 for the file as a whole."""

    listener: str
    line: int
    reason: str


COLUMNS = [field.name for field in fields(Answer)]


def is_listener(name: str) -> bool:
    """Whether a name can be a listener's, and so the name of a file."""
    return LISTENER.fullmatch(name) is not None


def begin_answers(path: Path) -> None:
    """Makes an answer file.

    Raises:
        FileExistsError: there is one already.
        OSError: it cannot be written.
    """
    with path.open("xb") as file:
        file.write(_line(COLUMNS))
        file.flush()
        os.fsync(file.fileno())


def append_answer(path: Path, answer: Answer) -> None:
    """Adds one answer, on disk when this returns; after an error the file is as it was.

    What a crash left of a line keeps its own line.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        torn = file.read(1) not in (b"", b"\n")
        line = b"\n" * torn + _line(astuple(answer))
        try:
            if file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def read_answers(path: Path, known: Collection[str]) -> tuple[list[Answer], list[Problem]]:
    """Reads an answer file as far as it can be read.

    Args:
        path: the file; its name is the listener's.
        known: the questions of the test.

    Returns:
        One answer at most to each question, the first; and what could not be counted. A last line
        that lacks nothing but its end counts, before and after the next one is added.
    """
    listener = path.stem
    try:
        head, *lines = path.read_bytes().decode(errors="replace").split("\n")
    except OSError as error:
        return [], [Problem(listener, 0, f"cannot be read: {error.strerror or error}")]
    if head.split(",") != COLUMNS:
        return [], [Problem(listener, 0, f"its columns are not {','.join(COLUMNS)}")]
    answers: dict[str, Answer] = {}
    problems: list[Problem] = []
    last = len(lines) + 1  # nothing, or what was written when the machine stopped
    for number, line in enumerate(lines, start=2):
        if number == last and not line:
            continue
        try:
            answer = _answer(_cells(line))
            if answer.triplet not in known:
                raise ValueError(f"no question of this test: {answer.triplet!r}")
            if answer.triplet in answers:
                raise ValueError(f"a second answer to {answer.triplet}; the first counts")
            answers[answer.triplet] = answer
        except ValueError as error:
            reason = f"torn: {line[:60]!r}" if number == last else str(error)
            problems.append(Problem(listener, number, reason))
    return list(answers.values()), problems


def read_all_answers(
    folder: Path, known: Collection[str]
) -> tuple[dict[str, list[Answer]], list[Problem]]:
    """Reads the answers of every listener, by name; other files are problems."""
    answers: dict[str, list[Answer]] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*")):
        if path.suffix != ".csv" or not is_listener(path.stem):
            problems.append(Problem(path.name, 0, "no answer file: its name is no listener's"))
            continue
        answers[path.stem], found = read_answers(path, known)
        problems += found
    return answers, problems


def _answer(cells: list[str]) -> Answer:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} of {len(COLUMNS)} columns")
    triplet, answer, response_ms, total_ms, replays, answered_at = cells
    return Answer(triplet, answer, int(response_ms), int(total_ms), int(replays), answered_at)


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line]), [])
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _line(cells: Iterable[object]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode()
