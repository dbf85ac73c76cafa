"""The guarded pool: whatever happens to a task costs that task only.

Tasks are functions of the standard library: a worker process must be able to import them.
"""

import builtins
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

import evaluation
from evaluation.quality import score_quality
from evaluation.workers import GuardedPool, Outcome

ROOT = Path(evaluation.__path__[0]).parent


@pytest.fixture()
def outcomes() -> dict[object, Outcome]:
    return {}


def keeper(outcomes: dict[object, Outcome]):
    def keep(outcome: Outcome) -> None:
        assert outcome.key not in outcomes
        outcomes[outcome.key] = outcome

    return keep


def test_values_come_back_under_their_keys(outcomes: dict[object, Outcome]) -> None:
    with GuardedPool(keeper(outcomes)) as pool:
        for i in range(50):
            pool.submit(("square", i), pow, i, 2)
    assert outcomes == {("square", i): Outcome(("square", i), i * i) for i in range(50)}


def test_an_exception_is_a_failure_with_its_message(outcomes: dict[object, Outcome]) -> None:
    with GuardedPool(keeper(outcomes), n_workers=1) as pool:
        pool.submit("bad", int, "seven")
        pool.submit("good", int, "7")
    assert outcomes["bad"].failure.startswith("ValueError: invalid literal")
    assert outcomes["good"] == Outcome("good", 7)


def test_a_segmentation_fault_costs_one_task(outcomes: dict[object, Outcome]) -> None:
    with GuardedPool(keeper(outcomes)) as pool:
        for i in range(20):
            if i % 5 == 2:
                pool.submit(i, signal.raise_signal, signal.SIGSEGV)
            else:
                pool.submit(i, abs, -i)
    assert len(outcomes) == 20
    for i, outcome in outcomes.items():
        expected = Outcome(i, None, "worker died (signal 11)") if i % 5 == 2 else Outcome(i, i)
        assert outcome == expected


