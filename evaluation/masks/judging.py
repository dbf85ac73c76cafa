"""What masks are worth: their claims, re-checked, and those of controls of the same size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from corpora.corpus import SAMPLE_RATE
from evaluation.masks.constraint import preserved
from evaluation.masks.controls import energy_order, first_inside, largest, random_order, stretch
from evaluation.masks.curves import Way, area, curve, shares
from evaluation.masks.mask_settings import POINTS
from evaluation.masks.rows import CurveRow, MaskRow
from evaluation.masks.scopes import Span, required_text, scope_of, span_name
from evaluation.masks.search import Masks
from evaluation.masks.subjects import Subjects

MASK, RANDOM, ENERGY = "mask", "random", "energy"


@dataclass(frozen=True)
class Judgement:
    """Masks of a batch with their controls.

    Attributes:
        kept: by name, hard masks of one size.
        rows: a row per utterance and mask.
        curves: by name of the mask and way, `(batch, point)`; empty if none were asked for.
    """

    kept: Mapping[str, Bool[Tensor, "batch frame band"]]
    rows: list[MaskRow]
    curves: dict[tuple[str, Way], Float[np.ndarray, "batch point"]] = field(default_factory=dict)

    @property
    def ways(self) -> list[Way]:
        """Of the curves that were asked for."""
        return list(dict.fromkeys(way for _, way in self.curves))


@torch.no_grad()
def judge(
    subjects: Subjects,
    required: Bool[Tensor, "batch step"],
    masks: Masks,
    model: str,
    spans: Sequence[Span | None] | None = None,
    points: int = POINTS,
    seed: int = 0,
) -> Judgement:
    """Holds masks against a random mask and an energy mask of the same size.

    Controls lie in the frames from the first to the last one of which the mask keeps anything; in
    their curves these entries come before all others.

    Args:
        subjects: the utterances.
        required: that the masks were made for.
        masks: of them.
        model: its name, for the table.
        spans: what each mask is to keep, for the table (None: whole utterances).
        points: of the curves; fewer than 2 for none.
        seed: of the random masks.
    """
    orders = {
        MASK: masks.importance,
        RANDOM: random_order(subjects, seed),
        ENERGY: energy_order(subjects),
    }
    size, where = masks.kept.flatten(1).sum(1), stretch(masks.kept)
    kept = {name: largest(order, size, where) for name, order in orders.items()}
    kept[MASK] = masks.kept
    found = Judgement(kept, [])
    orders |= {name: first_inside(orders[name], where) for name in (RANDOM, ENERGY)}
    for way in get_args(Way) if points >= 2 else ():
        for name, order in orders.items():
            found.curves[name, way] = curve(subjects, required, order, way, points)
    for row in range(len(subjects)):
        span = spans[row] if spans else None
        found.rows.extend(_rows(subjects, required, row, found, (model, span, masks.problems[row])))
    return found


def _rows(
    subjects: Subjects,
    required: Bool[Tensor, "batch step"],
    row: int,
    found: Judgement,
    told: tuple[str, Span | None, str],
) -> list[MaskRow]:
    """Rows of one utterance, each mask heard alone."""
    model, span, problem = told
    alone, steps = subjects.alone(row), required[row : row + 1, : int(subjects.steps[row])]
    entries, count = int(alone.entries[0]), int(alone.counts[0])
    (text,) = required_text(alone, alone.log_probs, steps)
    rows = []
    for name, masks in found.kept.items():
        kept = masks[row : row + 1, :count]
        said = alone.says(kept.to(alone.normal.device))
        (masked,) = required_text(alone, said, steps)
        areas = {way: float(area(found.curves[name, way])[row]) for way in found.ways}
        rows.append(
            MaskRow(
                model=model,
                utterance=subjects.batch.ids[row],
                speaker=subjects.batch.speakers[row],
                scope=scope_of(span),
                span=span_name(span),
                mask=name,
                duration_s=int(subjects.batch.lengths[row]) / SAMPLE_RATE,
                entries=entries,
                share_kept=int(kept.sum()) / entries,
                frames=int(steps.sum()),
                frames_preserved=float(preserved(said, alone.classes, steps)),
                text=text,
                text_masked=masked,
                transcript_preserved=text == masked,
                insertion_area=areas.get("insertion"),
                deletion_area=areas.get("deletion"),
                remark=problem if name == MASK else "",
            )
        )
    return rows


def curve_rows(found: Judgement) -> list[CurveRow]:
    """The points of all curves, for curves.csv."""
    first = [row for row in found.rows if row.mask == MASK]
    return [
        CurveRow(
            row.model, row.utterance, row.scope, row.span, name, way, float(share), float(value)
        )
        for (name, way), values in found.curves.items()
        for row, points in zip(first, values, strict=True)
        for share, value in zip(shares(len(points)), points, strict=True)
    ]
