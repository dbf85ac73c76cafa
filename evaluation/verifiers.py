"""Speaker verifiers: utterances to unit vectors, whose inner product scores a trial.

No voice-activity trimming: it would cut other parts of every layer's speech.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram

from acoustics.errors import UserError
from evaluation.quality import SILENCE_PEAK, Score
from evaluation.trials import Trial


@dataclass(frozen=True)
class Embeddings:
    """Unit vectors, and why some are missing.

    Attributes:
        vectors: shape (utterance, embedding), float32; NaN where there is a failure.
        failures: per utterance a reason, or "".
    """

    vectors: Float[np.ndarray, "utterance embedding"]
    failures: list[str]


class Verifier(ABC):
    """Maps utterances to vectors that lie close together for one speaker.

    Attributes:
        name: the `scorer` of its rows in the tables.
        sample_rate: of the waveforms it takes, in Hz.
        width: length of a vector.
        min_samples: an utterance needs that many.
    """

    name: str
    sample_rate: int
    width: int
    min_samples: int

    @abstractmethod
    def embed_valid(self, waveforms: list[np.ndarray]) -> Float[np.ndarray, "utterance embedding"]:
        """Embeds utterances that are neither too short nor silent.

        Args:
            waveforms: float32 in [-1, 1], each of shape (sample,).

        Returns:
            One row per utterance, shape (utterance, embedding), of any length and finite or not.
        """

    def embed(self, waveforms: Sequence[np.ndarray]) -> Embeddings:
        """Embeds utterances; one that cannot be embedded costs only itself.

        Args:
            waveforms: each of shape (sample,), 16-bit integers or floats in [-1, 1].
        """
        failures = [self._unusable(waveform) for waveform in waveforms]
        vectors = np.full((len(waveforms), self.width), np.nan, dtype=np.float32)
        usable = [i for i, failure in enumerate(failures) if not failure]
        if usable:
            vectors[usable] = self.embed_valid([_as_float(waveforms[i]) for i in usable])
        with np.errstate(invalid="ignore", divide="ignore"):
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        for i in usable:
            if not np.isfinite(vectors[i]).all():
                vectors[i], failures[i] = np.nan, f"{self.name}: the embedding is not finite"
        return Embeddings(vectors, failures)

    def _unusable(self, waveform: np.ndarray) -> str:
        if waveform.ndim != 1:
            return f"not one channel: shape {waveform.shape}"
        if len(waveform) < self.min_samples:
            return f"too short for {self.name}: {len(waveform)} of {self.min_samples} samples"
        signal = _as_float(waveform)
        if not np.isfinite(signal).all():
            return "not finite"
        return "silent" if np.abs(signal - signal.mean()).max() <= SILENCE_PEAK / 32768 else ""


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


def _as_float(waveform: np.ndarray) -> np.ndarray:
    """Float32 in [-1, 1], as soundfile reads a 16-bit file."""
    scale = 32768.0 if np.issubdtype(waveform.dtype, np.integer) else 1.0
    return (waveform / scale).astype(np.float32)


def score_trials(
    trials: Sequence[Trial],
    embeddings: Mapping[str, Float[np.ndarray, " embedding"]],
    failures: Mapping[str, str],
) -> list[Score]:
    """Cosine similarity of both utterances of each trial.

    Args:
        trials: the saved list.
        embeddings: unit vector of each utterance that has one.
        failures: reason for each utterance that has none.

    Returns:
        A score per trial; a trial of an utterance without embedding fails with its reason.

    Raises:
        KeyError: if a trial names an utterance that is in neither.
    """
    scores = []
    for trial in trials:
        missing = [name for name in (trial.enrol, trial.test) if failures.get(name)]
        if missing:
            scores.append(Score(None, f"{missing[0]}: {failures[missing[0]]}"))
        else:
            cosine = float(embeddings[trial.enrol] @ embeddings[trial.test])
            scores.append(Score(cosine))
    return scores
