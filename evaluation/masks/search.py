"""The search: a relaxed mask, and a price of its entries that rises while the mask holds.

Rows do not touch each other: Adam works element by element, every utterance has a price of its own,
and a state does not depend on its batch mates. Nothing is random.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from asr_models.gradients import differentiable
from corpora.corpus import Progress
from evaluation.masks.constraint import Constraint, leads
from evaluation.masks.mask_settings import SearchSettings
from evaluation.masks.pruning import mend, prune, restore
from evaluation.masks.relaxed import BinaryMask
from evaluation.masks.subjects import Subjects

LEAST = 0.05
"""Share of the first price below which none falls: it takes long to rise again."""


@dataclass
class Masks:
    """The sparsest masks that were found, on the CPU.

    Attributes:
        kept: strictly binary; the constraint was checked with exactly these.
        importance: from 0 to 1, for how much of the search an entry was kept; kept ones are 1.
        shares: of the entries, kept at every step.
        frames: share of the required steps that kept their class there.
        prices: of the entries there.
        snapshot_steps: steps of which the masks are kept; the last is the result.
        snapshots: these masks.
        problems: why a search was given up, or nothing; its mask is the best until then.
    """

    kept: Bool[Tensor, "batch frame band"]
    importance: Float[Tensor, "batch frame band"]
    shares: Float[np.ndarray, "step batch"]
    frames: Float[np.ndarray, "step batch"]
    prices: Float[np.ndarray, "step batch"]
    snapshot_steps: list[int]
    snapshots: Bool[Tensor, "snapshot batch frame band"]
    problems: list[str]


def search_masks(
    subjects: Subjects,
    required: Bool[Tensor, "batch step"],
    settings: SearchSettings | None = None,
    report: Progress | None = None,
) -> Masks:
    """The sparsest masks that can be found with which the required steps keep their class.

    Works in inference mode too, as inside `Trainer.test`.

    Args:
        subjects: the utterances.
        required: see `required_steps`.
        settings: of the search.
        report: called with the fraction that is done and one line.

    Example:
        >>> subjects, failures = hear(recogniser, batch)  # doctest: +SKIP
        >>> masks = search_masks(subjects, required_steps(subjects))  # doctest: +SKIP
        >>> masks.kept.float().mean()  # doctest: +SKIP
    """
    settings = settings or SearchSettings()
    with differentiable(subjects.recogniser):
        climb = Climb(subjects.ordinary(), required.clone(), settings)
        for step in range(settings.steps):
            climb.step(step)
            if report is not None:
                report((step + 1) / settings.steps, f"step {step + 1} of {settings.steps}")
        return climb.result()


class Climb:
    """The state of a search.

    Args:
        subjects: the utterances; their tensors are no inference ones.
        required: steps whose class is to be kept.
        settings: of the search.
    """

    def __init__(
        self, subjects: Subjects, required: Bool[Tensor, "batch step"], settings: SearchSettings
    ) -> None:
        self.subjects, self.settings = subjects, settings
        self.constraint = Constraint(subjects, required, settings.margin)
        self.mask = BinaryMask(self._worth(), subjects.inside)
        self.adam = torch.optim.Adam(
            self.mask.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99)
        )
        self.price = torch.full((len(subjects),), settings.price, device=required.device)
        self.best, self.size = subjects.inside.clone(), subjects.entries.clone()
        self.last = self.size + 1
        self.lifetime = torch.zeros_like(subjects.normal)
        self.going = torch.ones(len(subjects), dtype=torch.bool, device=required.device)
        self.problems = [""] * len(subjects)
        shape = settings.steps, len(subjects)
        self.shares, self.frames, self.prices = (np.full(shape, np.nan) for _ in range(3))
        chosen = np.linspace(0, settings.steps - 1, settings.snapshots).round().astype(int)
        self.snapshot_steps: list[int] = np.unique(chosen).tolist()
        self.snapshots: list[Tensor] = []

    def _worth(self) -> Float[Tensor, "batch frame band"]:
        """What each entry adds to the leads of the required steps, to first order."""
        mask = self.subjects.inside.to(self.subjects.normal.dtype).requires_grad_()
        ahead = leads(self.subjects.says(mask), self.constraint.classes)
        (worth,) = torch.autograd.grad(self.constraint.security(ahead).sum(), mask)
        return worth.nan_to_num()

    def step(self, step: int) -> None:
        """Measures the mask as it is, and moves the levels."""
        ahead = leads(self.subjects.says(self.mask()), self.constraint.classes)
        loss = self.constraint.shortfall(ahead) + self.price * self.mask.share()
        (slope,) = torch.autograd.grad(loss.sum(), self.mask.level)
        self._measure(step, ahead.detach())
        finite = torch.isfinite(loss) & torch.isfinite(slope).flatten(1).all(1)
        for row in (~finite).nonzero().flatten().tolist():
            self.problems[row] = self.problems[row] or (
                f"a log-probability or its gradient is not a finite number at step {step}"
            )
        self.going &= finite
        before = self.mask.level.detach().clone()
        self.mask.level.grad = slope.masked_fill(~self.going[:, None, None], 0)
        self.adam.step()
        self.mask.restrict(before, self.going)

    def _measure(self, step: int, ahead: Float[Tensor, "batch step"]) -> None:
        hard, holds = self.mask.hard, self.constraint.holds(ahead) & self.going
        size = hard.flatten(1).sum(1)
        self.keep(hard, holds)
        self.lifetime += hard
        self.shares[step] = (size / self.subjects.entries).cpu().numpy()
        self.frames[step] = self.constraint.kept(ahead).cpu().numpy()
        self.prices[step] = self.price.cpu().numpy()
        if step in self.snapshot_steps:
            self.snapshots.append(hard.cpu())
        slow = size > (1 - self.settings.shrink) * self.last
        self.last = size
        rise = torch.where(slow, self.settings.rise, 1.0)
        factor = torch.where(holds, rise, self.settings.fall).to(self.price.dtype)
        self.price = (self.price * factor).clamp(min=LEAST * self.settings.price)

    def keep(self, hard: Bool[Tensor, "batch frame band"], holds: Bool[Tensor, " batch"]) -> None:
        """Takes masks that hold where they are sparser than the best."""
        size = hard.flatten(1).sum(1)
        better = holds & (size < self.size)
        self.best = torch.where(better[:, None, None], hard, self.best)
        self.size = torch.where(better, size, self.size)

    def result(self) -> Masks:
        """The best masks: pruned, re-checked one by one, and mended where that fails.

        Where the last mask is sparser, given back what it lacks, that one is taken.
        """
        importance = self.lifetime / self.settings.steps
        last = restore(self.constraint, self.mask.hard, importance)
        self.keep(last, torch.ones_like(self.size, dtype=torch.bool))
        pruned = prune(self.constraint, self.best, importance, self.settings.prunings)
        kept = mend(self.subjects, self.constraint.required, pruned, importance)
        importance = torch.where(kept, 1.0, importance * (1 - 1 / self.settings.steps))
        return Masks(
            kept=kept.cpu(),
            importance=importance.float().cpu(),
            shares=self.shares,
            frames=self.frames,
            prices=self.prices,
            snapshot_steps=[*self.snapshot_steps, self.settings.steps],
            snapshots=torch.stack([*self.snapshots, kept.cpu()]),
            problems=self.problems,
        )
