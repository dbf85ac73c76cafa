"""A run that is killed, by SIGKILL in every kind of stage or by Ctrl-C, goes on where it was."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

ENDS_WITHIN_S = 10.0
KINDS = ("corpus", "recognisers", "probes", "evaluate", "tables", "report")
# One stage of every kind, each as short as it gets.
SHORT = ["--models", "[baseline]", "--evaluation.conditions", "[snr0]", "--loggers", "[]"]
SHORT += ["--evaluation.quality", "[stoi]"]


@pytest.fixture(scope="module")
def whole(terminal, tiny, tmp_path_factory) -> Path:
    """A run that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    terminal("run", *tiny, *SHORT, "--output", folder).ok()
    return folder


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """A run folder, and an empty cache so that the corpus has to be spoken too."""
    folder = tmp_path_factory.mktemp("broken")
    return folder / "run", {"OTOSCOPE_CACHE": str(folder / "cache")}


def wait_for(kind: str, run: Path, process: subprocess.Popen[str], since: float) -> None:
    """Return as soon as a stage of that kind is at work."""
    while process.poll() is None:
        with suppress(FileNotFoundError):
            if any(f.stat().st_ctime >= since for f in (run / ".unfinished").glob(f"{kind}*")):
                return
        time.sleep(0.002)
    raise AssertionError(f"the run ended before {kind} began")


def wait_for_the_end(left_running: Callable[[], dict[int, str]]) -> None:
    """Return when no process is left of what was killed."""
    deadline = time.monotonic() + ENDS_WITHIN_S
    while left_running():
        assert time.monotonic() < deadline, left_running()
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "whom"),
    [
        ("corpus", "group"),
        ("recognisers", "parent"),
        ("probes", "group"),
        ("evaluate", "parent"),
        ("tables", "group"),
        ("report", "parent"),
    ],
)
def test_it_can_be_killed_in(kind, whom, broken, terminal, tiny, left_running, tmp_path) -> None:
    """Each case goes on in the stage in which the one before was killed."""
    run, env = broken
    since, said = time.time(), tmp_path / "said"
    process = terminal.start("run", *tiny, *SHORT, "--output", run, env=env, out=said)
    wait_for(kind, run, process, since)
    (os.killpg if whom == "group" else os.kill)(process.pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    wait_for_the_end(left_running)
    done = max(KINDS.index(kind) - 1, 0)
    assert f": {done} of 6 stages are done" in said.read_text(), said.read_text()


@pytest.mark.slow
def test_then_it_ends_with_the_tables_of_an_uninterrupted_run(
    broken, whole, terminal, tiny, tables
) -> None:
    """The same seed in another folder, with another cache, in pieces: the same bytes."""
    run, env = broken
    call = terminal("run", *tiny, *SHORT, "--output", run, env=env).ok()
    assert call.done[-1:] == ["report"]
    assert tables(run) == tables(whole)
    sounds = sorted(path.relative_to(run) for path in run.glob("audio/**/*.flac"))
    assert len(sounds) == 6 * (3 + 4)  # utterances, references, layers
    assert all((run / s).read_bytes() == (whole / s).read_bytes() for s in sounds)
    assert (run / "report" / "index.html").is_file()
    assert not list((run / ".unfinished").glob("*"))


def test_control_c_is_one_line_and_loses_nothing(
    copied, terminal, tiny, tables, left_running, ending
) -> None:
    before, began, since = tables(copied), time.monotonic(), time.time()
    process = terminal.start("run", *tiny, "--probe.hidden", "12", "--output", copied)
    wait_for("probes", copied, process, since)
    os.killpg(process.pid, signal.SIGINT)
    call = ending(process, began)
    assert "4 of 15 stages are done" in call.out
    assert call.status == 130
    assert call.err.splitlines()[-1] == "otoscope: stopped; the same command goes on from here"
    assert "Traceback" not in call.err
    wait_for_the_end(left_running)
    again = terminal("run", *tiny, "--output", copied).ok()
    assert again.done == [], "the finished work of the other settings was kept"
    assert tables(copied) == before
