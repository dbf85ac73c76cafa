"""Which samples a state hears, by its gradient: where it is centred, and whether that is all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from acoustics.errors import UserError
from asr_models.tap import flat_state

WINDOW = 2  # strides around the strongest sample in which a state without an end is weighed
LEAST = 24  # samples of the same, for fine layers
CORE, SMOOTH = 1e-3, 16  # share of the peak, samples
SEED = 0


@dataclass(frozen=True)
class Heard:
    """Samples that one state depends on.

    Attributes:
        centre: middle of them, if they end inside the sound; else the centre of gravity of the
            gradient's energy around its peak.
        first, last: of the samples with any gradient.
        bounded: whether they end inside the sound.
        share: of the energy that lies around the peak.
        core: middle of the samples with a thousandth of the peak's energy or more, if these are
            few; a mean over the utterance, as in a normalisation, leaves the others a little.
    """

    centre: float
    first: int
    last: int
    bounded: bool
    share: float
    core: float | None


def trial_sound(samples: int, rows: int = 1, seed: int = SEED) -> Float[Tensor, "row sample"]:
    """Steady noise, a tenth of full scale; the rows differ.

    Steady, for where a sound is quiet a layer norm makes gradients large.
    """
    return 0.1 * torch.randn(rows, samples, generator=torch.Generator().manual_seed(seed))


def heard_samples(energy: Float[Tensor, " sample"], stride: int) -> Heard:
    """Where a gradient's energy lies.

    Raises:
        ValueError: it is zero everywhere.
    """
    inside = energy.nonzero()[:, 0]
    if not len(inside):
        raise ValueError("no gradient")
    first, last, count = int(inside[0]), int(inside[-1]), len(energy)
    peak, reach = int(_smooth(energy, stride).argmax()), max(WINDOW * stride, LEAST)
    window = slice(max(0, peak - reach), peak + reach + 1)
    weight, place = energy[window].double(), torch.arange(count)[window].double()
    share = float(weight.sum() / energy.double().sum())
    if first > 0 and last < count - 1:
        middle = (first + last) / 2
        return Heard(middle, first, last, True, share, middle)
    gravity = float((weight * place).sum() / weight.sum())
    return Heard(gravity, first, last, False, share, _core(energy))


def _smooth(energy: Float[Tensor, " sample"], width: int) -> Float[Tensor, " sample"]:
    half = width // 2
    return torch.nn.functional.avg_pool1d(energy[None], 2 * half + 1, 1, half)[0]


def _core(energy: Float[Tensor, " sample"]) -> float | None:
    smooth = _smooth(energy, SMOOTH)
    strong = (smooth > CORE * smooth.max()).nonzero()[:, 0]
    first, last = int(strong[0]), int(strong[-1])
    return (first + last) / 2 if last - first < len(energy) / 3 else None


def hear_states(
    run: Callable[[Tensor], Mapping[str, Tensor]],
    sound: Float[Tensor, "1 sample"],
    strides: Mapping[str, int],
    places: Sequence[float] = (0.25, 0.5, 0.7),
) -> dict[str, list[tuple[int, Heard]]]:
    """What states of several layers hear; inside `differentiable`.

    Args:
        run: from rows of sound to the states of the layers, time as the last axis but one.
        sound: one row; it is given to `run` once for each of `places`.
        strides: of the layers, in samples.
        places: which states to ask, as shares of all.

    Returns:
        For each layer the number of each state, and what it hears.

    Raises:
        UserError: a layer does not depend on the sound, or gives NaN.
    """
    torch_random = torch.Generator().manual_seed(SEED)
    rows = sound.clone().expand(len(places), -1).clone().requires_grad_(True)
    layers = run(rows)
    found = {}
    for name, stride in strides.items():
        states = flat_state(layers[name])
        if not bool(states.isfinite().all()):
            raise UserError(
                f"layer '{name}' gives NaN or infinite values for plain noise; "
                "take it out of the layers"
            )
        asked = [int(states.shape[1] * place) for place in places]
        chosen = states[range(len(places)), asked]
        weights = torch.randn(chosen.shape[1], generator=torch_random).to(chosen)
        found[name] = _gradients((chosen @ weights).sum(), rows, asked, stride, name)
    return found


def _gradients(
    total: Tensor, rows: Tensor, asked: list[int], stride: int, name: str
) -> list[tuple[int, Heard]]:
    try:
        (gradient,) = torch.autograd.grad(total, rows, retain_graph=True)
        energies = gradient.square().cpu()
        return [(k, heard_samples(energies[i], stride)) for i, k in enumerate(asked)]
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"layer '{name}' has no gradient towards the sound ({error}); tap another one, or run "
            "the network without torch.no_grad and in floating point"
        ) from error
