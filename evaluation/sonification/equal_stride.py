"""Layers of different strides are compared at one: their states are averaged to the coarsest.

The shortest activation is one state. Were that 10 ms in a first layer and 40 ms behind its pools,
activations would be longer in the deep layer for no more reason than that.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from acoustics.frames import pooled_length, valid_mask


def averaging_factors(strides: Mapping[str, int]) -> dict[str, int]:
    """How many states of each layer are averaged, for all to have the coarsest layer's stride.

    Where a stride does not divide the coarsest, the nearest whole number: the layer's stride is
    then not quite that of the others.

    Args:
        strides: of the layers that are compared, in samples.
    """
    coarsest = max(strides.values(), default=1)
    return {name: round(coarsest / stride) for name, stride in strides.items()}


def averaged_activation(
    states: Float[Tensor, "batch state feature"], lengths: Int[Tensor, " batch"], factor: int
) -> tuple[Float[Tensor, "batch average feature"], Int[Tensor, " batch"]]:
    """Half-wave rectified activation, averaged over every `factor` states.

    The last average of an utterance is that of the states that are left, as pools take it here.
    NaN where a state is not a finite number.

    Args:
        states: of a layer; anything may stand beyond `lengths`.
        lengths: valid states of each utterance.
        factor: of `averaging_factors`.

    Returns:
        The averages, 0 beyond their own lengths, and these.
    """
    rectified = states.clamp(min=0).where(states.isfinite(), torch.nan)
    inside = rectified.where(valid_mask(lengths, states.shape[1])[..., None], 0.0)
    whole = pad(inside, (0, 0, 0, -states.shape[1] % factor)).unflatten(1, (-1, factor))
    begins = factor * torch.arange(whole.shape[1], device=lengths.device)
    counts = (lengths[:, None] - begins).clamp(min=1, max=factor)
    return whole.sum(2) / counts[..., None], pooled_length(lengths, factor)
