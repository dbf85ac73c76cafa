"""What a probe is made of; each body maps states one by one and never looks at a neighbour."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Highway(nn.Module):
    """Highway network (Srivastava, Greff, Schmidhuber 2015), as in the resynthesis paper.

    Args:
        width: of its input and output.
        layers: the paper has 4.
    """

    def __init__(self, width: int, layers: int = 4) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(layers))
        for layer in self.layers:
            nn.init.constant_(
                layer.get_parameter("bias")[width:], -1.0
            )  # starts by carrying its input

    def forward(self, x: Float[Tensor, "*rest width"]) -> Float[Tensor, "*rest width"]:
        """Same shape out as in."""
        for layer in self.layers:
            candidate, gate = layer(x).chunk(2, dim=-1)
            x = torch.lerp(x, torch.relu(candidate), torch.sigmoid(gate))
        return x
