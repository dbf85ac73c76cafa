"""States of all layers from one pass, of what was fed in and of the clean speech under it."""

from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from acoustics.mel import LogMel
from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap, States
from corpora.batch import SpeechBatch

NATURAL = "natural"


class StateTap:
    """States of the layers of a recogniser, and the log-mel of the probes as layer `natural`.

    Args:
        recogniser: frozen; it and its input stay on `device`.
        layers: names or globs.
        references: whether `natural` is among the layers.
        device: where it runs.
    """

    def __init__(
        self, recogniser: Recogniser, layers: Iterable[str], references: bool, device: str = "cpu"
    ) -> None:
        self.device = torch.device(device)
        self.tap = LayerTap(recogniser.to(self.device).eval(), layers)
        self.log_mel = LogMel().to(self.device) if references else None
        self.names = [*([NATURAL] if references else []), *self.tap.names]

    @torch.inference_mode()
    def __call__(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> dict[str, States]:
        """States of every layer, from one pass."""
        waveform, lengths = waveform.to(self.device), lengths.to(self.device)
        heard = self.tap(waveform, lengths).states
        if self.log_mel is None:
            return heard
        return {NATURAL: States(*self.log_mel(waveform, lengths))} | heard

    def both(self, batch: SpeechBatch) -> tuple[dict[str, States], dict[str, States]]:
        """States of what was fed in and of the clean speech under it, from one pass."""
        waveform = torch.cat([batch.waveform, batch.clean])
        heard, count = self(waveform, batch.lengths.repeat(2)), len(batch)
        halves = [
            {name: States(s.values[part], s.lengths[part]) for name, s in heard.items()}
            for part in (slice(count), slice(count, None))
        ]
        return halves[0], halves[1]
