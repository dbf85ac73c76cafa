"""What a run of the loop found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from evaluation.audiation.targets import Target


@dataclass
class Audiations:
    """The best input of every target, and how it came about.

    Attributes:
        targets: in the order given.
        problems: why a target has no input, or why it was given up; empty where all went well.
        free: free numbers of the best input; of the first one where there is a problem from the
            start.
        signals: the inputs themselves, `(target, sample)` or `(target, frame, mel)`.
        steps: at which inputs were measured as they are, without transforms.
        totals: of every target's objective there, NaN where it was not measured.
        values: of every term of every target's objective there, not weighted, `(check, term)`.
        snapshot_steps: at which inputs were kept.
        snapshots: those inputs, `(snapshot, target, ...)`.
    """

    targets: list[Target]
    problems: list[str]
    free: Float[Tensor, "target *free"]
    signals: Float[Tensor, "target time *rest"]
    steps: list[int]
    totals: Float[np.ndarray, "check target"]
    values: list[Float[np.ndarray, "check _"]]
    snapshot_steps: list[int]
    snapshots: Float[Tensor, "snapshot target time *rest"]

    @property
    def best(self) -> Float[np.ndarray, " target"]:
        """Objective of every target's best input, NaN where there is none."""
        with np.errstate(invalid="ignore"):
            return np.fmax.reduce(self.totals, axis=0)

    @property
    def start(self) -> Float[np.ndarray, " target"]:
        """Objective of every target's first input."""
        return self.totals[0]


def blank(
    targets: Sequence[Target],
    free: torch.Size,
    signal: torch.Size,
    steps: list[int],
    snapshot_steps: list[int],
) -> Audiations:
    """A result to be filled, of free numbers and signals of these shapes."""
    count = len(targets)
    return Audiations(
        targets=list(targets),
        problems=[""] * count,
        free=torch.zeros(count, *free),
        signals=torch.zeros(count, *signal),
        steps=steps,
        totals=np.full((len(steps), count), np.nan, np.float32),
        values=[
            np.full((len(steps), len(target.objective.parts)), np.nan, np.float32)
            for target in targets
        ],
        snapshot_steps=snapshot_steps,
        snapshots=torch.zeros(len(snapshot_steps), count, *signal),
    )
