"""Objectives on one state of a layer: a neuron, and everything else, which is discouraged."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from acoustics.errors import UserError
from evaluation.audiation.feature_terms import Pooled, check_features
from evaluation.audiation.heard import Heard
from evaluation.audiation.objective import Context, Evaluation, Objective, Term


@dataclass(frozen=True)
class Activation(Pooled):
    """One feature at one state."""

    feature: int
    state: int

    def check(self, context: Context) -> None:
        """Refuse a feature or a state that the layer does not have.

        Raises:
            UserError: names it.
        """
        check_features(context, self.layer, [self.feature])
        count = context.states(self.layer)
        if not 0 <= self.state < count:
            raise UserError(
                f"layer {self.layer} has no state {self.state}: an input of {context.samples} "
                f"samples has states 0 to {count - 1}"
            )

    def span(self, context: Context) -> tuple[int, int]:
        """The state alone."""
        return self.state, self.state + 1

    def weights(self, features: int) -> Float[Tensor, " feature"]:
        """The feature alone."""
        return torch.eye(features)[self.feature]


@dataclass(frozen=True)
class Elsewhere(Term):
    """Mean size of all other activations of a layer: other features, and other states."""

    drives = False
    layer: str
    feature: int
    state: int

    @property
    def reads(self) -> str:
        """The layer."""
        return self.layer

    def check(self, context: Context) -> None:
        """Refuse as `Activation` does.

        Raises:
            UserError: the layer does not have the feature or the state.
        """
        Activation(self.layer, self.feature, self.state).check(context)

    @classmethod
    def bind(
        cls, terms: Sequence[Term], rows: Int[Tensor, " term"], context: Context
    ) -> Evaluation:
        """Mean over everything, less the one."""
        ours = [term for term in terms if isinstance(term, Elsewhere)]
        layer = ours[0].layer
        state = torch.tensor([term.state for term in ours], device=context.device)
        feature = torch.tensor([term.feature for term in ours], device=context.device)
        here = torch.arange(len(ours), device=context.device)

        def evaluate(heard: Heard) -> Float[Tensor, " term"]:
            size = heard.states[layer][rows].abs()
            others = size.sum((1, 2)) - size[here, state, feature]
            return others / max(1, size[0].numel() - 1)

        return evaluate


def neuron(layer: str, feature: int, state: int, others: float = 1.0) -> Objective:
    """One feature at one state, all other features and states discouraged.

    Args:
        layer: its name.
        feature: counted from 0.
        state: counted from 0.
        others: weight of the mean size of all other activations.
    """
    return Activation(layer, feature, state) - others * Elsewhere(layer, feature, state)
