"""Pictures of sounds: each with its feature's activation and its evolution; many side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from acoustics.frames import Timing
from acoustics.mel import LogMel
from evaluation.audiation.made import Made
from evaluation.audiation.study_rows import SoundRow
from evaluation.paper.panels import NothingToDrawError
from evaluation.reading import SPARE_COLOURS
from evaluation.sonification.figure_axes import INK, plain

LOUD, CORPUS = SPARE_COLOURS[0][0], "#c8501e"
RANGE_NEPER = 7.0  # of a picture, below its loudest: 60 dB
MOST_ROWS = 8
RATE = 16000


@dataclass(frozen=True)
class Trace:
    """A feature's activation over one sound.

    Attributes:
        values: of every state.
        timing: of the layer.
        window: the samples that are scored.
    """

    values: Float[np.ndarray, " state"]
    timing: Timing
    window: tuple[int, int]


@torch.no_grad()
def mels_of(sounds: Float[Tensor, "sound sample"]) -> Float[np.ndarray, "sound frame mel"]:
    """Log-mel of sounds, the usual one whatever the recogniser hears."""
    lengths = torch.full((len(sounds),), sounds.shape[1])
    return LogMel()(sounds, lengths)[0].numpy()


def sound_figure(made: Made, row: SoundRow, trace: Trace) -> Figure:
    """One sound: mel, activation over time, evolution, and the sounds on the way there.

    Args:
        made: the sound.
        row: of the table.
        trace: of its feature.
    """
    sheet = Figure(figsize=(8.0, 3.9))  # laid out by hand: a study draws hundreds
    grid = {"left": 0.07, "right": 0.53, "top": 0.9, "bottom": 0.12, "hspace": 0.12}
    above, below = sheet.subplots(2, 1, sharex=True, height_ratios=(1.5, 1), gridspec_kw=grid)
    duration = len(made.pcm) / RATE
    draw_mel(above, mels_of(torch.from_numpy(made.sound)[None])[0], duration)
    above.set_ylabel("mel band", fontsize=8)
    _draw_trace(below, trace, row.strongest)
    below.set_xlim(0, duration)
    _draw_evolution(sheet.add_axes((0.6, 0.49, 0.38, 0.41)), made, row)
    wide = 0.39 / max(1, len(made.snapshot_steps))
    shots = [
        sheet.add_axes((0.595 + i * wide, 0.04, 0.9 * wide, 0.27))
        for i in range(len(made.snapshot_steps))
    ]
    pictures = mels_of(made.snapshots)
    for panel, step, mel in zip(shots, made.snapshot_steps, pictures, strict=True):
        draw_mel(panel, mel, duration)
        panel.set_title(f"step {step}", fontsize=7)
        panel.set_xticks([])
        panel.set_yticks([])
    for panel in (above, below):
        panel.tick_params(labelsize=7.5)
    words = f", corpus: “{row.words}”" if row.words else ""
    sheet.suptitle(plain(f"{row.layer}, feature {row.feature}{words}"), fontsize=9.5, y=0.98)
    return sheet


def _draw_trace(panel: Any, trace: Trace, strongest: float | None) -> None:
    seconds = (
        float(trace.timing.offset) + np.arange(len(trace.values)) * trace.timing.stride
    ) / RATE
    panel.axvspan(*(edge / RATE for edge in trace.window), color="#eef0f3", lw=0)
    panel.plot(seconds, trace.values, color=LOUD, lw=1.1)
    if strongest is not None:
        panel.axhline(strongest, color=CORPUS, lw=0.9, ls="--")
    panel.set_ylabel("activation", fontsize=8)
    panel.set_xlabel("time (s); shaded: scored", fontsize=8)
    panel.spines[["top", "right"]].set_visible(False)


def _draw_evolution(panel: Any, made: Made, row: SoundRow) -> None:
    panel.plot(made.steps, made.activation, color=LOUD, lw=1.2, label="input, activation")
    if not np.allclose(made.objective, made.activation, equal_nan=True):
        panel.plot(made.steps, made.objective, color=INK, lw=0.9, label="input, objective")
    if row.reached is not None:
        panel.plot(made.steps[-1], row.reached, "o", color=LOUD, ms=4, label="sound as written")
    if row.held_out is not None:
        panel.plot(made.steps[-1], row.held_out, "x", color=LOUD, ms=5, label="held-out changes")
    if row.strongest is not None:
        panel.axhline(row.strongest, color=CORPUS, lw=0.9, ls="--", label="strongest in the corpus")
    panel.set_xlabel("step", fontsize=8)
    panel.tick_params(labelsize=7.5)
    panel.legend(fontsize=6.5, frameon=False, loc="best")
    panel.spines[["top", "right"]].set_visible(False)


def draw_mel(panel: Any, mel: Float[np.ndarray, "frame mel"], duration: float) -> None:
    """A log-mel over seconds, 60 dB below its loudest being dark."""
    top = float(np.nanmax(mel))
    panel.imshow(
        mel.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
        extent=(0, duration, 0, mel.shape[1]), vmin=top - RANGE_NEPER, vmax=top,
    )  # fmt: skip


def sounds_sheet(made: Sequence[Made], rows: Sequence[SoundRow], title: str) -> Figure:
    """Sounds of every layer in a column, from the shallowest to the deepest.

    Args:
        made: sounds; those that were given up are left out.
        rows: of the table, in the same order.
        title: as the model.

    Raises:
        NothingToDrawError: there is no sound.
    """
    columns: dict[str, list[tuple[Made, SoundRow]]] = {}
    for one, row in zip(made, rows, strict=True):
        if row.reached is not None:
            columns.setdefault(row.layer, []).append((one, row))
    if not columns:
        raise NothingToDrawError("no feature has a sound")
    height = min(MOST_ROWS, max(len(column) for column in columns.values()))
    sheet = Figure(figsize=(1.6 * len(columns) + 0.4, 1.15 * height + 0.6), layout="constrained")
    panels = sheet.subplots(height, len(columns), squeeze=False)
    for place, (layer, column) in enumerate(columns.items()):
        for i, panel in enumerate(panels[:, place]):
            panel.set_xticks([])
            panel.set_yticks([])
            if i >= len(column):
                panel.set_visible(False)
                continue
            one, row = column[i]
            draw_mel(panel, mels_of(torch.from_numpy(one.sound)[None])[0], len(one.pcm) / RATE)
            times = "" if row.rank is None else f", rank {row.rank}"
            panel.set_title(f"feature {row.feature}{times}", fontsize=7, pad=2)
        panels[0, place].set_title(
            plain(f"{layer}\n{panels[0, place].get_title()}"), fontsize=7.5, pad=2
        )
    sheet.suptitle(plain(title), fontsize=10)
    return sheet


def reached_figure(rows: Sequence[SoundRow], means: Sequence[float], title: str) -> Figure:
    """How far above speech sounds end: 0 is a feature's mean, 1 its strongest segment.

    Args:
        rows: of sounds, as asked.
        means: of their features over speech.
        title: as the model.

    Raises:
        NothingToDrawError: none can be compared.
    """
    depths = dict(sorted({row.depth: row.layer for row in rows}.items()))
    place = {depth: i for i, depth in enumerate(depths)}
    values = []
    for row, mean in zip(rows, means, strict=True):
        if row.reached is None or row.strongest is None or row.held_out is None:
            continue
        span = row.strongest - mean
        if span > 0:
            ends = [
                (value - mean) / span for value in (row.start or 0.0, row.held_out, row.reached)
            ]
            values.append((place[row.depth], *ends))
    if not values:
        raise NothingToDrawError("no sound can be compared with the corpus")
    table = np.array(values)
    jitter = np.random.default_rng(0).uniform(-0.18, 0.18, len(table))
    sheet = Figure(figsize=(1.2 + 0.9 * max(4, len(depths)), 3.4), layout="constrained")
    panel = sheet.subplots()
    kinds = (("random start", INK, "."), ("held-out changes", SPARE_COLOURS[1][0], "x"))
    for i, (label, colour, mark) in enumerate((*kinds, ("sound as written", LOUD, "o"))):
        panel.plot(table[:, 0] + jitter, table[:, i + 1], mark, color=colour, ms=4, label=label,
                   alpha=0.75, ls="none")  # fmt: skip
    panel.axhline(1, color=CORPUS, lw=0.9, ls="--", label="strongest segment")
    panel.axhline(0, color=INK, lw=0.6)
    if table[:, 1:].max() > 20:
        panel.set_yscale("symlog", linthresh=1)
    panel.set_xticks(list(place.values()), [plain(name) for name in depths.values()],
                     rotation=40, ha="right", rotation_mode="anchor", fontsize=8)  # fmt: skip
    panel.set_ylabel("activation (0: mean of speech,\n1: strongest segment)", fontsize=8)
    panel.tick_params(axis="y", labelsize=8)
    panel.legend(fontsize=7, frameon=False)
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_title(plain(title), fontsize=10)
    return sheet
