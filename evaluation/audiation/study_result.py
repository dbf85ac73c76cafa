"""Everything that a study made of one recogniser, in memory."""

from dataclasses import dataclass

from evaluation.audiation.made import Made
from evaluation.audiation.strongest import Speech
from evaluation.audiation.study_rows import DiversityRow, EvolutionRow, LayerRow, SoundRow


@dataclass(frozen=True)
class AudiationStudy:
    """Everything that was made of one recogniser's features.

    Attributes:
        speech: what the features do on the corpus.
        made: the sounds.
        rows: of the table of sounds, in the same order.
        layers: summed up by variant and layer.
        evolution: step by step.
        diversity: of features with several samples.
    """

    speech: Speech
    made: list[Made]
    rows: list[SoundRow]
    layers: list[LayerRow]
    evolution: list[EvolutionRow]
    diversity: list[DiversityRow]
