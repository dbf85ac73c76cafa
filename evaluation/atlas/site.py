"""A static site on disk: pages, shards of data, sounds and pictures, each made once and shared."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from acoustics.errors import UserError
from evaluation.atlas import manifest
from evaluation.atlas.settings import AtlasSettings
from evaluation.listening import write_atomically

HERE = Path(__file__).parent
PLOTLY = "static/plotly.min.js"
REST, SLACK = 0.15, 0.01
"""Of the bound: a first guess at what pages, data and scripts take, which are written later, and
what these may grow by the sounds that they name."""

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


def read_built(folder: Path) -> BuiltAtlas | None:
    """What was built last in a folder; None where no build has ended."""
    counts = manifest.counts(folder)
    if counts.keys() != {"sounds", "absent", "left_out", "rest"}:
        return None
    del counts["rest"]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return BuiltAtlas(folder / "index.html", size / 1e6, made=0, **counts)


class Site:
    """Writes the files of a site below a folder and forgets none of them.

    Args:
        folder: of the site; it is made.
        settings: its bound, and the format of its sounds.
        source: the run, against which its files are named in keys: so a run may be moved.
        rest: bytes of all but sounds and pictures (default: of the last build, or a guess).

    Attributes:
        made: sounds and pictures that were not there yet.
        size: bytes of all files so far.

    Raises:
        UserError: a file cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        settings: AtlasSettings,
        source: Path | None = None,
        rest: float | None = None,
    ) -> None:
        self.folder, self.settings, self._source = folder, settings, source
        self.made = self.size = self._media = 0
        self._known = manifest.read(folder)
        known = manifest.counts(folder).get("rest")
        slack = SLACK * settings.max_megabytes * 1e6
        guess = REST * settings.max_megabytes * 1e6 if known is None else known + slack
        self._rest = guess if rest is None else rest + slack
        self._sizes: dict[str, int] = {}
        self._keys: dict[str, str] = {}
        self._absent: set[str] = set()
        self._left_out: set[str] = set()
        self.save()  # so that half an atlas is known for one

    @property
    def room(self) -> float:
        """Bytes that sounds and pictures may still take: pages and data come after them."""
        return self.settings.max_megabytes * 1e6 - self._rest - self._media

    @property
    def rest(self) -> int:
        """Bytes of all that is neither sound nor picture, the manifest among it."""
        return self.size - self._media + len(manifest.written(self._keys))

    @property
    def fits(self) -> bool:
        """Whether the bound is kept, and nothing was left out for a bad guess of the rest."""
        bound = self.settings.max_megabytes * 1e6
        wasted = self._rest - self.rest > 3 * SLACK * bound
        return self._media + self.rest <= bound and not (self.left_out and wasted)

    @property
    def absent(self) -> int:
        """Sounds and pictures whose source is missing or broken."""
        return len(self._absent)

    @property
    def left_out(self) -> int:
        """Sounds and pictures beyond the bound."""
        return len(self._left_out)

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
        key = manifest.key_of(key)
        name = self._keys.get(key) or self._known.get(key)
        if name in self._sizes:
            self._keys[key] = name
            return name
        if name and (self.folder / name).is_file():
            return self._room(key, name, (self.folder / name).stat().st_size)
        content = make()
        if content is None:
            self._absent.add(key)
            return None
        name = manifest.name_of(content, folder, suffix)
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
        name = self._known.get(manifest.key_of(key))
        return name is not None and (self.folder / name).is_file()

    def identity(self, path: Path) -> str:
        """Tells a file of the run from what else may have stood in its place."""
        source, place = self._source, path.resolve()
        if source and place.is_relative_to(source.resolve()):
            place = place.relative_to(source.resolve())
        try:
            stat = path.stat()
        except OSError:
            return f"{place} absent"
        return f"{place} {stat.st_size} {stat.st_mtime_ns}"

    def lack(self, key: str, *, room: bool = False) -> None:
        """Count a sound or a picture that nothing can be made of, or that there is no room for."""
        (self._left_out if room else self._absent).add(manifest.key_of(key))

    def save(self) -> None:
        """Writes the manifest: what was made is not made again, however this build ends."""
        keys = {**self._known, **self._keys}
        if keys != self._known or not (self.folder / manifest.MANIFEST).is_file():
            write_atomically(self.folder / manifest.MANIFEST, manifest.written(keys))

    def finish(self) -> BuiltAtlas:
        """Writes the manifest and deletes what no page wants any more."""
        sounds = sum(name.startswith("sounds/") for name in self._sizes)
        counts = {"sounds": sounds, "absent": self.absent, "left_out": self.left_out}
        known = {**counts, "rest": self.rest}
        self._write(manifest.MANIFEST, manifest.written(self._keys, known))
        for folder in FOLDERS:
            for path in sorted((self.folder / folder).rglob("*"), reverse=True):
                name = path.relative_to(self.folder).as_posix()
                if path.is_dir():
                    with suppress(OSError):  # it is not empty
                        path.rmdir()
                elif name not in self._sizes and manifest.is_ours(name):
                    path.unlink(missing_ok=True)
        path, megabytes = self.folder / "index.html", self.size / 1e6
        return BuiltAtlas(path, megabytes, made=self.made, **counts)

    def _room(self, key: str, name: str, size: int) -> str | None:
        if size > self.room:
            self._left_out.add(key)
            return None
        self._count(name, size)
        self._keys[key] = name
        return name

    def _count(self, name: str, size: int) -> None:
        more = size - self._sizes.get(name, 0)
        self.size += more
        self._media += more if manifest.is_medium(name) else 0
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
