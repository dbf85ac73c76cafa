"""Names of layers below a figure over depth, as many as can be read."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.reading import Row, number

MOST_TICKS = 16
"""Names of layers below a figure; of more they would lie on top of each other."""

MOST_LETTERS = 14
"""Of such a name; what is hovered over tells all of it."""


def depth_ticks(tapped: Sequence[Row]) -> dict[float, str]:
    """Names of layers by depth: all of a few; of many the first of every block, or every nth.

    Args:
        tapped: rows of layers in order of depth, of one model or several.
    """
    found: dict[float, dict[str, None]] = {}
    for row in tapped:
        depth = number(row["depth"])
        if depth is not None:
            found.setdefault(depth, {})[str(row["layer"])] = None
    names = {depth: " / ".join(layers) for depth, layers in found.items()}
    if len(names) > MOST_TICKS:
        names = _thinned(names)
    return {
        depth: name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
        for depth, name in names.items()
    }


def _thinned(names: dict[float, str]) -> dict[float, str]:
    """The first of every block, as `block3` of `block3.sub1`, if these are neither few nor many."""
    blocks: dict[str, float] = {}
    for depth, name in names.items():
        blocks.setdefault(name.partition(".")[0], depth)
    if MOST_TICKS // 4 < len(blocks) <= MOST_TICKS:
        firsts = {depth: block for block, depth in blocks.items()}
        return _spaced(firsts, (max(names) - min(names)) / MOST_TICKS)
    return dict(list(names.items())[:: -(-len(names) // MOST_TICKS)])


def _spaced(names: dict[float, str], gap: float) -> dict[float, str]:
    """Without names that stand nearer than a gap to one before."""
    kept: dict[float, str] = {}
    for depth, name in names.items():
        if not kept or depth - max(kept) >= gap:
            kept[depth] = name
    return kept
