"""The one exception that means "the user can mend this"."""

MOST = 300  # characters of a library's reason


class UserError(Exception):
    """A mistake the user can mend: one line that names the file or key, the reason and the way out.

    The command line prints it without a traceback. Anything else that escapes is our own bug.
    """


def reason_of(error: BaseException) -> str:
    """What an error of a library says, as one line; its kind where it says nothing."""
    return " ".join(str(error).split())[:MOST] or type(error).__name__
