"""One utterance on one time axis: features over time, phones, words, waveform; and its spectra."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure

from acoustics.frames import Timing
from acoustics.mel import LogMel
from evaluation.paper.panels import NothingToDrawError
from evaluation.pictures import mel_levels
from evaluation.reading import SPARE_COLOURS
from evaluation.sonification.figure_axes import INK, plain

Span = tuple[str, float, float]
"""A phone or a word, its start and its end in seconds."""

TONES = ("#eef0f3", "#dfe3e8")
NEPER_DB = 20 / np.log(10)
TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000)
LETTER = 0.075  # inches of a letter of a label
WIDTH = 8.0  # inches


@dataclass(frozen=True)
class FeatureTrace:
    """One feature of one utterance.

    Attributes:
        name: as `block1.sub1, feature 17`.
        values: activations, shape (state,).
        timing: of the layer.
    """

    name: str
    values: Float[np.ndarray, " state"]
    timing: Timing

    def seconds(self, sample_rate: int) -> Float[np.ndarray, " state"]:
        """When each state is centred."""
        samples = float(self.timing.offset) + np.arange(len(self.values)) * self.timing.stride
        return samples / sample_rate


def activation_view(
    traces: Sequence[FeatureTrace],
    waveform: Float[np.ndarray, " sample"],
    phones: Sequence[Span],
    words: Sequence[Span],
    *,
    sample_rate: int = 16000,
    title: str = "",
) -> Figure:
    """The article's first figure: a row per feature, then phones, words and the waveform.

    Args:
        traces: features, from above.
        waveform: of the utterance.
        phones: with their times; without them the row says so.
        words: likewise.
        sample_rate: in Hz.
        title: as the utterance.

    Raises:
        NothingToDrawError: there is no feature.
    """
    if not traces:
        raise NothingToDrawError("no feature was chosen")
    heights = [1.0] * len(traces) + [0.34, 0.34, 0.8]
    figsize = (WIDTH, 0.9 * sum(heights) + 0.7)
    sheet = Figure(figsize=figsize, layout="constrained")
    panels = sheet.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[
        :, 0
    ]
    for i, (panel, trace) in enumerate(zip(panels, traces, strict=False)):
        colour = SPARE_COLOURS[i % len(SPARE_COLOURS)][0]
        seconds = trace.seconds(sample_rate)
        panel.plot(seconds, trace.values, color=colour, lw=1.1)
        if np.nanmin(trace.values, initial=0.0) >= 0:
            panel.fill_between(seconds, trace.values, color=colour, alpha=0.18, lw=0)
            panel.set_ylim(bottom=0)
        panel.set_title(plain(trace.name), fontsize=8.5, loc="left", pad=2)
        panel.set_ylabel("activation", fontsize=8)
    duration = len(waveform) / sample_rate
    _draw_spans(panels[-3], phones, "phones", duration)
    _draw_spans(panels[-2], words, "words", duration)
    panels[-1].plot(np.arange(len(waveform)) / sample_rate, waveform, color=INK, lw=0.4)
    panels[-1].set_ylabel("amplitude", fontsize=8)
    panels[-1].set_xlabel("time (s)", fontsize=9)
    panels[-1].set_xlim(0, duration)
    for panel in panels:
        panel.tick_params(labelsize=7.5)
        panel.spines[["top", "right"]].set_visible(False)
    sheet.align_ylabels(panels)
    if title:
        sheet.suptitle(plain(title), fontsize=10)
    return sheet


def _draw_spans(panel: Any, spans: Sequence[Span], what: str, duration: float) -> None:
    """Alternately shaded spans; a label that would not fit is turned upright or made smaller."""
    panel.set_yticks([])
    panel.set_ylim(0, 1)
    panel.spines["left"].set_visible(False)
    panel.set_ylabel(what, fontsize=8, rotation=0, ha="right", va="center")
    if not spans:
        panel.text(0.5, 0.5, f"no {what} are known", transform=panel.transAxes, ha="center",
                   va="center", fontsize=8)  # fmt: skip
    for i, (label, start, end) in enumerate(spans):
        panel.axvspan(start, min(end, duration), color=TONES[i % 2], lw=0)
        room = (end - start) / duration * 0.86 * WIDTH / (LETTER * max(1, len(label)))
        size = float(np.clip(8 * room, 4.5, 8))
        panel.text(
            (start + end) / 2,
            0.5,
            plain(label),
            ha="center",
            va="center",
            fontsize=size,
            clip_on=True,
        )


def spectra_figure(
    waveform: Float[np.ndarray, " sample"], log_mel: LogMel, *, title: str = ""
) -> Figure:
    """The article's second figure: waveform, spectrogram and mel spectrogram side by side.

    Args:
        waveform: of the utterance, at the sample rate of `log_mel`.
        log_mel: whose spectrum and mel bands are shown.
        title: as the utterance.
    """
    sound = torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32))[None]
    config = log_mel.config
    with torch.inference_mode():
        spectrum = log_mel.stft(sound)[0].abs().clamp(min=config["floor"]).log().T.numpy()
        mel = log_mel(sound, torch.tensor([sound.shape[1]]))[0][0].numpy()
    rate, hop_s = config["sample_rate"], config["hop_length"] / config["sample_rate"]
    sheet = Figure(figsize=(11.0, 3.0), layout="constrained")
    panels = sheet.subplots(1, 3)
    panels[0].plot(np.arange(len(waveform)) / rate, waveform, color=INK, lw=0.4)
    panels[0].set_xlim(0, len(waveform) / rate)
    panels[0].set_title("waveform", fontsize=10)
    panels[0].set_ylabel("amplitude", fontsize=9)
    _draw_picture(sheet, panels[1], spectrum, hop_s, "spectrogram", rate / 2000)
    panels[1].set_ylabel("frequency (kHz)", fontsize=9)
    _draw_picture(sheet, panels[2], mel, hop_s, "mel spectrogram", mel.shape[1])
    bands = mel_ticks(config["f_min"], config["f_max"], mel.shape[1])
    panels[2].set_yticks(list(bands.values()), [f"{hertz / 1000:g}" for hertz in bands])
    panels[2].set_ylabel("frequency (kHz), mel scale", fontsize=9)
    for panel in panels:
        panel.set_xlabel("time (s)", fontsize=9)
        panel.tick_params(labelsize=8)
    if title:
        sheet.suptitle(plain(title), fontsize=10)
    return sheet


def mel_ticks(f_min: float, f_max: float, n_mels: int) -> Mapping[int, float]:
    """Where round frequencies (Hz) stand on an axis of mel bands, band b from b to b + 1."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (f_min, f_max))
    places = {}
    for hertz in TICKS_HZ:
        if f_min <= hertz <= f_max:  # band b is centred b + 1 steps above f_min
            step = (2595 * np.log10(1 + hertz / 700) - low) / (high - low) * (n_mels + 1)
            places[hertz] = float(step - 0.5)
    return places


def _draw_picture(
    sheet: Figure, panel: Any, levels: np.ndarray, hop_s: float, title: str, top: float
) -> None:
    """Levels (frame, band) in nepers as a picture in dB."""
    low, high = mel_levels(levels)
    extent = (-hop_s / 2, (len(levels) - 0.5) * hop_s, 0.0, top)
    picture = panel.imshow(
        NEPER_DB * levels.T, origin="lower", aspect="auto", cmap="magma", extent=extent,
        vmin=NEPER_DB * low, vmax=NEPER_DB * high, interpolation="nearest",
    )  # fmt: skip
    panel.set_title(title, fontsize=10)
    bar = sheet.colorbar(picture, ax=panel, pad=0.02)
    bar.set_label("level (dB)", fontsize=8)
    bar.ax.tick_params(labelsize=7.5)
