"""Verifiers answer the questions that people were asked, from the same files."""

import numpy as np
import pytest

from evaluation.listening_test.folder import ListeningTest
from evaluation.listening_test.machine import verifier_answers
from evaluation.sound_files import read_pcm
from evaluation.verifiers.resemblyzer import GE2EVerifier
from evaluation.verifiers.verifier import Verifier


class Pitch(Verifier):
    """Tells voices apart by the strongest of their lowest frequencies."""

    name, sample_rate, width, min_samples = "pitch", 16000, 64, 400

    def embed_valid(self, waveforms: list[np.ndarray]) -> np.ndarray:
        return np.stack([np.abs(np.fft.rfft(w, 4000))[15 : 15 + self.width] for w in waveforms])


def test_a_good_ear_makes_no_mistakes(test: ListeningTest) -> None:
    told: list[float] = []
    answers = verifier_answers(test, Pitch(), told.append)
    assert [answer.answer for answer in answers] == [t.answer for t in test.triplets]
    assert told[-1] == 1.0
    for answer, triplet in zip(answers, test.triplets, strict=True):
        assert (answer.triplet, answer.layer) == (triplet.triplet, triplet.layer)
        assert answer.cosine_a is not None and answer.cosine_b is not None
        assert (answer.cosine_a > answer.cosine_b) == (triplet.answer == "a")
        assert answer.error(triplet) == 0.0


def test_equal_sounds_are_a_tie_and_broken_ones_a_failure(test: ListeningTest) -> None:
    first, second, third, *_ = test.triplets
    test.sound(first.sound_b).write_bytes(test.sound(first.sound_a).read_bytes())
    test.sound(second.sound_x).write_bytes(b"no sound")
    test.sound(third.sound_a).unlink()
    answers = verifier_answers(test, Pitch())
    assert (answers[0].answer, answers[0].error(first)) == ("tie", 0.5)
    for answer, name in ((answers[1], second.sound_x), (answers[2], third.sound_a)):
        assert (answer.answer, answer.cosine_a) == ("", None)
        assert answer.failure.startswith(f"{name}.flac: unreadable")
    assert [answer.failure for answer in answers[3:]] == [""] * 3


def test_with_the_verifier_of_the_paper(test: ListeningTest) -> None:
    verifier = GE2EVerifier()
    for answer, triplet in zip(verifier_answers(test, verifier), test.triplets, strict=True):
        a, b, x = verifier.embed([read_pcm(test.sound(n))[0] for n in triplet.sounds]).vectors
        assert answer.cosine_a == pytest.approx(float(a @ x), abs=1e-5)
        assert answer.answer == ("a" if a @ x > b @ x else "b") and answer.scorer == "ge2e"
