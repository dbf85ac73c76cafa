"""The page of the listening test in a real browser: keyboard, mouse, reload, two tabs."""

from typing import Any

from evaluation.listening_test.answers import MOST_MS
from evaluation.listening_test.order import question_order

HEARD = "[...document.querySelectorAll('.voice.heard')].length"
SHOWN = "[...document.querySelectorAll('main > section')].find((s) => !s.hidden).id"


def on(section: str) -> str:
    return f"{SHOWN} === '{section}'"


async def enter(page: Any, address: str, name: str) -> None:
    """From the first page to the first question."""
    await page.go(f"{address}/")
    await page.until(on("welcome"))
    await page.click("#check")
    await page.until("document.querySelector('#check-text').textContent === 'Play it again'")
    await page.click("#name")
    await page.write(name)
    await page.click("#start")
    await page.until(on("question"))


async def number(page: Any) -> str:
    return str(await page.js("document.querySelector('#number').textContent"))


async def play_through(page: Any) -> None:
    await page.key(" ")
    await page.until(f"{HEARD} === 3")


def columns(lines: list[str], *places: int) -> list[tuple[str, ...]]:
    return [tuple(line.split(",")[place] for place in places) for line in lines]


def ahead(visitor: Any, listener: str) -> list[str]:
    return [t.triplet for t in question_order(visitor.test.triplets, visitor.test.key, listener)]


def test_a_whole_test_by_keyboard_and_mouse_with_a_reload(visitor, with_browser) -> None:
    async def script(browser: Any) -> None:
        page = await browser.page()
        await enter(page, visitor.address, " Ann ")
        assert await number(page) == "Question 1 of 4"
        loaded = [e for e in page.events if e["method"] == "Network.responseReceived"]
        sounds = [e for e in loaded if "/audio/" in e["params"]["response"]["url"]]
        assert len(sounds) == 1 + 12, "all sounds are there before the first question"

        await page.key("2")  # too early: nothing was heard
        assert await page.js("document.querySelector('.choice').disabled")
        await play_through(page)
        await page.key("2")
        await page.until("document.querySelector('#number').textContent === 'Question 2 of 4'")

        for heard, place in enumerate((2, 0, 1), start=1):  # by mouse, in any order
            await page.click(f".voice[data-sound='{place}']")
            await page.until(f"{HEARD} === {heard}")
        await page.click(".voice[data-sound='2']")
        await page.until("document.querySelector('.voice.third.playing') !== null")
        await page.click(".choice[data-answer='a']")
        await page.until("document.querySelector('#number').textContent === 'Question 3 of 4'")

        await page.key(" ")
        await page.until(f"{HEARD} === 1")
        await page.call("Page.reload")
        await page.until(f"document.readyState === 'complete' && {on('welcome')}")
        assert "Welcome back, ann." in await page.js("document.body.innerText")
        await page.click("#start")
        await page.until(on("question"))
        assert await number(page) == "Question 3 of 4" and await page.js(HEARD) == 0
        await play_through(page)
        await page.key("1")
        await page.until("document.querySelector('#number').textContent === 'Question 4 of 4'")
        await play_through(page)
        await page.click(".choice[data-answer='b']")
        await page.until(on("thanks"))
        assert "All 4 answers are saved." in await page.js("document.body.innerText")

        asked = [e["params"]["request"]["url"] for e in page.events
                 if e["method"] == "Network.requestWillBeSent"]  # fmt: skip
        assert all(url.startswith((f"{visitor.address}/", "blob:")) for url in asked), asked
        trouble = [e for e in page.events
                   if e["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")]  # fmt: skip
        assert not trouble

    with_browser(script)
    lines = visitor.lines("ann")
    given = list(zip(ahead(visitor, "ann"), "baab", strict=True))
    assert columns(lines, 0, 1) == given
    assert [replays for (replays,) in columns(lines, 4)] == ["0", "1", "0", "0"]
    for response_ms, total_ms in columns(lines, 2, 3):
        assert 0 <= int(response_ms) < int(total_ms) < 60_000
        assert int(total_ms) >= 3 * 250, "three sounds of a quarter of a second were heard"


