"""What is searched for: light to import, for the schema of every experiment has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from acoustics.errors import UserError
from evaluation.sonification.pooling import Score
from evaluation.sonification.registry import Limit


@dataclass(frozen=True)
class SearchSettings:
    """How a corpus is searched.

    Args:
        layers: names or globs.
        score: a segment's score: mean, sum or maximum of a feature's activation over its states.
        limit: at most one segment of each feature by `utterance`, or by `speaker`.
        k: segments to keep of each feature.
        sets: `layer:name` to features of the layer whose mean is searched too.
        most_labels: words, and phones, in the tables of speaker-discarded sonification: the most
            frequent ones. A table takes 24 bytes for each of them and each feature.

    Raises:
        UserError: a value is none of those that there are.
    """

    layers: Sequence[str] = ("*",)
    score: Score = "mean"
    limit: Limit | None = None
    k: int = 20
    sets: Mapping[str, Sequence[int]] = field(default_factory=dict)
    most_labels: int = 500

    def __post_init__(self) -> None:
        for name, known in (("score", get_args(Score)), ("limit", (*get_args(Limit), None))):
            if getattr(self, name) not in known:
                choices = ", ".join(str(choice) for choice in known)
                raise UserError(f"{name} is '{getattr(self, name)}'; it can be {choices}")
        for name in ("k", "most_labels"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}; it must be 1 or more")
