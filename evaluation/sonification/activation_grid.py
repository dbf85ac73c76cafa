"""Activations of whole layers: all features with ten utterances overlaid, the ends of blocks."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from acoustics.frames import Timing
from evaluation.paper.panels import NothingToDrawError
from evaluation.sonification.figure_axes import plain

COLUMNS, MANY, MORE_COLUMNS = 16, 256, 32
CELL = (0.85, 0.62)  # inches of a feature
HEAD = 0.26  # part of a cell that its number takes
ENDS = ("first", "penultimate", "last")


def layer_grid(
    layer: str,
    utterances: Sequence[Float[np.ndarray, "_ feature"]],
    timing: Timing,
    *,
    sample_rate: int = 16000,
) -> Figure:
    """All features of a layer, a cell for each, the utterances overlaid.

    Each cell goes from zero (or the lowest activation, if that is below) to the feature's peak over
    the utterances; the time axis is that of the longest utterance in all cells. Dead features stay
    as empty cells.

    Args:
        layer: its name.
        utterances: states of each utterance, shape (state, feature).
        timing: of the layer.
        sample_rate: in Hz.

    Raises:
        NothingToDrawError: there is no utterance.
    """
    if not utterances:
        raise NothingToDrawError(f"no utterance of {layer} was kept")
    n_features = utterances[0].shape[1]
    columns = min(COLUMNS if n_features <= MANY else MORE_COLUMNS, n_features)
    rows = -(-n_features // columns)
    longest = max(len(states) for states in utterances)
    low = np.min([np.nanmin(states, axis=0, initial=0.0) for states in utterances], axis=0)
    high = np.max([np.nanmax(states, axis=0, initial=0.0) for states in utterances], axis=0)
    sheet = Figure(figsize=(CELL[0] * columns + 0.4, CELL[1] * rows + 0.8), layout="constrained")
    panel = sheet.subplots()
    colours = matplotlib.colormaps["tab10"](np.arange(len(utterances)) % 10)
    feature = np.arange(n_features)
    left, foot = feature % columns, rows - 1 - feature // columns
    live = high > low
    scale = np.where(live, (1 - HEAD - 0.08) / np.where(live, high - low, 1.0), 0.0)
    for states, colour in zip(utterances, colours, strict=True):
        x = left[live] + 0.04 + 0.92 * np.arange(len(states))[:, None] / longest
        y = foot[live] + 0.04 + (states[:, live] - low[live]) * scale[live]
        lines = LineCollection(list(np.stack([x, y], axis=-1).transpose(1, 0, 2)), colors=[colour],
                               linewidths=0.5, alpha=0.7, rasterized=True)  # fmt: skip
        panel.add_collection(lines)
    _frame(panel, columns, rows)
    for index in range(n_features):
        text = str(index) if live[index] else f"{index} dead"
        panel.text(left[index] + 0.06, foot[index] + 0.97, text, fontsize=5.5, va="top",
                   color="#3c3e44" if live[index] else "#a33")  # fmt: skip
    seconds = longest * timing.stride / sample_rate
    panel.set_xlabel(
        f"one cell: 0 to {seconds:.1f} s, and from zero or the lowest activation to the feature's"
        " highest", fontsize=8,
    )  # fmt: skip
    title = f"{layer}: {n_features} features, {len(utterances)} utterances overlaid"
    panel.set_title(plain(title), fontsize=10)
    return sheet


def _frame(panel: Any, columns: int, rows: int) -> None:
    panel.set_xlim(0, columns)
    panel.set_ylim(0, rows)
    panel.hlines(np.arange(rows + 1), 0, columns, color="#d4d6db", lw=0.5)
    panel.vlines(np.arange(columns + 1), 0, rows, color="#d4d6db", lw=0.5)
    panel.set_xticks([])
    panel.set_yticks([])
    panel.spines[:].set_visible(False)


def block_figure(
    blocks: Mapping[str, Sequence[str]],
    states: Mapping[str, Float[np.ndarray, "_ feature"]],
    timings: Mapping[str, Timing],
    *,
    sample_rate: int = 16000,
    title: str = "",
) -> Figure:
    """First, penultimate and last layer of each block for one utterance: features over time.

    Each feature is drawn in parts of its own peak in the utterance, half-wave rectified, so that
    dense or sparse and short or long can be seen; features come by the time of their peak.

    Args:
        blocks: layers of each block, from `activity_blocks.blocks_of`.
        states: of one utterance, by layer, shape (state, feature).
        timings: of the layers.
        sample_rate: in Hz.
        title: as the utterance.

    Raises:
        NothingToDrawError: there is no block.
    """
    if not blocks:
        raise NothingToDrawError("the recogniser has no blocks of three layers or more")
    sheet = Figure(figsize=(9.0, 1.35 * len(blocks) + 0.9), layout="constrained")
    panels = sheet.subplots(len(blocks), 3, squeeze=False, sharex=True)
    for line, (block, members) in zip(panels, blocks.items(), strict=True):
        for panel, layer in zip(line, (members[0], members[-2], members[-1]), strict=True):
            picture = _draw_features(panel, states[layer], timings[layer], sample_rate)
            panel.set_title(plain(layer), fontsize=8, pad=2)
        line[0].set_ylabel(plain(f"{block}\nfeatures"), fontsize=8)
    for panel, name in zip(panels[0], ENDS, strict=True):
        panel.set_title(f"{name}\n{panel.get_title()}", fontsize=9, pad=3)
    for panel in panels[-1]:
        panel.set_xlabel("time (s)", fontsize=8)
    bar = sheet.colorbar(picture, ax=panels, pad=0.01, aspect=40, ticks=[0, 0.5, 1])
    bar.set_label("activation, in parts of the feature's peak", fontsize=8)
    bar.ax.tick_params(labelsize=7.5)
    if title:
        sheet.suptitle(plain(title), fontsize=10)
    return sheet


def _draw_features(panel: Any, states: np.ndarray, timing: Timing, sample_rate: int) -> Any:
    rectified = np.nan_to_num(np.maximum(states, 0.0))
    peaks = rectified.max(axis=0, initial=0.0)
    order = np.lexsort((rectified.argmax(axis=0), peaks == 0))
    parts = rectified[:, order] / np.where(peaks > 0, peaks, 1.0)[order]
    stride_s = timing.stride / sample_rate
    start = float(timing.offset) / sample_rate - stride_s / 2
    extent = (start, start + len(states) * stride_s, 0.0, float(states.shape[1]))
    panel.tick_params(labelsize=7)
    return panel.imshow(parts.T, origin="lower", aspect="auto", cmap="magma", extent=extent,
                        vmin=0.0, vmax=1.0, interpolation="nearest")  # fmt: skip
