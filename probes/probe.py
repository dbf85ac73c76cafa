"""One probe: hidden states of one layer in, log-mel out."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from acoustics.frames import Rate
from probes.bodies import Highway

Body = Literal["highway", "linear"]


class Probe(nn.Module):
    """Non-contextual probe of one layer (the resynthesis paper, sections 2.2 and 3.1).

    A state of a layer slower than the mel hop is first projected up linearly to its `r` frames,
    those of a faster layer are stacked and projected down; then the body and a linear output work
    on each frame alone. Input and output are expressed in units of their deviation around their
    mean over training frames, which lets the probe learn from the first step.

    Args:
        width: values of one state.
        rate: frames per state, from `acoustics.frames.rate_of`.
        n_mels: bands of the target.
        body: `highway`, or `linear` for a probe without hidden layers.
        hidden: width of the Highway layers.
        highway_layers: their number.
        seed: of the initial weights.
    """

    mean: Tensor
    deviation: Tensor
    state_mean: Tensor
    state_deviation: Tensor

    def __init__(
        self,
        width: int,
        rate: Rate,
        n_mels: int = 80,
        body: Body = "highway",
        hidden: int = 128,
        highway_layers: int = 4,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.rate = rate
        inner = hidden if body == "highway" else n_mels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.project = nn.Linear(width * rate.stack, inner * rate.expand)
            self.body = Highway(hidden, highway_layers) if body == "highway" else nn.Identity()
            self.head = nn.Linear(hidden, n_mels) if body == "highway" else nn.Identity()
        self.register_buffer("mean", torch.zeros(n_mels))
        self.register_buffer("deviation", torch.ones(n_mels))
        self.register_buffer("state_mean", torch.zeros(width))
        self.register_buffer("state_deviation", torch.ones(width))

    def forward(
        self, states: Float[Tensor, "*batch state width"]
    ) -> Float[Tensor, "*batch frame mel"]:
        """Log-mel `(..., frame, mel)` of states `(..., state, width)`.

        Raises:
            ValueError: the states of a layer finer than the hop do not fill their last frame.
        """
        *batch, count, width = states.shape
        frames = self.rate.frames(count)
        standard = (states - self.state_mean) / self.state_deviation
        stacked = standard.reshape(*batch, count // self.rate.stack, width * self.rate.stack)
        x = self.project(stacked).reshape(*batch, frames, -1)
        return self.mean + self.deviation * self.head(self.body(x))
