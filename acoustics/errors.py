"""The one exception that means "the user can mend this"."""

MOST = 300  # characters of a library's reason


class UserError(Exception):
    """A mistake the user can mend: one line that names the file or key, the reason and the way out.

    The command line prints it without a traceback. Anything else that escapes is our own bug.
    """


def reason_of(error: BaseException) -> str:
    """What an error of a library says, as one line; its kind where it says nothing."""
    return " ".join(str(error).split())[:MOST] or type(error).__name__


def mistake_in(error: BaseException) -> str | None:
    """What a `UserError` says that an error was raised from, as where a parser hands it on."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, UserError):
        seen = seen.__cause__
    return None if seen is None else str(seen)
