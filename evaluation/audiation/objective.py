"""Objectives: weighted sums of terms, composed with `+`, `-` and a weight, evaluated in groups."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from asr_models.recogniser import Recogniser
from evaluation.audiation.heard import Heard

Evaluation = Callable[[Heard], Float[Tensor, " term"]]


class Part(NamedTuple):
    """A term and its weight."""

    weight: float
    term: "Term"


class Sum(ABC):
    """Something that can be added, taken away and weighted; it is to become as large as it can."""

    @property
    @abstractmethod
    def parts(self) -> tuple[Part, ...]:
        """The terms with their weights."""

    def __add__(self, other: "Sum") -> "Objective":
        return Objective(self.parts + other.parts)

    def __neg__(self) -> "Objective":
        return -1.0 * self

    def __sub__(self, other: "Sum") -> "Objective":
        return self + -other

    def __mul__(self, weight: float) -> "Objective":
        return Objective(tuple(Part(weight * part.weight, part.term) for part in self.parts))

    __rmul__ = __mul__


class Objective(Sum):
    """A weighted sum of terms.

    Example:
        >>> objective = Channel("cnn2", 3) - 0.1 * TotalVariation()  # doctest: +SKIP
        >>> [part.weight for part in objective.parts]  # doctest: +SKIP
        [1.0, -0.1]
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The terms with their weights."""
        return self._parts

    def __repr__(self) -> str:
        return " + ".join(f"{part.weight:g} {part.term}" for part in self.parts)


class Context(NamedTuple):
    """What terms are bound to: a recogniser and the length of its inputs."""

    recogniser: Recogniser
    samples: int

    @property
    def device(self) -> torch.device:
        """Where the recogniser is."""
        return next(self.recogniser.parameters()).device

    def states(self, layer: str) -> int:
        """States of `layer` for an input."""
        return int(self.recogniser.state_lengths(layer, torch.tensor([self.samples])))


class Term(Sum):
    """One thing to be measured of every row that asks for it.

    Attributes:
        drives: without it the row has no target; other terms only shape the input.
    """

    drives: ClassVar[bool] = True

    @property
    def parts(self) -> tuple[Part, ...]:
        """The term itself, with weight 1."""
        return (Part(1.0, self),)

    @property
    @abstractmethod
    def reads(self) -> str:
        """The layer, or other part of `Heard`, that it is measured on."""

    @property
    def kind(self) -> Hashable:
        """Terms of one kind are measured together."""
        return type(self), self.reads

    def check(self, context: Context) -> None:
        """Refuse what this recogniser does not have.

        Raises:
            UserError: names it.
        """

    @classmethod
    @abstractmethod
    def bind(
        cls, terms: Sequence["Term"], rows: Int[Tensor, " term"], context: Context
    ) -> Evaluation:
        """What measures all of `terms`, each on its row of a batch."""


class Score:
    """Measures the objectives of all rows of a batch, terms of one kind at once.

    Args:
        objectives: one for every row.
        context: the recogniser and the length of its inputs.

    Attributes:
        owners: the row of every part.
        parts: of all rows, one row after another.
        sizes: how many parts each row has.
        reads: what they are measured on.
    """

    def __init__(self, objectives: Sequence[Sum], context: Context) -> None:
        pairs = [(row, part) for row, each in enumerate(objectives) for part in each.parts]
        self.owners, self.parts = [row for row, _ in pairs], [part for _, part in pairs]
        self.sizes = [len(each.parts) for each in objectives]
        self.reads = {part.term.reads for part in self.parts}
        for part in self.parts:
            part.term.check(context)
        kinds: dict[Hashable, list[int]] = {}
        for number, part in enumerate(self.parts):
            kinds.setdefault(part.term.kind, []).append(number)
        device = context.device
        self._groups = []
        for numbers in kinds.values():
            terms = [self.parts[i].term for i in numbers]
            rows = torch.tensor([self.owners[i] for i in numbers], device=device)
            self._groups.append(type(terms[0]).bind(terms, rows, context))
        order = torch.tensor([i for numbers in kinds.values() for i in numbers])
        self._order = order.argsort().to(device)
        # A matrix, not sums at indices: on a GPU those come in any order.
        weights = torch.zeros(len(objectives), len(self.parts))
        for number, (row, part) in enumerate(pairs):
            weights[row, number] = part.weight
        drives = torch.tensor([part.term.drives for part in self.parts], dtype=torch.bool)
        self._weights, self._drives = weights.to(device), (weights * drives).to(device)
        self.driven = (self._drives != 0).any(1)

    def values(self, heard: Heard) -> Float[Tensor, " part"]:
        """What every term measures, not weighted."""
        return torch.cat([group(heard) for group in self._groups])[self._order]

    def totals(self, values: Float[Tensor, " part"]) -> Float[Tensor, " row"]:
        """The objective of every row."""
        return _weighted(self._weights, values)

    def drive(self, values: Float[Tensor, " part"]) -> Float[Tensor, " row"]:
        """The share of it that is the target's, without what only shapes the input."""
        return _weighted(self._drives, values)


def _weighted(
    weights: Float[Tensor, "row part"], values: Float[Tensor, " part"]
) -> Float[Tensor, " row"]:
    """Sums of weighted parts; what a row gives no weight does not reach it, were it NaN."""
    products = weights.to(values.dtype) * values
    return products.masked_fill(weights == 0, 0).sum(1)
