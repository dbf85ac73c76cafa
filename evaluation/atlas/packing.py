"""Columns of numbers and of words as short texts in JSON: a page unpacks them at once."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from evaluation.sonification.runs import runs

Packed = dict[str, str]


def packed(values: Shaped[np.ndarray, "..."]) -> Packed:
    """Numbers in base64, in reading order: a letter for their type, then their bytes.

    Whole numbers from 0 take as few bytes as the largest of them needs (`1`, `2` or `4`), all
    others are single-precision (`f`), NaN where there is none.
    """
    flat = np.ascontiguousarray(values).ravel()
    kind = "f"
    if flat.dtype.kind in "bui":
        flat = np.maximum(flat, 0)
        most = int(flat.max(initial=0))
        kind = "1" if most < 1 << 8 else "2" if most < 1 << 16 else "4"
    typed = flat.astype({"f": "<f4", "1": "<u1", "2": "<u2", "4": "<u4"}[kind])
    return {"packed": kind + base64.b64encode(typed.tobytes()).decode()}


def coded(
    codes: Int[np.ndarray, " row"], names: Shaped[np.ndarray, " name"]
) -> dict[str, list[str] | Packed]:
    """A column of names: each once, and which of them stands in a row."""
    used, place = np.unique(codes, return_inverse=True)
    return {"names": names[used].tolist(), "ids": packed(place)}


@dataclass(frozen=True)
class Phrases:
    """Texts of several words: each text is a run of words.

    Attributes:
        words: each once.
        flat: number of the word, of all texts one behind the other.
        count: words of each text.
    """

    words: Shaped[np.ndarray, " word"]
    flat: Int[np.ndarray, " place"]
    count: Int[np.ndarray, " text"]

    @classmethod
    def of(cls, texts: Shaped[np.ndarray, " text"]) -> Phrases:
        """Texts as they stand in a table, with spaces between the words."""
        split = [str(text).split(" ") if text else [] for text in texts.tolist()]
        every = [word for text in split for word in text]
        words = {word: i for i, word in enumerate(dict.fromkeys(every))}
        names = np.array([*words, ""], object)[:-1]
        flat = np.array([words[word] for word in every], np.int64)
        return cls(names, flat, np.array([len(text) for text in split], np.int64))

    def column(self, codes: Int[np.ndarray, " row"]) -> dict[str, Any]:
        """The texts of some rows: the words, how many each row has, and which."""
        first = np.cumsum(self.count) - self.count
        places = self.flat[runs(first[codes], self.count[codes])]
        return {**coded(places, self.words), "counts": packed(self.count[codes])}
