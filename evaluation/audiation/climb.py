"""One batch: inputs that can be moved at all, and the way up from there."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from asr_models.recogniser import Recogniser
from evaluation.audiation.draws import Draws
from evaluation.audiation.heard import Heard, Listener
from evaluation.audiation.objective import Context, Score
from evaluation.audiation.parameterisations import Parameterisation
from evaluation.audiation.result import Audiations
from evaluation.audiation.targets import Target
from evaluation.audiation.transforms import Transform


@dataclass(frozen=True)
class Bench:
    """What all batches share.

    Attributes:
        recogniser: made differentiable.
        parameterisation: of the inputs.
        transform: what every step changes them by.
        learning_rate: of Adam.
        tries: random inputs that a target may begin with.
        seed: of all random numbers.
    """

    recogniser: Recogniser
    parameterisation: Parameterisation
    transform: Transform
    learning_rate: float
    tries: int
    seed: int

    @property
    def rate(self) -> float:
        """Samples, or frames, of a second."""
        log_mel = self.recogniser.log_mel
        rate = log_mel.config["sample_rate"]
        return rate if self.parameterisation.domain == "waveform" else rate / log_mel.hop_length

    def draws(self, targets: Sequence[Target], purpose: str) -> Draws:
        """Random numbers of every target."""
        return Draws([(self.seed, t.name, t.sample) for t in targets], purpose)

    def start(self, draws: Draws) -> Float[Tensor, "row *free"]:
        """Free numbers to begin with, where and as precise as the recogniser is."""
        return self.parameterisation.start(draws).to(next(self.recogniser.parameters()))


class Batch:
    """Targets whose inputs are moved together.

    Raises:
        UserError: an objective asks for what the recogniser does not have.
    """

    def __init__(self, bench: Bench, targets: Sequence[Target]) -> None:
        self.bench, self.targets = bench, targets
        context = Context(bench.recogniser, bench.parameterisation.samples)
        self.score = Score([target.objective for target in targets], context)
        self.listener = Listener(bench.recogniser, self.score.reads, context.samples)

    def hear(self, free: Float[Tensor, "row *free"], draws: Draws | None = None) -> Heard:
        """One pass of the inputs, changed by the transform if there are random numbers for it."""
        signal = self.bench.parameterisation(free)
        if draws is not None:
            signal = self.bench.transform(signal, draws, self.bench.rate)
        heard = self.listener(signal, self.bench.parameterisation.domain)
        heard.free = free
        return heard

    def starts(self) -> tuple[Float[Tensor, "row *free"], Bool[Tensor, " row"]]:
        """Free numbers to begin with, and the targets that none of several tries could move."""
        draws = self.bench.draws(self.targets, "start")
        free = self.bench.start(draws)
        dead = self.score.driven.clone()
        for left in reversed(range(self.bench.tries)):
            slope = gradient(free, lambda given: self.score.drive(self._values(given)))
            dead &= ~(slope != 0).flatten(1).any(1)
            if not left or not bool(dead.any()):
                break
            free = torch.where(_like(dead, free), self.bench.start(draws), free)
        return free, dead

    def _values(self, free: Tensor) -> Float[Tensor, " part"]:
        return self.score.values(self.hear(free))

    def climb(
        self, free: Float[Tensor, "row *free"], rows: Int[Tensor, " row"], result: Audiations
    ) -> None:
        """Moves the inputs up and writes what comes of it into the `rows` of `result`."""
        draws = self.bench.draws(self.targets, "transforms")
        free = free.detach().clone().requires_grad_()
        adam = torch.optim.Adam([free], lr=self.bench.learning_rate, maximize=True)
        best, height = free.detach().clone(), torch.full((len(free),), -torch.inf)
        broken = torch.zeros(len(free), dtype=torch.bool, device=free.device)
        for step in range(result.steps[-1] + 1):
            if step in result.steps:
                height = self._check(step, free, best, height.to(free.device), rows, result)
            if step == result.steps[-1]:
                break
            slope, causes = self._slope(free, draws, broken)
            for row, cause in causes.items():
                result.problems[int(rows[row])] = f"{cause} is not a finite number at step {step}"
                broken[row] = True
            free.grad = slope.masked_fill(_like(broken, slope), 0)
            adam.step()
        with torch.no_grad():
            result.free[rows] = best.float().cpu()
            result.signals[rows] = self.bench.parameterisation(best).float().cpu()

    @torch.no_grad()
    def _check(
        self,
        step: int,
        free: Tensor,
        best: Tensor,
        height: Float[Tensor, " row"],
        rows: Int[Tensor, " row"],
        result: Audiations,
    ) -> Float[Tensor, " row"]:
        """Measures the inputs as they are; keeps those that are better than ever."""
        values = self._values(free)
        totals = self.score.totals(values)
        better = totals > height
        best.copy_(torch.where(_like(better, free), free, best))
        check = result.steps.index(step)
        result.totals[check, rows.numpy()] = totals.float().cpu().numpy()
        for row, group in enumerate(values.float().cpu().split(self.score.sizes)):
            result.values[int(rows[row])][check] = group.numpy()
        if step in result.snapshot_steps:
            shot = self.bench.parameterisation(free).float().cpu()
            result.snapshots[result.snapshot_steps.index(step), rows] = shot
        return torch.where(better, totals, height)

    def _slope(
        self, free: Tensor, draws: Draws, broken: Bool[Tensor, " row"]
    ) -> tuple[Float[Tensor, "row *free"], dict[int, str]]:
        """Slope of every row's objective, and where a number is none in rows not yet broken."""
        heard = self.hear(free, draws)
        totals = self.score.totals(self.score.values(heard))
        (slope,) = torch.autograd.grad(totals.sum(), free)
        bad = ~(torch.isfinite(totals) & torch.isfinite(slope).flatten(1).all(1)) & ~broken
        causes = bad.nonzero().flatten().tolist() if bool(bad.any()) else []
        return slope, {row: first_broken(heard, row) for row in causes}


def first_broken(heard: Heard, row: int) -> str:
    """The first thing that a row heard which holds NaN or infinity."""
    heard_of = {"an input frame": heard.frames, "log-mel": heard.mel}
    heard_of |= {f"an activation of layer {name}": x for name, x in heard.states.items()}
    heard_of["a log-probability"] = heard.log_probs
    for name, value in heard_of.items():
        if value is not None and not bool(torch.isfinite(value[row]).all()):
            return name
    return "the objective or its gradient"


def gradient(free: Tensor, measure) -> Float[Tensor, "row *free"]:  # type: ignore[no-untyped-def]
    """Slope of the sum over rows at `free`; 0 where nothing depends on it."""
    given = free.detach().requires_grad_()
    total = measure(given).sum()
    if not total.requires_grad:
        return torch.zeros_like(free)
    (slope,) = torch.autograd.grad(total, given, allow_unused=True)
    return torch.zeros_like(free) if slope is None else slope


def _like(mask: Bool[Tensor, " row"], values: Tensor) -> Tensor:
    return mask.view(-1, *(1,) * (values.ndim - 1))
