"""The one exception that means "the user can mend this"."""


class UserError(Exception):
    """A mistake the user can mend: one line that names the file or key, the reason and the way out.

    The command line prints it without a traceback. Anything else that escapes is our own bug.
    """
