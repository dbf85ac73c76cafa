"""A verifier that was trained here, and encoders on disk."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from asr_models.storage import load_module, save_module
from evaluation.verifiers.encoder import SpeakerEncoder
from evaluation.verifiers.verifier import Verifier, sorted_batches

WHAT = "verifier"


def save_encoder(encoder: SpeakerEncoder, folder: Path) -> None:
    """Write weights and card into `folder`."""
    save_module(encoder, folder, WHAT)


def load_encoder(path: str | Path) -> SpeakerEncoder:
    """Rebuild a saved encoder, in eval mode, on the CPU.

    Raises:
        UserError: the folder is not that of a verifier, or its weights do not fit its card.
    """
    advice = "train one with 'otoscope verifier fit --output DIR'"
    encoder = load_module(path, WHAT, SpeakerEncoder, advice)  # type: ignore[type-abstract]
    return encoder.eval().requires_grad_(False)


class TrainedVerifier(Verifier):
    """An encoder of this package behind the interface that all verifiers share.

    Args:
        encoder: a saved encoder's folder, or an encoder.
        name: the `scorer` of its rows (default: by its class, e.g. `thin_resnet`).
        device: where it runs.
        batch_duration_s: seconds of speech, padding included, embedded at once (default: what is
            best for the encoder).
    """

    def __init__(
        self,
        encoder: str | Path | SpeakerEncoder,
        name: str | None = None,
        device: str = "cpu",
        batch_duration_s: float | None = None,
    ) -> None:
        loaded = encoder if isinstance(encoder, SpeakerEncoder) else load_encoder(encoder)
        self.encoder = loaded.eval().to(device)
        self.name = name or self.encoder.name
        self.sample_rate, self.width = self.encoder.sample_rate, self.encoder.width
        self.min_samples = self.sample_rate // 40  # one analysis window
        batch_s = self.encoder.batch_duration_s if batch_duration_s is None else batch_duration_s
        self._device, self._batch_samples = device, int(batch_s * self.sample_rate)

    def move_to(self, device: str) -> None:
        """Move to a device, such as `cuda:0`."""
        self.encoder, self._device = self.encoder.to(device), device

    @torch.no_grad()
    def embed_valid(self, waveforms: list[np.ndarray]) -> Float[np.ndarray, "utterance embedding"]:
        """Embeds utterances in batches of similar length; see `Verifier.embed_valid`."""
        vectors = np.empty((len(waveforms), self.width), np.float32)
        for rows in sorted_batches([len(w) for w in waveforms], self._batch_samples):
            lengths = torch.tensor([len(waveforms[i]) for i in rows])
            padded = torch.zeros(len(rows), int(lengths.max()))
            for row, i in zip(padded, rows, strict=True):
                row[: len(waveforms[i])] = torch.from_numpy(waveforms[i])
            found = self.encoder.embed(padded.to(self._device), lengths.to(self._device))
            vectors[rows] = found.float().cpu().numpy()
        return vectors
