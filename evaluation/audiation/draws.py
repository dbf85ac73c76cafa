"""Random numbers of a batch, of which every row has a stream of its own."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from corpora.seeding import derived_seed


class Draws:
    """Draws for a batch: what a row gets does not depend on the rows beside it.

    Numbers are drawn on the CPU, so that they are the same on every device.

    Args:
        rows: what each row's stream depends on, as `(seed, "cnn1.3", 0)`.
        purpose: what the numbers are for; other purposes give other numbers.

    Example:
        >>> Draws([("a",), ("b",)], "start").uniform(0, 1).equal(
        ...     torch.cat([Draws([(n,)], "start").uniform(0, 1) for n in "ab"])
        ... )
        True
    """

    def __init__(self, rows: Iterable[tuple[object, ...]], purpose: str) -> None:
        self.generators = [
            torch.Generator().manual_seed(derived_seed(purpose, *parts)) for parts in rows
        ]

    def uniform(self, low: float, high: float) -> Float[Tensor, " row"]:
        """One number of `[low, high)` for every row."""
        drawn = [torch.rand((), generator=generator) for generator in self.generators]
        return low + (high - low) * torch.stack(drawn)

    def normal(self, *shape: int) -> Float[Tensor, "row *shape"]:
        """Standard normal numbers of `shape` for every row."""
        return torch.stack([torch.randn(shape, generator=g) for g in self.generators])
