"""A listening test that is served, people who ask it by hand, and a real browser."""

import asyncio
import http.client
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from evaluation.listening_test.folder import ListeningTest, build_test, load_test
from evaluation.listening_test.run_audio import find_audio
from otoscope.listen_server import make_app


class Visitor:
    """Asks a server by hand, whatever comes to mind."""

    def __init__(self, port: int, test: ListeningTest) -> None:
        self.port, self.test = port, test

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str | None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own; a header of None is left out."""
        sent = {"Host": f"127.0.0.1:{self.port}", "Content-Type": "application/json"}
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, text in (sent | {"Content-Length": str(len(body or b""))} | given).items():
                if text is not None:
                    connection.putheader(name, text)
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """One request in JSON."""
        status, _, answer = self.ask("POST", path, json.dumps(body).encode())
        return status, json.loads(answer)

    def begin(self, listener: str) -> dict[str, Any]:
        """Registers a listener and opens the test."""
        assert self.post("/api/register", listener=listener) == (201, {"listener": listener})
        status, session = self.post("/api/open", listener=listener)
        assert status == 200
        return session

    def say(self, who: str, session: dict[str, Any], place: int = 0, **other: Any) -> Any:
        """Answers a question of a session; returns status and facts."""
        question = session["ahead"][place]["question"]
        body = {"listener": who, "tab": session["tab"], "question": question, "answer": "a"}
        body |= {"plays": [1, 1, 2], "response_ms": 700, "total_ms": 3000}
        return self.post("/api/answer", **(body | other))

    def lines(self, listener: str) -> list[str]:
        """What lies in the answer file, without its first line."""
        path = self.test.folder / "answers" / f"{listener}.csv"
        return path.read_text().splitlines()[1:]


@contextmanager
def serving(test: ListeningTest, port: int = 0) -> Iterator[Visitor]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait(task: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(task, loop).result(20)

    async def begin() -> web.AppRunner:
        runner = web.AppRunner(make_app(test), access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    runner = wait(begin())
    try:
        yield Visitor(runner.addresses[0][1], test)
    finally:
        wait(runner.cleanup())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(name="serving", scope="session")
def _serving() -> Callable[..., Any]:
    """Serves a test while a `with` lasts, on any port or on one that is given."""
    return serving


@pytest.fixture(scope="session")
def shared_run(heard_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder: read only."""
    return heard_run(tmp_path_factory.mktemp("heard") / "run")


@pytest.fixture(scope="session")
def built(shared_run: Path) -> ListeningTest:
    """A test of 4 questions, of layers cnn1 and blstm1: read only."""
    return build_test(
        find_audio(shared_run, natural=False), shared_run.parent / "test", per_layer=2
    )


@pytest.fixture
def test(built: ListeningTest, tmp_path: Path) -> ListeningTest:
    """A test of one's own."""
    return load_test(Path(shutil.copytree(built.folder, tmp_path / "test")))


@pytest.fixture
def visitor(test: ListeningTest) -> Iterator[Visitor]:
    """Somebody at the door of a served test."""
    with serving(test) as someone:
        yield someone


class Page:
    """A page of a real browser, driven through its DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.number = socket, 0
        self.events: list[dict[str, Any]] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command; what happens meanwhile is kept in `events`."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        await self.socket.send_json(command)
        while True:
            said = await self.socket.receive_json(timeout=30)
            if said.get("id") == self.number:
                assert "error" not in said, said
                result: dict[str, Any] = said["result"]
                return result
            self.events.append(said)

    async def js(self, expression: str) -> Any:
        """The value of an expression."""
        done = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    async def until(self, expression: str, timeout_s: float = 20.0) -> None:
        """Waits for an expression to be true."""
        end = time.monotonic() + timeout_s
        while not await self.js(expression):
            body = await self.js("document.body.innerText")
            assert time.monotonic() < end, f"never: {expression}\n{body}"
            await asyncio.sleep(0.02)

    async def go(self, address: str) -> None:
        """Opens an address."""
        await self.call("Page.navigate", url=address)
        await self.until(f"document.readyState === 'complete' && location.href === '{address}'")

    async def key(self, key: str) -> None:
        """Presses and releases a key."""
        text = {"text": key} if len(key) == 1 else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def click(self, selector: str) -> None:
        """Moves the mouse to the middle of an element, and clicks."""
        x, y = await self.js(
            f"(() => {{ const e = document.querySelector(`{selector}`); e.scrollIntoView(); "
            "const { x, y, width, height } = e.getBoundingClientRect(); "
            "return [x + width / 2, y + height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            where = {"x": x, "y": y, "button": "left", "clickCount": 1}
            await self.call("Input.dispatchMouseEvent", type=kind, **where)

    async def write(self, text: str) -> None:
        """Types text where the cursor is."""
        await self.call("Input.insertText", text=text)


class Browser:
    """Headless Chromium."""

    def __init__(self, port: int, http_session: aiohttp.ClientSession) -> None:
        self.port, self.http = port, http_session

    async def page(self) -> Page:
        """A new empty page."""
        address = f"http://127.0.0.1:{self.port}/json/new?about:blank"
        async with self.http.put(address) as response:
            told = await response.json(content_type=None)
        page = Page(await self.http.ws_connect(told["webSocketDebuggerUrl"], max_msg_size=0))
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.call(f"{domain}.enable")
        return page


@pytest.fixture(scope="session")
def with_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., None]]:
    """Runs a coroutine function with a browser; skips where there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium here to take the test with")
    folder = tmp_path_factory.mktemp("chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    flags += ["--mute-audio", "--disable-background-networking", "--disable-component-update"]
    flags += ["--window-size=1100,900", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        [program, *flags, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        ports, end = folder / "DevToolsActivePort", time.monotonic() + 60
        while not (ports.exists() and ports.read_text().count("\n")):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.05)
        port = int(ports.read_text().split()[0])

        async def run(script: Callable[..., Any], *arguments: Any) -> None:
            async with aiohttp.ClientSession() as http_session:
                await script(Browser(port, http_session), *arguments)

        yield lambda script, *arguments: asyncio.run(run(script, *arguments))
    finally:
        process.terminate()
        process.wait(20)
