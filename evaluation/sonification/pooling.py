"""From hidden states to one number for every feature and segment."""

from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from acoustics.frames import Timing, states_between
from evaluation.sonification.runs import runs

Score = Literal["mean", "sum", "max"]


class Spans(NamedTuple):
    """Which rows of a batch's states belong to each segment.

    Attributes:
        rows: of all segments, one after another.
        offsets: where each segment's rows begin in `rows`.
        counts: how many rows each segment has, at least one.
    """

    rows: Int[Tensor, " row"]
    offsets: Int[Tensor, " segment"]
    counts: Int[Tensor, " segment"]

    def to(self, device: torch.device) -> "Spans":
        """The same on another device."""
        return Spans(*(part.to(device) for part in self))


def channel_states(
    output: Float[Tensor, "batch state feature"] | Float[Tensor, "batch feature state band"],
) -> Float[Tensor, "batch state feature"]:
    """Output of a layer by feature: a convolution's feature is a channel, the mean of its bands."""
    if output.ndim == 3:
        return output
    by_band = output.permute(0, 2, 3, 1)  # a view that is contiguous where convolutions are fast
    return by_band.squeeze(2) if by_band.shape[2] == 1 else by_band.mean(2)


def valid_rows(lengths: Int[Tensor, " batch"], width: int) -> Int[Tensor, " state"]:
    """Rows of a flattened `(batch, state)` that are no padding; `width` is the padded length."""
    first = width * np.arange(len(lengths))
    return torch.from_numpy(runs(first, lengths.numpy()))


def segment_spans(
    timing: Timing,
    lengths: Int[Tensor, " batch"],
    row: Int[np.ndarray, " segment"],
    start: Int[np.ndarray, " segment"],
    end: Int[np.ndarray, " segment"],
) -> Spans:
    """The states of each segment among the valid states of a batch, one utterance after another.

    A state belongs to a segment when its centre lies in `[start, end)`; see `states_between`.

    Args:
        timing: of the layer.
        lengths: valid states of each utterance.
        row: the utterance of each segment.
        start: first sample of each segment.
        end: the sample behind its last one.
    """
    rows = torch.from_numpy(row)
    first, stop = states_between(
        timing, torch.from_numpy(start), torch.from_numpy(end), lengths[rows]
    )
    counts = stop - first
    begin = (lengths.cumsum(0) - lengths)[rows] + first
    numbers = runs(begin.numpy(), counts.numpy())
    return Spans(torch.from_numpy(numbers), counts.cumsum(0) - counts, counts)


def pooled_sum(
    states: Float[Tensor, "state feature"], spans: Spans
) -> Float[Tensor, "segment feature"]:
    """Activation of every feature summed over every segment.

    A segment's states are added in their order and nothing else enters, so the result does not
    depend on the batch. NaN where a state of the segment is not a finite number.

    Args:
        states: valid states of a batch, one utterance after another.
        spans: which of them belong to each segment.
    """
    total = embedding_bag(spans.rows, states.float(), spans.offsets, mode="sum")
    if not all_finite(total):
        total = total.masked_fill(~torch.isfinite(total), torch.nan)
    return total


def rectified_sum(
    states: Float[Tensor, "state feature"], spans: Spans, total: Float[Tensor, "segment feature"]
) -> Float[Tensor, "segment feature"]:
    """Half-wave rectified activation summed over every segment: `total` where none is below zero.

    Args:
        states: valid states of a batch, one utterance after another.
        spans: which of them belong to each segment.
        total: sum of the states as they are; where it is NaN, so is the result.
    """
    if not bool((states < 0).any()):
        return total
    rectified = embedding_bag(spans.rows, states.float().clamp(min=0), spans.offsets, mode="sum")
    return rectified.masked_fill(total.isnan(), torch.nan)


def pooled(
    states: Float[Tensor, "state feature"],
    spans: Spans,
    score: Score,
    total: Float[Tensor, "segment feature"] | None = None,
) -> Float[Tensor, "segment feature"]:
    """Activation of every feature over every segment, NaN like their sum.

    Args:
        states: valid states of a batch, one utterance after another.
        spans: which of them belong to each segment.
        score: `mean` or `sum` of the states, or their `max`.
        total: their sum, where it is known already.
    """
    total = pooled_sum(states, spans) if total is None else total
    if score == "sum":
        return total
    if score == "mean":
        return total / spans.counts[:, None]
    most = embedding_bag(spans.rows, states.float(), spans.offsets, mode="max")
    return most if all_finite(total) else most.masked_fill(total.isnan(), torch.nan)


def all_finite(values: Float[Tensor, "*shape"]) -> bool:
    """Whether every value is surely a finite number; costs one sum."""
    return bool(torch.isfinite(values.sum()))
