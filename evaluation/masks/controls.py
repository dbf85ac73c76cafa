"""Masks to compare with: entries at random, and the entries with the most energy."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from evaluation.audiation.draws import Draws
from evaluation.masks.subjects import Subjects


def stretch(kept: Bool[Tensor, "batch frame band"]) -> Bool[Tensor, "batch frame band"]:
    """All entries of the frames from the first to the last one of which anything is kept.

    A mask of one word keeps little beyond it; controls of the same size must not be spread over
    the whole utterance, or they would be beaten by that alone.
    """
    some = kept.any(2)
    begun = some.cummax(1).values
    left = some.flip(1).cummax(1).values.flip(1)
    return (begun & left)[..., None].expand_as(kept)


def random_order(subjects: Subjects, seed: int) -> Float[Tensor, "batch frame band"]:
    """A random importance of every entry; of each utterance the same in any batch."""
    importance = torch.zeros(subjects.normal.shape)
    bands = importance.shape[2]
    for row, (name, count) in enumerate(zip(subjects.batch.ids, subjects.counts, strict=True)):
        drawn = Draws([(seed, name)], "random mask").normal(int(count), bands)
        importance[row, : int(count)] = drawn[0]
    return importance


def energy_order(subjects: Subjects) -> Float[Tensor, "batch frame band"]:
    """The energy of every normalised entry: how far it is from its mean, squared."""
    return subjects.normal.square().float().cpu()


def first_inside(
    order: Float[Tensor, "batch frame band"], where: Bool[Tensor, "batch frame band"]
) -> Float[Tensor, "batch frame band"]:
    """An order of importance in which entries of `where` come before all others."""
    low, high = order.amin((1, 2), keepdim=True), order.amax((1, 2), keepdim=True)
    return torch.where(where, order, order - (high - low) - 1)


def largest(
    order: Float[Tensor, "batch frame band"],
    sizes: Int[Tensor, " batch"],
    where: Bool[Tensor, "batch frame band"],
) -> Bool[Tensor, "batch frame band"]:
    """Masks that keep the entries that come first in an order; of equal ones, the earlier.

    Args:
        order: importance of every entry.
        sizes: entries to keep.
        where: entries that can be kept.
    """
    flat = order.masked_fill(~where, -torch.inf).flatten(1)
    ranked = flat.argsort(dim=1, descending=True, stable=True)
    first = torch.arange(ranked.shape[1])[None] < sizes[:, None]
    return torch.zeros_like(first).scatter_(1, ranked, first).view(order.shape) & where
