"""Listeners at work: who has answered what, in an order of their own. No HTTP in here.

The files are the truth; what is kept in memory is only ever behind them, never ahead.
"""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evaluation.listening_test.answers import (
    Answer,
    append_answer,
    begin_answers,
    is_listener,
    read_answers,
)
from evaluation.listening_test.folder import ANSWERS, ListeningTest
from evaluation.listening_test.order import question_order
from evaluation.listening_test.triplets import Triplet

MOST_LISTENERS = 1000


class RefusedError(Exception):
    """A request that cannot be met: a `code` for programs, a sentence for people."""

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.facts = code, message, facts


@dataclass
class _Session:
    order: list[Triplet]
    answers: dict[str, Answer]
    tab: str = ""  # of the page that was opened last; no other may answer

    @property
    def remaining(self) -> list[Triplet]:
        return [triplet for triplet in self.order if triplet.triplet not in self.answers]


@dataclass(frozen=True)
class Progress:
    """Where a listener stands; `remaining` begins with the question to be answered now."""

    answered: int
    total: int
    remaining: list[Triplet] = field(repr=False)
    tab: str = ""


class Listeners:
    """Registers listeners and keeps their answers; any number of threads may call it.

    Args:
        test: the test that they take.
    """

    def __init__(self, test: ListeningTest) -> None:
        self.test = test
        self._known = {triplet.triplet for triplet in test.triplets}
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def register(self, listener: str) -> None:
        """Adds a listener.

        Raises:
            RefusedError: `name`, `taken` (with how far that one is), `full` or `unsaved`.
        """
        if not is_listener(listener):
            raise RefusedError("name", "a name has 1 to 32 of the letters a to z, digits, - and _")
        with self._lock:
            if self._exists(listener):
                session = self._session(listener)
                raise RefusedError(
                    "taken", f"{listener} has begun already",
                    answered=len(session.answers), total=len(session.order),
                )  # fmt: skip
            folder = self.test.folder / ANSWERS
            try:
                folder.mkdir(exist_ok=True)
                if sum(1 for _ in folder.iterdir()) >= MOST_LISTENERS:
                    raise RefusedError("full", f"no more than {MOST_LISTENERS} listeners")
                begin_answers(self._path(listener))
            except OSError as error:
                raise _unsaved(error) from error

    def open(self, listener: str) -> Progress:
        """Goes on with a listener's test, on this page only: pages opened before are shut out.

        Raises:
            RefusedError: `unknown` listener, or `damaged` answers.
        """
        with self._lock:
            session = self._session(listener)
            session.tab = secrets.token_urlsafe(12)  # a key, not science: it needs no seed
            return self._progress(session)

    def answer(
        self,
        listener: str,
        tab: str,
        triplet: str,
        answer: str,
        response_ms: int,
        total_ms: int,
        replays: int,
    ) -> Progress:
        """Keeps one answer, on disk when this returns; the same answer once more is no mistake.

        Raises:
            RefusedError: `unknown` listener, `elsewhere` (another page took over), `answered`,
                `order`, `question`, `damaged` or `unsaved`.
        """
        with self._lock:
            session = self._session(listener)
            if not tab or tab != session.tab:
                raise RefusedError("elsewhere", "this test was opened again on another page")
            if triplet not in self._known:
                raise RefusedError("question", "there is no such question")
            if (before := session.answers.get(triplet)) is not None:
                if before.answer == answer:
                    return self._progress(session)
                raise RefusedError("answered", "this question is answered already")
            if session.remaining[0].triplet != triplet:
                raise RefusedError("order", "another question comes first")
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            kept = Answer(triplet, answer, response_ms, total_ms, replays, now)
            try:
                append_answer(self._path(listener), kept)
            except OSError as error:
                raise _unsaved(error) from error
            session.answers[triplet] = kept
            return self._progress(session)

    def _session(self, listener: str) -> _Session:
        """The session of a listener who has registered, from the file after a restart."""
        if not is_listener(listener) or not self._exists(listener):
            raise RefusedError("unknown", "this listener is not known here")
        if listener not in self._sessions:
            answers, problems = read_answers(self._path(listener), self._known)
            if any(problem.line == 0 for problem in problems):
                raise RefusedError("damaged", "these answers cannot be read; take another name")
            order = question_order(self.test.triplets, self.test.key, listener)
            self._sessions[listener] = _Session(order, {a.triplet: a for a in answers})
        return self._sessions[listener]

    def _exists(self, listener: str) -> bool:
        return listener in self._sessions or self._path(listener).exists()

    def _path(self, listener: str) -> Path:
        return self.test.folder / ANSWERS / f"{listener}.csv"

    def _progress(self, session: _Session) -> Progress:
        return Progress(len(session.answers), len(session.order), session.remaining, session.tab)


def _unsaved(error: OSError) -> RefusedError:
    return RefusedError("unsaved", f"could not be saved: {error.strerror or 'an error'}")
