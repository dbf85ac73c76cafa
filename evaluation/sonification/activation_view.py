"""One utterance on one time axis: features over time, phones, words and waveform."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from acoustics.frames import Timing
from evaluation.paper.panels import NothingToDrawError
from evaluation.reading import SPARE_COLOURS
from evaluation.sonification.figure_axes import INK, plain

Span = tuple[str, float, float]
"""A phone or a word, its start and its end in seconds."""

TONES = ("#eef0f3", "#dfe3e8")
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
