"""Is a block's last layer active like its first? Distances between the activity of layers.

The article (Ghiasi et al. 2021) says so, and lays it to the skip connection that joins the two; the
layer before the last is said to be sparser, its activations longer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evaluation.bootstrap import Estimate
from evaluation.paper.verdicts import FAILS, HOLDS, OPEN, Margin
from evaluation.sonification.activity_pattern import MEASURES
from evaluation.sonification.depth_trend import Claim, unknown_claim
from evaluation.sonification.layer_activity import LayerActivity, Profile, scaled


@dataclass(frozen=True, slots=True)
class BlockRow:
    """How far a block's last layer is from its first and from its penultimate (blocks.csv).

    Distances are between the distributions of the measures over a layer's features: the mean
    difference of their quantiles, in units of the standard deviation over all features of all
    layers, averaged over the measures; lengths enter by their logarithm. `difference` is
    `to_penultimate - to_first`: above zero the last layer is like the first.
    """

    model: str
    block: str
    first: str
    penultimate: str
    last: str
    to_first: float
    to_penultimate: float
    difference: float
    ci_low: float | None
    ci_high: float | None


def blocks_of(layers: Iterable[str]) -> dict[str, list[str]]:
    """Layers by block, as `block4.sub2` is of `block4`; blocks of fewer than three are left out."""
    found: dict[str, list[str]] = {}
    for layer in layers:
        block, dot, _ = layer.rpartition(".")
        if dot:
            found.setdefault(block, []).append(layer)
    return {block: members for block, members in found.items() if len(members) >= 3}


def compared_layers(blocks: Mapping[str, list[str]]) -> list[str]:
    """First, penultimate and last layer of every block."""
    return [name for block in blocks.values() for name in (block[0], block[-2], block[-1])]


def block_estimates(
    layers: Mapping[str, LayerActivity], blocks: Mapping[str, list[str]]
) -> dict[str, tuple[Estimate, Estimate]]:
    """Distance of each block's last layer to its first and to its penultimate one.

    Args:
        layers: all of them; those of `compared_layers` with their profiles.
        blocks: of `blocks_of`.

    Raises:
        ValueError: a layer has no profile.
    """
    profiles = {name: _profile(layers, name) for name in compared_layers(blocks)}
    spread = _spreads(layers)
    found = {}
    for block, (first, *_, penultimate, last) in blocks.items():
        pair = []
        for other in (first, penultimate):
            value, drawn = (
                (np.abs(mine - its).mean(-1).T / spread).mean(-1)
                for mine, its in zip(profiles[last], profiles[other], strict=True)
            )
            pair.append(Estimate(float(value), drawn))
        found[block] = pair[0], pair[1]
    return found


def _profile(layers: Mapping[str, LayerActivity], name: str) -> Profile:
    profile = layers[name].profile
    if profile is None:
        raise ValueError(f"{name} has no profile")
    return profile


def _spreads(layers: Mapping[str, LayerActivity]) -> Float[np.ndarray, " measure"]:
    """Standard deviation of each measure over all features of all layers; inf of a constant one."""
    each = [scaled(found.features) for found in layers.values()]
    pooled = [np.concatenate([layer[i][0] for layer in each]) for i in range(len(MEASURES))]
    spreads = [np.nanstd(values) if np.isfinite(values).any() else np.nan for values in pooled]
    return np.array([spread if spread > 0 else np.inf for spread in spreads])


def block_rows(
    model: str,
    blocks: Mapping[str, list[str]],
    estimates: Mapping[str, tuple[Estimate, Estimate]],
) -> list[BlockRow]:
    """The rows of blocks.csv of one model."""
    rows = []
    for block, (to_first, to_penultimate) in estimates.items():
        first, *_, penultimate, last = blocks[block]
        difference = to_penultimate - to_first
        low, high = difference.interval() or (None, None)
        numbers = to_first.value, to_penultimate.value, difference.value, low, high
        rows.append(BlockRow(model, block, first, penultimate, last, *numbers))
    return rows


def block_claim(model: str, estimates: Mapping[str, tuple[Estimate, Estimate]]) -> Claim:
    """Is the last layer nearer to the first than to the penultimate one, on average over blocks?"""
    what = "distance of a block's last layer to its penultimate, less that to its first"
    known = [far - near for near, far in estimates.values() if np.isfinite(far.value - near.value)]
    if not known:
        why = f"{model} has no blocks of three active layers"
        return unknown_claim("blocks", model, "frames", what, why)
    mean = Estimate(
        float(np.mean([difference.value for difference in known])),
        np.mean([difference.replicates for difference in known], axis=0),
    )
    span = mean.interval()
    margin = Margin(mean.value, *span) if span else None
    verdict = margin.verdict() if margin else OPEN
    nearer = {HOLDS: "is nearer to its first", FAILS: "is nearer to its penultimate"}
    among = sum(difference.value > 0 for difference in known)
    sentence = (
        f"A block's last layer {nearer.get(verdict, 'is surely nearer to neither')} in {model}:"
        f" nearer to the first in {among} of {len(known)} blocks, mean difference of distances"
        f" {margin.spell('', 3) if margin else f'{mean.value:+.3f} without an interval'}."
    )
    return Claim.of("blocks", model, "frames", verdict, what, margin, sentence)
