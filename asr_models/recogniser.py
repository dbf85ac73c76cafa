"""The base of every recogniser under study."""

import hashlib
from abc import ABC, abstractmethod
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from acoustics.mel import LogMel
from asr_models.layer import Layer
from corpora.text import DEFAULT_ALPHABET


class Recogniser(nn.Module, ABC):
    """Waveform to CTC log-probabilities, with named layers to tap.

    A subclass ends in a linear `head`, keeps its constructor arguments in `config` (plain values
    only: they are written beside the weights), fills `layers` in order of depth and keeps the
    contract of the design: a state does not depend on the utterances beside it in a batch.
    """

    config: dict[str, Any]
    layers: dict[str, Layer]
    log_mel: LogMel
    alphabet: str = DEFAULT_ALPHABET
    head: nn.Linear
    frozen: bool = False

    @abstractmethod
    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch state token"], Int[Tensor, " batch"]]:
        """Log-probabilities `(batch, state, token)`, token 0 being the blank, and valid states."""

    @abstractmethod
    def state_lengths(self, layer: str, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Valid states of `layer` for utterances of `lengths` samples."""

    def weight_hash(self) -> str:
        """Hash of all weights and statistics; tells two recognisers apart."""
        digest = hashlib.sha256()
        for name, value in sorted(self.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def freeze(self) -> "Recogniser":
        """Put under study: eval mode whatever a Trainer does, and no gradient for the weights."""
        self.frozen = True
        self.requires_grad_(False)
        return self.eval()

    def train(self, mode: bool = True) -> "Recogniser":
        """Switch training mode; a frozen recogniser stays in eval mode."""
        super().train(mode and not self.frozen)
        return self
