"""What the two verifiers of the paper have in common: speech in, a unit vector out."""

from abc import ABC, abstractmethod
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn


class SpeakerEncoder(nn.Module, ABC):
    """Maps stretches of speech to unit vectors that lie close together for one speaker.

    A subclass keeps its constructor arguments in `config` (plain values only: they are written
    beside the weights), and a vector does not depend on the stretches beside it in a batch.

    Attributes:
        name: the `scorer` of its rows in the tables.
        config: arguments of the constructor.
        width: length of a vector.
        sample_rate: of what it hears, in Hz.
        batch_duration_s: seconds of speech, padding included, that are best embedded at once.
    """

    name: str
    config: dict[str, Any]
    width: int
    sample_rate: int = 16000
    batch_duration_s: float = 24.0

    @abstractmethod
    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch embedding"]:
        """Unit vectors of crops of speech, as in training; `waveform` is zero beyond `lengths`."""

    def embed(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch embedding"]:
        """Unit vectors of whole utterances of any length."""
        return self(waveform, lengths)