def test_deaths_are_seen_while_other_threads_keep_the_parent_busy(
    outcomes: dict[object, Outcome],
) -> None:
    done = Event()

    def compute() -> None:
        while not done.is_set():
            sum(range(1000))

    threads = [Thread(target=compute) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        with GuardedPool(keeper(outcomes)) as pool:
            for i in range(8):
                pool.submit(i, signal.raise_signal, signal.SIGSEGV)
                pool.submit(100 + i, abs, -i)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert all(outcomes[i].failure == "worker died (signal 11)" for i in range(8))
    assert all(outcomes[100 + i].value == i for i in range(8))


def test_pesq_on_too_many_utterances_dies_alone(outcomes: dict[object, Outcome]) -> None:
    """Sixty bursts of noise, 0.3 s each: PESQ has room for fifty and writes past it."""
    rate = 16000
    generator = np.random.default_rng(0)
    signal_ = np.zeros((60, int(0.8 * rate)))
    signal_[:, : int(0.3 * rate)] = generator.normal(0, 3000, (60, int(0.3 * rate)))
    many = signal_.reshape(-1).astype(np.int16)
    few = many[: 4 * rate]
    with GuardedPool(keeper(outcomes), n_workers=1) as pool:
        pool.submit("before", score_quality, few, few, rate, ["pesq_wb"])
        pool.submit("many", score_quality, many, many, rate, ["pesq_wb"])
        pool.submit("after", score_quality, few, few, rate, ["pesq_wb"])
    assert outcomes["many"].failure == "worker died (signal 11)"
    assert outcomes["before"].value == outcomes["after"].value
    assert outcomes["before"].value["pesq_wb"].value > 4


def test_a_hang_costs_its_time_and_one_task(outcomes: dict[object, Outcome]) -> None:
    start = time.monotonic()
    with GuardedPool(keeper(outcomes), n_workers=1, timeout_s=1.0) as pool:
        pool.submit("hang", time.sleep, 60)
        pool.submit("next", abs, -1)
    assert outcomes["hang"].failure == "timed out after 1 s"
    assert outcomes["next"].value == 1
    assert time.monotonic() - start < 15


def test_an_exit_is_a_death(outcomes: dict[object, Outcome]) -> None:
    with GuardedPool(keeper(outcomes), n_workers=1) as pool:
        pool.submit("exit", os._exit, 3)
    assert outcomes["exit"].failure == "worker died (exit code 3)"


def test_workers_have_no_torch_and_one_thread(outcomes: dict[object, Outcome]) -> None:
    import torch  # noqa: F401 (the parent has it)

    with GuardedPool(keeper(outcomes), n_workers=1) as pool:
        pool.submit("score", score_quality, np.zeros(9), np.zeros(9), 16000, ["stoi", "pesq_wb"])
        pool.submit("torch", builtins.eval, "'torch' in __import__('sys').modules")
        pool.submit("threads", os.getenv, "OMP_NUM_THREADS")
    assert outcomes["torch"].value is False
    assert outcomes["threads"].value == "1"


def test_tasks_are_drawn_no_faster_than_they_are_done(outcomes: dict[object, Outcome]) -> None:
    ahead = []
    with GuardedPool(keeper(outcomes), n_workers=1, max_pending=3) as pool:
        for i in range(30):
            pool.submit(i, time.sleep, 0.001)
            ahead.append(i + 1 - len(outcomes))
    assert max(ahead) <= 3 and len(outcomes) == 30


def test_a_task_that_cannot_be_sent_is_a_mistake(outcomes: dict[object, Outcome]) -> None:
    with GuardedPool(keeper(outcomes), n_workers=1) as pool:
        with pytest.raises(Exception, match="pickle"):
            pool.submit("lambda", lambda: 0)
        pool.submit("next", abs, -1)
    assert outcomes.keys() == {"next"}


def test_an_answer_that_cannot_be_sent_is_a_failure(outcomes: dict[object, Outcome]) -> None:
    with GuardedPool(keeper(outcomes), n_workers=1) as pool:
        pool.submit("generator", iter, (i for i in ()).__class__.__name__)
        pool.submit("thread", builtins.eval, "(i for i in ())")
    assert "pickle" in outcomes["thread"].failure


def test_leaving_by_an_exception_is_quick_and_leaves_no_process() -> None:
    start = time.monotonic()
    with pytest.raises(KeyError), GuardedPool(lambda _: None, n_workers=2) as pool:
        for i in range(6):
            pool.submit(i, time.sleep, 30)
        raise KeyError
    assert time.monotonic() - start < 15


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """And a script needs no `if __name__ == "__main__"`: its body does not run in workers."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, time\n"
        "from evaluation.workers import GuardedPool\n"
        "print('body', flush=True)\n"
        "pool = GuardedPool(lambda o: print(o.value, flush=True), n_workers=2).__enter__()\n"
        "pool.submit(1, os.getpid); pool.submit(2, os.getpid); pool.finish()\n"
        "time.sleep(60)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=env
    )
    try:
        lines = [parent.stdout.readline().strip() for _ in range(3)]
    finally:
        parent.kill()
        rest = parent.communicate()[0]
    assert lines[0] == "body" and rest == ""
    deadline = time.monotonic() + 15
    while any(_runs(int(pid)) for pid in lines[1:]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(int(pid)) for pid in lines[1:])


def test_workers_that_cannot_start_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.workers.WORKER_COMMAND", "raise SystemExit(5)")
    with (
        pytest.raises(RuntimeError, match=r"cannot be started: worker died \(exit code 5\)"),
        GuardedPool(lambda _: None, n_workers=1) as pool,
    ):
        pool.submit("never", abs, -1)


@pytest.mark.parametrize("arguments", [{"n_workers": 0}, {"timeout_s": 0.0}, {"max_pending": 0}])
def test_bad_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        GuardedPool(lambda _: None, **arguments)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(autouse=True)
def _no_process_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr("evaluation.workers.subprocess.Popen", Recorded)
    yield
    assert all(process.returncode is not None for process in started)
