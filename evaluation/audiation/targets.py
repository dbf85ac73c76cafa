"""What inputs are optimised for, and which of them go together."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from acoustics.errors import UserError
from asr_models.recogniser import Recogniser
from evaluation.audiation.heard import OUTPUT
from evaluation.audiation.objective import Sum
from evaluation.audiation.shaping_terms import Diversity


@dataclass(frozen=True)
class Target:
    """What one input is optimised for.

    Attributes:
        name: as in tables; inputs of one name and sample begin alike.
        objective: to become as large as it can.
        sample: counts several inputs of one target.
    """

    name: str
    objective: Sum
    sample: int = 0


def batches(recogniser: Recogniser, targets: Sequence[Target], size: int) -> list[list[int]]:
    """Rows of `targets` in batches of at most `size`, the shallow ones first.

    Rows that are to differ from each other stay together, in a larger batch if need be.

    Raises:
        UserError: a row is to differ from others, but there are none.
    """
    groups: dict[Hashable, list[int]] = {}
    for row, target in enumerate(targets):
        kinds = [p.term.kind for p in target.objective.parts if isinstance(p.term, Diversity)]
        groups.setdefault(kinds[0] if kinds else row, []).append(row)
        if kinds and sum(kinds[0] in _kinds(other) for other in targets) < 2:
            raise UserError(
                f"target {target.name} is to differ from the others of its group, but it is alone "
                "there; add samples of it or leave Diversity out"
            )
    depths = {name: layer.depth for name, layer in recogniser.layers.items()}
    depths[OUTPUT] = len(depths) + 1

    def depth(rows: list[int]) -> int:
        parts = [part for row in rows for part in targets[row].objective.parts]
        return max((depths.get(part.term.reads, 0) for part in parts), default=0)

    made: list[list[int]] = []
    for rows in sorted(groups.values(), key=depth):
        if not made or len(made[-1]) + len(rows) > size:
            made.append([])
        made[-1] += rows
    return made


def _kinds(target: Target) -> set[Hashable]:
    return {part.term.kind for part in target.objective.parts}
