"""`LayerTap`: the way into the layers of a recogniser."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from jaxtyping import Float, Int
from torch import Tensor

from acoustics.errors import UserError
from asr_models.hooks import hooked
from asr_models.layer import Layer, select_layers
from asr_models.recogniser import Recogniser


@dataclass
class States:
    """Hidden states of one layer.

    Attributes:
        values: `(batch, state, width)`, zero beyond each utterance.
        lengths: valid states of each utterance.
    """

    values: Float[Tensor, "batch state width"]
    lengths: Int[Tensor, " batch"]


@dataclass
class Hearing:
    """What one pass through a recogniser gave: its output and the states of the tapped layers."""

    log_probs: Float[Tensor, "batch state token"]
    lengths: Int[Tensor, " batch"]
    states: dict[str, States] = field(default_factory=dict)


def flat_state(output: Tensor) -> Float[Tensor, "batch state width"]:
    """Output of a layer as `(batch, state, width)`; channels x bands flattened."""
    if output.ndim == 4:
        return output.transpose(1, 2).flatten(2)
    return output


class AllHeardError(Exception):
    """Ends a pass when every tapped layer has been heard."""


class LayerTap:
    """Runs a recogniser and returns the states of chosen layers.

    Names are resolved here, once: an unknown one raises and lists the known ones. Hooks exist only
    while a pass runs and are gone after an exception.

    Args:
        recogniser: the recogniser.
        layers: names or globs.

    Raises:
        UserError: a name matches no layer.

    Example:
        >>> tap = LayerTap(VGGLSTM(), ["cnn1", "blstm*"])  # doctest: +SKIP
        >>> tap(waveform, lengths).states["blstm3"].values.shape  # doctest: +SKIP
    """

    def __init__(self, recogniser: Recogniser, layers: Iterable[str] = ("*",)) -> None:
        self.recogniser = recogniser
        self.names = select_layers(recogniser.layers, layers)

    @property
    def layers(self) -> list[Layer]:
        """The tapped layers, in order of depth."""
        return [self.recogniser.layers[name] for name in self.names]

    @contextmanager
    def hooked(self, cut: bool = False) -> Iterator[dict[str, Tensor]]:
        """Collect the outputs of the tapped layers of every pass made inside the `with`.

        Args:
            cut: end a pass, by an `AllHeardError`, when all of them have been heard.
        """
        outputs: dict[str, Tensor] = {}

        def receive(name: str, output: Tensor) -> None:
            outputs[name] = output
            if cut and len(outputs) == len(self.names):
                raise AllHeardError

        receivers = {layer.module: partial(receive, layer.name) for layer in self.layers}
        with hooked(self.recogniser, receivers):
            yield outputs

    def until_heard(self, run: Callable[[], object]) -> dict[str, Tensor]:
        """Outputs of the tapped layers, from a pass that ends where the last of them is heard.

        Args:
            run: a pass through the recogniser.

        Raises:
            UserError: the pass does not reach a layer.
        """
        with self.hooked(cut=True) as outputs:
            try:
                run()
            except AllHeardError:
                return outputs
        missing = ", ".join(name for name in self.names if name not in outputs)
        raise UserError(f"this input does not reach layer {missing}; choose one that it passes")

    def __call__(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Hearing:
        """One pass: the recogniser's output and the states of the tapped layers."""
        with self.hooked() as outputs:
            log_probs, out_lengths = self.recogniser(waveform, lengths)
        hearing = Hearing(log_probs, out_lengths)
        for name in self.names:
            values = flat_state(outputs[name])
            hearing.states[name] = States(values, self.recogniser.state_lengths(name, lengths))
        return hearing
