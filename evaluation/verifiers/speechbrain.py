"""speechbrain's ready-made verifiers: ECAPA-TDNN and x-vector, downloaded on request."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from acoustics.errors import UserError
from asr_models.speechbrain_modules import settle_lazy_modules
from corpora.cache import cache_root
from evaluation.verifiers.verifier import Verifier

WEIGHTS = "embedding_model.ckpt"


@dataclass(frozen=True)
class Recipe:
    """A published model: where it is, what it hears and how it is built."""

    source: str
    n_mels: int
    width: int
    module: str
    kind: str
    arguments: dict[str, Any]


RECIPES = {
    "ecapa": Recipe(
        "speechbrain/spkrec-ecapa-voxceleb",
        80,
        192,
        "speechbrain.lobes.models.ECAPA_TDNN",
        "ECAPA_TDNN",
        {
            "input_size": 80,
            "channels": [1024, 1024, 1024, 1024, 3072],
            "kernel_sizes": [5, 3, 3, 3, 1],
            "dilations": [1, 2, 3, 4, 1],
            "attention_channels": 128,
            "lin_neurons": 192,
        },
    ),
    "xvector": Recipe(
        "speechbrain/spkrec-xvect-voxceleb",
        24,
        512,
        "speechbrain.lobes.models.Xvector",
        "Xvector",
        {
            "in_channels": 24,
            "activation": nn.LeakyReLU,
            "tdnn_blocks": 5,
            "tdnn_channels": [512, 512, 512, 512, 1500],
            "tdnn_kernel_sizes": [5, 3, 3, 1, 1],
            "tdnn_dilations": [1, 2, 3, 1, 1],
            "lin_neurons": 512,
        },
    ),
}


class SpeechbrainVerifier(Verifier):
    """ECAPA-TDNN (Desplanques et al. 2020) or x-vector (Snyder et al. 2018), both on VoxCeleb.

    The networks are speechbrain's; their weights are read as plain tensors (`weights_only`), and
    each utterance's features have zero mean over its own frames. Their convolutions run on into
    padding (a shorter batch mate came out at a cosine of 0.71 to itself): there are no batches.

    Args:
        model: `ecapa` or `xvector`.
        folder: holds `embedding_model.ckpt` (default: in the cache folder).
        download: fetch the weights where they are missing.
        device: where it runs.

    Raises:
        UserError: the weights are missing or cannot be read; it says how to get them.
    """

    sample_rate = 16000
    min_samples = 4000  # of a quarter of a second something is left after five convolutions

    def __init__(
        self,
        model: Literal["ecapa", "xvector"] = "ecapa",
        folder: str | None = None,
        download: bool = False,
        device: str = "cpu",
    ) -> None:
        self.name, self._recipe = model, RECIPES[model]
        self.width = self._recipe.width
        self._device = device
        self._network = _load(self._recipe, find_weights(model, folder, download)).to(device)
        from speechbrain.lobes.features import Fbank

        settle_lazy_modules()
        self._features = Fbank(n_mels=self._recipe.n_mels).to(device)

    def move_to(self, device: str) -> None:
        """Move to a device, such as `cuda:0`."""
        self._network, self._device = self._network.to(device), device
        self._features = self._features.to(device)

    @torch.no_grad()
    def embed_valid(self, waveforms: list[np.ndarray]) -> Float[np.ndarray, "utterance embedding"]:
        """Embeds utterances one by one; see `Verifier.embed_valid`."""
        vectors = np.empty((len(waveforms), self.width), np.float32)
        whole = torch.ones(1, device=self._device)
        for row, waveform in zip(vectors, waveforms, strict=True):
            features = self._features(torch.from_numpy(waveform)[None].to(self._device))
            features = features - features.mean(1, keepdim=True)
            row[:] = self._network(features, whole).flatten().float().cpu().numpy()
        return vectors


def find_weights(model: str, folder: str | None = None, download: bool = False) -> Path:
    """Where the weights of a model are, after a download where one was asked for.

    Raises:
        UserError: they are missing; it says how to get them.
    """
    path = Path(folder).expanduser() if folder else cache_root() / "speechbrain" / model
    if not (path / WEIGHTS).is_file():
        _fetch(RECIPES[model].source, path, download)
    return path / WEIGHTS


def _fetch(source: str, folder: Path, download: bool) -> None:
    command = f"hf download {source} {WEIGHTS} --local-dir {shlex.quote(str(folder))}"
    if not download:
        raise UserError(
            f"{source}: {folder / WEIGHTS} is missing; where there is a network, ask for it with "
            f"--download-verifiers (a run: --download_verifiers true) or run: {command}"
        )
    try:
        from huggingface_hub import hf_hub_download

        hf_hub_download(source, WEIGHTS, local_dir=folder)
    except Exception as error:  # the hub's, requests' and the system's alike
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{source}: cannot be downloaded ({reason}); where there is a network, run: {command}"
        ) from error


def _load(recipe: Recipe, path: Path) -> nn.Module:
    import importlib

    network: nn.Module = getattr(importlib.import_module(recipe.module), recipe.kind)(
        **recipe.arguments
    )
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # a damaged archive and foreign weights alike
        raise UserError(f"{path}: not the weights of {recipe.source} ({error})") from error
    return network.eval().requires_grad_(False)
