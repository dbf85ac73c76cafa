"""Texts that are to be published, without where on a machine things lie."""

import re

_FOLDERS = re.compile(r"""(?:(?<![\w.~/:])|(?<=^-\w)|(?<=\s-\w))/(?:[^\s/'",:;=\[\]{}()]+/)+""")


def without_places(text: str) -> str:
    """Absolute paths in a text by their names alone: `/data/timit/a.wav` becomes `a.wav`.

    Relative paths and addresses of the web stay as they are.
    """
    return _FOLDERS.sub("", text)
