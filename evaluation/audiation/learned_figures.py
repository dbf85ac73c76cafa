"""Learned inputs by layer and lambda, as pictures and as an animation; the top examples."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from evaluation.listening import write_atomically
from evaluation.reading import SPARE_COLOURS
from evaluation.sonification.figure_axes import plain

COLOURS = "coolwarm"  # as in the notebook
MOST = 3.0  # deviations, either way
FRAME_MS, LAST_MS = 120, 2500
SMALL = 7


@dataclass(frozen=True)
class Learned:
    """The input learnt for a set of features of a layer.

    Attributes:
        layer: its name.
        features: of the set.
        problem: why it is none; else empty.
        steps: at which it was measured and kept.
        frames: there, as the recogniser normalises them.
        activation: there, mean of the set over time.
        total_variation: there, per value.
    """

    layer: str
    features: Sequence[int]
    problem: str
    steps: Sequence[int]
    frames: Float[np.ndarray, "shot frame band"]
    activation: Float[np.ndarray, " shot"]
    total_variation: Float[np.ndarray, " shot"]

    @property
    def title(self) -> str:
        """Layer and features."""
        named = ", ".join(map(str, self.features))
        return plain(f"{self.layer}\nfeatures {named}")


@dataclass(frozen=True)
class Example:
    """An utterance of the corpus: name, what is said, mean activation of the set, frames."""

    utterance: str
    text: str
    activation: float
    frames: Float[np.ndarray, "frame band"]


def learned_figure(learned: Mapping[float, Sequence[Learned]], title: str) -> Figure:
    """A column for each layer: a row with the last inputs of each lambda, one with the first.

    Args:
        learned: inputs by lambda; all began alike.
        title: as the model.
    """
    rows = [(f"λ = {weight:g}", inputs, -1) for weight, inputs in learned.items()]
    rows.append(("start", next(iter(learned.values())), 0))
    columns = len(rows[0][1])
    sheet = Figure(figsize=(1.75 * columns + 0.5, 1.6 * len(rows) + 0.8), layout="constrained")
    panels = sheet.subplots(len(rows), columns, squeeze=False)
    for row, (label, inputs, shot) in enumerate(rows):
        panels[row, 0].set_ylabel(label, fontsize=8)
        for panel, one in zip(panels[row], inputs, strict=True):
            draw_frames(panel, one.frames[shot])
            said = one.problem[:24] or f"activation {one.activation[shot]:.3g}"
            head = f"{one.title}\n" if row == 0 else ""
            panel.set_title(f"{head}step {one.steps[shot]}, {said}", fontsize=SMALL)
    sheet.suptitle(plain(f"{title}: learned inputs (frame, band)"), fontsize=10)
    return sheet


def examples_figure(examples: Mapping[str, Sequence[Example]], title: str) -> Figure:
    """The utterances that drive the sets of features most, strongest first.

    Args:
        examples: by layer.
        title: as the model.
    """
    columns = max(1, len(examples))
    height = max((len(column) for column in examples.values()), default=1)
    sheet = Figure(figsize=(1.75 * columns + 0.5, 1.4 * height + 0.7), layout="constrained")
    panels = sheet.subplots(height, columns, squeeze=False)
    for panel in panels.flat:
        panel.set_visible(False)
    for place, (layer, column) in enumerate(examples.items()):
        for row, one in enumerate(column):
            panel = panels[row, place]
            panel.set_visible(True)
            draw_frames(panel, one.frames)
            head = f"{layer}\n" if row == 0 else ""
            panel.set_title(plain(f"{head}{one.utterance}, {one.activation:.3g}"), fontsize=SMALL)
            panel.set_xlabel(plain(shortened(one.text)), fontsize=5.5, labelpad=2)
    sheet.suptitle(plain(f"{title}: top utterances of the corpus"), fontsize=10)
    return sheet


def shortened(text: str, most: int = 34) -> str:
    """The beginning of a text."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def write_animation(path: Path, learned: Sequence[Learned], weight: float, title: str) -> None:
    """A GIF of how inputs come about: the input, and its activation and total variation so far.

    Args:
        path: of the file; its folder is made.
        learned: inputs of all layers, measured at the same steps.
        weight: lambda.
        title: as the model.

    Raises:
        acoustics.errors.UserError: the file cannot be written.
    """
    sheet = Figure(figsize=(1.9 * len(learned) + 0.4, 4.0), layout="constrained", dpi=90)
    canvas = FigureCanvasAgg(sheet)
    panels = sheet.subplots(2, len(learned), squeeze=False, height_ratios=(1.2, 1))
    pictures = [draw_frames(panels[0, i], one.frames[0]) for i, one in enumerate(learned)]
    marks = [_draw_curves(panels[1, i], one) for i, one in enumerate(learned)]
    curves = [axis.get_lines()[0] for axis in sheet.axes if axis.get_lines()]
    sheet.legend(handles=[curves[0], curves[-1]], loc="outside lower center", ncols=2,
                 fontsize=SMALL, frameon=False)  # fmt: skip
    for i, one in enumerate(learned):
        panels[0, i].set_title(one.title, fontsize=8)
    heading = sheet.suptitle(" ", fontsize=10)
    shots: list[Image.Image] = []
    for shot, step in enumerate(learned[0].steps):
        heading.set_text(plain(f"{title}, λ = {weight:g}, step {step}"))
        for one, picture, mark in zip(learned, pictures, marks, strict=True):
            picture.set_data(one.frames[shot].T)
            mark.set_xdata([step, step])
        canvas.draw()
        if shot == 0:  # laid out once: nothing moves but what changes
            sheet.set_layout_engine("none")
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
        shots.append(image.quantize(128, dither=Image.Dither.NONE))
    buffer = io.BytesIO()
    times = [FRAME_MS] * (len(shots) - 1) + [LAST_MS]
    shots[0].save(buffer, format="GIF", save_all=True, append_images=shots[1:], duration=times,
                  loop=0, optimize=True)  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())


def draw_frames(panel: Any, frames: Float[np.ndarray, "frame band"]) -> Any:
    """Normalised frames, blue below and red above their mean."""
    panel.set_xticks([])
    panel.set_yticks([])
    return panel.imshow(
        frames.T, origin="lower", aspect="auto", cmap=COLOURS, vmin=-MOST, vmax=MOST,
        interpolation="nearest",
    )  # fmt: skip


def _draw_curves(panel: Any, one: Learned) -> Any:
    """Both curves, each with an axis of its own, and a line that can be moved along them."""
    kinds = (
        (panel, one.activation, SPARE_COLOURS[0][0], "activation"),
        (panel.twinx(), one.total_variation, "#c8501e", "total variation per value"),
    )
    for axis, values, colour, label in kinds:
        axis.plot(one.steps, values, color=colour, lw=1.2, label=label)
        axis.tick_params(labelsize=6, axis="y", colors=colour)
        axis.margins(y=0.1)
    panel.tick_params(labelsize=6, axis="x")
    panel.set_xlabel("step", fontsize=SMALL)
    return panel.axvline(one.steps[0], color="black", lw=0.8)
