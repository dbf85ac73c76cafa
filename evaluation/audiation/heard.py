"""One pass of a batch of inputs, no further than what is asked for."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from acoustics.errors import UserError
from asr_models.frontend import MelDeltas
from asr_models.recogniser import FrameRecogniser, Recogniser
from asr_models.tap import LayerTap
from evaluation.audiation.parameterisations import Domain
from evaluation.sonification.pooling import channel_states

OUTPUT, FRAMES, MEL, FREE = "(output)", "(frames)", "(log-mel)", "(free)"
"""What objectives read beside layers."""


@dataclass
class Heard:
    """What a batch of inputs of one length gave.

    Attributes:
        states: of each layer asked for, by feature: a convolution's bands are averaged.
        log_probs: the recogniser's output, if asked for.
        frames: the inputs as normalised frames, if asked for.
        mel: the inputs as log-mel, if asked for.
        free: the free numbers of the inputs.
    """

    states: dict[str, Float[Tensor, "row state feature"]] = field(default_factory=dict)
    log_probs: Float[Tensor, "row step token"] | None = None
    frames: Float[Tensor, "row frame band"] | None = None
    mel: Float[Tensor, "row frame mel"] | None = None
    free: Float[Tensor, "row *free"] | None = None


class Listener:
    """Feeds inputs to a recogniser, the pass cut behind the deepest layer that is asked for.

    Args:
        recogniser: frozen.
        reads: names of layers, and of `OUTPUT`, `FRAMES`, `MEL`, `FREE`.
        samples: length of all inputs.

    Raises:
        UserError: a layer is unknown.
    """

    def __init__(self, recogniser: Recogniser, reads: Iterable[str], samples: int) -> None:
        self.recogniser, self.reads, self.samples = recogniser, set(reads), samples
        layers = self.reads - {OUTPUT, FRAMES, MEL, FREE}
        self.tap = LayerTap(recogniser, sorted(layers))

    def lengths(self, rows: int) -> Tensor:
        """Samples of every row."""
        return torch.full((rows,), self.samples, device=next(self.recogniser.parameters()).device)

    def __call__(self, signal: Float[Tensor, "row time *rest"], domain: Domain) -> Heard:
        """One pass.

        Raises:
            UserError: the recogniser cannot be fed log-mel, or a layer is not reached.
        """
        heard, lengths = Heard(), self.lengths(len(signal))
        if MEL in self.reads:
            log_mel = self.recogniser.log_mel
            heard.mel = signal if domain == "log_mel" else log_mel(signal, lengths)[0]
        if isinstance(self.recogniser, FrameRecogniser):
            mel = signal if domain == "log_mel" else heard.mel
            heard.frames, counts = self._frames(self.recogniser, signal, lengths, mel)
            self._run(heard, self.recogniser.from_frames, heard.frames, counts)
            return heard
        if domain == "log_mel":
            raise UserError(
                f"{type(self.recogniser).__name__} hears waveforms and cannot be fed frames; "
                "optimise a waveform for it"
            )
        if FRAMES in self.reads:
            frontend = MelDeltas(self.recogniser.log_mel)
            frames, counts = frontend.frames(signal, lengths)
            heard.frames = frontend.normalise(frames, counts)
        self._run(heard, self.recogniser, signal, lengths)
        return heard

    @staticmethod
    def _frames(
        recogniser: FrameRecogniser, signal: Tensor, lengths: Tensor, mel: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Normalised frames; of log-mel, where it is known and what the front-end would measure."""
        frontend = recogniser.frontend
        if mel is signal or (mel is not None and not frontend.pre_emphasis):
            counts = torch.full_like(lengths, mel.shape[1])
            return frontend.normalise(frontend.from_log_mel(mel), counts), counts
        frames, counts = frontend.frames(signal, lengths)
        return frontend.normalise(frames, counts), counts

    def _run(self, heard: Heard, part, given: Tensor, counts: Tensor) -> None:  # type: ignore[no-untyped-def]
        if OUTPUT in self.reads:
            with self.tap.hooked() as outputs:
                heard.log_probs = part(given, counts)[0]
        elif self.tap.names:
            outputs = self.tap.until_heard(lambda: part(given, counts))
        else:
            return
        heard.states = {name: channel_states(outputs[name]) for name in self.tap.names}
