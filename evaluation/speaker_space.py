"""Directions in which speakers differ: the one linear discriminant analysis, for states and voices.

Values are standardised, reduced to their principal components and rotated to the directions that
tell speakers apart best (Fisherfaces: Belhumeur, Hespanha, Kriegman 1997). Everything is linear.

The covariance within speakers is pooled over all of them and shrunk towards a sphere (Ledoit and
Wolf 2004): what varies from one utterance to the next is taken to be the same for everybody, and
the few utterances of a single speaker are too few to estimate it (scikit-learn's
`LinearDiscriminantAnalysis` with `shrinkage="auto"` shrinks the covariance of each speaker by
itself). Where unseen speakers are compared, a direction counts by the share of its variance that is
identity.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh

COMPONENTS = 200
SMALLEST_DEVIATION = 1e-4  # of the largest one: what hardly moves is not blown up


class TooFewSpeakersError(ValueError):
    """Nothing can be learnt about speakers; the message is one line and says why."""


@dataclass(frozen=True)
class SpeakerSpace:
    """A linear map of vectors to where speakers are far apart.

    Attributes:
        mean: of the training vectors.
        directions: columns; the covariance within speakers is the identity along them.
        speakers: of the training vectors.
        centres: where each of these speakers lies.
        weights: of each direction between strangers: the inner product of one vector with what
            another leads to expect of its speaker (a Gaussian model of both).
    """

    mean: Float[np.ndarray, " value"]
    directions: Float[np.ndarray, "value direction"]
    speakers: list[str]
    centres: Float[np.ndarray, "speaker direction"]
    weights: Float[np.ndarray, " direction"]

    def project(
        self, vectors: Float[np.ndarray, "utterance value"]
    ) -> Float[np.ndarray, "utterance direction"]:
        """Coordinates along the directions."""
        return (vectors - self.mean) @ self.directions

    def embed(
        self, vectors: Float[np.ndarray, "utterance value"]
    ) -> Float[np.ndarray, "utterance direction"]:
        """Weighted projections of length 1, whose inner product scores a trial; NaN where none."""
        projected = self.project(vectors) * np.sqrt(self.weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            unit = projected / np.linalg.norm(projected, axis=1, keepdims=True)
        return unit.astype(np.float32)

    def recognise(self, vectors: Float[np.ndarray, "utterance value"]) -> list[str]:
        """The training speaker whose centre is nearest to each vector."""
        projected = self.project(vectors)
        squares = np.square(projected[:, None] - self.centres).sum(-1)
        return [self.speakers[i] for i in squares.argmin(1)]


def fit_speaker_space(
    vectors: Float[np.ndarray, "utterance value"],
    speakers: Sequence[str],
    components: int = COMPONENTS,
) -> SpeakerSpace:
    """Learn from labelled vectors; speakers with a single one are left out.

    Args:
        vectors: finite, one for each utterance.
        speakers: who said it.
        components: principal components kept, at most.

    Raises:
        TooFewSpeakersError: fewer than two speakers have two vectors, or all vectors are equal.
    """
    from sklearn.decomposition import PCA  # here, for it takes half a second to import

    counts = Counter(speakers)
    names = sorted(name for name, n in counts.items() if n > 1)
    if len(names) < 2:
        raise TooFewSpeakersError(
            f"two speakers with two utterances each are needed, there are {len(names)}"
        )
    rows = [i for i, name in enumerate(speakers) if counts[name] > 1]
    members = np.array([names.index(speakers[i]) for i in rows])
    chosen = vectors[rows].astype(np.float64)
    mean, deviation = chosen.mean(0), chosen.std(0)
    if not deviation.max() > 0:
        raise TooFewSpeakersError("all utterances are the same")
    scale = np.maximum(deviation, SMALLEST_DEVIATION * deviation.max())
    pca = PCA(min(components, len(rows) - 1, vectors.shape[1]), random_state=0)
    reduced = pca.fit_transform((chosen - mean) / scale)
    means = np.stack([reduced[members == i].mean(0) for i in range(len(names))])
    axes, spread = _discriminants(reduced - means[members], means, np.bincount(members))
    directions = (pca.components_.T @ axes) / scale[:, None]
    between = np.maximum(spread - len(names) / len(rows), 0)  # less what the means owe to chance
    weights = between / (between + 1)
    weights = weights if weights.any() else np.ones_like(weights)
    return SpeakerSpace(mean, directions, names, means @ axes, weights)


def _discriminants(
    residuals: Float[np.ndarray, "utterance component"],
    means: Float[np.ndarray, "speaker component"],
    counts: np.ndarray,
) -> tuple[Float[np.ndarray, "component direction"], Float[np.ndarray, " direction"]]:
    """Directions of most variance between speakers over that within, and their ratio."""
    from sklearn.covariance import ledoit_wolf

    within, _ = ledoit_wolf(residuals, assume_centered=True)
    within *= len(residuals) / (len(residuals) - len(means))  # each speaker's mean was taken off
    weighted = means * np.sqrt(counts / counts.sum())[:, None]
    between = weighted.T @ weighted
    floor = 1e-9 * max(np.trace(within), np.trace(between)) / len(within)
    ratios, axes = eigh(between, within + floor * np.eye(len(within)))
    return axes[:, ::-1][:, : len(means) - 1], ratios[::-1][: len(means) - 1]
