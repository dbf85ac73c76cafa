"""The phones of TIMIT: 61 symbols as they were transcribed, and the usual 39 classes of them."""

from collections.abc import Iterable

from lhotse.supervision import AlignmentItem

STOPS = ("b", "d", "g", "p", "t", "k", "dx", "q")
CLOSURES = ("bcl", "dcl", "gcl", "pcl", "tcl", "kcl")
"""The silence before a stop or an affricate is released."""
AFFRICATES = ("jh", "ch")
FRICATIVES = ("s", "sh", "z", "zh", "f", "th", "v", "dh")
NASALS = ("m", "n", "ng", "em", "en", "eng", "nx")
GLIDES = ("l", "r", "w", "y", "hh", "hv", "el")
VOWELS = (
    *("iy", "ih", "eh", "ey", "ae", "aa", "aw", "ay", "ah", "ao"),
    *("oy", "ow", "uh", "uw", "ux", "er", "ax", "ix", "axr", "ax-h"),
)
PAUSES = ("pau", "epi", "h#")
"""A pause, the silence between other sounds ("epenthetic"), and that around the utterance."""

PHONES_61 = frozenset(
    STOPS + CLOSURES + AFFRICATES + FRICATIVES + NASALS + GLIDES + VOWELS + PAUSES
)

SILENCE = "sil"
_FOLDED = {
    **dict.fromkeys(CLOSURES + PAUSES, SILENCE),
    **{"ao": "aa", "ax": "ah", "ax-h": "ah", "axr": "er", "ix": "ih", "ux": "uw"},
    **{"hv": "hh", "el": "l", "em": "m", "en": "n", "nx": "n", "eng": "ng", "zh": "sh"},
}
_DROPPED = "q"

PHONES_39 = frozenset(_FOLDED.get(phone, phone) for phone in PHONES_61 - {_DROPPED})


def fold(symbol: str) -> str | None:
    """The class, of 39, that a phone of the 61 is in; None for the glottal stop, which has none.

    The classes are those that K.-F. Lee and H.-W. Hon score by (Speaker-independent phone
    recognition using hidden Markov models, IEEE Transactions on Acoustics, Speech, and Signal
    Processing 37 (11), 1989): closures and pauses are one silence; syllabic consonants, flapped
    nasals and fronted or reduced vowels go with the plain ones; so do "zh" with "sh" and "ao" with
    "aa". A label that is none of the 61 stays as it is.
    """
    return None if symbol == _DROPPED else _FOLDED.get(symbol, symbol)


def folded(items: Iterable[AlignmentItem]) -> list[AlignmentItem]:
    """A phone tier in 39 classes, at the same times and without glottal stops."""
    classes = ((item, fold(item.symbol)) for item in items)
    return [item._replace(symbol=symbol) for item, symbol in classes if symbol is not None]
