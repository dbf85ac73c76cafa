"""From what a module of a foreign network returns to states `(batch, state, width)`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Int
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from acoustics.errors import UserError
from acoustics.foreign_frames import Natural
from acoustics.frames import valid_mask

PACKED = "packed"


@dataclass(frozen=True)
class TapPoint:
    """Where a foreign network is tapped.

    Attributes:
        name: of the layer.
        module: path of the module within the network.
        natural: when its states happen.
        width, features: values of one state, and channels.
        take: which part of the output is the state, e.g. `0`, `hidden` or `0.packed`; empty: all.
        time_axis: of that part.
        activation: what the network applies outside of the module, if anything.
    """

    name: str
    module: str
    natural: Natural
    width: int
    features: int
    take: str = ""
    time_axis: int = 1
    activation: Callable[[Tensor], Tensor] | None = None

    def states(self, output: Any) -> Tensor:
        """States `(batch, state, width)`, or `(batch, channel, state, band)`, of a raw output."""
        found = with_time_second(part(output, self.take, self.module), self.time_axis)
        return found if self.activation is None else self.activation(found)


def part(output: Any, take: str, module: str) -> Tensor:
    """The tensor that `take` leads to.

    Args:
        output: what the module returned.
        take: steps with dots between: an index, a key or attribute, or `packed`, which lays a
            packed sequence out as `(batch, state, width)`.
        module: its path, for the error.

    Raises:
        UserError: there is no such part, or it is no tensor; it says what to set.
    """
    here = output
    for step in take.split(".") if take else []:
        try:
            here = _step(here, step)
        except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
            raise UserError(
                f"{module} returns {described(output)}, which has no part '{take}'; "
                f"{advice(output, module)}"
            ) from error
    if not isinstance(here, Tensor):
        raise UserError(
            f"{module} returns {described(output)}"
            f"{f', and its part {take!r} is {described(here)}' if take else ''}, "
            f"where a tensor is wanted; {advice(here, module, take)}"
        )
    return here


def _step(here: Any, step: str) -> Any:
    if step == PACKED:
        if not isinstance(here, PackedSequence):
            raise TypeError(step)
        return pad_packed_sequence(here, batch_first=True)[0]
    if isinstance(here, Mapping):
        return here[step]
    if step.isdecimal():
        return here[int(step)]
    return getattr(here, step)


def described(output: Any) -> str:
    """A value in words: its kind, and what is in it."""
    if isinstance(output, PackedSequence):
        return "a packed sequence"
    if isinstance(output, Mapping):
        return f"a dict with {', '.join(map(str, output))}"
    if isinstance(output, tuple | list):
        inside = ", ".join(described(one) for one in output)
        return f"a {type(output).__name__} of ({inside})"
    if isinstance(output, Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"


def advice(output: Any, module: str, before: str = "") -> str:
    """What to set so that a tensor is found in `output`."""
    found = path_to_tensor(output)
    if found is None:
        return "tap another module"
    steps = f"{before}.{found}" if before and found else before or found
    return f"set take: {{{module}: '{steps}'}}"


def path_to_tensor(output: Any) -> str | None:
    """Steps to the first tensor of three axes or more; None where there is none."""
    if isinstance(output, Tensor):
        return "" if output.ndim >= 3 else None
    if isinstance(output, PackedSequence):
        return PACKED
    inside: list[tuple[str, Any]] = []
    if isinstance(output, Mapping):
        inside = [(str(key), value) for key, value in output.items()]
    elif isinstance(output, tuple | list):
        inside = [(str(i), value) for i, value in enumerate(output)]
    for key, value in inside:
        rest = path_to_tensor(value)
        if rest is not None:
            return f"{key}.{rest}" if rest else key
    return None


def with_time_second(output: Tensor, time_axis: int) -> Tensor:
    """Three axes as `(batch, state, width)`; four as `(batch, channel, state, band)`.

    Of four axes the channels are the last if time is axis 1, and axis 1 if it is not.
    """
    if output.ndim == 3:
        return output.movedim(time_axis, 1)
    return output.movedim(-1, 1) if time_axis == 1 else output.movedim(time_axis, 2)


def fitted(states: Tensor, surplus: int, lengths: Int[Tensor, " batch"], layer: str) -> Tensor:
    """States without the first `surplus`, cut to the longest utterance, zero beyond each.

    Raises:
        ValueError: there are fewer states than there should be.
    """
    axis, count = states.ndim - 2, int(lengths.max())
    if states.shape[axis] < surplus + count:
        raise ValueError(
            f"layer {layer} has {states.shape[axis]} states, but {surplus + count} are wanted"
        )
    states = states.narrow(axis, surplus, count)
    if int(lengths.min()) == count:
        return states
    mask = valid_mask(lengths.to(states.device), count)
    return states.masked_fill(~(mask[..., None] if axis == 1 else mask[:, None, :, None]), 0.0)
