"""A pool of processes where a segmentation fault or a hang costs one task, not the run.

One thread and one pipe per worker: it is always known which task a dead worker had. (pebble 5.2.3
was tried first: while other threads keep the parent busy it can miss which task a worker took,
and then declares the whole pool broken.) Workers are started by a plain command, so a script's
`__main__` is not imported again and nothing is inherited, torch least of all.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import Empty, Queue
from threading import Thread
from typing import Any

START_TIMEOUT_S = 120.0
THREAD_LIMITS = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"
# Only the worker's end of the pipe and the parent's import path travel on the command line.
WORKER_COMMAND = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from evaluation.workers import serve; serve(int(sys.argv[1]))"
)


@dataclass(frozen=True)
class Outcome:
    """What became of the task `key`: its `value`, or the reason why there is none."""

    key: Hashable
    value: Any = None
    failure: str = ""


@dataclass(frozen=True)
class _Task:
    key: Hashable
    payload: bytes


class GuardedPool:
    """Runs functions in worker processes; each task ends as a value or as a failure.

    At most `max_pending` tasks are held at a time, so memory does not grow with their number.
    Use it in a `with`: leaving it waits for all tasks, leaving it by an exception kills them.

    Args:
        on_outcome: called in the submitting thread, in order of completion, from `submit`,
            `finish` and the end of the `with`.
        n_workers: number of processes, each limited to one thread of computation.
        timeout_s: a task that takes longer fails, and its worker is replaced.
        max_pending: tasks submitted and not yet delivered; 4 per worker where not given.

    Example:
        >>> with GuardedPool(collect, n_workers=2, timeout_s=60.0) as pool:
        ...     pool.submit("utterance-1", score_quality, reference, degraded, 16000, ["stoi"])
    """

    def __init__(
        self,
        on_outcome: Callable[[Outcome], None],
        n_workers: int = 2,
        timeout_s: float = 60.0,
        max_pending: int | None = None,
    ) -> None:
        if n_workers < 1 or timeout_s <= 0 or (max_pending is not None and max_pending < 1):
            raise ValueError("n_workers, timeout_s and max_pending must be positive")
        self._on_outcome = on_outcome
        self._max_pending = max_pending or 4 * n_workers
        self._n_pending = 0
        self._tasks: Queue[_Task | None] = Queue()
        self._results: Queue[Outcome | BaseException] = Queue()
        self._workers = [_Worker(self._tasks, self._results, timeout_s) for _ in range(n_workers)]

    def __enter__(self) -> "GuardedPool":
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        try:
            if error_type is None:
                self.finish()
        finally:
            self._close()

    def submit(self, key: Hashable, function: Callable[..., Any], *args: Any) -> None:
        """Hands over a task; waits, delivering outcomes, while `max_pending` are under way.

        Args:
            key: comes back in the outcome.
            function: importable by its name in another process, like its arguments picklable.
            *args: its arguments.

        Raises:
            RuntimeError: if workers cannot be started.
        """
        payload = pickle.dumps((function, args), protocol=pickle.HIGHEST_PROTOCOL)
        while self._n_pending >= self._max_pending:
            self._deliver(self._results.get())
        self._n_pending += 1
        self._tasks.put(_Task(key, payload))
        self._deliver_finished()

    def finish(self) -> None:
        """Waits until the outcome of every submitted task has been delivered."""
        while self._n_pending:
            self._deliver(self._results.get())

    def _deliver_finished(self) -> None:
        while True:
            try:
                self._deliver(self._results.get_nowait())
            except Empty:
                return

    def _deliver(self, result: Outcome | BaseException) -> None:
        if isinstance(result, BaseException):
            raise result
        self._n_pending -= 1
        self._on_outcome(result)

    def _close(self) -> None:
        while not self._tasks.empty():  # only after an exception is anything left here
            try:
                self._tasks.get_nowait()
            except Empty:
                break
        if self._n_pending:
            for worker in self._workers:
                worker.kill()
        for _ in self._workers:
            self._tasks.put(None)
        for worker in self._workers:
            worker.join()


class _Worker(Thread):
    """Feeds tasks to one process of its own, one at a time, and replaces it when it dies."""

    def __init__(
        self,
        tasks: "Queue[_Task | None]",
        results: "Queue[Outcome | BaseException]",
        timeout_s: float,
    ) -> None:
        super().__init__(daemon=True)
        self._tasks, self._results, self._timeout_s = tasks, results, timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def run(self) -> None:
        """Answer tasks until the pipe closes."""
        try:
            self._start_process()
            while (task := self._tasks.get()) is not None:
                self._results.put(self._execute(task))
        except BaseException as error:  # goes to the submitting thread
            self._results.put(error)
        finally:
            self._stop_process()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()

    def _execute(self, task: _Task) -> Outcome:
        connection = self._connection or self._start_process()
        try:
            connection.send_bytes(task.payload)
            if connection.poll(self._timeout_s):
                value, failure = pickle.loads(connection.recv_bytes())  # noqa: S301 (our worker)
                return Outcome(task.key, value, failure)
            failure = f"timed out after {self._timeout_s:g} s"
            self.kill()
            self._stop_process()
        except (EOFError, OSError):
            failure = _cause_of_death(self._stop_process())
        return Outcome(task.key, failure=failure)

    def _start_process(self) -> Connection:
        ours, theirs = Pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", WORKER_COMMAND, str(theirs.fileno()), *sys.path],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **dict.fromkeys(THREAD_LIMITS, "1")},
            )
        finally:
            theirs.close()  # so that the death of the process is an end of file here
        self._connection = ours
        try:
            if ours.poll(START_TIMEOUT_S):
                ours.recv_bytes()
                return ours
            cause = f"no answer within {START_TIMEOUT_S:g} s"
            self.kill()
        except (EOFError, OSError):
            cause = _cause_of_death(self._process.wait())
        raise RuntimeError(f"a worker process cannot be started: {cause}")

    def _stop_process(self) -> int:
        """Ends the process by closing its pipe; returns its exit status."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        return 0 if self._process is None else self._process.wait()


def _cause_of_death(returncode: int) -> str:
    reason = f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
    return f"worker died ({reason})"


def serve(file_descriptor: int) -> None:
    """The worker's loop: reads tasks from the pipe until it is closed. For `GuardedPool` only."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    connection = Connection(file_descriptor)
    try:
        connection.send_bytes(b"ready")
        while True:
            connection.send_bytes(_answer(connection.recv_bytes()))
    except (EOFError, OSError):
        return  # the parent closed the pipe, or is no more


def _answer(payload: bytes) -> bytes:
    try:
        function, args = pickle.loads(payload)  # noqa: S301 (from our parent)
        return pickle.dumps((function(*args), ""))
    except Exception as error:
        return pickle.dumps((None, f"{type(error).__name__}: {error}"))
