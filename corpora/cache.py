"""Folders that are made once: filled beside their place, then renamed into it."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from acoustics.errors import UserError


def cache_root(cache: str | None = None) -> Path:
    """The cache folder: ``cache``, else ``$OTOSCOPE_CACHE``, else ``~/.cache/otoscope``."""
    return Path(cache or os.environ.get("OTOSCOPE_CACHE") or "~/.cache/otoscope").expanduser()


def made_once(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Return ``folder``, filling it first unless it exists.

    A process that dies while filling leaves no ``folder``, so what exists is complete. Two
    processes that fill at once both succeed; the first one's work is kept.

    Raises:
        UserError: When the folder cannot be written.
    """
    if folder.is_dir():
        return folder
    partial: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        partial.chmod(0o755)
        fill(partial)
        try:
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    except OSError as error:
        raise UserError(
            f"cannot write the cache folder {folder} ({error.strerror or error}): free some space "
            "or point OTOSCOPE_CACHE to a folder that can be written"
        ) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
    return folder
