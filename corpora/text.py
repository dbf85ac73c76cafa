"""Transcripts: what a recogniser is taught to spell."""

import unicodedata

DEFAULT_ALPHABET = "abcdefghijklmnopqrstuvwxyz' "

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})


def normalise(text: str, alphabet: str = DEFAULT_ALPHABET) -> tuple[str, str]:
    """Lower-case a transcript and strip its accents.

    Args:
        text: A transcript.
        alphabet: The characters a recogniser can spell.

    Returns:
        The normalised text with single spaces, and the sorted characters in it that lie outside
        ``alphabet`` ("" when there are none). They are left in the text: what to do about them is
        the caller's decision.
    """
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_APOSTROPHES))
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    cleaned = " ".join(bare.split())
    return cleaned, "".join(sorted(set(cleaned) - set(alphabet)))
