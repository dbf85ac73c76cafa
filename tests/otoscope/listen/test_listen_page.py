"""The page of the listening test in a real browser: keyboard, mouse, reload, two tabs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from evaluation.listening_test.answers import MOST_MS
from evaluation.listening_test.order import question_order

HEARD = "[...document.querySelectorAll('.voice.heard')].length"
SHOWN = "[...document.querySelectorAll('main > section')].find((s) => !s.hidden).id"


def on(section: str) -> str:
    return f"{SHOWN} === '{section}'"


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Pages side by side, as tabs of one browser."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    context.set_default_timeout(20_000)
    yield context.new_page
    context.close()


def until(page: Page, expression: str) -> None:
    """Waits for it; as a function, for the page forbids code in strings."""
    page.wait_for_function(f"() => {expression}")


def enter(page: Page, address: str, name: str) -> None:
    """From the first page to the first question."""
    page.goto(f"{address}/")
    until(page, on("welcome"))
    page.click("#check")
    until(page, "document.querySelector('#check-text').textContent === 'Play it again'")
    call_oneself(page, name)
    page.click("#start")
    until(page, on("question"))


def call_oneself(page: Page, name: str) -> None:
    page.click("#name")
    page.keyboard.insert_text(name)


def number(page: Page) -> str:
    return str(page.evaluate("document.querySelector('#number').textContent"))


def reach(page: Page, question: int) -> None:
    text = f"Question {question} of 4"
    until(page, f"document.querySelector('#number').textContent === '{text}'")


def play_through(page: Page) -> None:
    page.keyboard.press("Space")
    until(page, f"{HEARD} === 3")


def columns(lines: list[str], *places: int) -> list[tuple[str, ...]]:
    return [tuple(line.split(",")[place] for place in places) for line in lines]


def ahead(visitor: Any, listener: str) -> list[str]:
    return [t.triplet for t in question_order(visitor.test.triplets, visitor.test.key, listener)]


def test_a_whole_test_by_keyboard_and_mouse_with_a_reload(visitor, new_page) -> None:
    page = new_page()
    asked: list[str] = []
    trouble: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda said: trouble.append(said.text))
    enter(page, visitor.address, " Ann ")
    assert number(page) == "Question 1 of 4"
    sounds = [url for url in asked if "/audio/" in url]
    assert len(sounds) == 1 + 12, "all sounds are there before the first question"

    page.keyboard.press("2")  # too early: nothing was heard
    assert page.evaluate("document.querySelector('.choice').disabled")
    play_through(page)
    page.keyboard.press("2")
    reach(page, 2)

    for heard, place in enumerate((2, 0, 1), start=1):  # by mouse, in any order
        page.click(f".voice[data-sound='{place}']")
        until(page, f"{HEARD} === {heard}")
    page.click(".voice[data-sound='2']")
    until(page, "document.querySelector('.voice.third.playing') !== null")
    page.click(".choice[data-answer='a']")
    reach(page, 3)

    page.keyboard.press("Space")
    until(page, f"{HEARD} === 1")
    page.reload()
    until(page, f"document.readyState === 'complete' && {on('welcome')}")
    assert "Welcome back, ann." in page.evaluate("document.body.innerText")
    page.click("#start")
    until(page, on("question"))
    assert number(page) == "Question 3 of 4" and page.evaluate(HEARD) == 0
    play_through(page)
    page.keyboard.press("1")
    reach(page, 4)
    play_through(page)
    page.click(".choice[data-answer='b']")
    until(page, on("thanks"))
    assert "All 4 answers are saved." in page.evaluate("document.body.innerText")

    assert all(url.startswith((f"{visitor.address}/", "blob:")) for url in asked), asked
    assert not trouble

    lines = visitor.lines("ann")
    given = list(zip(ahead(visitor, "ann"), "baab", strict=True))
    assert columns(lines, 0, 1) == given
    assert [replays for (replays,) in columns(lines, 4)] == ["0", "1", "0", "0"]
    for response_ms, total_ms in columns(lines, 2, 3):
        assert 0 <= int(response_ms) < int(total_ms) < 60_000
        assert int(total_ms) >= 3 * 250, "three sounds of a quarter of a second were heard"


@pytest.mark.slow
def test_the_second_tab_takes_over_and_the_first_one_is_told(visitor, new_page) -> None:
    first = new_page()
    enter(first, visitor.address, "ann")
    second = new_page()  # in front: sound starts nowhere else
    second.goto(f"{visitor.address}/?listener=ann")
    second.click("#start")
    until(second, on("question"))
    until(first, on("elsewhere"))
    play_through(second)
    second.keyboard.press("1")
    reach(second, 2)
    first.bring_to_front()
    first.click("#here")
    until(first, on("question"))
    assert number(first) == "Question 2 of 4"
    until(second, on("elsewhere"))
    play_through(first)
    first.keyboard.press("2")
    reach(first, 3)

    given = list(zip(ahead(visitor, "ann")[:2], "ab", strict=True))
    assert columns(visitor.lines("ann"), 0, 1) == given


def test_a_server_that_went_away_costs_no_answer(serving, test, new_page) -> None:
    with serving(test) as visitor:
        page = new_page()
        enter(page, visitor.address, "ann")
        play_through(page)
    page.keyboard.press("1")
    until(page, on("broken"))
    said = page.evaluate("document.body.innerText")
    assert "Your answer is not saved yet." in said and "Is it still running?" in said
    assert visitor.lines("ann") == []
    with serving(test, visitor.port):
        page.click("#again")
        until(page, on("elsewhere"))  # the server has started again
    assert visitor.lines("ann") == []


@pytest.mark.slow
def test_who_is_not_known_any_more_is_asked_for_a_name(serving, test, new_page) -> None:
    """Another test is served there now, or the answers were deleted: trying again is no cure."""

    with serving(test) as visitor:
        page = new_page()
        enter(page, visitor.address, "ann")
        play_through(page)
    (test.folder / "answers" / "ann.csv").unlink()
    with serving(test, visitor.port):
        page.keyboard.press("1")
        until(page, on("welcome"))
        said = page.evaluate("document.querySelector('#name-wrong').textContent")
        assert said == "this listener is not known here."
        assert page.evaluate("document.querySelector('#name').value + location.search") == ""
        call_oneself(page, "bob")
        page.click("#start")
        until(page, on("question"))
        assert number(page) == "Question 1 of 4"


@pytest.mark.slow
def test_a_question_of_another_test_begins_again(visitor, new_page) -> None:
    page = new_page()
    enter(page, visitor.address, "ann")
    play_through(page)
    page.evaluate(
        "const ask = fetch; window.fetch = (address, how) => { window.fetch = ask; return "
        'ask(address, { ...how, body: how.body.replace(/(?<="question":")\\w+/, \'x\') }); }; 0'
    )
    page.keyboard.press("1")
    until(page, f"{on('question')} && {HEARD} === 0")
    assert number(page) == "Question 1 of 4"
    play_through(page)
    page.keyboard.press("1")
    reach(page, 2)

    assert len(visitor.lines("ann")) == 1


def test_a_name_that_is_taken_is_asked_about(visitor, new_page) -> None:
    visitor.say("ann", visitor.begin("ann"))
    page = new_page()
    page.goto(f"{visitor.address}/?listener=%3Cimg%20src=x%3E")
    assert page.evaluate("document.querySelector('#name').value") == ""
    call_oneself(page, "<b>")
    page.click("#start")
    until(page, "document.querySelector('#name-wrong').textContent.includes('letters')")
    page.evaluate("document.querySelector('#name').value = 'Ann'")
    page.click("#start")
    until(page, "document.querySelector('#name-wrong').textContent.includes('sample')")
    page.click("#check")
    until(page, "document.querySelector('#check-text').textContent !== 'Play a sample'")
    page.click("#start")
    until(page, "!document.querySelector('#taken').hidden")
    assert "with 1 of 4 questions answered. Is that you?" in page.evaluate(
        "document.querySelector('#name-wrong').textContent"
    )
    page.click("#resume")
    until(page, on("question"))
    assert number(page) == "Question 2 of 4"


@pytest.mark.slow
def test_a_question_left_open_for_days_can_be_answered(visitor, new_page) -> None:
    page = new_page()
    enter(page, visitor.address, "ann")
    play_through(page)
    page.evaluate(
        f"const clock = performance.now.bind(performance); "
        f"performance.now = () => clock() + {2 * MOST_MS}; 0"
    )
    page.keyboard.press("1")
    reach(page, 2)

    assert columns(visitor.lines("ann"), 2, 3) == [(str(MOST_MS), str(MOST_MS))]
