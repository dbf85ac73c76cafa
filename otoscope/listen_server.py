"""The web server of the listening test: one page, its sounds, four small questions in JSON.

It serves nothing but what is listed here: no part of a request ever becomes a path. What listeners
must not know is not sent: layers, answers, dates.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from evaluation.listening_test.answers import MOST_MS
from evaluation.listening_test.folder import ListeningTest
from evaluation.listening_test.sessions import Listeners, Progress, RefusedError
from evaluation.listening_test.triplets import SIDES
from otoscope import local_server
from otoscope.listen_requests import MOST_BYTES, bad_request, count_of, json_body, text_of
from otoscope.local_server import Handler, is_local, serve_app

MOST_PLAYS = 100_000
PAGE = Path(__file__).parent / "listen_page"
FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = local_server.HEADERS | {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}
STATUS = {"unknown": 404, "name": 400, "question": 400, "request": 400, "type": 415, "full": 403}
STATUS |= {"unsaved": 507}  # all others: 409


def make_app(test: ListeningTest) -> web.Application:
    """The application for one test; tests and notebooks can run it themselves."""
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[_guard])
    app.on_response_prepare.append(_add_headers)
    for address, (name, kind) in FILES.items():
        app.router.add_get(address, _file((PAGE / name).read_bytes(), kind))
    app.add_routes(_Sounds(test).routes())
    app.add_routes(_Desk(Listeners(test), test.check).routes())
    return app


async def serve(test: ListeningTest, port: int, announce: Callable[[str], None]) -> None:
    """Serves a test until the process is told to end.

    Args:
        test: the test.
        port: on 127.0.0.1; 0 for any that is free.
        announce: told the address once listeners can come.

    Raises:
        UserError: the port cannot be had.
    """
    await serve_app(make_app(test), port, announce)


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets in what this machine's own page asks; every refusal is one JSON object."""
    if not is_local(request):
        return _refusal(403, "foreign", "this page is for visitors from this machine only")
    try:
        return await handler(request)
    except RefusedError as error:
        return _refusal(STATUS.get(error.code, 409), error.code, error.message, **error.facts)
    except web.HTTPRequestEntityTooLarge:
        return _refusal(413, "large", f"a request has at most {MOST_BYTES} bytes")
    except web.HTTPException as error:
        return _refusal(error.status, "http", error.reason)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _refusal(status: int, code: str, message: str, **facts: Any) -> web.Response:
    return web.json_response({"error": code, "message": message, **facts}, status=status)


def _file(body: bytes, kind: str) -> Handler:
    async def send(request: web.Request) -> web.Response:
        """The file, as it was when the server started."""
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return send


class _Sounds:
    """Sounds by their opaque names, which are looked up, never made into paths."""

    def __init__(self, test: ListeningTest) -> None:
        names = [test.check, *(name for triplet in test.triplets for name in triplet.sounds)]
        self.paths = {name: test.sound(name) for name in names}

    def routes(self) -> list[web.RouteDef]:
        """Where they are asked for."""
        return [web.get("/audio/{name}", self.send)]

    async def send(self, request: web.Request) -> web.Response:
        """One sound."""
        path = self.paths.get(request.match_info["name"])
        try:
            body = path.read_bytes() if path else None
        except OSError:
            body = None
        if body is None:
            return _refusal(404, "sound", "there is no such sound")
        return web.Response(body=body, content_type="audio/flac")


class _Desk:
    """What the page asks: begin, go on, keep an answer, and with which sound to set the volume."""

    def __init__(self, listeners: Listeners, check: str) -> None:
        self.listeners, self.check = listeners, check

    def routes(self) -> list[web.RouteDef]:
        """Where it is asked."""
        return [
            web.get("/api/check", self.volume),
            web.post("/api/register", self.register),
            web.post("/api/open", self.open),
            web.post("/api/answer", self.answer),
        ]

    async def volume(self, request: web.Request) -> web.Response:
        """The sound by which listeners set their volume."""
        return web.json_response({"sound": self.check})

    async def register(self, request: web.Request) -> web.Response:
        """Add a listener."""
        listener = text_of(await json_body(request), "listener")
        self.listeners.register(listener)
        return web.json_response({"listener": listener}, status=201)

    async def open(self, request: web.Request) -> web.Response:
        """Hand a listener's open questions to the page that asks, and to no other from now on."""
        progress = self.listeners.open(text_of(await json_body(request), "listener"))
        ahead = [{"question": t.triplet, "sounds": t.sounds} for t in progress.remaining]
        return web.json_response({**_standing(progress), "tab": progress.tab, "ahead": ahead})

    async def answer(self, request: web.Request) -> web.Response:
        """Check and keep one answer, and say how far the listener is."""
        body = await json_body(request)
        plays = body.get("plays")
        if not isinstance(plays, list) or len(plays) != 3:
            raise bad_request("plays: three numbers are needed")
        counts = [count_of({"plays": n}, "plays", 1, MOST_PLAYS) for n in plays]  # all were heard
        side = text_of(body, "answer")
        if side not in SIDES:
            raise bad_request("answer: it is a or b")
        progress = self.listeners.answer(
            text_of(body, "listener"),
            text_of(body, "tab"),
            text_of(body, "question"),
            side,
            count_of(body, "response_ms", 0, MOST_MS),
            count_of(body, "total_ms", 0, MOST_MS),
            sum(counts) - len(counts),
        )
        return web.json_response(_standing(progress))


def _standing(progress: Progress) -> dict[str, Any]:
    return {"answered": progress.answered, "total": progress.total}