def test_the_second_tab_takes_over_and_the_first_one_is_told(visitor, with_browser) -> None:
    async def script(browser: Any) -> None:
        first = await browser.page()
        await enter(first, visitor.address, "ann")
        second = await browser.page()  # in front: sound starts nowhere else
        await second.go(f"{visitor.address}/?listener=ann")
        await second.click("#start")
        await second.until(on("question"))
        await first.until(on("elsewhere"))
        await play_through(second)
        await second.key("1")
        await second.until("document.querySelector('#number').textContent === 'Question 2 of 4'")
        await first.call("Page.bringToFront")
        await first.click("#here")
        await first.until(on("question"))
        assert await number(first) == "Question 2 of 4"
        await second.until(on("elsewhere"))
        await play_through(first)
        await first.key("2")
        await first.until("document.querySelector('#number').textContent === 'Question 3 of 4'")

    with_browser(script)
    given = list(zip(ahead(visitor, "ann")[:2], "ab", strict=True))
    assert columns(visitor.lines("ann"), 0, 1) == given


def test_a_server_that_went_away_costs_no_answer(serving, test, with_browser) -> None:
    async def script(browser: Any) -> None:
        with serving(test) as visitor:
            page = await browser.page()
            await enter(page, visitor.address, "ann")
            await play_through(page)
        await page.key("1")
        await page.until(on("broken"))
        said = await page.js("document.body.innerText")
        assert "Your answer is not saved yet." in said and "Is it still running?" in said
        assert visitor.lines("ann") == []
        with serving(test, visitor.port):
            await page.click("#again")
            await page.until(on("elsewhere"))  # the server has started again
        assert visitor.lines("ann") == []

    with_browser(script)


def test_who_is_not_known_any_more_is_asked_for_a_name(serving, test, with_browser) -> None:
    """Another test is served there now, or the answers were deleted: trying again is no cure."""

    async def script(browser: Any) -> None:
        with serving(test) as visitor:
            page = await browser.page()
            await enter(page, visitor.address, "ann")
            await play_through(page)
        (test.folder / "answers" / "ann.csv").unlink()
        with serving(test, visitor.port):
            await page.key("1")
            await page.until(on("welcome"))
            said = await page.js("document.querySelector('#name-wrong').textContent")
            assert said == "this listener is not known here."
            assert await page.js("document.querySelector('#name').value + location.search") == ""
            await page.click("#name")
            await page.write("bob")
            await page.click("#start")
            await page.until(on("question"))
            assert await number(page) == "Question 1 of 4"

    with_browser(script)


def test_a_question_of_another_test_begins_again(visitor, with_browser) -> None:
    async def script(browser: Any) -> None:
        page = await browser.page()
        await enter(page, visitor.address, "ann")
        await play_through(page)
        await page.js(
            "const ask = fetch; window.fetch = (address, how) => { window.fetch = ask; return "
            'ask(address, { ...how, body: how.body.replace(/(?<="question":")\\w+/, \'x\') }); }; 0'
        )
        await page.key("1")
        await page.until(f"{on('question')} && {HEARD} === 0")
        assert await number(page) == "Question 1 of 4"
        await play_through(page)
        await page.key("1")
        await page.until("document.querySelector('#number').textContent === 'Question 2 of 4'")

    with_browser(script)
    assert len(visitor.lines("ann")) == 1


def test_a_name_that_is_taken_is_asked_about(visitor, with_browser) -> None:
    async def script(browser: Any) -> None:
        visitor.say("ann", visitor.begin("ann"))
        page = await browser.page()
        await page.go(f"{visitor.address}/?listener=%3Cimg%20src=x%3E")
        assert await page.js("document.querySelector('#name').value") == ""
        await page.click("#name")
        await page.write("<b>")
        await page.click("#start")
        await page.until("document.querySelector('#name-wrong').textContent.includes('letters')")
        await page.js("document.querySelector('#name').value = 'Ann'")
        await page.click("#start")
        await page.until("document.querySelector('#name-wrong').textContent.includes('sample')")
        await page.click("#check")
        await page.until("document.querySelector('#check-text').textContent !== 'Play a sample'")
        await page.click("#start")
        await page.until("!document.querySelector('#taken').hidden")
        assert "with 1 of 4 questions answered. Is that you?" in await page.js(
            "document.querySelector('#name-wrong').textContent"
        )
        await page.click("#resume")
        await page.until(on("question"))
        assert await number(page) == "Question 2 of 4"

    with_browser(script)


def test_a_question_left_open_for_days_can_be_answered(visitor, with_browser) -> None:
    async def script(browser: Any) -> None:
        page = await browser.page()
        await enter(page, visitor.address, "ann")
        await play_through(page)
        await page.js(
            f"const clock = performance.now.bind(performance); "
            f"performance.now = () => clock() + {2 * MOST_MS}; 0"
        )
        await page.key("1")
        await page.until("document.querySelector('#number').textContent === 'Question 2 of 4'")

    with_browser(script)
    assert columns(visitor.lines("ann"), 2, 3) == [(str(MOST_MS), str(MOST_MS))]
