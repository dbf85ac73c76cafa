"""What the reference pages take from the code: the types and the docstrings of arguments."""

import inspect
import types
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from docstring_parser import parse


class UndocumentedError(Exception):
    """An argument has no line in its docstring."""


def meanings(documented: Any) -> dict[str, str]:
    """The line of every argument or attribute in a docstring of Google's form."""
    found = parse(inspect.getdoc(documented) or "").params
    return {one.arg_name: " ".join((one.description or "").split()) for one in found}


def summary(documented: Any) -> str:
    """What a docstring says before its sections, as one line."""
    said = parse(inspect.getdoc(documented) or "")
    parts = (said.short_description, said.long_description)
    return " ".join(" ".join(part.split()) for part in parts if part).replace("``", "`")


def shown(kind: Any) -> str:
    """A type as a reader of YAML knows it."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is type(None):
        return "null"
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(shown(part) for part in inner)
    if origin in (tuple, list) or (origin and issubclass(origin, Collection)):
        if issubclass(origin, Mapping):
            return f"{shown(inner[0])} to {_many(inner[1])}"
        if origin is tuple and Ellipsis not in inner:
            return " and ".join(shown(part) for part in inner)
        return f"list of {_many(inner[0])}"
    if origin is not None and issubclass(origin, Callable):  # a factory stands for what it makes
        return shown(inner[1])
    names = {int: "integer", float: "number", str: "text", bool: "true or false", Any: "anything"}
    return names.get(kind) or kind.__name__


def _many(kind: Any) -> str:
    alone = shown(kind)
    plural = {"integer": "integers", "number": "numbers", "text": "texts"}
    return plural.get(alone, alone)


def cell(text: str) -> str:
    """A text in a cell of a table."""
    return text.replace("|", "\\|").replace("``", "`")
