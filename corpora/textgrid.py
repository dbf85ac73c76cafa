"""Praat TextGrids, as the Montreal Forced Aligner writes them, into lhotse alignments."""

import re
from pathlib import Path

from lhotse.supervision import AlignmentItem

_TIERS = {"words": "word", "phones": "phone"}
_SILENCES = {"", "sil", "sp", "spn", "<eps>"}

_TIER = re.compile(r'class = "IntervalTier"\s+name = "([^"]*)"(.*?)(?=class = "|\Z)', re.DOTALL)
_INTERVAL = re.compile(
    r'intervals \[\d+\]:?\s+xmin = ([\d.eE+-]+)\s+xmax = ([\d.eE+-]+)\s+text = "((?:[^"]|"")*)"'
)


def read_textgrid(path: Path) -> dict[str, list[AlignmentItem]]:
    """Read the tiers "words" and "phones" of a long-format TextGrid.

    Returns:
        The tiers "word" and "phone", in seconds, without silences. Phones keep their stress digits.

    Raises:
        ValueError: When the file has no such tier.
    """
    text = path.read_text(encoding="utf-8")
    tiers: dict[str, list[AlignmentItem]] = {}
    for name, body in _TIER.findall(text):
        if name in _TIERS:
            tiers[_TIERS[name]] = [
                AlignmentItem(symbol.replace('""', '"'), float(begin), float(end) - float(begin))
                for begin, end, symbol in _INTERVAL.findall(body)
                if symbol not in _SILENCES
            ]
    if not tiers:
        raise ValueError("no tier called words or phones in long TextGrid format")
    return tiers


def with_words_of(
    text: str, tiers: dict[str, list[AlignmentItem]]
) -> dict[str, list[AlignmentItem]]:
    """Put the transcript's words where the aligner wrote "<unk>" for words it did not know.

    Left as it is where the tier has another number of words than the transcript.
    """
    words, items = text.lower().split(), tiers.get("word", [])
    if len(words) != len(items):
        return tiers
    named = [
        AlignmentItem(word if item.symbol == "<unk>" else item.symbol, item.start, item.duration)
        for word, item in zip(words, items, strict=True)
    ]
    return {**tiers, "word": named}
