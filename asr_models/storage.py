"""Modules on disk: weights as safetensors, and a card with what rebuilds and identifies them."""

import hashlib
import importlib
import json
from pathlib import Path
from typing import TypeVar

from safetensors.torch import load_file, save_file
from torch import nn

from acoustics.errors import UserError, reason_of

Kept = TypeVar("Kept", bound=nn.Module)
CARD = ("class_path", "init_args", "weight_hash")


def weight_hash(module: nn.Module) -> str:
    """Hash of all weights and statistics; tells two modules of one shape apart."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def identity(module: nn.Module) -> dict[str, object]:
    """What is needed to rebuild a module without its weights."""
    kind = type(module)
    return {
        "class_path": f"{kind.__module__}.{kind.__qualname__}",
        "init_args": module.config,
    }


def check_identity(saved: object, module: nn.Module, where: str, what: str) -> None:
    """Refuse what was saved of a module of another class or size.

    Args:
        saved: its `identity`, or whatever stands in its place.
        module: what it would be loaded into.
        where: the folder or file, for the error.
        what: the module's name in the configuration, e.g. `recogniser`.

    Raises:
        UserError: they differ.
    """
    if saved != identity(module):
        raise UserError(
            f"{where} is of another {what}: {saved or 'none of ours'}, "
            f"but model.{what} is {identity(module)}; make them equal"
        )


def copy_weights(saved: nn.Module, module: nn.Module, where: str, what: str) -> None:
    """Load a saved module's weights into one of the same class and size; see `check_identity`."""
    check_identity(identity(saved), module, where, what)
    module.load_state_dict(saved.state_dict())


def describe(module: nn.Module) -> dict[str, object]:
    """What is needed to rebuild a module and to tell it from another one."""
    return {**identity(module), "weight_hash": weight_hash(module)}


def save_module(module: nn.Module, folder: Path, what: str) -> None:
    """Write `what.safetensors` and `what.json` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}
    save_file(weights, folder / f"{what}.safetensors")
    (folder / f"{what}.json").write_text(json.dumps(describe(module), indent=2) + "\n")


def load_module(path: str | Path, what: str, base: type[Kept], advice: str) -> Kept:
    """Rebuild a module that `save_module` wrote, on the CPU.

    Args:
        path: the folder.
        what: as when it was saved, e.g. `recogniser`.
        base: the class that it must be of.
        advice: how to make one, for the error where there is none.

    Raises:
        UserError: the folder holds none, one of another kind, or weights that do not fit the card.
    """
    folder = Path(path)
    try:
        card = json.loads((folder / f"{what}.json").read_text())
        lacking = [key for key in CARD if key not in card]
        if lacking:
            raise ValueError(f"{what}.json lacks {', '.join(lacking)}")
        module = _class_of(card["class_path"], base)(**card["init_args"])
        module.load_state_dict(load_file(folder / f"{what}.safetensors"))
    except FileNotFoundError as error:
        raise UserError(
            f"{folder}: {Path(str(error.filename)).name} is missing, so this is not a saved "
            f"{what}; {advice}"
        ) from error
    except Exception as error:
        raise UserError(f"{folder}: unreadable {what} ({reason_of(error)}); {advice}") from error
    if weight_hash(module) != card["weight_hash"]:
        raise UserError(f"{folder}: the weights are not those the card was written for; {advice}")
    return module


def _class_of(class_path: str, base: type[Kept]) -> type[Kept]:
    module, _, name = class_path.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise UserError(f"{class_path} is not a {base.__name__}")
    return found
