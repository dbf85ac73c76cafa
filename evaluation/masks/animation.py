"""How a mask was found, as an animation."""

import io

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from evaluation.masks.figures import draw_mask, share_kept
from evaluation.sonification.figure_axes import INK, plain

PICTURE_MS, LAST_MS = 150, 2000


def mask_animation(
    normal: Float[np.ndarray, "frame band"],
    snapshots: Bool[np.ndarray, "snapshot frame band"],
    steps: list[int],
    frame_s: float,
    title: str,
) -> bytes:
    """The mask, what it keeps, and everything, from the first step to the result, as GIF.

    Args:
        normal: normalised frames.
        snapshots: masks on the way.
        steps: of the search, at which they are from.
        frame_s: seconds from one frame to the next.
        title: of the figure.
    """
    sheet = Figure(figsize=(6.4, 4.6), dpi=80, layout="constrained")
    panels = sheet.subplots(3, 1, sharex="all")
    mask, masked, _ = draw_mask(panels, normal, snapshots[0], frame_s)
    heading = sheet.suptitle(plain(title), fontsize=10)
    canvas = FigureCanvasAgg(sheet)
    canvas.draw()
    sheet.set_layout_engine("none")  # laid out once for all pictures
    pictures = []
    for kept, step in zip(snapshots, steps, strict=True):
        mask.set_data(kept.T)
        masked.set_data((normal * kept).T)
        panels[0].set_title(share_kept(kept), fontsize=8, loc="right", color=INK)
        heading.set_text(plain(f"{title}, step {step}"))
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]
        pictures.append(Image.fromarray(pixels).quantize(64))
    buffer = io.BytesIO()
    durations = [PICTURE_MS] * (len(pictures) - 1) + [LAST_MS]
    pictures[0].save(buffer, format="GIF", save_all=True, append_images=pictures[1:],
                     duration=durations, loop=0)  # fmt: skip
    return buffer.getvalue()
