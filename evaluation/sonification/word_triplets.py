"""The same word by two speakers of one sex and one of the other: drawing them, keeping states."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

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


class KeptWords:
    """Rectified activations of the chosen occurrences of one layer, and their mean over all words.

    Half-wave rectified, so that "1.5 times the expected value" means something for states that
    have a sign, too; after a ReLU nothing changes. Memory is that of the chosen occurrences.

    Args:
        occurrences: the chosen ones, sorted.
        n_features: of the layer.
    """

    def __init__(self, occurrences: Int[np.ndarray, " kept"], n_features: int) -> None:
        self.occurrences = occurrences
        self.rows = np.full((len(occurrences), n_features), np.nan, dtype=np.float32)
        self._sum = np.zeros(n_features)
        self._count = np.zeros(n_features, dtype=np.int64)

    def add(
        self, occurrences: Int[np.ndarray, " word"], activations: Float[np.ndarray, "word feature"]
    ) -> None:
        """Adds words as they come; an activation that is not finite is left out of the mean."""
        rectified = np.maximum(activations, 0.0)
        finite = np.isfinite(activations)
        self._sum += np.where(finite, rectified, 0.0).sum(0, dtype=np.float64)
        self._count += finite.sum(0)
        place = np.searchsorted(self.occurrences, occurrences)
        inside = place < len(self.occurrences)
        inside[inside] = self.occurrences[place[inside]] == occurrences[inside]
        self.rows[place[inside]] = np.where(finite, rectified, np.nan)[inside]

    def merge(self, other: "KeptWords") -> None:
        """Takes over what another one of the same occurrences has seen."""
        self._sum += other._sum
        self._count += other._count
        self.rows = np.where(np.isnan(self.rows), other.rows, self.rows)

    @property
    def expected(self) -> Float[np.ndarray, " feature"]:
        """Mean rectified activation over all words; NaN where none came."""
        with np.errstate(invalid="ignore"):
            return self._sum / self._count

    def of(self, occurrences: Int[np.ndarray, " triplet"]) -> Float[np.ndarray, "triplet feature"]:
        """Activations of chosen occurrences; NaN for those that never came."""
        return self.rows[np.searchsorted(self.occurrences, occurrences)]

    def activated(
        self, occurrences: Int[np.ndarray, " triplet"], ratio: float
    ) -> Bool[np.ndarray, "triplet feature"]:
        """Features that are `ratio` times their expected value or more; dead ones never are."""
        return (self.of(occurrences) >= ratio * self.expected) & (self.expected > 0)
