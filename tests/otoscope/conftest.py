"""`otoscope` as a user types it, in processes of its own, and one finished run for all tests."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TINY = ("-c", str(ROOT / "configs" / "experiments" / "tiny.yaml"))
MARK = f"OTOSCOPE_TEST={uuid.uuid4().hex}"
"""Stands in the environment of every process that a test starts, and of its children."""

SMALL = {
    "sonification": (
        *("--utterances_per_speaker", "2", "--units", "[segments,words]", "--pairs", "20"),
        *("--layers", "[cnn1,cnn4,blstm5]", "--grid_layers", "[cnn1]"),
        *("--words_shown", "2", "--replicates", "50", "--examples", "1"),
    ),
    "audiation": (
        *("--per_layer", "1", "--most_layers", "2", "--steps", "4", "--sound_s", "0.5"),
        *("--segment_s", "0.25", "--held_out", "1", "--utterances_per_speaker", "1"),
        *("--controls", "0", "--diverse", "0"),
    ),
    "masks": ("--steps", "4", "--prunings", "4", "--points", "3", "--utterances", "2"),
}

TABLES = ("trials.csv", "trial_scores.csv", "scores.csv", "summary.csv")


@dataclass
class Outcome:
    """What a command left on the terminal, its exit status and how long it took."""

    status: int
    out: str
    err: str
    seconds: float

    @property
    def done(self) -> list[str]:
        """Stages that this call carried out, in the order in which they ended."""
        return re.findall(r"^  (\S+) +done in +[\d.]+ s$", self.out, re.MULTILINE)

    def ok(self) -> "Outcome":
        """Itself, after a call that should have gone well."""
        assert self.status == 0, f"{self.out[-2000:]}\n{self.err[-4000:]}"
        return self

    def complaint(self) -> str:
        """The one line that a mistake of the user's costs."""
        assert "Traceback" not in self.err, self.err[-4000:]
        assert self.status == 2, (self.status, self.err[-4000:])
        lines = self.err.splitlines()
        assert lines[-1].startswith("otoscope: "), lines
        assert sum(line.startswith("otoscope: ") for line in lines) == 1
        return lines[-1]


class Terminal:
    """Types commands in an empty folder."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd

    def start(
        self,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        command: Sequence[str | Path] = (sys.executable, "-m", "otoscope"),
        out: int | Path = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Begin a command in a process group of its own, as a shell does."""
        name, _, value = MARK.partition("=")
        given = out if isinstance(out, int) else out.open("w")
        return subprocess.Popen(
            [*map(str, command), *map(str, arguments)],
            cwd=self.cwd,
            env={**os.environ, **(env or {}), name: value},
            stdin=subprocess.DEVNULL,
            stdout=given,
            stderr=subprocess.PIPE if isinstance(out, int) else given,
            text=True,
            start_new_session=True,
            preexec_fn=_as_in_a_terminal,
        )

    def __call__(
        self,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        command: Sequence[str | Path] = (sys.executable, "-m", "otoscope"),
    ) -> Outcome:
        """Carry out a command."""
        began = time.monotonic()
        process = self.start(*arguments, env=env, command=command)
        return finish(process, began)

    def together(
        self, commands: Sequence[Sequence[str | Path]], env: Mapping[str, str] | None = None
    ) -> list[Outcome]:
        """Carry out commands, two at a time."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda command: self(*command, env=env), commands))


def _as_in_a_terminal() -> None:
    """Let Ctrl-C through, which whoever started the tests in the background has switched off."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: subprocess.Popen[str], began: float) -> Outcome:
    """Wait for a command."""
    try:
        out, err = process.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Outcome(process.returncode, out, err, time.monotonic() - began)


def descendants() -> dict[int, str]:
    """Living processes that the tests started, whoever their parent is now, and what they run."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if MARK.encode() in (folder / "environ").read_bytes():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode(errors="replace")
        except OSError:
            continue
    return found


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Arguments of the tiny experiment."""
    return TINY


@pytest.fixture(scope="session")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Where commands are typed; what they left running is ended."""
    yield Terminal(tmp_path_factory.mktemp("terminal"))
    for process in descendants():
        os.kill(process, signal.SIGKILL)


@pytest.fixture
def here(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Outcome]:
    """Types a command into the entry point of this process, which saves seconds of imports.

    It goes on with one thread, whatever a command asked for: two in each of two test processes
    would spin side by side.
    """
    import torch

    from otoscope.cli import main

    def call(*arguments: str | Path) -> Outcome:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["otoscope"])
        began = time.monotonic()
        try:
            status = main([*map(str, arguments)])
        except SystemExit as error:
            status = int(error.code or 0)
        finally:
            torch.set_num_threads(1)
        said = capfd.readouterr()
        return Outcome(status, said.out, said.err, time.monotonic() - began)

    return call


def shared(
    paths: pytest.TempPathFactory, name: str, make: Callable[[Path], Outcome]
) -> tuple[Path, Outcome]:
    """A run that the processes of one test session share: the first makes it, the others wait."""
    base = paths.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    said = folder / "outcome.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            said.write_text(json.dumps(asdict(make(folder / "run").ok())))
    return folder / "run", Outcome(**json.loads(said.read_text()))


@pytest.fixture(scope="session")
def finished(terminal: Terminal, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """The tiny experiment, run once without interruption: its folder, and what the call printed."""
    return shared(tmp_path_factory, "finished", lambda run: terminal("run", *TINY, "--output", run))


@pytest.fixture(scope="session")
def small() -> dict[str, tuple[str, ...]]:
    """Options of the studies of single features and utterances, by stage: as quick as can be."""
    return SMALL


@pytest.fixture(scope="session")
def extended(
    finished: tuple[Path, Outcome], terminal: Terminal, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str]]:
    """A finished run, and the stages that were done when three studies were asked for later."""

    def extend(run: Path) -> Outcome:
        shutil.copytree(finished[0], run, symlinks=True)
        given = [
            f"--{kind}.{word[2:]}" if word[:2] == "--" else word
            for kind, words in SMALL.items()
            for word in words
        ]
        return terminal("run", *TINY, "--output", run, *given)

    run, outcome = shared(tmp_path_factory, "extended", extend)
    return run, outcome.done


@pytest.fixture
def copied(finished: tuple[Path, Outcome], tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return shutil.copytree(finished[0], tmp_path / "run", symlinks=True)


@pytest.fixture(scope="session")
def forget() -> Callable[..., None]:
    """Takes a folder and kinds of stages, whose records it removes, so that they run again."""

    def remove(run: Path, *kinds: str) -> None:
        for kind in kinds:
            for record in (run / ".stages").glob(f"{kind}*.json"):
                record.unlink()

    return remove


@pytest.fixture(scope="session")
def left_running() -> Callable[[], dict[int, str]]:
    """Processes that the tests' commands left behind."""
    return descendants


@pytest.fixture(scope="session")
def ending() -> Callable[[subprocess.Popen[str], float], Outcome]:
    """Waits for a command that was started at a given time."""
    return finish


@pytest.fixture(scope="session")
def tables() -> Callable[[Path], dict[str, bytes]]:
    """The tables of a run folder, byte for byte."""
    return lambda run: {name: (run / name).read_bytes() for name in TABLES}
