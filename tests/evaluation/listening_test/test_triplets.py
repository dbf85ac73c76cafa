"""Triplets: what a question is, how evenly all is used, and that a seed decides it."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from acoustics.errors import UserError
from evaluation.listening_test.triplets import Triplet, make_triplets
from evaluation.records import UtteranceRow

DEPTHS = {"natural": None, "cnn1": 1, "blstm1": 5, "blstm5": 9}


def speech(counts: list[int], sexes: list[str], sentences: int = 99) -> list[UtteranceRow]:
    """Utterances of speakers s0, s1, ...; of all speakers, number k says sentence k % sentences."""
    return [
        UtteranceRow(f"s{i}-{k}", f"s{i}", sex, 1.0, 3, 9, f"sentence {k % sentences}")
        for i, (n, sex) in enumerate(zip(counts, sexes, strict=True))
        for k in range(n)
    ]


EVEN = speech([4] * 8, ["female", "male"] * 4)


@st.composite
def corpora(draw: st.DrawFn) -> list[UtteranceRow]:
    counts = draw(st.lists(st.integers(1, 4), min_size=2, max_size=7))
    assume(max(counts) > 1)
    sexes = [draw(st.sampled_from(["female", "male", ""])) for _ in counts]
    return speech(counts, sexes, draw(st.integers(1, 4)))


def match_of(triplet: Triplet) -> str:
    return triplet.a if triplet.answer == "a" else triplet.b


def other_of(triplet: Triplet) -> str:
    return triplet.b if triplet.answer == "a" else triplet.a


@settings(max_examples=60, deadline=None)
@given(corpora(), st.integers(1, 9), st.integers(1, 4), st.integers(0, 3))
def test_every_question_has_one_right_answer_and_nothing_gives_it_away(
    rows: list[UtteranceRow], per_layer: int, n_layers: int, seed: int
) -> None:
    layers = dict.fromkeys(list(DEPTHS)[:n_layers], rows)
    try:
        triplets = make_triplets(layers, DEPTHS, per_layer, seed)
    except UserError as error:
        assert "--per-layer" in str(error)
        return
    of = {row.utterance: row for row in rows}
    assert len(triplets) == per_layer * n_layers
    names = [name for triplet in triplets for name in (triplet.triplet, *triplet.sounds)]
    assert len(set(names)) == 4 * len(triplets) and all(len(name) == 12 for name in names)
    for layer in layers:
        mine = [triplet for triplet in triplets if triplet.layer == layer]
        asked = {(match_of(t), other_of(t), t.x) for t in mine}
        assert len(asked) == len(mine) == per_layer
        for triplet in mine:
            a, b, x = (of[name] for name in triplet.utterances)
            assert len({a.utterance, b.utterance, x.utterance}) == 3
            assert (a.speaker, b.speaker) == (triplet.speaker_a, triplet.speaker_b)
            assert a.speaker != b.speaker
            assert x.speaker == {"a": a.speaker, "b": b.speaker}[triplet.answer]
            assert triplet.depth == DEPTHS[layer]
            match, other = of[match_of(triplet)], of[other_of(triplet)]
            if match.text == x.text:  # then no question of these two speakers without that is left
                theirs = [row for row in rows if row.speaker == other.speaker]
                his = [row for row in rows if row.speaker == x.speaker]
                free = {
                    (m.utterance, o.utterance, y.utterance)
                    for m, o, y in product(his, theirs, his)
                    if m.text != y.text
                }
                assert free <= asked


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 99))
def test_the_answer_is_a_as_often_as_b(per_layer: int, n_layers: int, seed: int) -> None:
    layers = dict.fromkeys(list(DEPTHS)[:n_layers], EVEN)
    triplets = make_triplets(layers, DEPTHS, per_layer, seed)
    for layer in layers:
        counts = Counter(t.answer for t in triplets if t.layer == layer)
        assert abs(counts["a"] - counts["b"]) <= 1
    counts = Counter(triplet.answer for triplet in triplets)
    assert abs(counts["a"] - counts["b"]) <= 1, "odd ones out alternate"


@pytest.mark.parametrize("pairs", ["any", "balanced", "same-sex", "different-sex"])
def test_speakers_and_utterances_are_used_evenly(pairs: str) -> None:
    triplets = make_triplets({"cnn1": EVEN}, DEPTHS, 12, 3, pairs)
    speakers = Counter(s for t in triplets for s in (t.speaker_a, t.speaker_b))
    assert len(speakers) == 8 and sum(speakers.values()) == 24
    assert max(speakers.values()) - min(speakers.values()) <= (2 if pairs == "balanced" else 1)
    utterances = Counter(name for t in triplets for name in t.utterances)
    assert max(utterances.values()) - min(utterances[row.utterance] for row in EVEN) <= 2
    matched = Counter(t.speaker_a if t.answer == "a" else t.speaker_b for t in triplets)
    assert max(matched.values()) <= 2


def test_sexes_are_balanced_together_with_the_answer() -> None:
    triplets = make_triplets({"cnn1": EVEN, "blstm1": EVEN}, DEPTHS, 10, 0)
    for layer in ("cnn1", "blstm1"):
        cells = Counter((t.answer, t.sex_a == t.sex_b) for t in triplets if t.layer == layer)
        assert sorted(cells.values()) == [2, 2, 3, 3]
        assert cells["a", True] + cells["b", True] == 5


@pytest.mark.parametrize(("pairs", "same"), [("same-sex", True), ("different-sex", False)])
def test_one_kind_of_pair_can_be_asked_for(pairs: str, same: bool) -> None:
    triplets = make_triplets({"cnn1": EVEN}, DEPTHS, 9, 0, pairs)
    assert {t.sex_a == t.sex_b for t in triplets} == {same}


def test_speakers_of_one_sex_or_of_unknown_sex_are_taken_as_they_are() -> None:
    for sexes in (["female"] * 4, [""] * 4):
        triplets = make_triplets({"cnn1": speech([3] * 4, sexes)}, DEPTHS, 8, 0)
        assert len(triplets) == 8


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    layers = {"natural": EVEN, "cnn1": EVEN}
    first = make_triplets(layers, DEPTHS, 10, 7)
    assert make_triplets(dict.fromkeys(layers, EVEN[::-1]), DEPTHS, 10, 7) == first
    other = make_triplets(layers, DEPTHS, 10, 8)
    assert [t.utterances for t in other] != [t.utterances for t in first]
    assert not {t.sound_x for t in other} & {t.sound_x for t in first}
    natural, cnn1 = ({t.utterances for t in first if t.layer == layer} for layer in layers)
    assert natural != cnn1, "a clear rendering must not teach the answer to a damaged one"


@pytest.mark.parametrize(
    ("rows", "n", "pairs", "words"),
    [
        ([], 1, "any", "layer cnn1: its audio is of 0 speaker(s)"),
        (speech([5], ["male"]), 1, "any", "is of 1 speaker(s), 1 of them with two utterances"),
        (speech([1, 1], ["", ""]), 1, "any", "is of 2 speaker(s), 0 of them"),
        (speech([2, 1], ["", ""]), 3, "any", "--per-layer: 3 are too many for layer cnn1"),
        (speech([2, 2], ["male", "female"]), 1, "same-sex", "allows 0 different triplets"),
        (speech([2, 2], ["male", ""]), 1, "different-sex", "speakers of two sexes"),
    ],
)
def test_too_few_speakers_are_refused(rows, n: int, pairs: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        make_triplets({"cnn1": rows}, DEPTHS, n, 0, pairs)
    assert words in str(error.value)


def test_all_that_there_are_can_be_drawn() -> None:
    rows = speech([2, 1], ["", ""])
    triplets = make_triplets({"cnn1": rows}, DEPTHS, 2, 0)
    assert {t.x for t in triplets} == {"s0-0", "s0-1"}


def test_who_has_code_and_seed_but_not_the_salt_can_tell_nothing() -> None:
    layers = {"natural": EVEN, "cnn1": EVEN}
    plain, salted, again, other = (
        make_triplets(layers, DEPTHS, 12, 0, salt=salt) for salt in ("", "x", "x", "y")
    )
    assert salted == again, "the same run, the same test"
    for one, two in ((plain, salted), (salted, other)):
        names = [{n for t in some for n in (t.triplet, *t.sounds)} for some in (one, two)]
        assert not names[0] & names[1]
        assert [t.answer for t in one] != [t.answer for t in two]
        asked = [[(match_of(t), other_of(t), t.x) for t in some] for some in (one, two)]
        assert asked[0] == asked[1], "what is asked is the seed's"


def test_sides_follow_no_pattern_and_are_as_many_as_ever() -> None:
    patterns = set()
    for salt in map(str, range(20)):
        triplets = make_triplets({"cnn1": EVEN}, DEPTHS, 12, 0, salt=salt)
        cells = Counter((t.answer, t.sex_a == t.sex_b) for t in triplets)
        assert sorted(cells.values()) == [3, 3, 3, 3]
        patterns.add("".join(t.answer for t in triplets))
    assert len(patterns) > 15
    odd = {make_triplets({"cnn1": EVEN}, DEPTHS, 1, 0, salt=str(n))[0].answer for n in range(20)}
    assert odd == {"a", "b"}, "not even the odd one out is known"
