"""The base of every recogniser under study."""

from abc import ABC, abstractmethod
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from acoustics.errors import UserError
from acoustics.frames import mel_frames, rate_of
from acoustics.mel import LogMel
from asr_models.decoding import encode, greedy_decode
from asr_models.frontend import Frontend
from asr_models.layer import Layer
from asr_models.storage import weight_hash
from corpora.text import DEFAULT_ALPHABET


class Recogniser(nn.Module, ABC):
    """Waveform to CTC log-probabilities, with named layers to tap.

    A subclass ends in a linear `head`, which says `tokens_per_state` tokens for every state of the
    last layer, keeps its constructor arguments in `config` (plain values
    only: they are written beside the weights), fills `layers` in order of depth and keeps the
    contract of the design: a state does not depend on the utterances beside it in a batch.
    """

    config: dict[str, Any]
    layers: dict[str, Layer]
    log_mel: LogMel
    alphabet: str = DEFAULT_ALPHABET
    head: nn.Linear
    tokens_per_state: int = 1
    frozen: bool = False
    trainable: bool = True
    """Whether CTC training may change it; a network from elsewhere is studied as it is."""

    @abstractmethod
    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch step token"], Int[Tensor, " batch"]]:
        """Log-probabilities `(batch, step, token)`, token 0 being the blank, and valid steps."""

    @property
    def has_classes(self) -> bool:
        """Whether its output spells something; only some networks from elsewhere do not."""
        return True

    def require_classes(self, what: str) -> None:
        """Refuse a method that needs classes.

        Raises:
            UserError: there are none.
        """
        if not self.has_classes:
            raise UserError(
                f"{type(self).__name__} has no output classes, so {what} does not apply to it; "
                "probes, sonification and audiation do"
            )

    def spelt(
        self, log_probs: Float[Tensor, "batch step token"], steps: Int[Tensor, " batch"]
    ) -> list[str]:
        """What the likeliest tokens of an output spell."""
        return greedy_decode(log_probs, steps, self.alphabet)

    def tokens_of(self, text: str) -> list[int]:
        """Tokens of the output that spell a text, none of them the blank.

        Raises:
            UserError: there are none that do.
        """
        return encode(text, self.alphabet)

    def state_lengths(self, layer: str, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Valid states of `layer` for utterances of `lengths` samples; an incomplete one counts."""
        hop = self.log_mel.hop_length
        return rate_of(self.layers[layer].timing.stride, hop).states(mel_frames(lengths, hop))

    def module_of(self, layer: str) -> nn.Module:
        """The module that makes the states of `layer`."""
        return self.get_submodule(self.layers[layer].module)

    def weight_hash(self) -> str:
        """Hash of all weights and statistics; tells two recognisers apart."""
        return weight_hash(self)

    def freeze(self) -> "Recogniser":
        """Put under study: eval mode whatever a Trainer does, and no gradient for the weights."""
        self.frozen = True
        self.requires_grad_(False)
        return self.eval()

    def train(self, mode: bool = True) -> "Recogniser":
        """Switch training mode; a frozen recogniser stays in eval mode."""
        super().train(mode and not self.frozen)
        return self


class FrameRecogniser(Recogniser):
    """A recogniser in two parts: a front-end, and the rest, which reads its normalised frames.

    What is not a waveform enters between them: an input that is optimised or masked.
    """

    frontend: Frontend

    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch step token"], Int[Tensor, " batch"]]:
        """Log-probabilities `(batch, step, token)`, token 0 being the blank, and valid steps."""
        frames, counts = self.frontend.frames(waveform, lengths)
        return self.from_frames(self.frontend.normalise(frames, counts), counts)

    @abstractmethod
    def from_frames(
        self, normal: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch step token"], Int[Tensor, " batch"]]:
        """The same from normalised frames, of which 0 is the mean, and from how many are valid.

        Frames beyond an utterance must be zero. Deltas, context and axes are added here, by the
        front-end's `expand`.
        """
