"""What the web servers of this house share: this machine only, until told to end.

They answer 127.0.0.1 only, under that name only: a foreign `Host` is DNS rebinding, a foreign
`Origin` another site's page.
"""

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from acoustics.errors import UserError

HOST = "127.0.0.1"
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "otoscope",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
LOCAL = re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_local(request: web.Request) -> bool:
    """Whether a page of this machine asks, and not by way of a proxy."""
    host = request.headers.get(hdrs.HOST, "")
    origin = request.headers.get(hdrs.ORIGIN, f"http://{host}")
    direct = request.raw_path.startswith("/")
    return bool(LOCAL.fullmatch(host)) and origin == f"http://{host}" and direct


def check_port(port: int) -> None:
    """Refuse what is no port.

    Raises:
        UserError: names the option.
    """
    if not 0 <= port <= 65535:
        raise UserError(f"--port: {port} is not possible, it must be 0 to 65535")


async def serve_app(app: web.Application, port: int, announce: Callable[[str], None]) -> None:
    """Serves until the process is told to end.

    Args:
        app: what answers.
        port: on 127.0.0.1; 0 for any that is free.
        announce: told the address once visitors can come.

    Raises:
        UserError: the port cannot be had.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"--port: {port} cannot be had ({reason}); choose another") from error
        ended = asyncio.Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, ended.set)
        announce(f"http://{HOST}:{runner.addresses[0][1]}/")
        await ended.wait()
    finally:
        await runner.cleanup()
