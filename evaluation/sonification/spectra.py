"""The article's second figure: waveform, spectrogram and mel spectrogram of an utterance."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torchaudio.functional import melscale_fbanks

from acoustics.mel import LogMel, MelConfig
from evaluation.pictures import mel_levels
from evaluation.sonification.figure_axes import INK, plain

TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000)


def spectra_figure(
    waveform: Float[np.ndarray, " sample"], log_mel: LogMel, *, title: str = ""
) -> Figure:
    """Waveform, spectrogram and mel spectrogram side by side, in dB.

    The spectrogram is of the quantity that `log_mel` weights, magnitudes or powers, with its floor.

    Args:
        waveform: of the utterance, at the sample rate of `log_mel`.
        log_mel: whose spectrum and mel bands are shown.
        title: as the utterance.
    """
    sound = torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32))[None]
    config = log_mel.config
    with torch.inference_mode():
        weighted = log_mel.stft(sound)[0].abs().pow(log_mel.power)
        spectrum = weighted.clamp(min=config["floor"]).log().T.numpy()
        mel = log_mel(sound, torch.tensor([sound.shape[1]]))[0][0].numpy()
    decibels = 20 / np.log(10) / log_mel.power  # of a natural logarithm: half as many of a power's
    rate, hop_s = config["sample_rate"], config["hop_length"] / config["sample_rate"]
    sheet = Figure(figsize=(11.0, 3.0), layout="constrained")
    panels = sheet.subplots(1, 3)
    panels[0].plot(np.arange(len(waveform)) / rate, waveform, color=INK, lw=0.4)
    panels[0].set_xlim(0, len(waveform) / rate)
    panels[0].set_title("waveform", fontsize=10)
    panels[0].set_ylabel("amplitude", fontsize=9)
    bin_khz = rate / config["n_fft"] / 1000
    edges = -bin_khz / 2, (spectrum.shape[1] - 0.5) * bin_khz
    _draw_picture(sheet, panels[1], decibels * spectrum, hop_s, "spectrogram", edges)
    panels[1].set_ylim(0, rate / 2000)
    panels[1].set_ylabel("frequency (kHz)", fontsize=9)
    bands = 0.0, float(mel.shape[1])
    _draw_picture(sheet, panels[2], decibels * mel, hop_s, "mel spectrogram", bands)
    ticks = mel_ticks(config)
    panels[2].set_yticks(list(ticks.values()), [f"{hertz / 1000:g}" for hertz in ticks])
    panels[2].set_ylabel("frequency (kHz), mel scale", fontsize=9)
    for panel in panels:
        panel.set_xlabel("time (s)", fontsize=9)
        panel.tick_params(labelsize=8)
    if title:
        sheet.suptitle(plain(title), fontsize=10)
    return sheet


def mel_ticks(config: MelConfig) -> Mapping[int, float]:
    """Where round frequencies (Hz) stand on an axis of mel bands, band b from b to b + 1.

    A band is centred where its triangle is highest, in a bank like that of the configuration with a
    bin for every hertz: in the bank itself low bands are narrower than a bin.

    Args:
        config: of a `LogMel`, whose scale it is.
    """
    rate, n_mels = config["sample_rate"], config["n_mels"]
    bank = melscale_fbanks(
        rate // 2 + 1,
        config["f_min"],
        config["f_max"],
        n_mels,
        rate,
        mel_scale=config.get("mel_scale", "htk"),
    )
    centres = bank.argmax(0).numpy()
    return {
        hertz: float(np.interp(hertz, centres, np.arange(n_mels) + 0.5))
        for hertz in TICKS_HZ
        if centres[0] <= hertz <= centres[-1]
    }


def _draw_picture(
    sheet: Figure,
    panel: Any,
    levels: Float[np.ndarray, "frame band"],
    hop_s: float,
    title: str,
    edges: tuple[float, float],
) -> None:
    """Levels in dB as a picture; `edges` are the lower end of the first band and the last's top."""
    low, high = mel_levels(levels)
    extent = (-hop_s / 2, (len(levels) - 0.5) * hop_s, *edges)
    picture = panel.imshow(levels.T, origin="lower", aspect="auto", cmap="magma", extent=extent,
                           vmin=low, vmax=high, interpolation="nearest")  # fmt: skip
    panel.set_title(title, fontsize=10)
    bar = sheet.colorbar(picture, ax=panel, pad=0.02)
    bar.set_label("level (dB)", fontsize=8)
    bar.ax.tick_params(labelsize=7.5)
