"""Speaker embeddings of what was heard: kept, compared, and on disk without a pickle."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from acoustics.errors import UserError
from evaluation.listening import write_atomically
from evaluation.quality import Score
from evaluation.records import TrialScoreRow, read_rows, write_rows
from evaluation.trials import Trial
from evaluation.verifiers.verifier import Embeddings, score_trials

MATRICES, INDEX = "embeddings.safetensors", "embeddings.csv"

Place = tuple[str, str, str]
"""Condition, layer and scorer."""


@dataclass
class Voices:
    """Unit vectors of the utterances of one place, as they come in, and why some are missing."""

    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, utterances: Sequence[str], found: Embeddings) -> None:
        """Take in what was embedded of a batch."""
        for name, vector, failure in zip(utterances, found.vectors, found.failures, strict=True):
            if failure:
                self.failures[name] = failure
            else:
                self.vectors[name] = vector

    def reasons(self, utterances: Iterable[str]) -> dict[str, str]:
        """Why utterances have no vector; one that never came in is among them."""
        absent = (n for n in utterances if n not in self.vectors and n not in self.failures)
        return self.failures | dict.fromkeys(absent, "the utterance was never rendered")


@dataclass(frozen=True, slots=True)
class EmbeddingRow:
    """One utterance (embeddings.csv): the row of a matrix, or the reason why there is none."""

    condition: str
    layer: str
    scorer: str
    utterance: str
    matrix: str
    row: int | None
    failure: str = ""


def score_voices(
    trials: Sequence[Trial], voices: Voices, enrolled: Voices | None = None
) -> list[Score]:
    """Cosine similarity of both utterances of each trial.

    Args:
        trials: the saved list.
        voices: of both utterances.
        enrolled: of the first utterance of each trial, where it is heard in another sound.
    """
    first = voices if enrolled is None else enrolled
    return score_trials(
        trials,
        voices.vectors,
        voices.reasons(trial.test for trial in trials),
        (first.vectors, first.reasons(trial.enrol for trial in trials)),
    )


def trial_rows(
    model: str, place: Place, trials: Sequence[Trial], scores: Sequence[Score]
) -> list[TrialScoreRow]:
    """Rows of trial_scores.csv, one for each trial."""
    return [
        TrialScoreRow(model, *place, trial.trial, score.value, score.failure)
        for trial, score in zip(trials, scores, strict=True)
    ]


def save_embeddings(folder: Path, voices: Mapping[Place, Voices]) -> None:
    """Writes one float32 matrix for each place, and a table that says whose its rows are.

    Raises:
        UserError: the folder cannot be written to.
    """
    matrices, rows = {}, []
    for number, (place, found) in enumerate(voices.items()):
        names, matrix = sorted(found.vectors), str(number)
        if names:
            matrices[matrix] = np.stack([found.vectors[n] for n in names]).astype(np.float32)
        rows += [EmbeddingRow(*place, name, matrix, row) for row, name in enumerate(names)]
        failures = sorted(found.failures.items())
        rows += [EmbeddingRow(*place, name, "", None, reason) for name, reason in failures]
    write_atomically(folder / MATRICES, save(matrices))
    write_rows(folder / INDEX, EmbeddingRow, rows)


def load_embeddings(folder: Path) -> dict[Place, Voices]:
    """Reads what `save_embeddings` wrote.

    Raises:
        UserError: a file is missing or damaged, or the two do not fit each other.
    """
    path = folder / MATRICES
    try:
        matrices = load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read ({error}); run the evaluation again") from None
    voices: dict[Place, Voices] = {}
    for row in read_rows(folder / INDEX, EmbeddingRow):
        found = voices.setdefault((row.condition, row.layer, row.scorer), Voices())
        if row.row is None:
            found.failures[row.utterance] = row.failure
        elif row.matrix in matrices and 0 <= row.row < len(matrices[row.matrix]):
            found.vectors[row.utterance] = matrices[row.matrix][row.row]
        else:
            raise UserError(
                f"{folder / INDEX}: {row.utterance} is not in {path.name}; run the evaluation again"
            )
    return voices
