"""From the events of a synthesiser to the word and phone tiers of a lhotse supervision."""

from itertools import pairwise

from lhotse.supervision import AlignmentItem

from corpora.espeak import ESPEAK_RATE, Event

_STRESS = str.maketrans("", "", "ˈˌ'")


def alignments(
    text: str, events: list[Event], start_s: float, end_s: float
) -> dict[str, list[AlignmentItem]]:
    """Word and phone tiers of one utterance.

    A phone lasts from its own event to the next; pauses belong to no item. A word lasts from its
    first phone to the end of its last. Where the synthesiser speaks several words as one ("it is"
    as one entry of its dictionary), their common time is shared out by their number of letters.

    Args:
        text: The words that were spoken, separated by single spaces.
        events: The synthesiser's events, whose text positions refer to ``text``.
        start_s: Time in the synthesiser's output at which the utterance begins, in seconds.
        end_s: Time in the synthesiser's output at which the utterance ends, in seconds.

    Returns:
        The tiers "word" and "phone", in seconds from ``start_s``, in order and not overlapping.
    """
    phones = _phones(events, start_s, end_s)
    tiers: dict[str, list[AlignmentItem]] = {
        "word": _words(text, events, phones),
        "phone": [item for _, item in phones],
    }
    return tiers


def _item(symbol: str, start_s: float, end_s: float) -> AlignmentItem:
    start_s = round(start_s, 5)
    return AlignmentItem(symbol, start_s, round(round(end_s, 5) - start_s, 5))


def _phones(events: list[Event], start_s: float, end_s: float) -> list[tuple[int, AlignmentItem]]:
    """The phones that sound, each with the number of the word event it follows."""
    found: list[tuple[int, AlignmentItem]] = []
    word = -1
    sounding = [e for e in events if e.kind == "phone"]
    ends = {id(e): later.sample for e, later in pairwise(sounding)}
    for event in events:
        if event.kind == "word":
            word += 1
            continue
        symbol = event.symbol.translate(_STRESS)
        begin = max(event.sample / ESPEAK_RATE, start_s) - start_s
        end = min(ends.get(id(event), event.sample) / ESPEAK_RATE, end_s) - start_s
        if symbol and end > begin:
            found.append((word, _item(symbol, begin, end)))
    return found


def _words(
    text: str, events: list[Event], phones: list[tuple[int, AlignmentItem]]
) -> list[AlignmentItem]:
    words = text.split()
    starts = [0]
    for word in words[:-1]:
        starts.append(starts[-1] + len(word) + 1)
    spans: dict[int, tuple[float, float]] = {}
    positions = [e.text_position for e in events if e.kind == "word"]
    for number, position in enumerate(positions):
        times = [(item.start, item.end) for word, item in phones if word == number]
        if times:
            index = max(i for i, start in enumerate(starts) if start <= position)
            begin, end = spans.get(index, times[0])
            spans[index] = (min(begin, times[0][0]), max(end, times[-1][1]))
    items: list[AlignmentItem] = []
    indices = sorted(spans)
    for index, following in zip(indices, [*indices[1:], len(words)], strict=True):
        items += _shared(words[index:following], *spans[index])
    return items


def _shared(words: list[str], begin: float, end: float) -> list[AlignmentItem]:
    letters = sum(len(word) for word in words)
    items = []
    for word in words:
        until = begin + (end - begin) * len(word) / letters
        items.append(_item(word, begin, until))
        begin, letters = until, letters - len(word)
    return items
