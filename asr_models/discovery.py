"""Where and when a network of which nothing is known can be tapped: found by running it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from acoustics.errors import UserError, reason_of
from acoustics.foreign_frames import Natural
from acoustics.frames import rate_of
from acoustics.mel import HOP_LENGTH
from asr_models.centres import Heard, hear_states, trial_sound
from asr_models.foreign_states import TapPoint, part, path_to_tensor
from asr_models.gradients import differentiable
from asr_models.hooks import hooked

SHORT, MORE = 12800, 15360  # samples; the second is a multiple of every stride that fits
PLACES = (0.2, 0.35, 0.5, 0.65, 0.8)  # of the states whose gradients are looked at
LISTED = 30  # modules named in an error
Value = TypeVar("Value")
Listen = Callable[[Tensor], object]


@dataclass(frozen=True)
class TapSettings:
    """What the user says about the layers.

    Attributes:
        layers: paths of modules, or globs.
        take: for each path or glob, which part of an output is the state.
        offsets: the same for the sample on which state 0 is centred, where gradients cannot say.
    """

    layers: Sequence[str]
    take: Mapping[str, str]
    offsets: Mapping[str, float]


def discover(model: nn.Module, listen: Listen, settings: TapSettings) -> list[TapPoint]:
    """The layers in the order in which the network runs them, with what was measured of each.

    Args:
        model: in eval mode.
        listen: runs it on rows of sound.
        settings: what the user says.

    Raises:
        UserError: a path is unknown or not used, its output is no tensor, its axis of time or its
            stride cannot be found; says what to set.
    """
    paths = chosen_modules(model, listen, settings.layers)
    short, long = (_outputs(model, listen, paths, _noise(n)) for n in (SHORT, SHORT + MORE))
    found = [_point(path, short[path], long[path], settings) for path in short]
    return _centred(found, model, listen, settings)


def centres_of(points: Sequence[TapPoint]) -> dict[str, float]:
    """`offsets` that say what was found, for a card: other weights might show it less well."""
    return {point.name: float(point.natural.centre) for point in points}


def chosen_modules(model: nn.Module, listen: Listen, patterns: Sequence[str]) -> list[str]:
    """Paths that match.

    Raises:
        UserError: a pattern matches nothing; what could be tapped is listed.
    """
    known = [name for name, _ in model.named_modules() if name]
    unknown = [p for p in patterns if not any(fnmatchcase(name, p) for name in known)]
    if unknown or not patterns:
        outputs = _outputs(model, listen, known, _noise(SHORT), strict=False)
        able = [n for n, o in outputs.items() if path_to_tensor(o) is not None]
        listed = ", ".join(able[:LISTED]) + (", ..." if len(able) > LISTED else "")
        what = f"no module matches '{unknown[0]}'" if unknown else "no module is named"
        raise UserError(f"layers: {what}; this network can be tapped at {listed or 'none'}")
    return [name for name in known if any(fnmatchcase(name, p) for p in patterns)]


def setting_of(path: str, given: Mapping[str, Value]) -> Value | None:
    """What is set for a path, by itself or by the first glob that matches."""
    if path in given:
        return given[path]
    return next((value for glob, value in given.items() if fnmatchcase(path, glob)), None)


def _noise(samples: int) -> Tensor:
    return trial_sound(samples, 2)


def _outputs(
    model: nn.Module, listen: Listen, paths: Sequence[str], sound: Tensor, strict: bool = True
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    again: set[str] = set()

    def keep(path: str, output: Any) -> None:
        if path in found:
            again.add(path)
        found[path] = output

    try:
        with hooked(model, {path: partial(keep, path) for path in paths}), torch.no_grad():
            listen(sound)
    except UserError:
        raise
    except Exception as error:  # another's code
        raise UserError(
            f"the network cannot hear a waveform of shape {tuple(sound.shape)} "
            f"({reason_of(error)}); wrap it in a module that takes (batch, sample)"
        ) from error
    missed = [path for path in paths if path not in found]
    if strict and missed:
        raise UserError(f"{missed[0]}: not used when the network runs; take it out of the layers")
    if strict and again:
        raise UserError(
            f"{sorted(again)[0]}: runs several times for one sound, so its state is ambiguous; tap "
            "the modules around it"
        )
    return found


def _point(path: str, short: Any, long: Any, settings: TapSettings) -> TapPoint:
    take = setting_of(path, settings.take) or ""
    few, many = part(short, take, path), part(long, take, path)
    axis = _time_axis(path, few, many)
    states, more = few.shape[axis], many.shape[axis] - few.shape[axis]
    if more < 1 or MORE % more:
        raise UserError(
            f"{path}: {MORE} samples more give {more} states more, so its stride is no whole "
            "number of samples that fits a mel frame of 160; name another module under layers"
        )
    stride = MORE // more
    try:
        rate_of(stride, HOP_LENGTH)
    except ValueError as error:
        raise UserError(f"{path}: {error}; name another module under layers") from error
    needs = SHORT - stride * (states - 1)
    features, width = few.shape[1 if few.ndim == 3 and axis == 2 else -1], 0
    if few.ndim == 4:
        features = few.shape[-1] if axis == 1 else few.shape[1]
        width = few[0].numel() // states
    return TapPoint(
        path, path, Natural(stride, Fraction(0), needs), width or features, features, take, axis
    )


def _time_axis(path: str, few: Tensor, many: Tensor) -> int:
    shapes = f"{tuple(few.shape)} for {SHORT} samples and {tuple(many.shape)} for {SHORT + MORE}"
    moved = [i for i, (n, more) in enumerate(zip(few.shape, many.shape, strict=False)) if n != more]
    first = moved[:1] == [0] and few.ndim == 3 and few.shape[1] == 2  # (state, batch, width)
    if few.ndim not in (3, 4) or few.ndim != many.ndim or not (first or few.shape[0] == 2):
        raise UserError(
            f"{path}: its output has the shape {shapes}, where (batch, state, width) or (batch, "
            "channel, state, band) is wanted in some order; name another module under layers"
        )
    if len(moved) > 1:
        raise UserError(
            f"{path}: its axis of time cannot be found, as axes {moved} grow with the sound "
            f"({shapes}), but a state has one width; name another module under layers"
        )
    if not moved:
        raise UserError(
            f"{path}: its axis of time cannot be found, as no axis grows with the sound "
            f"({shapes}); name another module under layers"
        )
    return moved[0]


def _centred(
    points: list[TapPoint], model: nn.Module, listen: Listen, settings: TapSettings
) -> list[TapPoint]:
    """Give each layer its centre: as said, as bounded by its gradient, or as the layer before.

    A state that hears everything, as behind attention or a recurrent layer, is where the last
    layer of its stride that hears a bounded piece has it.
    """
    said = {p.name: setting_of(p.name, settings.offsets) for p in points}
    unknown = [p for p in points if said[p.name] is None]
    heard = _heard(unknown, model, listen) if unknown else {}
    found: list[TapPoint] = []
    last: dict[int, Fraction] = {}
    for point in points:
        natural, given = point.natural, said[point.name]
        if given is not None:
            centre = Fraction(given)
        else:
            centre = _centre(heard[point.name], natural.stride, last.get(natural.stride))
        last[natural.stride] = centre
        found.append(replace(point, natural=replace(natural, centre=centre)))
    return found


def _centre(heard: Sequence[tuple[int, Heard]], stride: int, before: Fraction | None) -> Fraction:
    """Sample on which state 0 is centred; `before` is that of the layer before."""
    if all(one.bounded for _, one in heard):
        # All together: what one state does not hear behind a ReLU, another one does.
        first = min(one.first - k * stride for k, one in heard)
        return Fraction(first + max(one.last - k * stride for k, one in heard), 2)
    if before is not None:
        return before
    starts = [(one.centre if one.core is None else one.core) - k * stride for k, one in heard]
    return Fraction(round(2 * sum(starts) / len(starts)), 2)


def _heard(points: list[TapPoint], model: nn.Module, listen: Listen) -> Any:
    outputs: dict[str, Tensor] = {}

    def keep(point: TapPoint, output: Any) -> None:
        outputs[point.name] = point.states(output)

    def run(rows: Tensor) -> dict[str, Tensor]:
        with hooked(model, {point.module: partial(keep, point) for point in points}):
            listen(rows)
        return outputs

    sound = trial_sound(SHORT + MORE)
    with differentiable(model):
        return hear_states(run, sound, {p.name: p.natural.stride for p in points}, PLACES)
