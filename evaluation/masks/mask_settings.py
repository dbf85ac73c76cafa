"""Which masks a study looks for and how it judges them: the schema behind YAML and options."""

from dataclasses import dataclass, field

from acoustics.errors import UserError
from corpora.corpus import Split
from evaluation.masks.curves import POINTS
from evaluation.masks.scopes import Scope
from evaluation.masks.search import SearchSettings
from evaluation.masks.sounds import THRESHOLDS
from evaluation.masks.study import StudySettings


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
    learning_rate: float = 0.1
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
