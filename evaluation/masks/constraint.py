"""What must hold: the likeliest class of every required step stays the likeliest."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from evaluation.masks.subjects import Subjects

TOLERANCE = 1e-3
"""Nats by which a class must lead, so that it does so alone and in any batch; half its lead in
what the recogniser says to the whole input, where that is less."""


def leads(
    log_probs: Float[Tensor, "batch step token"], classes: Int[Tensor, "batch step"]
) -> Float[Tensor, "batch step"]:
    """By how many nats a class is ahead of the likeliest other one; negative if it is not."""
    own = log_probs.gather(-1, classes[..., None])
    others = log_probs.scatter(-1, classes[..., None], -torch.inf).amax(-1)
    return own[..., 0] - others


BEYOND_DOUBT = 3.0
"""Nats of lead, more of which make nothing surer."""


class Constraint:
    """The constraint on masks of some utterances.

    Args:
        subjects: the utterances.
        required: steps whose class is to be kept.
        margin: nats of lead that `shortfall` asks for, less where the whole input has less.
    """

    def __init__(
        self, subjects: Subjects, required: Bool[Tensor, "batch step"], margin: float
    ) -> None:
        self.subjects, self.required, self.classes = subjects, required, subjects.classes
        whole = leads(subjects.log_probs, self.classes)
        self.wanted, self.needed = whole.clamp(max=margin), (whole / 2).clamp(max=TOLERANCE)
        self.count = required.sum(1).clamp(min=1)

    def shortfall(self, ahead: Float[Tensor, "batch step"]) -> Float[Tensor, " batch"]:
        """Nats of lead that are missing, mean over the required steps."""
        missing = (self.wanted - ahead).relu() * self.required
        return missing.sum(1) / self.count

    def security(self, ahead: Float[Tensor, "batch step"]) -> Float[Tensor, " batch"]:
        """Sum of the leads of the required steps, as far as they are not beyond doubt."""
        return (ahead.clamp(max=BEYOND_DOUBT) * self.required).sum(1)

    def kept(self, ahead: Float[Tensor, "batch step"]) -> Float[Tensor, " batch"]:
        """Share of the required steps that keep their class."""
        return ((ahead >= self.needed) & self.required).sum(1) / self.count

    def holds(self, ahead: Float[Tensor, "batch step"]) -> Bool[Tensor, " batch"]:
        """Whether all do. A step that is NaN does not."""
        return ((ahead >= self.needed) | ~self.required).all(1)

    @torch.no_grad()
    def check(self, mask: Bool[Tensor, "batch frame band"]) -> Bool[Tensor, " batch"]:
        """Whether it holds for hard masks, by a pass of them."""
        return self.holds(leads(self.subjects.says(mask), self.classes))


def preserved(
    log_probs: Float[Tensor, "batch step token"],
    classes: Int[Tensor, "batch step"],
    required: Bool[Tensor, "batch step"],
) -> Float[Tensor, " batch"]:
    """Share of the required steps whose likeliest token is the same."""
    same = (log_probs.argmax(-1) == classes) & required
    return same.sum(1).double() / required.sum(1).clamp(min=1)
