"""Objectives on the features of a layer over time: channel, set, direction."""

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from acoustics.errors import UserError
from acoustics.frames import states_between
from evaluation.audiation.heard import Heard
from evaluation.audiation.objective import Context, Evaluation, Term

Window = tuple[int, int]
"""First sample, and the one behind the last."""


@dataclass(frozen=True)
class Pooled(Term):
    """A weighted mean of features, averaged over the states of a window."""

    layer: str

    @property
    def reads(self) -> str:
        """The layer."""
        return self.layer

    @property
    def kind(self) -> Hashable:
        """All of these are measured together."""
        return Pooled, self.layer

    @abstractmethod
    def weights(self, features: int) -> Float[Tensor, " feature"]:
        """Weight of every feature."""

    @abstractmethod
    def span(self, context: Context) -> tuple[int, int]:
        """First state, and the one behind the last."""

    @classmethod
    def bind(
        cls, terms: Sequence[Term], rows: Int[Tensor, " term"], context: Context
    ) -> Evaluation:
        """Mean over each term's states, then its weighted sum of features."""
        ours = [term for term in terms if isinstance(term, Pooled)]
        layer = ours[0].layer
        features = context.recogniser.layers[layer].features
        mixing = torch.stack([term.weights(features) for term in ours]).to(context.device)
        share = torch.zeros(len(ours), context.states(layer))
        for row, term in zip(share, ours, strict=True):
            first, stop = term.span(context)
            row[first:stop] = 1 / (stop - first)
        share = share.to(context.device)

        def evaluate(heard: Heard) -> Float[Tensor, " term"]:
            states = heard.states[layer][rows]
            pooled = (share.to(states.dtype)[:, None] @ states).squeeze(1)
            return (pooled * mixing.to(states.dtype)).sum(1)

        return evaluate


@dataclass(frozen=True)
class Windowed(Pooled):
    """Pooled over the states that are centred in a window of samples, or in the whole input."""

    window: Window | None = None

    def span(self, context: Context) -> tuple[int, int]:
        """As sonification chooses the states of a segment, so scores can be compared."""
        timing = context.recogniser.layers[self.layer].timing
        window = self.window or (0, context.samples)
        start, end, count = (torch.tensor([n]) for n in (*window, context.states(self.layer)))
        first, stop = states_between(timing, start, end, count)
        return int(first), int(stop)

    def check(self, context: Context) -> None:
        """Refuse a window outside of the input.

        Raises:
            UserError: names it.
        """
        if self.window and not 0 <= self.window[0] < self.window[1] <= context.samples:
            raise UserError(
                f"window {self.window} of layer {self.layer} does not lie in the "
                f"{context.samples} samples of an input"
            )


@dataclass(frozen=True)
class FeatureSet(Windowed):
    """Mean activation of several features (the notebook's J, equation 1)."""

    features: tuple[int, ...] = ()

    def check(self, context: Context) -> None:
        """Refuse features that the layer does not have.

        Raises:
            UserError: names the first one.
        """
        super().check(context)
        check_features(context, self.layer, self.features)

    def weights(self, features: int) -> Float[Tensor, " feature"]:
        """The same for every feature of the set, 0 for others."""
        chosen = torch.zeros(features)
        chosen[list(self.features)] = 1 / len(self.features)
        return chosen


@dataclass(frozen=True, eq=False)
class Direction(Windowed):
    """States along a direction: their mean projected on it (its length is taken away)."""

    direction: tuple[float, ...] = ()

    def check(self, context: Context) -> None:
        """Refuse a direction of another layer, or none.

        Raises:
            UserError: names it.
        """
        super().check(context)
        check_features(context, self.layer, [0])
        wanted = context.recogniser.layers[self.layer].features
        if len(self.direction) != wanted or not any(self.direction):
            raise UserError(
                f"the direction in layer {self.layer} has {len(self.direction)} numbers; it must "
                f"have {wanted}, one for each feature, and not be zero"
            )

    def weights(self, features: int) -> Float[Tensor, " feature"]:
        """The direction with length 1."""
        direction = torch.tensor(self.direction, dtype=torch.float32)
        return direction / direction.norm()


def channel(layer: str, feature: int, window: Window | None = None) -> FeatureSet:
    """One feature over all time, or over a window of samples."""
    return FeatureSet(layer, window, (feature,))


def check_features(context: Context, layer: str, features: Sequence[int]) -> None:
    """Refuse features that a layer does not have.

    Raises:
        UserError: names the layer and the first one, or that there is none.
    """
    known = context.recogniser.layers
    if layer not in known:
        raise UserError(f"layer '{layer}' is unknown; this recogniser has {', '.join(known)}")
    if not features:
        raise UserError(f"no feature of layer {layer} is named; give at least one")
    count = known[layer].features
    for feature in features:
        if not 0 <= feature < count:
            raise UserError(f"layer {layer} has no feature {feature}: it has 0 to {count - 1}")
