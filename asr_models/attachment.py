"""What a foreign network promises, measured when it is attached.

Eval mode; a state alone equals the state in a padded batch; stride and offset are those declared.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor

from acoustics.errors import UserError, reason_of
from acoustics.frames import Timing
from asr_models.centres import Heard, hear_states, trial_sound
from asr_models.gradients import differentiable
from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap

TOLERANCE = 1e-4  # of the largest state of a layer
ROWS = (9600, 5000, 7300)  # samples of the utterances that are heard alone and together
STRAY = 0.5  # strides by which a state may stray from even spacing if it is to have a place
SLACK = 1.0  # strides by which the place of a state may be off
FINEST = 160  # samples, for layers of a smaller stride


@dataclass(frozen=True)
class MeasuredTiming:
    """Stride and offset of a layer in samples, as declared and as its gradient shows them.

    Attributes:
        stride, offset: declared.
        measured_stride, measured_offset: from three states; None where they are not evenly spaced,
            as in a layer that hears the whole utterance alike.
        share: of the gradient's energy that lies around its peak.
    """

    stride: int
    offset: float
    measured_stride: float | None
    measured_offset: float | None
    share: float


@dataclass(frozen=True)
class Attachment:
    """What was measured of a network.

    Attributes:
        alone_vs_padded: of each layer the largest difference between states alone and in a padded
            batch, as a share of its largest state; infinite where such a batch cannot be heard.
        reason: why not.
        together: whether utterances of different length share a pass since then.
        timing: of each layer.
    """

    alone_vs_padded: dict[str, float]
    reason: str
    together: bool
    timing: dict[str, MeasuredTiming]

    @property
    def worst(self) -> float:
        """Largest difference of all layers."""
        return max(self.alone_vs_padded.values())

    def values(self) -> dict[str, Any]:
        """As plain values, to be written beside the weights."""
        differences = {k: v if v < inf else None for k, v in self.alone_vs_padded.items()}
        return {"eval_mode": True, **asdict(self), "alone_vs_padded": differences}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Attachment":
        """What `values` says."""
        differences = values["alone_vs_padded"].items()
        return cls(
            {k: inf if v is None else v for k, v in differences},
            values["reason"],
            values["together"],
            {name: MeasuredTiming(**one) for name, one in values["timing"].items()},
        )


def prove(recogniser: Recogniser, apart: str, part: Callable[[], None]) -> Attachment:
    """Measure what a network from elsewhere promises.

    Args:
        recogniser: frozen.
        apart: why utterances of different length do not share a pass, if they do not.
        part: has them heard one by one from now on; called if they turn out to need it.

    Raises:
        UserError: a promise does not hold; says what to set.
    """
    check_eval(recogniser)
    together, reason = not apart, apart
    try:
        errors = padding_errors(recogniser)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        if apart:
            raise
        errors, reason = dict.fromkeys(recogniser.layers, inf), reason_of(error)
    if together and max(errors.values()) > TOLERANCE:
        together = False
        part()
        if max(padding_errors(recogniser).values()) > TOLERANCE:
            raise UserError(
                "the same sound gives other states when it is heard again; take what is random "
                "out of the network"
            )
    return Attachment(errors, reason, together, measured_timing(recogniser))


def check_eval(network: torch.nn.Module) -> None:
    """Refuse a network of which a part is in training mode.

    Raises:
        UserError: names the part.
    """
    for name, module in network.named_modules():
        if module.training:
            raise UserError(f"module '{name}' is in training mode; call eval() on it")


@torch.no_grad()
def padding_errors(recogniser: Recogniser) -> dict[str, float]:
    """For each layer, how much states differ alone and in a padded batch, relative to the largest.

    Raises:
        UserError: states are NaN or infinite.
    """
    device = next(recogniser.parameters()).device
    lengths = torch.tensor(ROWS, device=device)
    rows = trial_sound(max(ROWS), len(ROWS)).to(device)
    rows = rows * (torch.arange(max(ROWS), device=device) < lengths[:, None])
    tap, errors = LayerTap(recogniser), dict.fromkeys(recogniser.layers, 0.0)
    together = tap(rows, lengths)
    for i, length in enumerate(ROWS):
        alone = tap(rows[i : i + 1, :length], lengths[i : i + 1])
        for name, states in alone.states.items():
            wanted = states.values[0]
            if not bool(wanted.isfinite().all()):
                raise UserError(
                    f"layer '{name}' gives NaN or infinite values for plain noise; "
                    "take it out of the layers"
                )
            found = together.states[name].values[i, : len(wanted)]
            off = (wanted - found).abs().max() / wanted.abs().max().clamp(min=1e-9)
            errors[name] = max(errors[name], float(off.nan_to_num(inf)))
    return errors


def measured_timing(recogniser: Recogniser) -> dict[str, MeasuredTiming]:
    """Stride and offset of each layer by the gradients of three states.

    Raises:
        UserError: a layer is more than a stride away from where it is declared.
    """
    tap, timings = LayerTap(recogniser), {n: one.timing for n, one in recogniser.layers.items()}
    device = next(recogniser.parameters()).device
    sound = trial_sound(16 * max(FINEST, *(t.stride for t in timings.values()))).to(device)

    def run(rows: Tensor) -> dict[str, Tensor]:
        with tap.hooked() as outputs:
            recogniser(rows, torch.full((len(rows),), rows.shape[1], device=device))
        return outputs

    with differentiable(recogniser):
        heard = hear_states(run, sound, {name: timing.stride for name, timing in timings.items()})
    return {name: _compared(name, timings[name], heard[name]) for name in timings}


def _compared(name: str, timing: Timing, heard: list[tuple[int, Heard]]) -> MeasuredTiming:
    share = min(one.share for _, one in heard)
    declared = MeasuredTiming(timing.stride, float(timing.offset), None, None, share)
    line = _line([(k, one.centre) for k, one in heard], timing.stride)
    if line is None:
        return declared
    stride, offset = line
    slack = SLACK * max(timing.stride, FINEST)
    if any(abs(one.centre - float(timing.centre(k))) > slack for k, one in heard):
        raise UserError(
            f"layer '{name}' is declared with stride {timing.stride} and offset "
            f"{float(timing.offset):g}, but its states lie {stride:.1f} samples apart, the first "
            f"on sample {offset:.1f}; set offsets"
        )
    return MeasuredTiming(timing.stride, float(timing.offset), stride, offset, share)


def _line(centres: list[tuple[int, float]], stride: int) -> tuple[float, float] | None:
    """Slope and start of the line through the centres; None where they do not lie on one."""
    numbers, places = (torch.tensor(column).double() for column in zip(*centres, strict=True))
    middle, mean = numbers.mean(), places.mean()
    slope = ((numbers - middle) * (places - mean)).sum() / (numbers - middle).square().sum()
    start = mean - slope * middle
    if float((places - start - slope * numbers).abs().max()) > STRAY * max(stride, FINEST):
        return None
    return float(slope), float(start)
