"""Insertion and deletion curves: what is kept of the output while entries come and go.

After Petsiuk, Das, Saenko (2018), "RISE". The better an order of importance, the sooner the output
is there when entries are put in, and gone when they are taken away.
"""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from evaluation.masks.constraint import preserved
from evaluation.masks.controls import largest
from evaluation.masks.mask_settings import POINTS
from evaluation.masks.subjects import Subjects

Way = Literal["insertion", "deletion"]


def shares(points: int = POINTS) -> Float[np.ndarray, " point"]:
    """The shares of the entries at which curves are measured, from none to all."""
    return np.linspace(0, 1, points)


@torch.no_grad()
def curve(
    subjects: Subjects,
    required: Bool[Tensor, "batch step"],
    order: Float[Tensor, "batch frame band"],
    way: Way,
    points: int = POINTS,
) -> Float[np.ndarray, "batch point"]:
    """Share of the required steps that keep their class, over the share of entries that is moved.

    Args:
        subjects: the utterances.
        required: see `required_steps`.
        order: importance of every entry; the most important are moved first.
        way: put into an input that is all mean, or taken away from the whole one.
        points: of the curve.
    """
    found, inside = [], subjects.inside.cpu()
    entries = subjects.entries.cpu()
    for share in shares(points):
        moved = largest(order, (entries * share).round().long(), inside)
        mask = moved if way == "insertion" else inside & ~moved
        said = subjects.says(mask.to(subjects.normal.device))
        found.append(preserved(said, subjects.classes, required).cpu())
    return torch.stack(found, dim=1).numpy()


def area(values: Float[np.ndarray, "batch point"]) -> Float[np.ndarray, " batch"]:
    """Area under curves over evenly spread shares, from 0 to 1."""
    ends = values[:, 0] + values[:, -1]
    return (values.sum(1) - ends / 2) / (values.shape[1] - 1)
