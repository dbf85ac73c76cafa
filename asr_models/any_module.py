"""Any `nn.Module` that hears a waveform, named in YAML, as a recogniser under study."""

import importlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal, get_type_hints

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file
from torch import Tensor, nn

from acoustics.errors import UserError, reason_of
from asr_models.adapter import Adapter
from asr_models.discovery import TapSettings, centres_of, discover
from asr_models.foreign_states import part

Lengths = Literal["none", "samples", "relative"]


class AnyModule(Adapter):
    """A module of another library or of the user's own.

    It is called as `module(waveform)`, `waveform` being `(batch, sample)` at 16 kHz, in eval mode.
    Each layer has the path of its module as name; width, axis of time, stride and offset are found
    by running it. Wrap it in a class of your own if it wants to be called otherwise.

    Args:
        module: its class, e.g. `my_package.MyNetwork`, or a function annotated to return one.
        arguments: what that is called with.
        layers: paths of modules within it, or globs.
        weights: file of its state (safetensors, or a state dict of torch's); else as it is made.
        take: for a path or glob, which part of a tuple, dict or packed sequence is the state, e.g.
            `'0'`, `hidden` or `'0.packed'`.
        offsets: for a path or glob, the sample of the network's input on which state 0 is centred,
            where gradients cannot say.
        lengths: what it is told beside the waveform: nothing, samples of each utterance, or these
            as a share of the batch's longest.
        channel_axis: call it with `(batch, 1, sample)`.
        normalise: bring each waveform to mean 0 and variance 1.
        alphabet: characters of its classes (empty: there are none).
        blank: the class that is the blank.
        output: which part of what it returns are the classes' scores `(batch, state, class)`.

    Raises:
        UserError: it cannot be made, or a layer is not a sequence of states; says what to set.
    """

    def __init__(
        self,
        module: str,
        layers: Sequence[str],
        arguments: Mapping[str, Any] | None = None,
        weights: str | None = None,
        take: Mapping[str, str] | None = None,
        offsets: Mapping[str, float] | None = None,
        lengths: Lengths = "none",
        channel_axis: bool = False,
        normalise: bool = False,
        alphabet: str = "",
        blank: int = 0,
        output: str = "",
    ) -> None:
        super().__init__()
        self.config = {
            "module": module,
            "layers": list(layers),
            "arguments": dict(arguments or {}),
            "weights": None,  # they stand beside the card
            "take": dict(take or {}),
            "offsets": dict(offsets or {}),
            "lengths": lengths,
            "channel_axis": channel_axis,
            "normalise": normalise,
            "alphabet": alphabet,
            "blank": blank,
            "output": output,
        }
        model = made(module, arguments or {}).eval()
        if weights is not None:
            load_weights(model, Path(weights))
        model.requires_grad_(False)
        self.told, self.channel_axis, self.blank, self.output = lengths, channel_axis, blank, output
        settings = TapSettings(layers, take or {}, offsets or {})
        points = discover(model, lambda rows: self._call(model, rows, full(rows)), settings)
        self.config["offsets"] = centres_of(points)
        self.attach(model, points, list(alphabet), normalise)

    def listen(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state token"] | None:
        """Log-probabilities, the blank first, if there is an alphabet."""
        found = self._call(self.model, waveform, lengths)
        if not self.has_classes:
            return None
        scores = part(found, self.output, "the network")
        if scores.ndim != 3 or scores.shape[2] != len(self.tokens) + 1:
            raise UserError(
                f"alphabet: {len(self.tokens)} characters and the blank want an output (batch, "
                f"state, {len(self.tokens) + 1}), but it has the shape {tuple(scores.shape)}"
            )
        order = [self.blank, *(i for i in range(scores.shape[2]) if i != self.blank)]
        return scores[..., order].log_softmax(-1)

    def _call(self, model: nn.Module, waveform: Tensor, lengths: Tensor) -> Any:
        sound = waveform[:, None] if self.channel_axis else waveform
        if self.told == "none":
            return model(sound)
        return model(sound, lengths if self.told == "samples" else lengths / lengths.max())


def made(path: str, arguments: Mapping[str, Any]) -> nn.Module:
    """The module that a class or function makes.

    A path may come from a card or a YAML file of somebody else, so nothing is called that does not
    say that it makes a module.

    Raises:
        UserError: there is no such thing, or it makes no module.
    """
    where, _, name = path.rpartition(".")
    try:
        maker = getattr(importlib.import_module(where), name)
        if not makes_module(maker):
            raise UserError(
                f"module: {path} is neither a torch module nor a function that says it returns one "
                f"(def {name}(...) -> nn.Module); name one of these"
            )
        found: nn.Module = maker(**arguments)
    except UserError:
        raise
    except Exception as error:  # another's code
        raise UserError(f"module: {path} cannot be made ({reason_of(error)})") from error
    return found


def makes_module(maker: object) -> bool:
    """Whether it is a class of modules, or a function annotated to return one."""
    if not inspect.isclass(maker):
        maker = get_type_hints(maker).get("return") if inspect.isfunction(maker) else None
    return inspect.isclass(maker) and issubclass(maker, nn.Module)


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a state dict; pickled code is not run.

    Raises:
        UserError: the file is missing or does not fit.
    """
    try:
        safe = path.suffix == ".safetensors"
        values = load_file(path) if safe else torch.load(path, "cpu", weights_only=True)
        model.load_state_dict(values)
    except UnpicklingError as error:
        raise UserError(
            f"weights: {path} cannot be loaded: it holds more than tensors, and code in it "
            "is not run; write model.state_dict() with safetensors or torch.save"
        ) from error
    except Exception as error:
        raise UserError(f"weights: {path} cannot be loaded ({reason_of(error)})") from error


def full(rows: Tensor) -> Int[Tensor, " batch"]:
    """Lengths of rows that have no padding."""
    return torch.full((len(rows),), rows.shape[1], device=rows.device)
