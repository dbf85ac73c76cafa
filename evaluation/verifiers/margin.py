"""Additive-margin softmax (Wang et al. 2018, arXiv:1801.05599): ThinResNet's loss."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


class MarginLoss(nn.Module):
    """Classification of the training speakers by cosine, the true one handicapped by a margin.

    Args:
        n_speakers: training speakers.
        width: length of an embedding.
        scale: of the cosines.
        margin: taken off the true speaker's cosine; 0 gives a plain normalised softmax.
    """

    def __init__(
        self, n_speakers: int, width: int, scale: float = 30.0, margin: float = 0.35
    ) -> None:
        super().__init__()
        self.scale, self.margin = scale, margin
        self.weight = nn.Parameter(torch.empty(n_speakers, width))
        nn.init.xavier_normal_(self.weight)

    def forward(
        self,
        embeddings: Float[Tensor, "speaker utterance embedding"],
        speakers: Int[Tensor, " speaker"],
    ) -> Float[Tensor, ""]:
        """Mean loss over the utterances of a batch."""
        flat = functional.normalize(embeddings.flatten(0, 1), dim=-1)
        cosine = flat @ functional.normalize(self.weight, dim=-1).T
        target = speakers.repeat_interleave(embeddings.shape[1])
        handicap = functional.one_hot(target, cosine.shape[1]) * self.margin
        return functional.cross_entropy(self.scale * (cosine - handicap), target)
