"""Rows of the tables of an audiation study; paths are below the tables' folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.audiation.wanted import AS_ASKED


@dataclass(frozen=True, slots=True)
class SoundRow:
    """One sound (sounds.csv).

    `start` is the score of the random input that it began with, `reached` that of the sound as it
    is written, `strongest` that of the feature's strongest corpus segment over a window of the same
    length; `held_out` is the mean under changes that the optimisation did not see, `lowest` the
    least of these. `rank` counts features of the layer by how much of their own range over speech
    they are above their mean, and is empty for one that speech does not move. `snr_db` and
    `syllabic_share` say how speech-like the sound is.
    `problem` is empty, or why there is no sound. Controls have no picture.
    """

    model: str
    variant: str
    layer: str
    depth: int
    feature: int
    sample: int
    problem: str
    start: float | None
    reached: float | None
    strongest: float | None
    above: int | None
    held_out: float | None
    lowest: float | None
    rank: int | None
    features: int
    snr_db: float | None
    syllabic_share: float | None
    utterance: str
    start_s: float | None
    end_s: float | None
    words: str
    phones: str
    audio: str
    picture: str
    clip: str


@dataclass(frozen=True, slots=True)
class LayerRow:
    """The sounds of one layer and variant (layers.csv); shares are of those compared.

    `compared` have a strongest segment; `doubled` is the share whose score is at least twice that
    of the input that they began with, in size above zero.
    """

    model: str
    variant: str
    layer: str
    depth: int
    sounds: int
    without: int
    compared: int
    above: float | None
    held_out_above: float | None
    doubled: float | None
    first: float | None
    snr_db: float | None
    syllabic_share: float | None


@dataclass(frozen=True, slots=True)
class EvolutionRow:
    """A sound's input at one step (evolution.csv), without transforms."""

    model: str
    variant: str
    layer: str
    feature: int
    sample: int
    step: int
    activation: float | None
    objective: float | None


@dataclass(frozen=True, slots=True)
class DiversityRow:
    """How far the samples of one feature are from each other (diversity.csv), in dB of log-mel."""

    model: str
    variant: str
    layer: str
    depth: int
    feature: int
    samples: int
    mean_db: float
    nearest_db: float
    reached: float
    strongest: float | None


def layer_rows(rows: Sequence[SoundRow]) -> Iterator[LayerRow]:
    """Sums up the sounds of every layer and variant, and of every variant over all layers."""
    variants = dict.fromkeys(row.variant for row in rows)
    for variant in variants:
        mine = [row for row in rows if row.variant == variant]
        for layer, depth in dict.fromkeys((row.layer, row.depth) for row in mine):
            yield _summed([row for row in mine if row.layer == layer], layer, depth)
        yield _summed(mine, "all", 0)


def _summed(rows: Sequence[SoundRow], layer: str, depth: int) -> LayerRow:
    made = [row for row in rows if row.reached is not None]
    compared = [row for row in made if row.strongest is not None]
    return LayerRow(
        model=rows[0].model,
        variant=rows[0].variant,
        layer=layer,
        depth=depth,
        sounds=len(made),
        without=len(rows) - len(made),
        compared=len(compared),
        above=_mean([row.above for row in compared]),
        held_out_above=_mean([_exceeds(row.held_out, row.strongest) for row in compared]),
        doubled=_mean([_doubled(row.start, row.reached) for row in made]),
        first=_mean([row.rank == 1 for row in made if row.rank is not None]),
        snr_db=_mean([row.snr_db for row in made if row.snr_db is not None]),
        syllabic_share=_mean([r.syllabic_share for r in made if r.syllabic_share is not None]),
    )


def _exceeds(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value > limit


def _doubled(start: float | None, reached: float | None) -> bool:
    return start is not None and reached is not None and reached > 0 and reached >= 2 * start


def _mean(values: Sequence[float | None]) -> float | None:
    return float(np.mean(np.array(values, float))) if values else None


def as_asked(rows: Sequence[SoundRow]) -> list[SoundRow]:
    """The sounds that are no controls."""
    return [row for row in rows if row.variant == AS_ASKED]
