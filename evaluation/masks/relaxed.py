"""A binary mask that gradients can pass."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

LOWEST, HIGHEST = 0.6, 1.0
THRESHOLD = 0.5


class BinaryMask(nn.Module):
    """A level from 0 to 1 for every entry; what is above 0.5 is kept.

    The pass is that of the strictly binary mask, the gradient that of the levels, as if there were
    no threshold (the straight-through estimator: Bengio, Léonard, Courville 2013). So whatever a
    search sees is what the hard mask does.

    All entries are kept to begin with. Their levels rise with their worth, so that they are left
    out one after the other and not all at once.

    Args:
        worth: of each entry.
        inside: entries that can be kept at all.
    """

    inside: Tensor

    def __init__(
        self, worth: Float[Tensor, "batch frame band"], inside: Bool[Tensor, "batch frame band"]
    ) -> None:
        super().__init__()
        self.register_buffer("inside", inside.clone())
        ranked = worth.masked_fill(~inside, torch.inf).flatten(1).argsort(dim=1, stable=True)
        place = ranked.argsort(dim=1).view_as(worth) + 1
        share = place / inside.flatten(1).sum(1)[:, None, None]
        self.level = nn.Parameter((LOWEST + (HIGHEST - LOWEST) * share) * inside)

    @property
    def hard(self) -> Bool[Tensor, "batch frame band"]:
        """Entries that are kept."""
        return self.level.detach() > THRESHOLD

    def share(self) -> Float[Tensor, " batch"]:
        """Mean level of the entries of each utterance."""
        entries: Tensor = self.inside.flatten(1).sum(1)
        total: Tensor = self.level.flatten(1).sum(1)
        return total / entries

    def forward(self) -> Float[Tensor, "batch frame band"]:
        """The hard mask as 0 and 1, with the gradient of the levels."""
        straight: Tensor = self.level - self.level.detach()
        return self.hard.to(straight.dtype) + straight

    @torch.no_grad()
    def restrict(
        self, before: Float[Tensor, "batch frame band"], going: Bool[Tensor, " batch"]
    ) -> None:
        """Brings the levels back into [0, 1], and to 0 beyond an utterance.

        Args:
            before: levels before the last step, to which given up utterances go back.
            going: those that are not given up.
        """
        self.level.clamp_(0, 1).mul_(self.inside)
        self.level.copy_(torch.where(going[:, None, None], self.level, before))
