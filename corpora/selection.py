"""Which utterances, and what the tables say about them: pure functions on cuts."""

from collections.abc import Iterable

from lhotse.cut import Cut

from corpora.augmentation import test_recipe
from corpora.dataset import UnusableError, hear
from corpora.noise_bank import NoiseBank
from corpora.text import normalise


def first_of_each_speaker(cuts: Iterable[Cut], count: int) -> list[Cut]:
    """The first ``count`` cuts of each speaker in order of their ids."""
    taken: dict[str, int] = {}
    chosen = []
    for cut in sorted(cuts, key=lambda cut: str(cut.id)):
        speaker = cut.supervisions[0].speaker
        taken[speaker] = taken.get(speaker, 0) + 1
        if taken[speaker] <= count:
            chosen.append(cut)
    return chosen


def utterance_rows(cuts: Iterable[Cut]) -> list[dict[str, str | int | float]]:
    """The rows of ``utterances.csv``."""
    rows: list[dict[str, str | int | float]] = []
    for cut in cuts:
        supervision = cut.supervisions[0]
        text, _ = normalise(supervision.text or "")
        rows.append(
            {
                "utterance": cut.id,
                "speaker": supervision.speaker or "",
                "sex": supervision.gender or "",
                "duration_s": round(cut.duration, 4),
                "n_words": len(text.split()),
                "n_chars": len(text),
                "text": text,
            }
        )
    return rows


def mixture_rows(
    cuts: Iterable[Cut], conditions: Iterable[str], bank: NoiseBank | None, seed: int
) -> list[dict[str, str | float]]:
    """The rows of ``mixtures.csv``, by condition, for the utterances that could be mixed.

    Every mixture is made once more to find its ``scale``. Clean conditions have no rows.
    """
    utterances = list(cuts)
    rows: list[dict[str, str | float]] = []
    if bank is None:
        return rows
    for condition in conditions:
        for cut in utterances:
            recipe = test_recipe(bank, condition, cut.id, seed)
            if recipe is None:
                continue
            try:
                heard = hear(cut, recipe, bank)
            except UnusableError:
                continue  # it is in the failures of its batch
            rows.append(
                {
                    "condition": condition,
                    "utterance": cut.id,
                    "noise": recipe.noise_id,
                    "kind": recipe.kind,
                    "snr_db": recipe.snr_db,
                    "scale": heard.scale,
                }
            )
    return rows
