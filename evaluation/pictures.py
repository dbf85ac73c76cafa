"""Pictures of log-mels as PNG, without a plotting window, a browser or a font file."""

import io
from collections.abc import Mapping
from functools import cache

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from acoustics.mel import HOP_S

PAPER, INK, COLOURS = 254, 255, 254
"""Palette: 254 colours of sound, then the paper and the ink of axes and labels."""

FONT_SIZE = 11
AXIS_HEIGHT = 18
LABEL_HEIGHT = 18


def mel_levels(mel: Float[np.ndarray, "frame mel"]) -> tuple[float, float]:
    """Darkest and brightest level for a picture: the 2nd and the 99.8th percentile.

    Raises:
        ValueError: no value of `mel` is finite.
    """
    finite = mel[np.isfinite(mel)].astype(np.float64)
    if finite.size == 0:
        raise ValueError("a mel without a finite value has no levels")
    low, high = np.percentile(finite, [2.0, 99.8])
    return float(low), float(max(high, low + 1e-3))


def mel_picture(
    mel: Float[np.ndarray, "frame mel"],
    *,
    hop_s: float = HOP_S,
    levels: tuple[float, float] | None = None,
    axis: bool = True,
    scale: int = 2,
) -> bytes:
    """A log-mel as PNG: time to the right, mel upwards, magma from quiet to loud.

    Args:
        mel: log-mel; what is not finite is drawn as the darkest colour.
        hop_s: seconds between frames.
        levels: darkest and brightest level (default: `mel_levels` of this mel).
        axis: draw a time axis in seconds below.
        scale: pixels per frame and mel band.

    Returns:
        The bytes of a PNG file, `(frames * scale, mels * scale)` pixels plus the axis.
    """
    image = _body(mel, levels, scale)
    return _png(_with_axis(image, len(mel) * hop_s) if axis else image)


def mel_grid(
    mels: Mapping[str, Float[np.ndarray, "frame mel"]],
    *,
    hop_s: float = HOP_S,
    levels: tuple[float, float] | None = None,
    columns: int = 3,
    scale: int = 2,
) -> bytes:
    """One labelled picture per layer in a grid, all on the same scale of levels.

    Args:
        mels: log-mel by label, in reading order.
        hop_s: seconds between frames.
        levels: darkest and brightest level (default: `mel_levels` of the first mel).
        columns: pictures in a row.
        scale: pixels per frame and mel band.

    Returns:
        The bytes of a PNG file.

    Raises:
        ValueError: `mels` is empty.
    """
    if not mels:
        raise ValueError("a grid needs at least one mel")
    levels = levels or mel_levels(next(iter(mels.values())))
    tiles = {
        label: _with_axis(_body(mel, levels, scale), len(mel) * hop_s)
        for label, mel in mels.items()
    }
    width = max(tile.width for tile in tiles.values()) + 8
    height = max(tile.height for tile in tiles.values()) + LABEL_HEIGHT + 4
    rows = -(-len(tiles) // columns)
    page = _page(width * min(columns, len(tiles)), height * rows)
    draw = ImageDraw.Draw(page)
    for index, (label, tile) in enumerate(tiles.items()):
        left, top = index % columns * width + 4, index // columns * height
        draw.text((left, top + 2), label, fill=INK, font=ImageFont.load_default(FONT_SIZE))
        page.paste(tile, (left, top + LABEL_HEIGHT))
    return _png(page)


def _body(mel: np.ndarray, levels: tuple[float, float] | None, scale: int) -> Image.Image:
    low, high = levels or mel_levels(mel)
    shade = (mel.T[::-1].astype(np.float64) - low) / (high - low)
    shade = np.nan_to_num(shade, nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0)
    indices: UInt8[np.ndarray, "mel frame"] = (shade * (COLOURS - 1)).round().astype(np.uint8)
    pixels = indices.repeat(scale, 0).repeat(scale, 1)
    image = Image.frombytes("P", (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    image.putpalette(_palette())
    return image


def _page(width: int, height: int) -> Image.Image:
    page = Image.new("P", (width, height), PAPER)
    page.putpalette(_palette())
    return page


@cache
def _palette() -> bytes:
    import matplotlib  # here, for every command imports this file, and few draw

    sound = matplotlib.colormaps["magma"](np.linspace(0.0, 1.0, COLOURS), bytes=True)[:, :3]
    return bytes(sound.astype(np.uint8).tobytes() + b"\xff\xff\xff" + b"\x44\x44\x44")


def _with_axis(image: Image.Image, duration_s: float) -> Image.Image:
    page = _page(image.width, image.height + AXIS_HEIGHT)
    page.paste(image, (0, 0))
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(FONT_SIZE)
    step = tick_step(duration_s, max(1, image.width // 50))
    for index in range(int(duration_s / step + 1e-6) + 1):
        x = index * step / duration_s * image.width
        draw.line((x, image.height, x, image.height + 4), fill=INK)
        text = f"{index * step:g} s" if index == 0 else f"{index * step:g}"
        width = draw.textlength(text, font=font)
        left = min(max(x - width / 2, 0), image.width - width)
        draw.text((left, image.height + 4), text, fill=INK, font=font)
    return page


def tick_step(duration_s: float, at_most: int) -> float:
    """The smallest of 0.1, 0.2, 0.5, 1, 2, 5, ... seconds that gives at most so many steps."""
    step, factors = 0.1, (2.0, 2.5, 2.0)
    index = 0
    while duration_s / step > at_most:
        step *= factors[index % 3]
        index += 1
    return step


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
