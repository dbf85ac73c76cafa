"""Hard masks made sparser, or mended, entry by entry, always by a pass of the mask itself."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from evaluation.masks.constraint import TOLERANCE, Constraint, preserved
from evaluation.masks.subjects import Subjects

FIRST_SHARE = 1 / 16  # of the kept entries that are tried at once to begin with


@torch.no_grad()
def prune(
    constraint: Constraint,
    masks: Bool[Tensor, "batch frame band"],
    importance: Float[Tensor, "batch frame band"],
    passes: int,
) -> Bool[Tensor, "batch frame band"]:
    """Leaves out what can be left out, the least important entries first.

    As many entries at once as may succeed: twice as many after every success, a quarter after a
    failure; a single one that fails stays. With enough passes none of the entries could be left
    out alone when it was tried.

    Args:
        constraint: that `masks` hold.
        masks: hard ones.
        importance: of all entries.
        passes: at most.
    """
    shape, flat = masks.shape, masks.flatten(1)
    order = importance.flatten(1).masked_fill(~flat, torch.inf).argsort(dim=1, stable=True)
    size = flat.sum(1)
    place = torch.zeros_like(size)
    chunk = (size * FIRST_SHARE).long().clamp(min=1)
    ranks = torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )
    for _ in range(passes):
        if bool((place >= size).all()):
            break
        until = torch.minimum(place + chunk, size)
        tried = flat & ~((ranks >= place[:, None]) & (ranks < until[:, None]))
        holds = constraint.check(tried.view(shape)) & (place < size)
        flat = torch.where(holds[:, None], tried, flat)
        single = until - place <= 1
        place = torch.where(holds | single, until, place)
        chunk = torch.where(holds, chunk * 2, (until - place) // 4).clamp(min=1)
    return flat.view(shape)


@torch.no_grad()
def restore(
    constraint: Constraint,
    masks: Bool[Tensor, "batch frame band"],
    importance: Float[Tensor, "batch frame band"],
) -> Bool[Tensor, "batch frame band"]:
    """Gives entries back to masks that do not hold, the most important ones of those left out.

    Twice as many after every failure; the whole input holds in the end.

    Args:
        constraint: that is to hold.
        masks: hard ones.
        importance: of all entries.
    """
    shape, flat = masks.shape, masks.flatten(1)
    inside = constraint.subjects.inside.flatten(1)
    lacking = inside & ~flat
    order = importance.flatten(1).masked_fill(~lacking, -torch.inf)
    ranks = order.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    most, given = int(lacking.sum(1).max()), 1
    failing = ~constraint.check(masks)
    while bool(failing.any()) and given < 2 * most:
        flat = torch.where(failing[:, None], flat | (lacking & (ranks < given)), flat)
        failing = failing & ~constraint.check(flat.view(shape))
        given *= 2
    return torch.where(failing[:, None], inside, flat).view(shape)


@torch.no_grad()
def mend(
    subjects: Subjects,
    required: Bool[Tensor, "batch step"],
    masks: Bool[Tensor, "batch frame band"],
    importance: Float[Tensor, "batch frame band"],
) -> Bool[Tensor, "batch frame band"]:
    """Masks whose claim is true: each is re-checked alone, and given entries back if it fails.

    Args:
        subjects: the utterances.
        required: steps whose class is to be kept.
        masks: hard ones.
        importance: of all entries.
    """
    mended = masks.clone()
    for row, count in enumerate(subjects.counts.tolist()):
        alone, steps = subjects.alone(row), required[row : row + 1, : int(subjects.steps[row])]
        found = masks[row : row + 1, :count]
        if bool((preserved(alone.says(found), alone.classes, steps) < 1).any()):
            constraint = Constraint(alone, steps, TOLERANCE)
            mended[row, :count] = restore(constraint, found, importance[row : row + 1, :count])[0]
    return mended
