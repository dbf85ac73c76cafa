"""What a speaker verifier answers to the questions that people were asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpora.audio import AudioError
from evaluation.listening_test.folder import ListeningTest
from evaluation.listening_test.triplets import Triplet
from evaluation.sound_files import read_pcm
from evaluation.verifiers.verifier import Verifier

BATCH = 60  # sounds embedded together

Watcher = Callable[[float], None]  # told the fraction done


@dataclass(frozen=True, slots=True)
class MachineAnswer:
    """A verifier's answer (a row of verifier_answers.csv), or the reason why there is none.

    Attributes:
        triplet: the question.
        layer: of its sounds.
        scorer: the verifier.
        cosine_a: how alike it finds the third sound and the first.
        cosine_b: the same for the second.
        answer: `a` or `b`, the more alike one; `tie` where none is.
        failure: why there is none of these.
    """

    triplet: str
    layer: str
    scorer: str
    cosine_a: float | None
    cosine_b: float | None
    answer: str
    failure: str = ""

    def error(self, question: Triplet) -> float:
        """0 or 1; one half for a tie."""
        return 0.5 if self.answer == "tie" else float(self.answer != question.answer)


def verifier_answers(
    test: ListeningTest, verifier: Verifier, watch: Watcher = lambda fraction: None
) -> list[MachineAnswer]:
    """Compares the third sound of every question with the other two.

    A sound that cannot be read or embedded costs its own question only.

    Args:
        test: the test.
        verifier: who answers.
        watch: told of progress.
    """
    vectors: dict[str, np.ndarray] = {}
    failures: dict[str, str] = {}
    names = list(dict.fromkeys(name for triplet in test.triplets for name in triplet.sounds))
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        _embed(verifier, {name: test.sound(name) for name in batch}, vectors, failures)
        watch((start + len(batch)) / len(names))
    return [_compare(triplet, verifier.name, vectors, failures) for triplet in test.triplets]


def _embed(
    verifier: Verifier,
    paths: dict[str, Path],
    vectors: dict[str, np.ndarray],
    failures: dict[str, str],
) -> None:
    sounds: dict[str, np.ndarray] = {}
    for name, path in paths.items():
        try:
            sounds[name] = read_pcm(path)[0]
        except AudioError as error:
            failures[name] = f"{name}.flac: {error}"
    found = verifier.embed(list(sounds.values()))
    for name, vector, failure in zip(sounds, found.vectors, found.failures, strict=True):
        if failure:
            failures[name] = f"{name}.flac: {failure}"
        else:
            vectors[name] = vector


def _compare(
    triplet: Triplet, scorer: str, vectors: dict[str, np.ndarray], failures: dict[str, str]
) -> MachineAnswer:
    reasons: Sequence[str] = [failures[name] for name in triplet.sounds if name in failures]
    if reasons:
        return MachineAnswer(triplet.triplet, triplet.layer, scorer, None, None, "", reasons[0])
    a, b, x = (vectors[name] for name in triplet.sounds)
    to_a, to_b = float(a @ x), float(b @ x)
    answer = "tie" if to_a == to_b else "a" if to_a > to_b else "b"
    return MachineAnswer(triplet.triplet, triplet.layer, scorer, to_a, to_b, answer)
