"""What masks keep: steps of words and characters by CTC, of phones by time."""

import dataclasses

import pytest
import torch
from lhotse.supervision import AlignmentItem

from acoustics.errors import UserError
from asr_models.decoding import encode
from corpora.text import DEFAULT_ALPHABET
from evaluation.masks.mask_settings import MaskSettings
from evaluation.masks.scopes import (
    Span,
    aligned_characters,
    aligned_words,
    find_span,
    required_steps,
    required_text,
    timed_spans,
)
from evaluation.masks.span_choice import choose_spans


def saying(toy, path: str):
    """Subjects of one utterance whose likeliest path is `path`; a blank is written `_`."""
    tokens = [0 if c == "_" else encode(c, DEFAULT_ALPHABET)[0] for c in path]
    subjects = toy(frames=max(len(path), 13)).subjects
    log_probs = torch.full((1, len(path), len(DEFAULT_ALPHABET) + 1), -6.0)
    log_probs[0, range(len(path)), tokens] = 2.0
    steps = torch.tensor([len(path)])
    return dataclasses.replace(subjects, log_probs=log_probs.log_softmax(-1), steps=steps)


def character(label, first, stop):
    return Span(label, first, stop, "character")


def test_characters_and_words_lie_where_the_greedy_path_says_them(toy):
    subjects = saying(toy, "_aab__b  _c_d_")
    assert subjects.texts == ["abb cd"]
    a, b, second, blank, c, d = aligned_characters(subjects)[0]
    assert (a, b, second) == tuple(map(character, "abb", (1, 3, 6), (3, 4, 7)))
    assert (blank, c, d) == tuple(map(character, " cd", (7, 10, 12), (9, 11, 13)))
    assert aligned_words(subjects) == [[Span("abb", 1, 7), Span("cd", 10, 13)]]


def test_a_given_text_is_aligned_and_silence_says_nothing(toy):
    subjects = saying(toy, "_a_b_c_")
    assert aligned_characters(subjects, ["ac"])[0] == [character("a", 1, 2), character("c", 5, 6)]
    assert aligned_words(saying(toy, "_____")) == [[]]
    with pytest.raises(UserError, match="cannot be aligned"):
        aligned_words(subjects, ["much longer than that"])


def test_a_phone_has_the_steps_that_are_centred_in_it(toy):
    recogniser = toy().recogniser  # a state every 10 ms, the first on sample 0
    items = [AlignmentItem("ae", 0.015, 0.03), AlignmentItem("t", 0.045, 0.5)]
    assert timed_spans(recogniser, items, 20) == [
        Span("ae", 2, 5, "phone"),
        Span("t", 5, 20, "phone"),
    ]
    assert timed_spans(recogniser, [], 20) == []


def test_a_span_that_is_not_there_is_named_with_those_that_are():
    spans = [Span("the", 0, 2), Span("sea", 3, 5), Span("the", 6, 8)]
    assert find_span(spans, "the", "u1") == spans[0]
    with pytest.raises(UserError, match=r"'sky' is not in what is said in u1 \(the, sea\)"):
        find_span(spans, "sky", "u1")
    with pytest.raises(UserError, match="nothing"):
        find_span([], "sky", "u1")


def test_required_steps_are_those_of_the_span_or_all(toy):
    subjects = toy(rows=2).subjects
    assert required_steps(subjects).equal(subjects.spoken)
    required = required_steps(subjects, [None, Span("b", 12, 14)])
    assert required[0].all()
    assert required[1].nonzero().flatten().tolist() == [12, 13]
    with pytest.raises(ValueError, match="zip"):
        required_steps(subjects, [None])


def test_the_text_of_a_span_is_that_of_its_steps(toy):
    subjects = saying(toy, "_aab__b  _c_d_")
    required = required_steps(subjects, [Span("cd", 10, 13)])
    assert required_text(subjects, subjects.log_probs, required) == ["cd"]
    assert required_text(subjects, subjects.log_probs, subjects.spoken) == ["abb cd"]


def test_a_label_that_is_asked_for_twice_has_one_mask(toy):
    settings = MaskSettings(scopes=["word"], labels={"word": ["ab", "ab", "cd"]})
    subjects = saying(toy, "_ab_  c_d_____")
    chosen, failures = choose_spans(subjects, "word", settings, {}, frozenset())
    assert [(row, span.label) for row, span in chosen] == [(0, "ab"), (0, "cd")]
    assert not failures
