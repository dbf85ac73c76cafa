"""From log-mel back to sound: pseudo-inverse of the mel bank, then fast Griffin-Lim.

torchaudio's transform takes no generator, draws its phases from the first quadrant only and knows
no lengths, so one utterance would depend on the batch it is in. This one seeds every utterance by
itself and masks what lies beyond it: alone and in a batch it gives the same sound.
"""

import hashlib

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from acoustics.frames import mel_frames, valid_mask
from acoustics.mel import LogMel


def phase_seed(seed: int, utterance: str) -> int:
    """Seed of the initial phases of one utterance; the same for every layer, model and batch."""
    digest = hashlib.sha256(f"{seed}/{utterance}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


class GriffinLim(nn.Module):
    """Vocoder built from the `LogMel` that it inverts.

    Fast Griffin-Lim (Perraudin, Balazs, Søndergaard 2013) on magnitudes from the precomputed
    pseudo-inverse of the mel bank, negative magnitudes clipped (the resynthesis paper, section 3.1).

    Args:
        log_mel: the transform to invert; its window, hop and bank are used as they are.
        n_iter: iterations.
        momentum: 0 is the plain algorithm, 0.99 the fast one.
    """

    inverse_bank: Tensor

    def __init__(self, log_mel: LogMel, n_iter: int = 32, momentum: float = 0.99) -> None:
        super().__init__()
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum {momentum} is outside [0, 1)")
        self.log_mel = log_mel
        self.n_iter = n_iter
        self.momentum = momentum
        inverse = torch.linalg.pinv(log_mel.bank.double()).float()
        self.register_buffer("inverse_bank", inverse, persistent=False)
        config = log_mel.config
        # Silent frames behind the end: their windows reach back as in any longer batch.
        self.tail = -(-config["win_length"] // (2 * config["hop_length"]))

    def magnitude(self, mel: Float[Tensor, "batch frame mel"]) -> Float[Tensor, "batch bin frame"]:
        """Linear magnitudes from log-mel, by pseudo-inverse and clipping."""
        return (mel.exp() @ self.inverse_bank).clamp(min=0).transpose(1, 2)

    def forward(
        self,
        mel: Float[Tensor, "batch frame mel"],
        lengths: Int[Tensor, " batch"],
        seeds: list[int],
    ) -> Float[Tensor, "batch sample"]:
        """Sound `(batch, sample)`, zero beyond `lengths` (in samples).

        Args:
            mel: log-mel; frames beyond an utterance are ignored.
            lengths: samples wanted for each utterance.
            seeds: one per utterance, see `phase_seed`.

        Raises:
            ValueError: an utterance has fewer mel frames than its length asks for.
        """
        frames = mel_frames(lengths, self.log_mel.hop_length)
        n_frames = int(frames.max())
        if mel.shape[1] < n_frames:
            raise ValueError(f"{mel.shape[1]} mel frames for a length that wants {n_frames}")
        magnitude = self.magnitude(mel[:, :n_frames])
        magnitude = magnitude * valid_mask(frames, n_frames)[:, None, :]
        magnitude = nn.functional.pad(magnitude, (0, self.tail))
        phases = self._initial_phases(magnitude, frames, seeds)
        waveform = self._iterate(magnitude, phases, int(lengths.max()))
        return waveform * valid_mask(lengths, waveform.shape[1])

    def _initial_phases(self, magnitude: Tensor, frames: Tensor, seeds: list[int]) -> Tensor:
        angles = torch.zeros(magnitude.transpose(1, 2).shape)
        for row, count, seed in zip(angles, frames.tolist(), seeds, strict=True):
            generator = torch.Generator().manual_seed(seed)
            row[:count] = torch.rand((count, row.shape[1]), generator=generator)
        angles = angles.transpose(1, 2).to(magnitude.device) * (2 * torch.pi)
        return torch.polar(torch.ones_like(angles), angles)

    def _iterate(self, magnitude: Tensor, phases: Tensor, length: int) -> Tensor:
        config = self.log_mel.config
        samples = (magnitude.shape[2] - 1) * config["hop_length"]

        def istft(spectrum: Tensor) -> Tensor:
            return torch.istft(
                spectrum,
                config["n_fft"],
                config["hop_length"],
                config["win_length"],
                self.log_mel.window,
                length=samples,
            )

        weight = self.momentum / (1 + self.momentum)
        previous = torch.zeros_like(phases)
        for _ in range(self.n_iter):
            rebuilt = self.log_mel.stft(istft(magnitude * phases))
            direction = rebuilt - weight * previous
            phases = direction / direction.abs().clamp(min=1e-16)
            previous = rebuilt
        return istft(magnitude * phases)[:, :length]
