"""A folder that one command at a time works in, and what it says when it cannot."""

import os
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
REPORT = Work("report", "wait or stop it", "choose another --output", "no page is cut off")


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
        raise _closed(folder, error, work) from error
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


@contextmanager
def alone(folder: Path, work: Work = REPORT, wait: bool = False) -> Iterator[None]:
    """Keep a second command of this kind out of a folder, while a run may be at work there.

    Args:
        folder: it is made where it does not exist; nothing is written into it.
        work: what is done there.
        wait: until the other command has ended.

    Raises:
        UserError: the folder cannot be opened or written to, or such a command is at work in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _closed(folder, error, work) from error
    try:
        if not _lock(descriptor, wait):
            raise UserError(f"{folder}: another otoscope {work.command} is at work; {work.busy}")
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(str(folder), error, work) from error
    finally:
        os.close(descriptor)


def _closed(folder: Path, error: OSError, work: Work) -> UserError:
    return UserError(f"{folder}: cannot be written to ({error.strerror}); {work.elsewhere}")


def unwritable(where: str, error: OSError, work: Work = RUN) -> UserError:
    """What to say and do when a disk is full or gone."""
    what = f"{error.filename}: " if error.filename else ""
    way_out = f"free some space or {work.elsewhere}, {work.kept}"
    return UserError(f"{where}: {what}{error.strerror or error}; {way_out}")


def _lock(descriptor: int, wait: bool = False) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # a file system without such locks: it is not known that anybody is there
        return True
    return True
