"""Which utterances, and what the tables say about them: pure functions on cuts."""

from collections.abc import Iterable, Mapping
from typing import Literal

from lhotse.cut import Cut

from acoustics.errors import UserError
from corpora.augmentation import test_recipe
from corpora.corpus import Split
from corpora.dataset import UnusableError, hear
from corpora.noise_bank import NoiseBank
from corpora.text import normalise

Order = Literal["duration", "speaker"]


def first_of_each_speaker(cuts: Iterable[Cut], count: int) -> list[Cut]:
    """The first ``count`` cuts of each speaker in order of their ids.

    Where a speaker has no name, each utterance is taken for one of its own.
    """
    taken: dict[str, int] = {}
    chosen = []
    for cut in sorted(cuts, key=lambda cut: str(cut.id)):
        speaker = cut.supervisions[0].speaker or f"utterance {cut.id}"
        taken[speaker] = taken.get(speaker, 0) + 1
        if taken[speaker] <= count:
            chosen.append(cut)
    return chosen


def merged(
    splits: Mapping[Split, Iterable[Cut]], per_speaker: int | None = None
) -> list[tuple[Split, Cut]]:
    """The cuts of several splits with their split, or the first ``per_speaker`` of each speaker.

    Raises:
        UserError: When two splits have an utterance id in common.
    """
    found: dict[str, tuple[Split, Cut]] = {}
    for split, cuts in splits.items():
        for cut in cuts if per_speaker is None else first_of_each_speaker(cuts, per_speaker):
            other, _ = found.setdefault(cut.id, (split, cut))
            if other != split:
                raise UserError(f"utterance id {cut.id} is in both {other} and {split}: rename one")
    return list(found.values())


def in_order(cuts: Iterable[Cut], order: Order) -> list[Cut]:
    """Sorted by duration, which pads batches least, or one speaker after the other; then by id."""
    if order == "duration":
        return sorted(cuts, key=lambda cut: (cut.duration, str(cut.id)))
    return sorted(cuts, key=lambda cut: (str(cut.supervisions[0].speaker), str(cut.id)))


def speaker_attributes(cuts: Iterable[Cut]) -> dict[str, dict[str, str | int | float]]:
    """What is known of each speaker: "sex", and all of ``custom`` that is text or a number.

    An attribute that differs between the utterances of a speaker is not the speaker's. Where a
    speaker has no name, each utterance is taken for one of its own and goes by its id.
    """
    found: dict[str, dict[str, str | int | float]] = {}
    for cut in cuts:
        supervision = cut.supervisions[0]
        speaker = supervision.speaker or str(cut.id)
        given = {"sex": supervision.gender or "", **(supervision.custom or {})}
        own = {key: value for key, value in given.items() if isinstance(value, str | int | float)}
        known = found.setdefault(speaker, own)
        found[speaker] = dict(known.items() & own.items())
    return {name: dict(sorted(found[name].items())) for name in sorted(found)}


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
