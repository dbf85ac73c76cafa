"""`otoscope serve`: the atlas of a run at an address of this machine."""

import asyncio
from pathlib import Path

from aiohttp import web
from jsonargparse import ArgumentParser

from acoustics.errors import UserError
from otoscope.commands import parse
from otoscope.local_server import HEADERS, Handler, check_port, is_local, serve_app

KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
}
"""What an atlas consists of; nothing else is sent."""


def serve(arguments: list[str]) -> None:
    """`otoscope serve`: show the atlas of a run in a browser on this machine."""
    parser = ArgumentParser(
        prog="otoscope serve", exit_on_error=False, allow_abbrev=False,
        description="Shows the atlas of a run at an address of this machine, until Ctrl-C. The "
        "pages also open from the disk: report/index.html of the run.",
    )  # fmt: skip
    parser.add_argument("run", help="the run folder, or its report/ folder")
    parser.add_argument("--port", type=int, default=8766, help="0: any free one (default: 8766)")
    options = parse(parser, arguments)
    check_port(options.port)
    root = atlas_folder(Path(options.run))

    def announce(address: str) -> None:
        print(f"atlas at {address}", flush=True)
        print("Ctrl-C ends it", flush=True)

    asyncio.run(serve_app(make_app(root), options.port, announce))
    print("ended")


def atlas_folder(given: Path) -> Path:
    """The folder of an atlas: that of a run, or itself.

    Raises:
        UserError: there is none.
    """
    for folder in (given / "report", given):
        if (folder / "index.html").is_file() and (folder / "data").is_dir():
            return folder.resolve()
    raise UserError(f"{given}: has no atlas; `otoscope report {given}` builds it")


def make_app(root: Path) -> web.Application:
    """The application for the files below a folder, and for nothing above it."""

    async def send(request: web.Request) -> web.StreamResponse:
        """One file, or a part of it, as players ask for."""
        name = request.match_info["name"] or "index.html"
        try:
            path = (root / name).resolve()
            found = path.is_relative_to(root) and path.is_file()
        except (OSError, ValueError):  # too long, or with a zero byte
            found = False
        if not found or path.suffix not in KINDS:
            raise web.HTTPNotFound(text="there is no such page in this atlas")
        return web.FileResponse(path, headers={"Content-Type": KINDS[path.suffix]})

    app = web.Application(middlewares=[_guard])
    app.on_response_prepare.append(_add_headers)
    app.router.add_get("/{name:.*}", send)
    return app


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not is_local(request):
        raise web.HTTPForbidden(text="this atlas is shown to visitors from this machine only")
    return await handler(request)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
