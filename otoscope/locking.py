"""A folder that one command at a time works in, and what it says when it cannot."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from acoustics.errors import UserError

LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Work:
    """What a command does in a folder, in the words of its complaints.

    Attributes:
        command: that is at work.
        busy: what to do while another one is at work.
        elsewhere: how to work in another place.
        kept: what is not lost when the disk is full.
    """

    command: str
    busy: str
    elsewhere: str
    kept: str


RUN = Work("run", "wait or stop it", "choose another --output", "finished stages are kept")


@contextmanager
def locked(folder: Path, work: Work = RUN) -> Iterator[None]:
    """Keep a second command out of the same folder while this one works in it.

    Raises:
        UserError: the folder cannot be written to, or another command is at work in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("w")
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be written to ({error.strerror}); {work.elsewhere}"
        ) from error
    with file:
        if not _lock(file.fileno()):
            raise UserError(
                f"{folder}: another otoscope {work.command} is at work there; {work.busy}"
            )
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise unwritable(str(folder), error, work) from error


def unwritable(where: str, error: OSError, work: Work = RUN) -> UserError:
    """What to say and do when a disk is full or gone."""
    what = f"{error.filename}: " if error.filename else ""
    way_out = f"free some space or {work.elsewhere}, {work.kept}"
    return UserError(f"{where}: {what}{error.strerror or error}; {way_out}")


def _lock(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
