"""How the features of all layers are active over time, with the claims on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.sonification.activity_blocks import (
    BlockRow,
    block_claim,
    block_estimates,
    block_rows,
    blocks_of,
    compared_layers,
)
from evaluation.sonification.activity_claims import (
    ActivityRow,
    activity_claims,
    activity_rows,
)
from evaluation.sonification.activity_pattern import ActivityPattern
from evaluation.sonification.depth_trend import Claim, hedged
from evaluation.sonification.layer_activity import layer_activity
from evaluation.sonification.voices import Voices


@dataclass(frozen=True)
class Manner:
    """Tables of one recogniser.

    Attributes:
        activity: a row per layer and measure.
        blocks: a row per block of three layers or more.
        claims: dense or sparse, short or long, spiky or smooth; the ends of blocks.
        failed: utterances that were left out for the features that are not finite in them.
    """

    activity: list[ActivityRow]
    blocks: list[BlockRow]
    claims: list[Claim]
    failed: int


def manner_of(
    name: str, patterns: Mapping[str, ActivityPattern], depths: Mapping[str, int], voices: Voices
) -> Manner:
    """What the patterns say.

    Args:
        name: of the recogniser.
        patterns: by layer, of `activity_patterns`.
        depths: of the layers.
        voices: the speakers, who are drawn for the intervals.
    """
    blocks = blocks_of(patterns)
    profiled = set(compared_layers(blocks))
    layers = {
        layer: layer_activity(found, voices.weights, layer in profiled)
        for layer, found in patterns.items()
    }
    claims = activity_claims(name, layers, depths)
    estimates = block_estimates(layers, blocks) if blocks else {}
    if blocks:
        claims.append(block_claim(name, estimates))
    heard = [int((found.frames > 0).any(1).sum()) for found in patterns.values()]
    claims = [hedged(claim, max(heard, default=0)) for claim in claims]
    failed = max((int(found.n_failed) for found in patterns.values()), default=0)
    return Manner(
        activity_rows(name, layers, depths), block_rows(name, blocks, estimates), claims, failed
    )
