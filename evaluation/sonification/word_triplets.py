"""The same word by two speakers of one sex and one of the other: drawing them, keeping states."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torchmetrics import Metric

SEXES = ("female", "male")
TRIES = 20  # draws for each triplet that is wanted, before it is taken that there are no more


@dataclass(frozen=True)
class Triplets:
    """Occurrences of one word by three speakers, each shape (triplet,).

    Attributes:
        anchor: by one speaker; of half the triplets a man.
        other: by a speaker of the other sex.
        alike: by another speaker of the anchor's sex: the control.
    """

    anchor: Int[np.ndarray, " triplet"]
    other: Int[np.ndarray, " triplet"]
    alike: Int[np.ndarray, " triplet"]

    @property
    def occurrences(self) -> Int[np.ndarray, " kept"]:
        """All occurrences that are needed, sorted."""
        return np.unique(np.concatenate([self.anchor, self.other, self.alike]))


def draw_triplets(
    words: Sequence[str] | np.ndarray,
    speakers: Sequence[str] | np.ndarray,
    sexes: Sequence[str] | np.ndarray,
    count: int,
    seed: int,
) -> Triplets:
    """Draws triplets, evenly over the words that allow any and over the anchor's sex.

    Args:
        words: of every occurrence.
        speakers: likewise.
        sexes: likewise, "male" or "female"; others are left out.
        count: of triplets; fewer come where the corpus has fewer.
        seed: of the draw.
    """
    generator = np.random.default_rng(seed)
    word, speaker, sex = (np.asarray(labels, dtype=str) for labels in (words, speakers, sexes))
    cells = [
        (mine, theirs)
        for mine, theirs in _cells(word, sex)
        if len(theirs) and len(np.unique(speaker[mine])) > 1
    ]
    found: dict[tuple[int, int, int], None] = {}
    for turn in range(TRIES * count if cells else 0):
        if turn % len(cells) == 0:
            order = generator.permutation(len(cells))
        mine, theirs = cells[order[turn % len(cells)]]
        anchor = generator.choice(mine)
        alike = generator.choice(mine[speaker[mine] != speaker[anchor]])
        found[int(anchor), int(generator.choice(theirs)), int(alike)] = None
        if len(found) == count:
            break
    drawn = np.array(list(found), dtype=np.int64).reshape(-1, 3)
    return Triplets(drawn[:, 0], drawn[:, 1], drawn[:, 2])


def _cells(word: np.ndarray, sex: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Occurrences of a word by one sex and by the other, for each word and sex."""
    _, of_word = np.unique(word, return_inverse=True)
    order = np.argsort(of_word, kind="stable")
    ends = np.flatnonzero(np.diff(of_word[order])) + 1
    for occurrences in np.split(order, ends):
        women, men = (occurrences[sex[occurrences] == name] for name in SEXES)
        yield women, men
        yield men, women


class WordActivations(NamedTuple):
    """Rectified activations of the chosen occurrences of one layer.

    Means of half-wave rectified states, so that "1.5 times the expected value" means something for
    states that have a sign, too; after a ReLU nothing changes.

    Attributes:
        occurrences: the chosen ones, sorted.
        rows: of each of them; NaN where it never came or is not finite.
        expected: mean over all words of the corpus; NaN where none came.
    """

    occurrences: Int[np.ndarray, " kept"]
    rows: Float[np.ndarray, "kept feature"]
    expected: Float[np.ndarray, " feature"]

    def of(self, occurrences: Int[np.ndarray, " triplet"]) -> Float[np.ndarray, "triplet feature"]:
        """Activations of chosen occurrences; NaN for those that never came."""
        return self.rows[np.searchsorted(self.occurrences, occurrences)]

    def activated(
        self, occurrences: Int[np.ndarray, " triplet"], ratio: float
    ) -> Bool[np.ndarray, "triplet feature"]:
        """Features that are `ratio` times their expected value or more; dead ones never are."""
        return (self.of(occurrences) >= ratio * self.expected) & (self.expected > 0)


class KeptWords(Metric):
    """Keeps the activations of the chosen words, and their mean over all words, as they go by.

    Memory is that of the chosen occurrences. Over processes, sums: each hears utterances of its
    own, so `came` stays 0 or 1.

    Args:
        occurrences: the chosen ones, sorted.
        features: of the layer.
    """

    full_state_update = False
    occurrences: Tensor
    rows: Tensor
    came: Tensor
    sums: Tensor
    finite: Tensor

    def __init__(self, occurrences: Int[np.ndarray, " kept"], features: int) -> None:
        super().__init__()
        self.register_buffer("occurrences", torch.from_numpy(occurrences), persistent=False)
        table = torch.zeros(len(occurrences), features)
        self.add_state("rows", table, dist_reduce_fx="sum")
        self.add_state("came", table.to(torch.uint8), dist_reduce_fx="sum")
        self.add_state("sums", torch.zeros(features, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("finite", torch.zeros(features, dtype=torch.int64), dist_reduce_fx="sum")

    def update(
        self, activations: Float[Tensor, "occurrence feature"], ids: Int[Tensor, " occurrence"]
    ) -> None:
        """Take in words; an activation that is not finite is left out of the mean.

        Args:
            activations: of each feature over each occurrence: mean of its rectified states.
            ids: of the occurrences in the registry of words.
        """
        finite = activations.isfinite()
        known = activations.masked_fill(~finite, 0.0)
        self.sums += known.sum(0, dtype=torch.float64)
        self.finite += finite.sum(0)
        if not len(self.occurrences):
            return
        place = torch.searchsorted(self.occurrences, ids).clamp(max=len(self.occurrences) - 1)
        chosen = self.occurrences[place] == ids
        self.rows.index_copy_(0, place[chosen], known[chosen])
        self.came.index_copy_(0, place[chosen], finite[chosen].to(torch.uint8))

    def compute(self) -> WordActivations:
        """What came so far, of all processes."""
        rows = self.rows.masked_fill(self.came == 0, torch.nan)
        return WordActivations(
            self.occurrences.cpu().numpy(),
            rows.cpu().numpy(),
            (self.sums / self.finite).cpu().numpy(),
        )
