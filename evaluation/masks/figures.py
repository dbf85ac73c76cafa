"""Figures of masks: the mask over the frames, muted waveforms, insertion and deletion curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
from matplotlib.figure import Figure

from evaluation.masks.curves import Way, area, shares
from evaluation.masks.judging import ENERGY, MASK, RANDOM
from evaluation.masks.scopes import Span
from evaluation.masks.sounds import Sound
from evaluation.paper.panels import NothingToDrawError
from evaluation.sonification.figure_axes import INK, plain

WIDTH = 7.2  # inches
LEVEL = 99  # percentile of the frames' size that has the deepest colour
COLOURS = {MASK: "#c8501e", ENERGY: "#0f6cb4", RANDOM: INK}
STYLES = {MASK: "-", ENERGY: "--", RANDOM: ":"}


def mask_figure(
    normal: np.ndarray, kept: np.ndarray, frame_s: float, title: str, spans: Sequence[Span] = (),
    step_s: float = 0.0,
) -> Figure:  # fmt: skip
    """The notebook's three pictures: the mask, what it keeps, and everything.

    Args:
        normal: normalised frames `(frame, band)`.
        kept: the mask, of the same shape; kept entries are black.
        frame_s: seconds from one frame to the next.
        title: of the figure.
        spans: what is said, written over the mask where it is.
        step_s: seconds from one step of the output to the next.
    """
    sheet = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    panels = sheet.subplots(3, 1, sharex="all")
    draw_mask(panels, normal, kept, frame_s)
    panels[0].set_title(
        share_kept(kept), fontsize=8, loc="right", color=INK, pad=14 if spans else 4
    )
    for label, first, stop, _ in spans:
        panels[0].text((first + stop) / 2 * step_s, normal.shape[1], plain(label), ha="center",
                       va="bottom", fontsize=7, color=INK)  # fmt: skip
    sheet.suptitle(plain(title), fontsize=10)
    return sheet


def draw_mask(panels: Any, normal: np.ndarray, kept: np.ndarray, frame_s: float) -> list[Any]:
    """Draws mask, masked frames and frames into three panels of matplotlib; gives the images."""
    level = max(float(np.percentile(np.abs(normal), LEVEL)), 1e-6)
    extent = (-frame_s / 2, (len(normal) - 0.5) * frame_s, 0, normal.shape[1])
    colours = {"cmap": "coolwarm", "vmin": -level, "vmax": level}
    binary = {"cmap": "binary", "vmin": 0, "vmax": 1}
    pictures = (
        (share_kept(kept), kept, binary),
        ("frames under the mask", normal * kept, colours),
        ("frames, 0 being their mean", normal, colours),
    )
    images = []
    for panel, (name, values, look) in zip(panels, pictures, strict=True):
        image = panel.imshow(values.T, origin="lower", aspect="auto", interpolation="nearest",
                             extent=extent, **look)  # fmt: skip
        images.append(image)
        panel.set_title(name, fontsize=8, loc="right", color=INK)
        panel.set_ylabel("band", fontsize=8)
        panel.tick_params(labelsize=7)
    panels[-1].set_xlabel("seconds", fontsize=8)
    return images


def share_kept(kept: np.ndarray) -> str:
    """The title of a mask."""
    return f"mask: {100 * kept.mean():.1f} % of the entries kept"


def muted_figure(sounds: Sequence[Sound], texts: Sequence[str], rate: int, title: str) -> Figure:
    """Waveforms, each with what is heard in it.

    Args:
        sounds: of one utterance.
        texts: what is heard in each.
        rate: samples of a second.
        title: of the figure.

    Raises:
        NothingToDrawError: there is no sound.
    """
    if not sounds:
        raise NothingToDrawError("there is no sound of a mask")
    sheet = Figure(figsize=(WIDTH, 1.1 * len(sounds) + 0.5), layout="constrained")
    panels = sheet.subplots(len(sounds), 1, sharex="all", sharey="all", squeeze=False)[:, 0]
    for panel, sound, text in zip(panels, sounds, texts, strict=True):
        time = np.arange(len(sound.waveform)) / rate
        panel.plot(time, sound.waveform, lw=0.4, color=INK, rasterized=True)
        muted = f", {100 * sound.muted_share:.0f} % muted" if sound.name.startswith("muted") else ""
        panel.set_title(plain(f"{sound.name}{muted}: {text}"), fontsize=8, loc="left")
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("seconds", fontsize=8)
    sheet.suptitle(plain(title), fontsize=10)
    return sheet


def curve_figure(curves: Mapping[tuple[str, Way], np.ndarray], kept: float, title: str) -> Figure:
    """Mean insertion and deletion curves of a mask, an energy mask and a random one.

    Args:
        curves: by name of the mask and way, `(batch, point)`.
        kept: mean share of the entries that the masks keep; marked.
        title: of the figure.

    Raises:
        NothingToDrawError: there is no curve.
    """
    if not curves:
        raise NothingToDrawError("no curves were measured")
    sheet = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    panels = sheet.subplots(1, 2, sharey="all")
    for panel, way in zip(panels, get_args(Way), strict=True):
        for name in (MASK, ENERGY, RANDOM):
            values = curves[name, way]
            label = f"{name} (area {area(values).mean():.2f})"
            panel.plot(100 * shares(values.shape[1]), 100 * values.mean(0), STYLES[name],
                       color=COLOURS[name], label=label)  # fmt: skip
        panel.axvline(100 * kept, color=INK, lw=0.7)
        verb = "put in" if way == "insertion" else "taken away"
        panel.set_xlabel(f"entries {verb}, most important first (%)", fontsize=8)
        panel.set_title(way, fontsize=10)
        panel.legend(fontsize=7, frameon=False)
        panel.grid(alpha=0.25)
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("frames that keep their class (%)", fontsize=8)
    sheet.suptitle(plain(title), fontsize=10)
    return sheet
