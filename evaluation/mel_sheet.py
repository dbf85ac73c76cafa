"""Log-mels side by side as a figure of matplotlib, which can be saved as SVG or PDF."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from acoustics.mel import HOP_S
from evaluation.pictures import mel_levels

TILE = (1.9, 1.3)  # inches


def mel_sheet(
    mels: Mapping[str, Float[np.ndarray, "frame mel"]],
    *,
    hop_s: float = HOP_S,
    columns: int = 4,
    title: str = "",
) -> Figure:
    """A picture for each label, all on the scale of levels of the first.

    Args:
        mels: log-mel by label, as a layer's name, in reading order.
        hop_s: seconds between frames.
        columns: pictures in a row.
        title: of the figure.

    Raises:
        ValueError: `mels` is empty.

    Example:
        >>> sheet = mel_sheet({"natural": mel, "blstm5": heard})  # doctest: +SKIP
        >>> sheet.savefig("layers.pdf")  # doctest: +SKIP
    """
    if not mels:
        raise ValueError("a sheet needs at least one mel")
    across = min(columns, len(mels))
    rows = -(-len(mels) // across)
    size = (TILE[0] * across + 0.4, (TILE[1] + 0.2) * rows + 0.4)
    sheet = Figure(figsize=size, layout="constrained")
    panels = sheet.subplots(rows, across, squeeze=False, sharex=True, sharey=True)
    levels = mel_levels(next(iter(mels.values())))
    for panel in panels.flat[len(mels) :]:
        panel.set_visible(False)
    for panel, (label, mel) in zip(panels.flat, mels.items(), strict=False):
        draw_mel(panel, mel, levels, hop_s)
        panel.set_title(label.replace("$", r"\$"), fontsize=9)
    for panel in panels[-1]:
        panel.set_xlabel("s", fontsize=8)
    if title:
        sheet.suptitle(title.replace("$", r"\$"), fontsize=10)
    return sheet


def draw_mel(
    panel: Any,
    mel: Float[np.ndarray, "frame mel"] | None,
    levels: tuple[float, float] | None,
    hop_s: float = HOP_S,
) -> None:
    """Draws a log-mel over seconds into a panel of matplotlib.

    Args:
        panel: where to.
        mel: what is not finite is drawn as the darkest colour; None says that it was not kept.
        levels: darkest and brightest level (None: those of this mel).
        hop_s: seconds between frames.
    """
    panel.set_yticks([])
    panel.tick_params(labelsize=7)
    if mel is None:
        panel.text(0.5, 0.5, "not kept", transform=panel.transAxes, ha="center", fontsize=8)
        return
    low, high = levels or mel_levels(mel)
    floor = np.nan_to_num(mel.astype(np.float32), nan=low, posinf=high, neginf=low)
    extent = (0.0, len(mel) * hop_s, 0.0, float(mel.shape[1]))
    panel.imshow(
        floor.T, origin="lower", aspect="auto", cmap="magma", vmin=low, vmax=high,
        extent=extent, interpolation="nearest",
    )  # fmt: skip
