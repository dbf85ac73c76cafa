"""What can be tapped in a recogniser: named layers with their width and timing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from acoustics.errors import UserError
from acoustics.frames import Timing


@dataclass(frozen=True)
class Layer:
    """One layer of a recogniser.

    Attributes:
        name: as in tables and on the command line, e.g. `blstm3`.
        module: dotted path of the sub-module whose output is the state.
        depth: 1 for the first layer.
        timing: stride and offset of the states, in samples.
        width: values of one state; for a convolution channels times frequency bands.
        features: channels of the layer (for a convolution, its channels).
        inputs: layers whose states come into it (None: the one before, as in a plain stack).
        kind: where its module cannot tell it; see `asr_models.layer_card`.
    """

    name: str
    module: str
    depth: int
    timing: Timing
    width: int
    features: int
    inputs: tuple[str, ...] | None = None
    kind: str = ""


def select_layers(known: Mapping[str, Layer], patterns: Iterable[str]) -> list[str]:
    """Names that match any of `patterns` (names or globs such as `blstm*`), in order of depth.

    Raises:
        UserError: a pattern matches nothing; the known layers are listed.
    """
    chosen: set[str] = set()
    for pattern in patterns:
        matches = [name for name in known if fnmatchcase(name, pattern)]
        if not matches:
            raise UserError(f"layer '{pattern}' is unknown; this recogniser has {', '.join(known)}")
        chosen.update(matches)
    return [name for name in known if name in chosen]


def spread(layers: Sequence[str], count: int) -> list[str]:
    """Layers from the first to the last at equal distances."""
    count = min(count, len(layers))
    steps = max(count - 1, 1)
    return [layers[round(i * (len(layers) - 1) / steps)] for i in range(count)]
