"""The k segments that drive every feature most, found exactly while a corpus goes by.

A score and its segment are packed into one whole number that sorts by score and, where scores are
equal, by the lower id. The k largest of these are the same whatever the order in which they come,
so batches and processes are merged by one operation, and the state is `(features, k)` numbers.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torchmetrics import Metric

from evaluation.sonification.pooling import all_finite

EMPTY = torch.iinfo(torch.int64).min
LOW_BITS = 0xFFFFFFFF  # of a key: the id, upside down
PART = 64  # segments merged at once while fewer than k are kept, and so every one counts


class Top(NamedTuple):
    """The best segments of every feature, best first.

    Attributes:
        scores: NaN where there are fewer than k.
        ids: -1 where there are fewer than k.
        broken: segments of each feature that have no score, since it is not a finite number.
    """

    scores: Float[np.ndarray, "feature k"]
    ids: Int[np.ndarray, "feature k"]
    broken: Int[np.ndarray, " feature"]

    def split(self, sizes: Iterable[int]) -> list["Top"]:
        """Those of consecutive features, so many at a time."""
        bounds = np.cumsum(list(sizes))[:-1]
        return [
            Top(*parts) for parts in zip(*(np.split(all_, bounds) for all_ in self), strict=True)
        ]


class TopSegments(Metric):
    """Streaming, exact, mergeable top-k of the segments of a corpus, for all features of a layer.

    Each segment may come once. With `owners`, at most one segment of an owner (an utterance, a
    speaker) is kept, the best: that is exact too, since an owner that was displaced by k others'
    best can only come back by a better segment of its own.

    Args:
        features: of the layer.
        k: segments to keep.
        owners: owner of every segment of the corpus, counted from 0 (None: no limit).

    Example:
        >>> top = TopSegments(features=2, k=1)
        >>> top.update(torch.tensor([[0.5, 0.7], [0.2, 0.2]]), torch.tensor([3, 4]))
        >>> top.compute().ids.tolist()
        [[4], [3]]
    """

    full_state_update = False
    keys: Tensor
    broken: Tensor
    owners: Tensor | None

    def __init__(
        self, features: int, k: int = 20, owners: Int[Tensor, " segment"] | None = None
    ) -> None:
        super().__init__()
        self.k = k
        self.register_buffer("owners", owners, persistent=False)
        empty = torch.full((features, k), EMPTY)
        self.add_state("keys", empty, dist_reduce_fx=self._merged)
        self.add_state("broken", torch.zeros(features, dtype=torch.int64), dist_reduce_fx="sum")

    def update(
        self, scores: Float[Tensor, "feature segment"], ids: Int[Tensor, " segment"]
    ) -> None:
        """Take in segments; a score that is not a finite number is counted and never kept."""
        if not all_finite(scores):
            broken = ~torch.isfinite(scores)
            self.broken += broken.sum(1)
            scores = scores.masked_fill(broken, -torch.inf)
        full = bool((self.keys[:, -1] != EMPTY).all())
        size = max(scores.shape[1], 1) if full else PART
        for part, part_ids in zip(scores.split(size, dim=1), ids.split(size), strict=True):
            self._merge(part, part_ids)

    def _merge(
        self, scores: Float[Tensor, "feature segment"], ids: Int[Tensor, " segment"]
    ) -> None:
        """Only what is no worse than the worst that is kept is looked at again."""
        worst = self.keys[:, -1]
        hopeful = torch.where(worst == EMPTY, -torch.inf, score_of(worst))
        row, place = (scores >= hopeful[:, None]).nonzero().unbind(1)
        if not len(row):
            return
        rows, counts = row.unique_consecutive(return_counts=True)
        begin = counts.cumsum(0) - counts
        number = torch.arange(len(rows), device=row.device).repeat_interleave(counts)
        column = self.k + torch.arange(len(row), device=row.device) - begin[number]
        candidates = self.keys.new_full((len(rows), self.k + int(counts.max())), EMPTY)
        candidates[:, : self.k] = self.keys[rows]
        candidates[number, column] = pack(scores[row, place], ids[place])
        self.keys.index_copy_(0, rows, best(candidates, self.k, self.owners))

    def compute(self) -> Top:
        """The best segments so far, of all processes."""
        empty = self.keys == EMPTY
        scores = score_of(self.keys).masked_fill(empty, torch.nan)
        ids = id_of(self.keys).masked_fill(empty, -1)
        return Top(scores.cpu().numpy(), ids.cpu().numpy(), self.broken.cpu().numpy())

    def _merged(self, keys: Int[Tensor, "rank feature k"]) -> Int[Tensor, "feature k"]:
        return best(keys.transpose(0, 1).flatten(1), self.k, self.owners)


def pack(
    scores: Float[Tensor, "*feature candidate"], ids: Int[Tensor, " candidate"]
) -> Int[Tensor, "*feature candidate"]:
    """Keys that sort by score, then by the lower id; `EMPTY` where a score is minus infinity."""
    bits = (scores.float() + 0.0).view(torch.int32)  # + 0.0: minus zero is zero
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    keys = (ordered.to(torch.int64) << 32) | (LOW_BITS - ids)
    return keys.masked_fill_(scores == -torch.inf, EMPTY)


def score_of(keys: Int[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Scores of keys; of `EMPTY` nothing meaningful."""
    ordered = (keys >> 32).to(torch.int32)
    return (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).view(torch.float32)


def id_of(keys: Int[Tensor, "*shape"]) -> Int[Tensor, "*shape"]:
    """Segment ids of keys; of `EMPTY` nothing meaningful."""
    return LOW_BITS - (keys & LOW_BITS)


def best(
    keys: Int[Tensor, "feature candidate"], k: int, owners: Int[Tensor, " segment"] | None
) -> Int[Tensor, "feature k"]:
    """The k largest keys of each feature, largest first; with owners, one of each at most."""
    if owners is not None:
        keys = keys.sort(dim=1, descending=True).values
        owner = owners[id_of(keys).clamp(max=len(owners) - 1)]
        together = owner.argsort(dim=1, stable=True)  # each owner's candidates, best first
        owner = owner.gather(1, together)
        again = torch.zeros_like(owner, dtype=torch.bool)
        again[:, 1:] = owner[:, 1:] == owner[:, :-1]
        keys = keys.masked_fill(torch.empty_like(again).scatter(1, together, again), EMPTY)
    if keys.shape[1] < k:
        keys = torch.nn.functional.pad(keys, (0, k - keys.shape[1]), value=EMPTY)
    return keys.topk(k, dim=1).values
