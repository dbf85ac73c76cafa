"""All features of all layers at one glance: who is in their top segments, men or women.

As in the article (Ghiasi et al. 2021): a column for each layer, a cell for each feature, red for
men, blue for women, yellow between. Columns have the same height whatever their number of features,
so cells of wide layers are squeezed; here they are sorted by their share, with the dead ones below.
"""

from collections.abc import Mapping

import matplotlib
import numpy as np
from jaxtyping import Float, Int
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from evaluation.paper.panels import NothingToDrawError
from evaluation.sonification.figure_axes import depth_axis, plain

HEIGHT = 480  # cells that a column is squeezed or stretched to
DEAD = "#c9cbd0"
COLUMN_WIDTH = 0.16  # inches, of many layers
SHADES = matplotlib.colormaps["RdYlBu_r"](np.linspace(0.04, 0.96, 21))


def squeezed(
    shares: Float[np.ndarray, " feature"], height: int = HEIGHT
) -> Int[np.ndarray, " cell"]:
    """Features of one column from below: dead ones (NaN) first, then by rising share.

    A cell shows the feature in its middle, so that no colour is shown that no feature has.
    """
    order = np.argsort(np.where(np.isnan(shares), -np.inf, shares), kind="stable")
    return order[((np.arange(height) + 0.5) * len(order) / height).astype(int)]


def heat_map_figure(
    shares: Mapping[str, Float[np.ndarray, " feature"]],
    group: str,
    rest: str,
    base: float | None,
    title: str = "",
) -> Figure:
    """The heat map of one model.

    Args:
        shares: part of each feature's top segments by the group, by layer in order of depth; NaN
            for features without segments.
        group: whose share it is, as `male`; shown in red.
        rest: the others, as `female`; shown in blue.
        base: part of all searched segments that are by the group, where the sex is known; marked
            beside the colours (None: it is not known).
        title: of the figure.

    Raises:
        NothingToDrawError: there is no layer.
    """
    if not shares:
        raise NothingToDrawError("no layer was searched")
    cells = np.stack([column[squeezed(column)] for column in shares.values()], axis=1)
    width = max(4.6, 2.2 + max(COLUMN_WIDTH, 2.4 / len(shares)) * len(shares))
    sheet = Figure(figsize=(width, 4.4), layout="constrained")
    panel = sheet.subplots()
    colours = ListedColormap(SHADES).with_extremes(bad=DEAD)
    edges = (0.5, len(shares) + 0.5, 0.0, 1.0)
    picture = panel.imshow(
        np.ma.masked_invalid(cells), origin="lower", aspect="auto", extent=edges, cmap=colours,
        vmin=0.0, vmax=1.0, interpolation="nearest",
    )  # fmt: skip
    panel.vlines(np.arange(1, len(shares)) + 0.5, 0, 1, color="white", lw=0.6)
    depth_axis(panel, {layer: i for i, layer in enumerate(shares, start=1)})
    panel.grid(visible=False)
    panel.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    panel.set_ylabel("features of the layer (%), sorted", fontsize=9)
    panel.set_title(plain(title), fontsize=10)
    bar = sheet.colorbar(picture, ax=panel, ticks=[0, 0.1, 0.5, 0.9, 1], pad=0.02)
    bar.ax.set_yticklabels([plain(f"{rest} only"), "10 %", "50 %", "90 %", plain(f"{group} only")])
    notes = []
    if base is not None:
        bar.ax.axhline(base, color="black", lw=1.2)
        notes.append("line: of all searched")
    if any(np.isnan(column).any() for column in shares.values()):
        notes.append("grey: dead")
    note = f" ({'; '.join(notes)})" if notes else ""
    bar.set_label(f"segments by {plain(group)} speakers{note}", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return sheet
