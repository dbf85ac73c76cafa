"""From log-mel back to sound: pseudo-inverse of the mel bank, then fast Griffin-Lim.

torchaudio's transform takes no generator, draws its phases from the first quadrant only and knows
no lengths, so one utterance would depend on the batch it is in. This one seeds every utterance by
itself and masks what lies beyond it: alone and in a batch it gives the same sound. The momentum
works on the short waveform instead of the spectrum (both transforms are linear) and frames stay
contiguous, which makes it more than twice as fast (`benchmarks/griffin_lim.py`).
"""

import hashlib

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from acoustics.frames import mel_frames, valid_mask
from acoustics.mel import LogMel

# Of the largest one. 80 mel bands on 257 bins overlap so much at the bottom that some combinations
# of bands have next to no energy: their inverse turns a probe's smallest error into noise (STOI
# 0.55 instead of 0.90 for an error of 0.3 nats), while the true mel does not need them.
SMALLEST_SINGULAR = 0.05
CPU_CHUNK_FRAMES = 1024  # frames worked on at once on a CPU: what stays in its caches


def phase_seed(seed: int, utterance: str) -> int:
    """Seed of the initial phases of one utterance; the same for every layer, model and batch."""
    digest = hashlib.sha256(f"{seed}/{utterance}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


class GriffinLim(nn.Module):
    """Vocoder built from the `LogMel` that it inverts.

    Fast Griffin-Lim (Perraudin, Balazs, Søndergaard 2013) on magnitudes from the precomputed
    pseudo-inverse of the mel bank, negative ones clipped (the resynthesis paper, section 3.1).

    Args:
        log_mel: the transform to invert; its window, hop and bank are used as they are.
        n_iter: iterations.
        momentum: 0 is the plain algorithm, 0.99 the fast one.
    """

    inverse_bank: Tensor
    blocks: Tensor

    def __init__(self, log_mel: LogMel, n_iter: int = 32, momentum: float = 0.99) -> None:
        super().__init__()
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum {momentum} is outside [0, 1)")
        self.log_mel = log_mel
        self.n_iter = n_iter
        self.momentum = momentum
        config = log_mel.config
        self.hop, self.n_fft = config["hop_length"], config["n_fft"]
        inverse = torch.linalg.pinv(log_mel.bank.double(), rtol=SMALLEST_SINGULAR).float()
        self.register_buffer("inverse_bank", inverse, persistent=False)
        win, count = config["win_length"], -(-config["win_length"] // self.hop)
        window = nn.functional.pad(log_mel.window, (0, count * self.hop - win))
        self.register_buffer("blocks", window.view(count, self.hop), persistent=False)
        self.centre = win // 2  # of the first frame, in the padded waveform
        # Silent frames behind the end: every one that overlaps the last, as in any longer batch.
        self.tail = count - 1

    def magnitude(self, mel: Float[Tensor, "batch frame mel"]) -> Float[Tensor, "batch frame bin"]:
        """Linear magnitudes from log-mel, by pseudo-inverse and clipping."""
        return (mel.exp() @ self.inverse_bank).clamp(min=0).pow(1 / self.log_mel.power)

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
        frames = mel_frames(lengths, self.hop)
        if mel.shape[1] < int(frames.max()):
            raise ValueError(f"{mel.shape[1]} mel frames for lengths that want {frames.max()}")
        out = mel.new_zeros(len(mel), int(lengths.max()))
        for rows in self._chunks(frames, mel.is_cuda):
            count = int(frames[rows].max())
            magnitude = self.magnitude(mel[rows, :count])
            magnitude = magnitude * valid_mask(frames[rows], count)[..., None]
            phases = _initial_phases(magnitude, frames[rows], [seeds[i] for i in rows.tolist()])
            longest = int(lengths[rows].max())
            out[rows, :longest] = self._iterate(magnitude, phases)[:, :longest]
        return out * valid_mask(lengths, out.shape[1])

    def _chunks(self, frames: Tensor, whole: bool) -> list[Tensor]:
        order = frames.argsort(stable=True)
        size = len(order) if whole else max(1, CPU_CHUNK_FRAMES // int(frames.max()))
        return list(order.split(size))

    def _overlap_add(self, pieces: Float[Tensor, "batch frame sample"]) -> Tensor:
        """Windowed sum of frames, `(batch, block, hop)`."""
        count, frames = len(self.blocks), pieces.shape[1]
        out = pieces.new_zeros(len(pieces), frames + count - 1, self.hop)
        for i, weights in enumerate(self.blocks):
            span = pieces[:, :, i * self.hop : (i + 1) * self.hop]
            width = span.shape[-1]  # the last block may stick out of the transform
            out[:, i : i + frames, :width].addcmul_(span, weights[:width])
        return out

    def _normaliser(self, frames: int) -> Float[Tensor, "1 block hop"]:
        """What turns the windowed sum into a waveform, zero before the start and past the end."""
        window = self.blocks.flatten()
        envelope = self._overlap_add(window.expand(1, frames, len(window)))
        inverse = torch.where(envelope > 1e-8, 1 / envelope, 0).flatten()
        inverse[: self.centre] = 0
        inverse[self.centre + (frames - 1) * self.hop :] = 0
        return inverse.view_as(envelope)

    def _iterate(
        self, magnitude: Float[Tensor, "batch frame bin"], spectrum: Tensor
    ) -> Float[Tensor, "batch sample"]:
        target = nn.functional.pad(magnitude, (0, 0, 0, self.tail)).to(spectrum.dtype)
        spectrum = nn.functional.pad(spectrum, (0, 0, 0, self.tail)) * target
        batch, frames, _ = target.shape
        normaliser, window = self._normaliser(frames), self.blocks.flatten()[: self.n_fft]
        windowed = magnitude.new_zeros(batch, frames, self.n_fft)
        weight = self.momentum / (1 + self.momentum)
        before: Tensor | float = 0.0
        for _ in range(self.n_iter):
            sound = self._overlap_add(torch.fft.irfft(spectrum, n=self.n_fft)).mul_(normaliser)
            pushed = (sound - weight * before).view(batch, -1)
            before = sound
            pieces = pushed.unfold(1, len(window), self.hop)
            torch.mul(pieces, window, out=windowed[..., : len(window)])
            spectrum = torch.fft.rfft(windowed)
            spectrum = torch.sgn(spectrum).mul_(target)
        sound = self._overlap_add(torch.fft.irfft(spectrum, n=self.n_fft)).mul_(normaliser)
        return sound.view(batch, -1)[:, self.centre :]


def _initial_phases(magnitude: Tensor, frames: Tensor, seeds: list[int]) -> Tensor:
    angles = torch.zeros(magnitude.shape)
    for row, count, seed in zip(angles, frames.tolist(), seeds, strict=True):
        generator = torch.Generator().manual_seed(seed)
        row[:count] = torch.rand((count, row.shape[1]), generator=generator)
    angles = angles.to(magnitude.device) * (2 * torch.pi)
    return torch.polar(torch.ones_like(angles), angles)
