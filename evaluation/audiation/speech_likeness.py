"""How much a sound is like speech: its modulation, and its signal-to-noise ratio by ear.

No number makes a sound speech. These two say what regularisers are to change: speech swells and
fades with its syllables, and between them there is little noise.
"""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import gammaincinv, ndtri
from torch import Tensor

from acoustics.frames import mel_frames, valid_mask
from acoustics.mel import LogMel

SYLLABIC_HZ = (2.0, 8.0)
LOWEST_HZ = 0.5  # slower ones are the course of an utterance
GAMMA_SHAPE = 0.4  # of the amplitudes of clean speech (Kim and Stern)
SNR_DB = np.arange(-20, 61)


def modulation_spectrum(
    waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
) -> tuple[Float[Tensor, " bin"], Float[Tensor, "batch bin"]]:
    """Energy of the envelopes' modulation by frequency, summed over 40 mel bands.

    An envelope is the magnitude of a band every 10 ms, less its mean over the utterance, under a
    Hann window of its length.

    Returns:
        Frequencies in Hz, and the energies.
    """
    log_mel = LogMel(n_mels=40)
    spectrum = log_mel.stft(waveform).abs().transpose(1, 2)
    frames = mel_frames(lengths, log_mel.hop_length)
    envelope = spectrum[:, : int(frames.max())] @ log_mel.bank
    inside = valid_mask(frames, envelope.shape[1])
    phase = torch.arange(envelope.shape[1]) / (frames[:, None] - 1).clamp(min=1)
    window = torch.sin(torch.pi * phase).square() * inside
    mean = (envelope * inside[..., None]).sum(1, keepdim=True) / frames[:, None, None]
    changes = (envelope - mean) * window[..., None]
    energy = torch.fft.rfft(changes, dim=1).abs().square().sum(2)
    rate = log_mel.config["sample_rate"] / log_mel.hop_length
    return torch.fft.rfftfreq(envelope.shape[1], 1 / rate), energy


def syllabic_share(
    waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Share of the modulation energy above 0.5 Hz that lies between 2 and 8 Hz.

    Speech has its peak there, at 4 to 5 Hz in every language (Ding et al. 2017, "Temporal
    modulations in speech and music"); after the 4 Hz modulation energy of Scheirer and Slaney
    (1997), with the same 40 mel bands. NaN for a sound without modulation.

    Args:
        waveform: `(batch, sample)` at 16 kHz, zero beyond `lengths`.
        lengths: in samples; a second or more, or there is no room for such slow changes.
    """
    hertz, energy = modulation_spectrum(waveform, lengths)
    low, high = SYLLABIC_HZ
    kept = energy[:, (hertz >= low) & (hertz <= high)].sum(1)
    return kept / energy[:, hertz >= LOWEST_HZ].sum(1)


def wada_snr(
    waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Signal-to-noise ratio in dB, from -20 to 60, by the distribution of amplitudes.

    WADA-SNR (Kim and Stern 2008, "Robust signal-to-noise ratio estimation based on waveform
    amplitude distribution analysis"): clean speech has Gamma-distributed amplitudes, noise has
    normal ones, and ln E|z| - E ln|z| tells how they are mixed. NaN for silence.

    Args:
        waveform: `(batch, sample)`, zero beyond `lengths`.
        lengths: in samples.
    """
    inside = valid_mask(lengths, waveform.shape[1])
    size = waveform.abs().double()
    mean = (size * inside).sum(1) / lengths
    logs = size.clamp(min=1e-10).log().masked_fill(~inside, 0).sum(1) / lengths
    found = np.interp((mean.log() - logs).numpy(), wada_table(), SNR_DB)
    return torch.from_numpy(np.where(mean.numpy() > 0, found, np.nan)).float()


@cache
def wada_table() -> Float[np.ndarray, " snr"]:
    """The statistic of speech in noise, ln E|z| - E ln|z|, at every ratio of `SNR_DB`.

    Over quantiles of both distributions; what Kim and Stern tabulate from a simulation. It is made
    to rise everywhere, as it does but for rounding.
    """
    quantile = (np.arange(1, 801) - 0.5) / 800
    speech = gammaincinv(GAMMA_SHAPE, quantile)
    speech /= np.sqrt(np.mean(speech**2))
    noise = ndtri(quantile)
    noise /= np.sqrt(np.mean(noise**2))
    table = []
    for snr in SNR_DB:
        size = np.abs(speech[:, None] + 10 ** (-snr / 20) * noise).clip(1e-10)
        table.append(np.log(size.mean()) - np.log(size).mean())
    return np.maximum.accumulate(np.array(table) + 1e-9 * np.arange(len(table)))
