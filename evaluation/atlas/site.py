"""A static site on disk: pages, shards of data, sounds and pictures, each made once and shared."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from acoustics.errors import UserError
from evaluation.atlas.settings import AtlasSettings
from evaluation.listening import write_atomically

HERE = Path(__file__).parent
MANIFEST = "atlas.json"
FORM = 1
"""Of the manifest and of how sounds are made: another one makes everything anew."""
PLOTLY = "static/plotly.min.js"
MEDIA_SHARE = 0.85
"""Of the bound: what is left of it is for pages and data that are written later."""

FOLDERS = ("static", "data", "sounds", "pictures")
_NAME = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*")

Make = Callable[[], bytes | None]


@dataclass(frozen=True)
class BuiltAtlas:
    """What was built.

    Attributes:
        path: of its first page.
        megabytes: of all its files.
        made: sounds and pictures that had to be made; the others were there.
        sounds: that it plays.
        absent: sounds and pictures whose source is missing or broken.
        left_out: sounds and pictures beyond `max_megabytes`.
    """

    path: Path
    megabytes: float
    made: int
    sounds: int
    absent: int
    left_out: int


class Site:
    """Writes the files of a site below a folder and forgets none of them.

    Args:
        folder: of the site; it is made.
        settings: its bound, and the format of its sounds.

    Attributes:
        size: bytes of all files so far.
        made: sounds and pictures that were not there yet.
        absent: those whose source is missing or broken.
        left_out: those beyond the bound.

    Raises:
        UserError: a file cannot be written.
    """

    def __init__(self, folder: Path, settings: AtlasSettings) -> None:
        self.folder, self.settings = folder, settings
        self.made = self.absent = self.left_out = 0
        self.size = 0
        self._sizes: dict[str, int] = {}
        self._keys: dict[str, str] = {}
        self._known = _read_manifest(folder / MANIFEST)

    @property
    def room(self) -> float:
        """Bytes that sounds and pictures may still take: pages and data come after them."""
        return MEDIA_SHARE * self.settings.max_megabytes * 1e6 - self.size

    def page(self, name: str, **context: Any) -> Path:
        """Renders `templates/<name>.html.j2` as a page.

        Args:
            name: of the template; `overview` becomes index.html.
            **context: what it reads.
        """
        text = _environment().get_template(f"{name}.html.j2").render(page=name, **context)
        target = "index.html" if name == "overview" else f"{name}.html"
        self._write(target, text.encode())
        return self.folder / target

    def static(self) -> None:
        """Writes scripts and styles, Plotly among them."""
        for path in sorted((HERE / "static").iterdir()):
            if path.is_file():
                self._write(f"static/{path.name}", path.read_bytes())
        self._write(PLOTLY, get_plotlyjs().encode())

    def shard(self, name: str, value: object) -> str:
        """Writes data that a page loads by a script tag when it is wanted.

        Args:
            name: lower-case letters, digits and `_`, in folders; nothing that comes from data.
            value: for JSON; what is not a finite number becomes null.

        Returns:
            The name.

        Raises:
            ValueError: it is another name.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"'{name}' is no name of a shard")
        text = f'otoscope.take("{name}", {script_json(value)});\n'
        self._write(f"data/{name}.js", text.encode())
        return name

    def file(self, key: str, folder: str, suffix: str, make: Make) -> str | None:
        """A sound or a picture: made once, kept while its key stays, shared by equal contents.

        Args:
            key: what it is made from and how: another key, another content.
            folder: one of `FOLDERS`.
            suffix: of the file, with its dot.
            make: called when it is not there yet; None where its source is missing or broken.

        Returns:
            The way to it from a page, or None: no source, or no room.
        """
        name = self._keys.get(key) or self._known.get(key)
        if name in self._sizes:
            self._keys[key] = name
            return name
        if name and (self.folder / name).is_file():
            return self._room(key, name, (self.folder / name).stat().st_size)
        content = make()
        if content is None:
            self.absent += 1
            return None
        name = f"{folder}/{hashlib.blake2b(content, digest_size=10).hexdigest()}{suffix}"
        if name in self._sizes:
            self._keys[key] = name
        elif self._room(key, name, len(content)):
            write_atomically(self.folder / name, content)
            self.made += 1
        else:
            return None
        return name

    def has(self, key: str) -> bool:
        """Whether what this key makes lies there already."""
        name = self._known.get(key)
        return name is not None and (self.folder / name).is_file()

    def finish(self) -> BuiltAtlas:
        """Writes the manifest and deletes what no page wants any more."""
        known = json.dumps({"form": FORM, "keys": self._keys}, separators=(",", ":"))
        self._write(MANIFEST, known.encode())
        for folder in FOLDERS:
            for path in sorted((self.folder / folder).rglob("*"), reverse=True):
                if path.is_file() and path.relative_to(self.folder).as_posix() not in self._sizes:
                    path.unlink()
                elif path.is_dir() and not any(path.iterdir()):
                    path.rmdir()
        sounds = sum(name.startswith("sounds/") for name in self._sizes)
        return BuiltAtlas(
            self.folder / "index.html", self.size / 1e6, self.made, sounds, self.absent,
            self.left_out,
        )  # fmt: skip

    def _room(self, key: str, name: str, size: int) -> str | None:
        if size > self.room:
            self.left_out += 1
            return None
        self._count(name, size)
        self._keys[key] = name
        return name

    def _count(self, name: str, size: int) -> None:
        self.size += size - self._sizes.get(name, 0)
        self._sizes[name] = size

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        self._count(name, len(content))
        try:
            same = path.is_file() and path.stat().st_size == len(content)
            if same and path.read_bytes() == content:
                return  # so that a copy by rsync or git moves nothing
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
        write_atomically(path, content)


def identity_of(path: Path) -> str:
    """Tells a file from what else may have stood in its place."""
    try:
        stat = path.stat()
    except OSError:
        return f"{path} absent"
    return f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"


def script_json(value: object) -> str:
    """JSON that can stand in a script, whatever the data say; NaN and infinity become null."""
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text  # json.dumps escapes U+2028 and U+2029 itself, as all that is not ASCII


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def _read_manifest(path: Path) -> dict[str, str]:
    """What lies there of an earlier build; nothing where it is of another form."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["form"] != FORM:
            return {}
        keys = {str(key): str(name) for key, name in found["keys"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {key: name for key, name in keys.items() if _inside(name)}


def _inside(name: str) -> bool:
    return bool(re.fullmatch(r"(sounds|pictures)/[0-9a-f]+\.[a-z0-9]+", name))
