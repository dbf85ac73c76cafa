"""Sums over a feature's top segments by the speaker who said them: all that the tests need."""

import numpy as np
from jaxtyping import Float, Int, Shaped


def sum_by_speaker(
    ids: Int[np.ndarray, "feature k"],
    speaker: Int[np.ndarray, " segment"],
    n_speakers: int,
    values: Shaped[np.ndarray, " segment"] | None = None,
) -> Float[np.ndarray, "feature speaker"]:
    """How many of each feature's top segments each speaker said, or the sum of a value of them.

    Args:
        ids: segments, -1 where a place is empty.
        speaker: index of each segment's speaker, -1 for segments that are not to be counted.
        n_speakers: number of speakers.
        values: of each segment (default: 1).

    Returns:
        Shape (feature, speaker).

    Raises:
        ValueError: an id is beyond the segments.
    """
    if ids.size and int(ids.max()) >= len(speaker):
        raise ValueError(f"segment {int(ids.max())} is beyond the {len(speaker)} that there are")
    feature = np.broadcast_to(np.arange(len(ids))[:, None], ids.shape)
    there = ids >= 0
    segment, feature = ids[there], feature[there]
    said = speaker[segment]
    counted = said >= 0
    cells = feature[counted] * n_speakers + said[counted]
    weights = None if values is None else values[segment[counted]].astype(np.float64)
    sums = np.bincount(cells, weights, minlength=len(ids) * n_speakers)
    return sums.reshape(len(ids), n_speakers).astype(np.float64)
