"""Word and character errors, counted by hand."""

import pytest

from evaluation.quality import Score
from evaluation.transcripts import TranscriptErrors, transcript_errors

BY_HAND = [
    ("the cat sat", "the cat sat", (0, 3, 0, 11)),
    ("the cat sat", "the hat sat", (1, 3, 1, 11)),
    ("the cat sat", "the sat", (1, 3, 4, 11)),  # the four characters "cat "
    ("the cat sat", "the cat sat on", (1, 3, 3, 11)),
    ("the cat sat", "", (3, 3, 11, 11)),
    ("a", "one two three", (3, 1, 13, 1)),  # more errors than words
    ("", "a word", (2, 0, 6, 0)),
    ("", "", (0, 0, 0, 0)),
]


@pytest.mark.parametrize(("reference", "hypothesis", "expected"), BY_HAND)
def test_by_hand(reference: str, hypothesis: str, expected: tuple[int, ...]) -> None:
    assert transcript_errors(reference, hypothesis) == TranscriptErrors(*expected)


def test_rates_are_percent_and_may_exceed_a_hundred() -> None:
    errors = transcript_errors("a", "one two three")
    assert errors.score("wer") == Score(300.0)
    assert errors.score("cer") == Score(1300.0)


def test_an_empty_reference_has_no_rate() -> None:
    assert transcript_errors("", "a").score("wer") == Score(None, "the reference is empty")


def test_counts_are_whole_for_long_texts() -> None:
    words = [f"w{i}" for i in range(297)]
    errors = transcript_errors(" ".join(words), " ".join(words[:-31]))
    assert (errors.word_errors, errors.n_words) == (31, 297)
