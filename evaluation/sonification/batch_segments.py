"""The segments of one batch, and the states of each; what layers share is worked out once."""

from functools import cached_property

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from acoustics.frames import Timing
from evaluation.sonification.activity import sampled_rows
from evaluation.sonification.pooling import Spans, segment_spans, valid_rows
from evaluation.sonification.units import SpeechUnits


class BatchSegments:
    """Segments of the utterances of one batch, by unit of search.

    Args:
        units: of the corpus.
        utterances: places of the batch's utterances in them.
        device: where the states are.
    """

    def __init__(
        self, units: SpeechUnits, utterances: Int[np.ndarray, " batch"], device: torch.device
    ) -> None:
        self.device = device
        self._registries = {tier.unit: tier for tier in units.tiers.values()} | units.searched
        self._found = {name: r.of(utterances) for name, r in self._registries.items()}
        self._spans: dict[tuple[str, Timing, tuple[int, ...]], Spans] = {}
        self._rows: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    @cached_property
    def ids(self) -> dict[str, Int[Tensor, " segment"]]:
        """Segment ids by what is searched, `words` and `phones` among them."""
        return {n: torch.from_numpy(ids).to(self.device) for n, (ids, _) in self._found.items()}

    def spans(self, name: str, timing: Timing, lengths: Int[Tensor, " batch"]) -> Spans:
        """The states of each segment of a unit of search.

        Args:
            name: of the unit.
            timing: of the layer.
            lengths: the layer's valid states of each utterance, on the CPU.
        """
        key = (name, timing, tuple(lengths.tolist()))
        if key not in self._spans:
            ids, row = self._found[name]
            registry = self._registries[name]
            spans = segment_spans(timing, lengths, row, registry.start[ids], registry.end[ids])
            self._spans[key] = spans.to(self.device)
        return self._spans[key]

    def valid_rows(self, lengths: Int[Tensor, " batch"], width: int) -> Int[Tensor, " state"]:
        """Rows of flattened `(batch, state)` that are no padding; `width` is the padded length."""
        key = (f"valid of {width}", tuple(lengths.tolist()))
        if key not in self._rows:
            self._rows[key] = valid_rows(lengths, width).to(self.device)
        return self._rows[key]

    def sampled(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " sample"]:
        """Rows of the valid states that go into histograms."""
        key = ("sampled", tuple(lengths.tolist()))
        if key not in self._rows:
            self._rows[key] = sampled_rows(lengths).to(self.device)
        return self._rows[key]
