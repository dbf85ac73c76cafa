"""What a request to the listening test carries, taken apart with suspicion."""

import json
from typing import Any

from aiohttp import web

from evaluation.listening_test.sessions import RefusedError

MOST_BYTES = 4096  # of a body


async def json_body(request: web.Request) -> dict[str, Any]:
    """The JSON object that a request carries; its type keeps other sites' forms out."""
    if request.content_type != "application/json":
        raise RefusedError("type", "application/json is needed")
    if (request.content_length or 0) > MOST_BYTES:  # before waiting for it
        raise web.HTTPRequestEntityTooLarge(MOST_BYTES, request.content_length or 0)
    try:
        value = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise bad_request("this is no JSON") from None
    if not isinstance(value, dict):
        raise bad_request("a JSON object is needed")
    return value


def text_of(body: dict[str, Any], name: str) -> str:
    """A text in a body."""
    value = body.get(name)
    if not isinstance(value, str):
        raise bad_request(f"{name}: a text is needed")
    return value


def count_of(body: dict[str, Any], name: str, least: int, most: int) -> int:
    """A whole number in a body, from `least` to `most`."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise bad_request(f"{name}: a whole number from {least} to {most} is needed")
    return value


def bad_request(message: str) -> RefusedError:
    """The refusal of a request that does not make sense."""
    return RefusedError("request", message)
