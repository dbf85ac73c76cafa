"""Which notes of an atlas are said on which page: those of the tables that it shows."""

from __future__ import annotations

import re
from collections.abc import Iterable

TABLES = {
    "overview": "",
    "listen": r"(samples|summary)\.csv: (?!missing)|utterances\.csv",
    "layers": r"(samples|summary)\.csv: (?!missing)|sonification/[^/]+(:|/(?!word_))|audiation/"
    r"|.*layers\.json|corpus:",
    "features": r"sonification/[^/]+(:|/(?!word_|same_word))|audiation/|.*layers\.json|corpus:",
    "words": r"sonification/[^/]+(:|/word_|/same_word)",
    "masks": r"masks/",
    "network": r"summary\.csv: (?!missing)|.*layers\.json",
}
"""How notes begin that a page says: broken tables, not those that a page without them names."""


class PageNotes(list[str]):
    """The notes of one page.

    Args:
        page: its name.
        notes: of the whole atlas.
    """

    def __init__(self, page: str, notes: Iterable[str]) -> None:
        super().__init__(note for note in notes if re.match(TABLES[page], note))

    def name(self, *tables: str) -> bool:
        """Whether one of them is of one of these tables, so that nobody knows what it held."""
        named = (note.partition(": ")[0] for note in self)
        return any(table in name for name in named for table in tables)
