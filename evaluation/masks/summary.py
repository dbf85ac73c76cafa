"""What masks come to, summed up over utterances, with intervals over speakers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from evaluation.bootstrap import Estimate, mean_estimate, speaker_weights
from evaluation.masks.judging import MASK
from evaluation.masks.rows import MaskRow

REPLICATES = 1000


@dataclass(frozen=True, slots=True)
class MaskSummaryRow:
    """Masks of one kind (summary.csv), means over `n_masks`.

    `transcripts` and `frames` are the shares that are preserved, with 95 % intervals by a bootstrap
    over speakers; `lead` is how many more of the frames the importance mask preserves than this
    one of the same size, paired; areas are those under the curves.
    """

    model: str
    scope: str
    mask: str
    n_masks: int
    n_speakers: int
    n_failed: int
    share_kept: float
    transcripts: float
    transcripts_low: float | None
    transcripts_high: float | None
    frames: float
    frames_low: float | None
    frames_high: float | None
    lead: float
    lead_low: float | None
    lead_high: float | None
    insertion_area: float | None
    deletion_area: float | None


def summary_rows(
    rows: Sequence[MaskRow], n_failed: Mapping[str, int], seed: int = 0
) -> Iterator[MaskSummaryRow]:
    """Sums up the masks of every scope and kind.

    Args:
        rows: of one recogniser.
        n_failed: by scope, utterances that have no mask.
        seed: of the bootstrap.
    """
    for scope in dict.fromkeys(row.scope for row in rows):
        mine = [row for row in rows if row.scope == scope]
        own = [row for row in mine if row.mask == MASK]
        names, speakers = np.unique([r.speaker or r.utterance for r in own], return_inverse=True)
        weights = speaker_weights(len(names), REPLICATES, seed)
        for mask in dict.fromkeys(row.mask for row in mine):
            ones = [row for row in mine if row.mask == mask]
            yield _summed(ones, own, n_failed[scope], speakers.astype(np.int64), weights)


def _summed(
    rows: Sequence[MaskRow],
    own: Sequence[MaskRow],
    n_failed: int,
    speakers: Int[np.ndarray, " utterance"],
    weights: Int[np.ndarray, "replicate speaker"],
) -> MaskSummaryRow:
    def of(value: Callable[[MaskRow], float | None]) -> Float[np.ndarray, " utterance"]:
        return np.array([value(row) for row in rows], np.float64)

    def estimate(values: Float[np.ndarray, " utterance"]) -> Estimate:
        return mean_estimate(values, speakers, weights)

    frames = of(lambda row: row.frames_preserved)
    best = np.array([row.frames_preserved for row in own], np.float64)
    transcripts = estimate(of(lambda row: row.transcript_preserved))
    kept, lead = estimate(frames), estimate(best - frames)
    areas = [of(lambda row: row.insertion_area), of(lambda row: row.deletion_area)]
    insertion, deletion = (None if np.isnan(a).any() else float(a.mean()) for a in areas)
    first = rows[0]
    return MaskSummaryRow(
        *(first.model, first.scope, first.mask, len(rows), weights.shape[1], n_failed),
        float(of(lambda row: row.share_kept).mean()),
        *_with_interval(transcripts),
        *_with_interval(kept),
        *_with_interval(lead),
        insertion,
        deletion,
    )


def _with_interval(estimate: Estimate) -> tuple[float, float | None, float | None]:
    low, high = estimate.interval() or (None, None)
    return estimate.value, low, high
