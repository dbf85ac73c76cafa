"""Runs the stages of a plan: in parallel, resumable, each in a process that can be killed."""

import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path
from queue import Empty
from typing import Any

import torch

from acoustics.errors import UserError
from evaluation.listening import write_atomically
from otoscope.locking import unwritable
from otoscope.plan import Plan, Stage, code_digest

RECORDS, SCRATCH = ".stages", ".unfinished"
POLL_S = 0.2

Event = tuple[str, float, str]  # stage, fraction done, what is going on
Watcher = Callable[[str, float, str, float], None]  # ... and seconds since the stage began


def record_of(run: Path, stage: Stage) -> dict[str, Any]:
    """Record of a finished stage, empty if it has none or what it left is gone."""
    path = run / RECORDS / f"{stage.name.replace('/', '-')}.json"
    try:
        record: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    complete = all((run / output).exists() for output in record.get("left", []))
    return record if complete and record.get("key") == stage.key else {}


def finished(run: Path, plan: Plan) -> dict[str, dict[str, Any]]:
    """Records of the stages that need not run again, by name."""
    found = {name: record_of(run, stage) for name, stage in plan.stages.items()}
    return {name: record for name, record in found.items() if record}


def run_stages(run: Path, plan: Plan, jobs: int, watch: Watcher) -> None:
    """Run what is unfinished, `jobs` stages at a time, as soon as what they need is done.

    Args:
        run: the run folder, holding the resolved configuration.
        plan: the stages.
        jobs: stages at a time.
        watch: told of every step: stage, fraction done, text, seconds. 1.0 means finished.

    Raises:
        UserError: a stage met a mistake of the user's, or its process was killed.
    """
    done = finished(run, plan)
    waiting = [stage for name, stage in plan.stages.items() if name not in done]
    if not waiting:
        return
    shutil.rmtree(run / SCRATCH, ignore_errors=True)
    remove_stale(run, plan)
    context = forking()
    events: Any = context.Queue()
    slots: Any = context.Queue()
    for slot in range(jobs):
        slots.put(slot)
    began: dict[str, float] = {}
    running: dict[Future[float], Stage] = {}
    with ProcessPoolExecutor(
        jobs,
        mp_context=context,
        initializer=_begin_worker,
        initargs=(events, slots, dict(os.environ)),
    ) as pool:
        try:
            while waiting or running:
                for stage in [s for s in waiting if all(need in done for need in s.needs)]:
                    if len(running) >= jobs:
                        break
                    waiting.remove(stage)
                    began[stage.name] = time.monotonic()
                    watch(stage.name, 0.0, "starting", 0.0)
                    with uninterrupted():  # a process half started could not be ended
                        running[pool.submit(_run_stage, run, stage)] = stage
                ready, _ = wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED)
                for name, fraction, text in _drain(events):
                    watch(name, min(fraction, 0.999), text, time.monotonic() - began[name])
                for future in ready:
                    stage = running.pop(future)
                    seconds = future.result()
                    done[stage.name] = record_of(run, stage)
                    watch(stage.name, 1.0, "done", seconds)
        except BrokenProcessPool as error:
            names = ", ".join(sorted({s.name for s in running.values()} | {stage.name}))
            raise UserError(
                f"{names}: the process was killed (out of memory?); what was finished is kept, "
                "the same command goes on from there"
            ) from error
        except BaseException:
            for process in list((pool._processes or {}).values()) if running else ():
                process.kill()  # idle ones end by themselves, and tidily
            raise


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done (in the main thread, where it arrives)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if came:
        signal.raise_signal(signal.SIGINT)


def forking() -> Any:
    """Where processes come from: a server that imports once for all, then forks."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["otoscope.stages"])
    if threading.current_thread() is threading.main_thread():
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
        forkserver.ensure_running()
        signal.signal(signal.SIGINT, handler)
    return context


def remove_stale(run: Path, plan: Plan) -> None:
    """Remove what conditions and variants have left that are no longer asked for."""
    owned = {output for stage in plan.stages.values() for output in stage.outputs}
    for place in {output.partition("tables/")[0] for output in owned if "tables/" in output}:
        for kind in ("audio", "samples", "mels", "tables"):
            for folder in (run / place / kind).glob("*/*"):
                if folder.is_dir() and folder.relative_to(run).as_posix() not in owned:
                    shutil.rmtree(folder)


def _drain(events: Any) -> Iterator[Event]:
    while True:
        try:
            yield events.get_nowait()
        except Empty:
            return


def _begin_worker(events: Any, slots: Any, environment: Mapping[str, str]) -> None:
    """Once per process: where to report, its own GPU, and an end together with the parent."""
    global _events
    _events = events
    os.environ.update(environment)  # the server's may be that of an earlier call
    own = own_gpu(slots.get(), os.environ.get("CUDA_VISIBLE_DEVICES"), torch.cuda.device_count())
    if own is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", message=".*TreeSpec.*")
    warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation.*")
    threading.Thread(target=_follow_parent, daemon=True).start()


def own_gpu(slot: int, visible: str | None, count: int) -> str | None:
    """Which of several GPUs the process in `slot` sees; None to leave it at what is visible.

    Args:
        slot: from 0; processes beyond the number of GPUs share them in turn.
        visible: `CUDA_VISIBLE_DEVICES` as the user set it.
        count: of GPUs that can be used.
    """
    if count < 2:
        return None
    names = visible.split(",") if visible else [str(i) for i in range(count)]
    return names[slot % count]


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


_events: Any = None


def _run_stage(run: Path, stage: Stage) -> float:
    """Run one stage in this process, then move what it left into place and record it."""
    from otoscope.stages import execute

    began = time.monotonic()
    scratch = run / SCRATCH / stage.name.replace("/", "-")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        scratch.mkdir(parents=True)
        execute(run, stage.name, scratch, lambda f, text: _events.put((stage.name, f, text)))
        path = run / RECORDS / f"{stage.name.replace('/', '-')}.json"
        path.unlink(missing_ok=True)  # it speaks of the outputs that are replaced now
        left = publish(run, scratch, stage)
        seconds = time.monotonic() - began
        record = {
            "key": stage.key,
            "code": code_digest(),
            "seconds": round(seconds, 2),
            "left": left,
        }
        write_atomically(path, json.dumps(record).encode())
    except OSError as error:
        raise unwritable(f"{run}, {stage.name}", error) from error
    return seconds


def publish(run: Path, scratch: Path, stage: Stage) -> list[str]:
    """Move the outputs of a stage from `scratch` into the run; older ones go in any case.

    Only a stage that leaves nothing in `scratch` has worked in place.
    """
    left, in_place = [], not any(scratch.iterdir())
    for output in stage.outputs:
        target = run / output
        if not in_place and target.is_dir():
            shutil.rmtree(target)
        elif not in_place:
            target.unlink(missing_ok=True)
        if (scratch / output).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            (scratch / output).replace(target)
        if target.exists():
            left.append(output)
    shutil.rmtree(scratch, ignore_errors=True)
    return left
