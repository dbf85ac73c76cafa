"""Which masks a study looks for and how it judges them: the schema behind YAML and options.

Light to import: an experiment is read without what finds masks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from acoustics.errors import UserError
from corpora.corpus import Split

Scope = Literal["utterance", "word", "character", "phone"]

POINTS = 21
"""Of a curve."""
THRESHOLDS = (0.1, 0.2, 0.3)
"""Of the notebook: shares of a frame's entries, below which its time is muted."""


@dataclass(frozen=True)
class SearchSettings:
    """How a mask is searched.

    Attributes:
        steps: of Adam.
        learning_rate: of Adam; levels lie between 0 and 1.
        margin: nats by which a class is to lead, so that the gradient knows what is in danger.
        price: that entries begin with: nats per step that all entries together are worth.
        rise: factor on it after a step whose mask holds, but was hardly smaller than the last.
        shrink: share of the entries by which it is smaller, if the price is to stay.
        fall: factor on it after a step whose mask does not.
        prunings: passes that then try to leave out more, a few entries at a time.
        snapshots: masks to keep on the way, evenly spread over the steps.
    """

    steps: int = 300
    learning_rate: float = 0.02
    margin: float = 1.0
    price: float = 1.0
    rise: float = 1.1
    shrink: float = 0.02
    fall: float = 0.85
    prunings: int = 200
    snapshots: int = 24

    def __post_init__(self) -> None:
        for name, least in {"steps": 1, "prunings": 0, "snapshots": 1}.items():
            if getattr(self, name) < least:
                raise UserError(f"{name} is {getattr(self, name)}; it must be at least {least}")
        for name in ("learning_rate", "margin", "price"):
            if not getattr(self, name) > 0:
                raise UserError(f"{name} is {getattr(self, name)}; it must be above 0")
        if not 0 <= self.shrink < 1:
            raise UserError(f"shrink is {self.shrink}; it must be 0 or more, and below 1")
        if not 0 < self.fall < 1 < self.rise:
            raise UserError(f"fall {self.fall} must be below 1 and rise {self.rise} above it")


@dataclass(frozen=True)
class StudySettings:
    """What is said of masks.

    Attributes:
        thresholds: shares of a frame's entries, below which its time is muted.
        points: of the insertion and deletion curves; fewer than 2 for none.
        seed: of random masks and of the phases of rendered sounds.
    """

    thresholds: Sequence[float] = THRESHOLDS
    points: int = POINTS
    seed: int = 0


@dataclass(frozen=True)
class MaskSettings:
    """Importance masks of some utterances.

    Attributes:
        utterances: so many, drawn at random, of as many speakers as there are.
        ids: these instead.
        splits: of the corpus, which they are from.
        scopes: what masks are to keep: the whole `utterance`, one `word` or `character` where CTC
            says it, or one `phone` where the corpus's alignment has it.
        labels: which words, characters or phones, each with a mask of its own:
            `{word: [rose, sea]}`; without, the longest one of each utterance.
        steps: of the search.
        learning_rate: of the search.
        prunings: passes that then try to leave out more.
        thresholds: shares of a frame's entries, below which its time is muted.
        points: of the insertion and deletion curves; fewer than 2 for none.
        batch_duration_s: seconds of speech searched at once.

    Raises:
        UserError: a value is none of those that there are.
    """

    utterances: int = 4
    ids: list[str] = field(default_factory=list)
    splits: list[Split] = field(default_factory=lambda: ["test"])
    scopes: list[Scope] = field(default_factory=lambda: ["utterance"])
    labels: dict[Scope, list[str]] = field(default_factory=dict)
    steps: int = 300
    learning_rate: float = 0.02
    prunings: int = 200
    thresholds: list[float] = field(default_factory=lambda: list(THRESHOLDS))
    points: int = POINTS
    batch_duration_s: float = 40.0

    def __post_init__(self) -> None:
        if self.utterances < 1:
            raise UserError(f"utterances is {self.utterances}; it must be 1 or more")
        if self.points < 0:
            raise UserError(f"points is {self.points}; it must be 0 or more")
        if not self.batch_duration_s > 0:
            raise UserError(f"batch_duration_s is {self.batch_duration_s}; it must be above 0")
        if not self.splits:
            raise UserError("splits: name at least one of train, dev and test")
        if not self.scopes:
            raise UserError("scopes: name at least one of utterance, word, character and phone")
        if len(set(self.scopes)) < len(self.scopes):
            raise UserError("scopes: one is named twice; leave one of them out")
        for scope, names in self.labels.items():
            if scope == "utterance" or scope not in self.scopes:
                raise UserError(
                    f"labels: {scope} {'has no labels' if scope == 'utterance' else 'is no scope'}"
                    "; name it under scopes, or take it away here"
                )
            if not names:
                raise UserError(f"labels: {scope} names none; leave it out for the longest one")
        for threshold in self.thresholds:
            if not 0 <= threshold <= 1:
                raise UserError(f"thresholds: {threshold} is no share; it must be from 0 to 1")
        self.search()

    def search(self) -> SearchSettings:
        """How masks are searched."""
        return SearchSettings(self.steps, self.learning_rate, prunings=self.prunings)

    def study(self, seed: int) -> StudySettings:
        """What is said of them."""
        return StudySettings(self.thresholds, self.points, seed)
