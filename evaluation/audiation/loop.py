"""The one loop: inputs for many targets at once, by Adam on their free numbers.

Rows do not touch each other: every one has random numbers of its own, Adam works element by
element, and a state does not depend on its batch mates. So a batch gives what its rows give alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from acoustics.errors import UserError
from asr_models.gradients import differentiable, ordinary_buffers
from asr_models.recogniser import Recogniser
from evaluation.audiation.climb import Batch, Bench
from evaluation.audiation.parameterisations import Parameterisation
from evaluation.audiation.result import Audiations, blank
from evaluation.audiation.targets import Target, batches
from evaluation.audiation.transforms import Chain, Transform

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class LoopSettings:
    """How inputs are optimised.

    Attributes:
        steps: of Adam.
        learning_rate: of Adam; the free numbers of a waveform begin with a deviation of 1.
        checks: how often, evenly spread, all inputs are measured as they are, without transforms;
            the best of these is kept.
        snapshots: at how many of the checks, evenly spread, all inputs are kept.
        batch_size: targets optimised at once.
        tries: random inputs that a target without gradient is given before it is called dead; one
            state of a rectified feature is silent for most of them.
        seed: of all random numbers.
    """

    steps: int = 256
    learning_rate: float = 0.05
    checks: int = 17
    snapshots: int = 5
    batch_size: int = 64
    tries: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        limits = {"steps": 1, "checks": 2, "snapshots": 0, "batch_size": 1, "tries": 1}
        for name, least in limits.items():
            if getattr(self, name) < least:
                raise UserError(f"{name} is {getattr(self, name)}; it must be at least {least}")

    @property
    def check_steps(self) -> list[int]:
        """From 0, the first inputs, to the last step."""
        return np.unique(np.linspace(0, self.steps, self.checks).round().astype(int)).tolist()

    @property
    def snapshot_steps(self) -> list[int]:
        """Some of the steps at which inputs are measured."""
        checks = self.check_steps
        chosen = np.linspace(0, len(checks) - 1, min(self.snapshots, len(checks))).round()
        return [checks[i] for i in chosen.astype(int)]


def audiate(
    recogniser: Recogniser,
    targets: Sequence[Target],
    parameterisation: Parameterisation,
    transform: Transform | None = None,
    settings: LoopSettings | None = None,
    progress: Progress | None = None,
) -> Audiations:
    """Optimises one input for every target.

    Targets of layers that are near each other share batches, whose passes end behind the deepest
    of them. Works in inference mode too, as inside `Trainer.test`.

    Args:
        recogniser: frozen; on the device where it is to run.
        targets: in any order.
        parameterisation: of the inputs; it is moved to the device.
        transform: what every step changes the inputs by (None: nothing).
        settings: of the loop.
        progress: called after every batch with the share that is done.

    Raises:
        UserError: an objective asks for what the recogniser does not have, or the transform does
            not apply to the parameterisation.

    Example:
        >>> targets = [Target(f"cnn3.{i}", channel("cnn3", i)) for i in range(8)]  # doctest: +SKIP
        >>> found = audiate(recogniser, targets, Spectrum(16000), robust())  # doctest: +SKIP
        >>> found.signals.shape  # doctest: +SKIP
        torch.Size([8, 16000])
    """
    settings, transform = settings or LoopSettings(), transform or Chain()
    if parameterisation.domain == "log_mel" and not transform.spectral:
        raise UserError(
            f"{type(transform).__name__} changes waveforms and does not apply to log-mel frames; "
            "choose robust_log_mel(), or TimeShift, Resample and Noise"
        )
    chosen = batches(recogniser, targets, settings.batch_size)
    with differentiable(recogniser), repeatable():
        ordinary_buffers(parameterisation.to(next(recogniser.parameters()).device))
        bench = Bench(
            recogniser,
            parameterisation,
            transform,
            settings.learning_rate,
            settings.tries,
            settings.seed,
        )
        result, done = _blank(bench, targets, settings), 0
        for rows in chosen:
            _run(bench, torch.tensor(rows), result)
            done += len(rows)
            if progress is not None:
                progress(done / len(targets), f"{done} of {len(targets)} inputs optimised")
    return result


@contextmanager
def repeatable() -> Iterator[None]:
    """Inside, convolutions on a GPU add up in one order; their gradients would not by default."""
    cudnn: Any = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    try:
        cudnn.deterministic, cudnn.benchmark = True, False
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


def _blank(bench: Bench, targets: Sequence[Target], settings: LoopSettings) -> Audiations:
    if not targets:
        raise UserError("there is no target to optimise an input for; name at least one")
    free = bench.start(bench.draws(targets[:1], "shape"))
    with torch.no_grad():
        signal = bench.parameterisation(free)
    shapes = free.shape[1:], signal.shape[1:]
    return blank(targets, *shapes, settings.check_steps, settings.snapshot_steps)


def _run(bench: Bench, rows: torch.Tensor, result: Audiations) -> None:
    """One batch: dead targets are named, the others are optimised without them."""
    batch = Batch(bench, [result.targets[row] for row in rows.tolist()])
    free, dead = batch.starts()
    with torch.no_grad():
        result.free[rows] = free.float().cpu()
        result.signals[rows] = bench.parameterisation(free).float().cpu()
    gone = dead.cpu()
    for row in rows[gone].tolist():
        result.problems[row] = (
            f"dead: none of {bench.tries} random inputs moves it, so there is no gradient to follow"
        )
    if not bool(gone.all()):
        live = rows[~gone]
        if bool(gone.any()):
            batch = Batch(bench, [result.targets[row] for row in live.tolist()])
        batch.climb(free[~dead], live, result)
