"""Speaker-discarded sonification: what each word, or phone, does to a feature on average.

The article's: the mean over a label's occurrences of the activation summed over the occurrence.
Beside it the mean of the speakers' means, in which somebody who says a word often counts no more
than others.

Both come out of one pass in any order. How often each speaker says each label is known from the
alignments beforehand, so an occurrence goes into the second mean with the weight of one by that
number, and no table by speaker is needed. Where occurrences are lost (unreadable audio, activations
that are no finite numbers), the means are over the others; their speaker then counts by the part
that was heard.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torchmetrics import Metric

from evaluation.sonification.pooling import all_finite
from evaluation.sonification.registry import Registry


@dataclass(frozen=True)
class TableLabels:
    """Which labels a table keeps, and how each occurrence enters it.

    Attributes:
        names: the labels kept, most frequent first, then by the alphabet.
        occurrences: of each of them in the corpus.
        speakers: who say each of them, a number.
        left_out: labels that are not kept.
        left_out_occurrences: of those.
        row: of each occurrence: the place of its label in `names`, or behind them all.
        weight: of each occurrence in the mean of speakers' means, 0 where its label is not kept.
    """

    names: Shaped[np.ndarray, " label"]
    occurrences: Int[np.ndarray, " label"]
    speakers: Int[np.ndarray, " label"]
    left_out: int
    left_out_occurrences: int
    row: Int[Tensor, " occurrence"]
    weight: Float[Tensor, " occurrence"]

    def to(self, device: torch.device) -> "TableLabels":
        """The same with what is used in a pass on another device."""
        return replace(self, row=self.row.to(device), weight=self.weight.to(device))


def table_labels(tier: Registry, most: int) -> TableLabels:
    """The `most` frequent labels of a tier and the weights of its items."""
    label = tier.parts[:, 0].astype(np.int64)
    counts = np.bincount(label, minlength=len(tier.names))
    order = np.argsort(-counts, kind="stable")  # names are sorted
    kept = order[:most]
    row_of = np.full(len(tier.names), len(kept))
    row_of[kept] = np.arange(len(kept))
    row = row_of[label]
    speaker = tier.utterances.speaker_index[tier.owner]
    pairs, inverse, said = np.unique(
        row * (len(tier.utterances) + 1) + speaker, return_inverse=True, return_counts=True
    )
    speakers = np.bincount(pairs // (len(tier.utterances) + 1), minlength=len(kept) + 1)
    weight = np.where(row < len(kept), 1.0 / said[inverse], 0.0)
    return TableLabels(
        names=tier.names[kept],
        occurrences=counts[kept],
        speakers=speakers[: len(kept)],
        left_out=len(order) - len(kept),
        left_out_occurrences=int(counts[order[most:]].sum()),
        row=torch.from_numpy(row),
        weight=torch.from_numpy(weight),
    )


class LabelMeans(NamedTuple):
    """What each label does to each feature; NaN where nothing of it was heard.

    Attributes:
        mean: over occurrences.
        speaker_mean: the mean of the speakers' means.
        heard: occurrences that were heard, of each label.
        broken: occurrences of each label and feature that were heard and are no finite number.
        expected: mean over all occurrences of all labels, those not kept too.
    """

    mean: Float[np.ndarray, "label feature"]
    speaker_mean: Float[np.ndarray, "label feature"]
    heard: Int[np.ndarray, " label"]
    broken: Int[np.ndarray, "label feature"]
    expected: Float[np.ndarray, " feature"]


class WordTable(Metric):
    """Means of the summed activation by label, for all features of a layer; sums over processes.

    It takes 24 bytes for every label that is kept and every feature, whatever the corpus.

    Args:
        labels: of the tier.
        features: of the layer.
    """

    full_state_update = False
    row: Tensor
    weight: Tensor
    sums: Tensor
    weighted: Tensor
    heard: Tensor
    weights: Tensor
    broken: Tensor
    lost_weights: Tensor

    def __init__(self, labels: TableLabels, features: int) -> None:
        super().__init__()
        self.register_buffer("row", labels.row, persistent=False)
        self.register_buffer("weight", labels.weight, persistent=False)
        rows = len(labels.names) + 1  # the last one: labels that are not kept
        for name, shape, kind in (
            ("sums", (rows, features), torch.float64),
            ("weighted", (rows, features), torch.float64),
            ("heard", (rows,), torch.int64),
            ("weights", (rows,), torch.float64),
            ("broken", (rows, features), torch.int32),
            ("lost_weights", (rows, features), torch.float32),
        ):
            self.add_state(name, torch.zeros(shape, dtype=kind), dist_reduce_fx="sum")

    def update(
        self, sums: Float[Tensor, "occurrence feature"], ids: Int[Tensor, " occurrence"]
    ) -> None:
        """Take in occurrences.

        Args:
            sums: activation of each feature summed over each occurrence; NaN is left out.
            ids: of the occurrences in the registry of their tier.
        """
        row, weight = self.row[ids], self.weight[ids]
        if not all_finite(sums):
            broken = ~torch.isfinite(sums)
            sums = sums.masked_fill(broken, 0.0)
            self.broken.index_add_(0, row, broken.to(torch.int32))
            self.lost_weights.index_add_(0, row, (broken * weight[:, None]).float())
        sums = sums.double()
        self.sums.index_add_(0, row, sums)
        self.weighted.index_add_(0, row, sums * weight[:, None])
        self.heard.index_add_(0, row, torch.ones_like(row))
        self.weights.index_add_(0, row, weight)

    def compute(self) -> LabelMeans:
        """The means so far, of all processes."""
        left = self.heard[:, None] - self.broken
        means = [
            (total / count).masked_fill(left == 0, torch.nan)[:-1].float().cpu().numpy()
            for total, count in (
                (self.sums, left),
                (self.weighted, self.weights[:, None] - self.lost_weights),
            )
        ]
        expected = self.sums.sum(0) / left.sum(0)
        broken = self.broken[:-1].cpu().numpy()
        heard = self.heard[:-1].cpu().numpy()
        return LabelMeans(means[0], means[1], heard, broken, expected.float().cpu().numpy())
