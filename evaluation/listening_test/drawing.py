"""Draws the triplets of one layer: always from the speakers and utterances used least so far."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Num

from acoustics.errors import UserError
from evaluation.records import UtteranceRow

SAME, DIFFERENT, ANY = "one sex", "two sexes", "any sex"

Drawn = tuple[UtteranceRow, UtteranceRow, UtteranceRow]  # match, other speaker, third utterance


class TripletDraw:
    """The draw of one layer; matrices have the speaker of the match in rows, the other in columns.

    Args:
        layer: its name, for complaints.
        utterances: that can be heard.
        generator: decides between equals.
        uses: of speakers in the layers before; kept up to date.
    """

    def __init__(
        self,
        layer: str,
        utterances: Sequence[UtteranceRow],
        generator: np.random.Generator,
        uses: Counter[str],
    ) -> None:
        self.layer, self._generator, self._uses = layer, generator, uses
        self._of: dict[str, list[UtteranceRow]] = {}
        for row in sorted(utterances, key=lambda row: (row.speaker, row.utterance)):
            if row.speaker:
                self._of.setdefault(row.speaker, []).append(row)
        self.speakers = list(self._of)
        counts = np.array([len(rows) for rows in self._of.values()], dtype=np.int64)
        self._room = np.outer(counts * (counts - 1), counts)
        np.fill_diagonal(self._room, 0)
        sexes = np.array([rows[0].sex for rows in self._of.values()], dtype=str)
        known = np.logical_and.outer(sexes != "", sexes != "")
        equal = sexes[:, None] == sexes[None, :]
        self._allowed = {SAME: known & equal, DIFFERENT: known & ~equal, ANY: known | True}
        self._pairs, self._matches = np.zeros_like(self._room), np.zeros_like(counts)
        self._here: Counter[str] = Counter()  # uses of speakers in this layer
        self._heard: Counter[str] = Counter()  # uses of utterances
        self._seen: set[tuple[str, str, str]] = set()

    def check(self, n: int, kind: str) -> None:
        """Refuses a layer that cannot give `n` different questions.

        Raises:
            UserError: says what is missing.
        """
        twice = sum(len(rows) > 1 for rows in self._of.values())
        if len(self.speakers) < 2 or not twice:
            raise UserError(
                f"layer {self.layer}: its audio is of {len(self.speakers)} speaker(s), {twice} of "
                "them with two utterances; a triplet needs two speakers, one with two utterances: "
                "keep more audio in the run (evaluation.keep_audio)"
            )
        room = int(self._room[self._allowed[kind]].sum())
        if room < n:
            raise UserError(
                f"--per-layer: {n} are too many for layer {self.layer}, whose audio allows {room} "
                f"different triplets with speakers of {kind}; ask for fewer, or other --pairs"
            )

    def __call__(self, kind: str, strict: bool) -> Drawn:
        """The next triplet.

        Args:
            kind: of the pair of speakers.
            strict: never of another kind; else of any kind where this one has run out.
        """
        free = self._room > 0
        allowed = free & self._allowed[kind]
        match, other = self._pair(allowed if strict or allowed.any() else free)
        drawn = self._utterances(self.speakers[match], self.speakers[other])
        self._seen.add((drawn[0].utterance, drawn[1].utterance, drawn[2].utterance))
        self._room[match, other] -= 1
        self._pairs[[match, other], [other, match]] += 1
        self._matches[match] += 1
        for speaker in (self.speakers[match], self.speakers[other]):
            self._here[speaker] += 1
            self._uses[speaker] += 1
        self._heard.update(row.utterance for row in drawn)
        return drawn

    def _pair(self, allowed: Bool[np.ndarray, "match other"]) -> tuple[int, int]:
        here = np.array([self._here[name] for name in self.speakers])
        before = np.array([self._uses[name] for name in self.speakers])
        matched = np.broadcast_to(self._matches[:, None], allowed.shape)
        spread = np.maximum.outer(here, here)
        costs = np.add.outer(here, here), spread, self._pairs, matched, np.add.outer(before, before)
        chosen = self._generator.choice(np.flatnonzero(_least(allowed, costs)))
        match, other = divmod(int(chosen), len(self.speakers))
        return match, other

    def _utterances(self, match: str, other: str) -> Drawn:
        """The least used ones that make a new question; one sentence twice is the last resort."""
        mine, theirs = self._by_use(match), self._by_use(other)
        for may_share in (False, True):
            for x in mine:
                others = [row for row in mine if row is not x and (may_share or not _alike(row, x))]
                for first in others:
                    for second in sorted(theirs, key=lambda row: _alike(row, x)):
                        if (first.utterance, second.utterance, x.utterance) not in self._seen:
                            return first, second, x
        raise AssertionError("a pair without room was chosen")

    def _by_use(self, speaker: str) -> list[UtteranceRow]:
        rows = self._of[speaker]
        order = [rows[i] for i in self._generator.permutation(len(rows))]
        return sorted(order, key=lambda row: self._heard[row.utterance])


def _least(
    allowed: Bool[np.ndarray, "match other"], costs: Sequence[Num[np.ndarray, "match other"]]
) -> Bool[np.ndarray, "match other"]:
    """What is cheapest by the first cost; among that, by the second; and so on."""
    for cost in costs:
        allowed = allowed & (cost == cost[allowed].min())
    return allowed


def _alike(first: UtteranceRow, second: UtteranceRow) -> bool:
    return bool(first.text) and first.text == second.text
