"""What a study of a recogniser searches, compares and draws: the schema behind YAML and options."""

from dataclasses import dataclass, field

from acoustics.errors import UserError
from corpora.corpus import Split
from evaluation.sonification.pooling import Score
from evaluation.sonification.registry import Limit
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.unit_names import ARTICLE_UNITS, NGRAMS, canonical_units, check_units

OVERVIEW = "overview"
"""The folder of what is said of all models together, beside their studies."""


@dataclass(frozen=True)
class StudySettings:
    """Dataset sonification of one recogniser.

    Attributes:
        splits: of the corpus; all of them, so that there are enough speakers for the statistics.
        utterances_per_speaker: of each speaker, the first by id (null: all there are).
        layers: names or globs.
        units: of search: segments, utterances, words, phones, and phonesN for N phones in a row.
        segment_s: length of `segments`, in seconds.
        score: of a segment: mean, sum or max of a feature's activation over it.
        limit: at most one segment of each utterance, or of each speaker (null: no limit).
        k: segments kept of each feature.
        sets: `layer:name` to features whose mean is searched as one.
        most_labels: the most frequent words, and phones, in the speaker-discarded tables.
        attributes: of speakers, that features may be selective for; numbers come in thirds (null:
            sex, and all that the corpus knows of its speakers).
        pairs: of the same word by two speakers that are compared.
        words_shown: words of the figure that shows them one by one.
        replicates: of the bootstrap over speakers, behind every interval.
        pattern_utterances: of each speaker, from which length and spikiness are measured.
        grid_layers: drawn with all their features (null: the first, the middle and the last).
        examples: features of each layer whose best segments are written as sound.
        example_segments: of each of them.
        clips: units of search whose best segments are all written as sound.
        batch_duration_s: seconds of speech heard at once.

    Raises:
        UserError: a value is none of those that there are.
    """

    splits: list[Split] = field(default_factory=lambda: ["train", "dev", "test"])
    utterances_per_speaker: int | None = 8
    layers: list[str] = field(default_factory=lambda: ["*"])
    units: list[str] = field(default_factory=lambda: canonical_units(ARTICLE_UNITS + NGRAMS))
    segment_s: float = 0.5
    score: Score = "mean"
    limit: Limit | None = None
    k: int = 20
    sets: dict[str, list[int]] = field(default_factory=dict)
    most_labels: int = 500
    attributes: list[str] | None = None
    pairs: int = 500
    words_shown: int = 20
    replicates: int = 1000
    pattern_utterances: int = 2
    grid_layers: list[str] | None = None
    examples: int = 3
    example_segments: int = 3
    clips: list[str] = field(default_factory=list)
    batch_duration_s: float = 40.0

    def __post_init__(self) -> None:
        check_units(self.units, self.segment_s)
        self.search()
        unsearched = [unit for unit in self.clips if unit not in self.units]
        if unsearched:
            raise UserError(f"clips: '{unsearched[0]}' is not among the units that are searched")
        if not self.splits:
            raise UserError("splits: name at least one of train, dev and test")
        least = {"utterances_per_speaker": 1, "pairs": 0, "words_shown": 0, "replicates": 1}
        least |= {"pattern_utterances": 1, "examples": 0, "example_segments": 1}
        for name, lowest in least.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise UserError(f"{name} is {value}; it must be {lowest} or more")
        if not self.batch_duration_s > 0:
            raise UserError(f"batch_duration_s is {self.batch_duration_s}; it must be above 0")

    def search(self) -> SearchSettings:
        """How the corpus is searched."""
        return SearchSettings(
            self.layers, self.score, self.limit, self.k, self.sets, self.most_labels
        )
