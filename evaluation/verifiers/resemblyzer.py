"""The ready-made GE2E verifier of `resemblyzer`: no download, the default."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram

from acoustics.errors import UserError
from evaluation.verifiers.verifier import Verifier


class GE2EVerifier(Verifier):
    """The GE2E speaker encoder of `resemblyzer`, with the weights that ship inside it.

    Utterances are cut into overlapping windows of 1.6 s as in resemblyzer's `embed_utterance`, and
    the windows of all utterances pass the LSTM together, `batch_size` at a time.

    Source: Wan et al. 2018, Generalized end-to-end loss for speaker verification,
    arXiv:1710.10467; CorentinJ/Resemblyzer.
    """

    name = "ge2e"
    sample_rate = 16000
    width = 256
    min_samples = 400  # one analysis window of 25 ms

    def __init__(self, device: str = "cpu", batch_size: int = 64) -> None:
        from resemblyzer import hparams

        self._encoder = _load_encoder().to(device)
        self._device, self._batch_size = device, batch_size
        self._target_level_db = hparams.audio_norm_target_dBFS
        # what librosa computes for resemblyzer: a power mel spectrogram, no logarithm
        self._mel = MelSpectrogram(
            sample_rate=hparams.sampling_rate,
            n_fft=self.sample_rate * hparams.mel_window_length // 1000,
            hop_length=self.sample_rate * hparams.mel_window_step // 1000,
            n_mels=hparams.mel_n_channels,
            norm="slaney",
            mel_scale="slaney",
            pad_mode="constant",
        )

    def move_to(self, device: str) -> None:
        """Move to a device, such as `cuda:0`."""
        self._encoder, self._device = self._encoder.to(device), device

    @torch.no_grad()
    def embed_valid(self, waveforms: list[np.ndarray]) -> Float[np.ndarray, "utterance embedding"]:
        """Embeds utterances; see `Verifier.embed_valid`."""
        counts: list[int] = []
        parts: list[Tensor] = []
        for batch in _batches(self._windows(waveforms, counts), self._batch_size):
            parts.append(self._encoder(batch.to(self._device)).cpu())
        per_utterance = torch.cat(parts).split(counts)
        return torch.stack([windows.mean(dim=0) for windows in per_utterance]).numpy()

    def _windows(self, waveforms: list[np.ndarray], counts: list[int]) -> Iterator[Tensor]:
        """Yields mel windows (frame, mel) of all utterances, and notes how many each has."""
        from resemblyzer.audio import normalize_volume

        for waveform in waveforms:
            loud = normalize_volume(waveform, self._target_level_db, increase_only=True)
            spans, slices = self._encoder.compute_partial_slices(len(loud), 1.3, 0.75)
            padded = np.pad(loud, (0, max(0, spans[-1].stop - len(loud))))
            mel = self._mel(torch.from_numpy(padded.astype(np.float32))).T
            counts.append(len(slices))
            yield from (mel[window] for window in slices)


def _load_encoder() -> Any:
    """Resemblyzer's network with its weights, loaded as plain tensors (`weights_only`)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it uses names that scipy and setuptools retire
            from resemblyzer import VoiceEncoder, hparams
    except ImportError as error:
        raise UserError(
            f"resemblyzer cannot be imported ({error}): pip install resemblyzer 'setuptools<81'"
        ) from error

    class Encoder(VoiceEncoder):
        """`VoiceEncoder` without its constructor, which unpickles the weights file."""

        def __init__(self) -> None:
            nn.Module.__init__(self)
            hidden, n_mels = hparams.model_hidden_size, hparams.mel_n_channels
            self.lstm = nn.LSTM(n_mels, hidden, hparams.model_num_layers, batch_first=True)
            self.linear = nn.Linear(hidden, hparams.model_embedding_size)
            self.relu = nn.ReLU()

    weights = Path(hparams.__file__).with_name("pretrained.pt")
    state = torch.load(weights, map_location="cpu", weights_only=True)["model_state"]
    encoder = Encoder()
    encoder.load_state_dict({name: state[name] for name in encoder.state_dict()})
    return encoder.eval().requires_grad_(False)


def _batches(windows: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    pending: list[Tensor] = []
    for window in windows:
        pending.append(window)
        if len(pending) == size:
            yield torch.stack(pending)
            pending = []
    if pending:
        yield torch.stack(pending)
