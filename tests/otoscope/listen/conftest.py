"""A listening test that is served, and people who ask it by hand."""

import asyncio
import http.client
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
