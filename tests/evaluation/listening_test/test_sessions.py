"""Listeners at work: an order of their own, no answer twice, none lost, whatever happens."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from evaluation.listening_test.answers import read_answers
from evaluation.listening_test.folder import ListeningTest
from evaluation.listening_test.order import question_order
from evaluation.listening_test.sessions import Listeners, Progress, RefusedError


def begin(listeners: Listeners, name: str = "ann") -> Progress:
    listeners.register(name)
    return listeners.open(name)


def say(
    listeners: Listeners, at: Progress, place: int = 0, answer: str = "a", name: str = "ann"
) -> Progress:
    return listeners.answer(name, at.tab, at.remaining[place].triplet, answer, 10, 20, 0)


def on_disk(test: ListeningTest, name: str = "ann") -> list[tuple[str, str]]:
    known = [triplet.triplet for triplet in test.triplets]
    answers, problems = read_answers(test.folder / "answers" / f"{name}.csv", known)
    assert not problems
    return [(answer.triplet, answer.answer) for answer in answers]


def test_the_order_is_the_listeners_own_and_mixes_layers(test: ListeningTest) -> None:
    ann, again, bob = (
        question_order(test.triplets, test.key, who) for who in ("ann", "ann", "bob")
    )
    assert ann == again != bob and question_order(test.triplets, "0 ", "ann") != ann
    for order in (ann, bob):
        assert Counter(order) == Counter(test.triplets)
        rounds = [{triplet.layer for triplet in order[i : i + 3]} for i in (0, 3)]
        assert rounds == [{"natural", "cnn1", "blstm1"}] * 2, "each round has each layer once"
        assert all(first.layer != second.layer for first, second in pairwise(order))


def test_answers_are_on_disk_in_the_order_given(test: ListeningTest) -> None:
    listeners = Listeners(test)
    at = begin(listeners)
    given = []
    for number, answer in enumerate("abbaab", start=1):
        given.append((at.remaining[0].triplet, answer))
        at = say(listeners, at, answer=answer)
        assert (at.answered, at.total) == (number, 6)
        assert on_disk(test) == given
    assert at.remaining == []


def test_after_a_restart_the_next_open_question_comes(test: ListeningTest) -> None:
    listeners = Listeners(test)
    at = say(listeners, say(listeners, begin(listeners)))
    with pytest.raises(RefusedError) as refused:
        Listeners(test).register("ann")
    assert refused.value.code == "taken" and refused.value.facts == {"answered": 2, "total": 6}
    again = Listeners(test).open("ann")
    assert (again.answered, again.remaining) == (2, at.remaining)


def test_only_the_page_opened_last_may_answer(test: ListeningTest) -> None:
    listeners = Listeners(test)
    first = begin(listeners)
    second = listeners.open("ann")
    with pytest.raises(RefusedError, match="opened again") as refused:
        say(listeners, first)
    assert refused.value.code == "elsewhere" and on_disk(test) == []
    assert say(listeners, second).answered == 1
    with pytest.raises(RefusedError, match="opened again"):
        Listeners(test).answer("ann", "", first.remaining[0].triplet, "a", 1, 1, 0)


def test_out_of_order_again_and_nonsense(test: ListeningTest) -> None:
    listeners = Listeners(test)
    at = begin(listeners)
    with pytest.raises(RefusedError) as refused:
        say(listeners, at, place=1)
    assert refused.value.code == "order"
    say(listeners, at, answer="b")
    assert say(listeners, at, answer="b").answered == 1, "the same once more is no mistake"
    with pytest.raises(RefusedError) as refused:
        say(listeners, at, answer="a")
    assert refused.value.code == "answered"
    with pytest.raises(RefusedError) as refused:
        listeners.answer("ann", at.tab, "nothing", "a", 1, 1, 0)
    assert refused.value.code == "question"
    assert on_disk(test) == [(at.remaining[0].triplet, "b")]


@pytest.mark.parametrize("name", ["", "../eve", "a/b", "Ann", "x" * 33, "a.csv", "\ud800"])
def test_a_name_that_is_no_name_makes_no_file(test: ListeningTest, name: str) -> None:
    listeners = Listeners(test)
    for attempt in (listeners.register, listeners.open):
        with pytest.raises(RefusedError) as refused:
            attempt(name)
        assert refused.value.code in ("name", "unknown")
    assert not list((test.folder / "answers").iterdir())


def test_what_cannot_be_saved_is_not_counted(test: ListeningTest) -> None:
    listeners = Listeners(test)
    at = begin(listeners)
    path = test.folder / "answers" / "ann.csv"
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(RefusedError, match="could not be saved: No such file") as refused:
        say(listeners, at)
    assert refused.value.code == "unsaved"
    path.write_bytes(kept)
    assert say(listeners, at).answered == 1 and len(on_disk(test)) == 1


def test_answers_that_cannot_be_read_are_not_written_over(test: ListeningTest) -> None:
    path = test.folder / "answers" / "ann.csv"
    path.write_text("something else\n")
    with pytest.raises(RefusedError) as refused:
        Listeners(test).open("ann")
    assert refused.value.code == "damaged" and path.read_text() == "something else\n"


def test_many_threads_lose_nothing_and_double_nothing(test: ListeningTest) -> None:
    listeners = Listeners(test)
    names = ("ann", "bob", "eve")
    began = {name: begin(listeners, name) for name in names}

    def insist(name: str) -> int:
        """Gives all answers in order, as four impatient pages with one key would."""
        refused = 0
        for place, question in enumerate(began[name].remaining):
            while True:
                try:
                    say(listeners, began[name], place, "ab"[place % 2], name)
                    break
                except RefusedError as error:
                    assert error.code == "order", question
                    refused += 1
        return refused

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(insist, names * 4))
    for name in names:
        expected = [(t.triplet, "ab"[i % 2]) for i, t in enumerate(began[name].remaining)]
        assert on_disk(test, name) == expected


def test_two_at_the_door_with_one_name_are_not_both_let_in(test: ListeningTest) -> None:
    listeners = Listeners(test)

    def knock(_: int) -> str:
        try:
            listeners.register("ann")
        except RefusedError as error:
            return error.code
        return "in"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(knock, range(8)))
    assert sorted(said) == ["in"] + ["taken"] * 7
