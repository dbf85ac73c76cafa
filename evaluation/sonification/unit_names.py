"""Names of units of search; what each means stands in `units`."""

import re
from collections.abc import Iterable, Sequence

from acoustics.errors import UserError
from corpora.corpus import SAMPLE_RATE

ARTICLE_UNITS = ("segments", "words", "phones")
NAMED_UNITS = ("segments", "utterances", "words", "phones")
"""What speakers are compared by; n-grams of phones have the same phones again and again."""
NGRAMS = ("phones", "phones3", "phones5", "phones7", "phones9")
"""The article's: 1 phone, 3, 5, 7 and 9. Any other number can be searched too."""
_PHONES = re.compile(r"phones([1-9]\d*)?")


def check_units(units: Sequence[str], segment_s: float) -> None:
    """Refuse units of search that there are not.

    Raises:
        UserError: names the first one, or a window that is not positive.
    """
    for unit in units:
        if unit not in NAMED_UNITS and phones_in(unit) is None:
            raise UserError(
                f"unit of search '{unit}' is unknown; there are {', '.join(NAMED_UNITS)} and "
                "phonesN for N consecutive phones, as phones3"
            )
    if not round(segment_s * SAMPLE_RATE) > 0:
        raise UserError(f"segment_s is {segment_s}: a segment must last some time, as 0.5")


def phones_in(unit: str) -> int | None:
    """How many phones in a row a unit of search has, as 1 for `phones`; None of other units."""
    found = _PHONES.fullmatch(unit)
    return int(found[1] or 1) if found else None


def canonical_units(units: Iterable[str]) -> list[str]:
    """Each unit of search once, in order; what has two names has the usual one."""
    return list(dict.fromkeys("phones" if phones_in(unit) == 1 else unit for unit in units))


def compared_ngrams(units: Iterable[str]) -> list[str]:
    """The n-grams of phones among units of search, if they have different n; otherwise none."""
    ngrams = [unit for unit in units if phones_in(unit)]
    return ngrams if len(ngrams) > 1 else []
