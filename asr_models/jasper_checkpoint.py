"""Public checkpoint files of Jasper: what stands in them, read without running anything of theirs.

NVIDIA's DeepLearningExamples write `.pt` files (a dictionary with `state_dict` and, where weights
were averaged, `ema_state_dict`), NeMo writes `.ckpt` files and `.nemo` archives (a tar, sometimes
gzipped, with `model_weights.ckpt` and `model_config.yaml`).
"""

import shutil
import tarfile
import tempfile
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from acoustics.errors import UserError

WEIGHTS, CONFIG = "model_weights.ckpt", "model_config.yaml"
LABELS = " abcdefghijklmnopqrstuvwxyz'"
"""Characters of the public models in the order of their outputs; the blank comes behind them."""

HEARD = {
    "sample_rate": 16000,
    "window_size": 0.02,
    "window_stride": 0.01,
    "window": "hann",
    "features": 64,
    "n_fft": 512,
    "normalize": "per_feature",
}
"""What our front-end does, in the words of NeMo's preprocessor."""


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], str]:
    """Weights by their public names, and the characters in the order of the outputs.

    Averaged weights are taken where there are some. A `.nemo` file names its characters; the other
    files do not, and have `LABELS`.

    Raises:
        UserError: the file cannot be read, holds no weights, or is of a model that hears otherwise.
    """
    try:
        if not tarfile.is_tarfile(path):
            return _weights(path, path), LABELS
        with tarfile.open(path) as archive, tempfile.TemporaryFile() as weights:
            config = yaml.safe_load(_member(archive, CONFIG, path))
            shutil.copyfileobj(_member(archive, WEIGHTS, path), weights)
            weights.seek(0)
            labels = _labels(config if isinstance(config, dict) else {}, path)
            return _weights(weights, path), labels
    except (OSError, tarfile.TarError, yaml.YAMLError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path}: cannot be read ({reason}); download it again") from error


def _member(archive: tarfile.TarFile, name: str, path: Path) -> BufferedReader:
    """A file at the top of the archive, opened where it lies: nothing is unpacked by its name."""
    for member in archive:
        if member.name.removeprefix("./") == name and member.isreg():
            found = archive.extractfile(member)
            assert isinstance(found, BufferedReader)  # noqa: S101 - for the type checker
            return found
    raise UserError(f"{path}: there is no {name} in this archive; give a .nemo file of Jasper")


def _weights(file: Path | BufferedReader | BufferedRandom, path: Path) -> dict[str, Tensor]:
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # unpickling, zip and memory all have errors of their own
        raise UserError(
            f"{path}: no file of plain weights ({str(error).splitlines()[0]}); save its "
            "state_dict alone, where you trust it"
        ) from error
    for key in ("ema_state_dict", "state_dict"):
        if isinstance(loaded, dict) and loaded.get(key):
            loaded = loaded[key]
    if not (isinstance(loaded, dict) and loaded and _all_tensors(loaded)):
        raise UserError(f"{path}: holds no state_dict; give a .pt, .ckpt or .nemo file of Jasper")
    return loaded


def _all_tensors(loaded: dict[Any, Any]) -> bool:
    return all(isinstance(k, str) and isinstance(v, Tensor) for k, v in loaded.items())


def _labels(config: dict[str, Any], path: Path) -> str:
    """Characters of a NeMo model, which must hear what Jasper hears here."""
    preprocessor, decoder = _part(config, "preprocessor"), _part(config, "decoder")
    for key, ours in HEARD.items():
        if preprocessor.get(key, ours) != ours:
            raise UserError(
                f"{path}: its preprocessor has {key} {preprocessor[key]}, but Jasper here hears "
                f"{ours}; give a model that was trained with that"
            )
    named = (decoder.get("vocabulary"), config.get("labels"))
    found = next((labels for labels in named if isinstance(labels, list)), list(LABELS))
    return "".join(map(str, found))


def _part(config: dict[str, Any], name: str) -> dict[str, Any]:
    """A section of somebody else's configuration, empty where there is none."""
    found = config.get(name)
    return found if isinstance(found, dict) else {}
