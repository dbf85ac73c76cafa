"""The pages of the atlas in a real browser, and runs that are quickly made to have pages of."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import made_up_run
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

HEIGHT = 900
OWN = ("file", "data", "blob", "about")
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
AXE = {"resultTypes": ["violations"], "preload": False}  # preloading would fetch style sheets
ABORTED = "net::ERR_ABORTED"  # the page itself lets go of a sound when it plays another one
HEARD = """() => {
    window.heard = [];
    const hear = (event) => window.heard.push(event.target.currentTime);
    for (const kind of ["playing", "timeupdate", "ended"])
        document.addEventListener(kind, hear, true);
}"""


@pytest.fixture
def troubles() -> list[str]:
    """What pages complained of so far; a test that provokes something clears it."""
    return []


@pytest.fixture
def open_page(browser: Browser, troubles: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens a path or an address as a page of its own, without a network.

    After the test nothing may have gone wrong: no error on the console or in a script, no file that
    is missing, no request to anywhere but the page's own files, or its own host where it is served.
    """
    contexts: list[BrowserContext] = []

    def open_(path_or_url: Path | str, *, width: int = 1280, dark: bool = False) -> Page:
        address = path_or_url.as_uri() if isinstance(path_or_url, Path) else path_or_url
        context = browser.new_context(
            offline=address.startswith("file:"),
            viewport={"width": width, "height": HEIGHT},
            color_scheme=SCHEMES[dark],
            reduced_motion="reduce",
        )
        contexts.append(context)
        _watch(context, address, troubles)
        page = context.new_page()
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        for page in context.pages:
            page.wait_for_timeout(50)  # what is under way still counts
        context.close()
    assert not troubles, "\n".join(troubles)


def _watch(context: BrowserContext, address: str, troubles: list[str]) -> None:
    served = urlsplit(address)[:2]

    def requested(request: Request) -> None:
        to = urlsplit(request.url)
        if to.scheme not in OWN and to[:2] != served:
            troubles.append(f"request: {request.url}")

    def failed(request: Request) -> None:
        if request.failure != ABORTED:
            troubles.append(f"not loaded: {request.url} ({request.failure})")

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            troubles.append(f"console: {message.text}")

    context.on("request", requested)
    context.on("requestfailed", failed)
    context.on("console", said)
    context.on("weberror", lambda found: troubles.append(f"script: {found.error}"))


@pytest.fixture(scope="session")
def serious() -> Callable[[Page], list[str]]:
    """Serious and critical violations that axe-core finds, in light and in dark."""

    def find(page: Page) -> list[str]:
        dark = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
        found = []
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.evaluate("() => new Promise(requestAnimationFrame)")
            found += [
                f"{scheme}: {line}" for line in _violations(Axe().run(page, options=AXE).response)
            ]
        page.emulate_media(color_scheme=SCHEMES[dark])
        return found

    return find


def _violations(response: dict[str, Any]) -> list[str]:
    return [
        f"{rule['id']}, {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.fixture(scope="session")
def hear() -> Callable[[Page, str], str]:
    """Clicks a player and waits until time goes by in the page's sound; gives what is played."""

    def click(page: Page, selector: str) -> str:
        page.evaluate(HEARD)
        page.locator(selector).first.click()
        page.wait_for_function("() => heard.length > 1 && Math.max(...heard) > heard[0]")
        played: str = page.evaluate("() => document.querySelector('audio').currentSrc")
        return played

    return click


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., made_up_run.MadeUpRun]:
    """Makes a finished run of a small network, a new one at each call; see `made_up_run`."""

    def make(**settings: Any) -> made_up_run.MadeUpRun:
        small = {"features": 60, "blocks": 2, "sub_blocks": 2, "minutes": 1.5, "sampled_layers": 3}
        return made_up_run.make_run(tmp_path_factory.mktemp("made-up") / "run", **small | settings)

    return make
