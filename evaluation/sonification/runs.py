"""Runs of consecutive whole numbers, all at once."""

import numpy as np
from jaxtyping import Int


def runs(
    first: Int[np.ndarray, " run"], count: Int[np.ndarray, " run"]
) -> Int[np.ndarray, " number"]:
    """The numbers `first, first + 1, ...` of every run, `count` of each, one run after another."""
    before = np.cumsum(count) - count
    return np.arange(int(count.sum())) + np.repeat(first - before, count)
