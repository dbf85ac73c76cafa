"""What masks of a batch are to keep, as settings ask for it; and which utterances say it."""

from collections.abc import Iterable, Mapping, Sequence

from lhotse.cut import Cut
from lhotse.supervision import AlignmentItem

from acoustics.errors import UserError
from corpora.seeding import generator
from corpora.text import normalise
from corpora.tiers import check_tiers, label_of
from evaluation.masks.mask_settings import MaskSettings, Scope
from evaluation.masks.scopes import (
    Span,
    aligned_characters,
    aligned_words,
    find_span,
    timed_spans,
)
from evaluation.masks.subjects import Subjects

Chosen = list[tuple[int, Span | None]]
"""Rows of a batch, each with what its mask is to keep; a row may have several."""


def choose_cuts(
    cuts: Iterable[Cut], settings: MaskSettings, pauses: frozenset[str], seed: int
) -> list[Cut]:
    """The utterances that are named, or random ones that say every label that is asked for.

    No speaker has a second one before all have one.

    Args:
        cuts: there are.
        settings: how many, or which.
        pauses: labels of the phone tier that are no phones.
        seed: of the draw.

    Raises:
        UserError: there is no such utterance.
    """
    by_id = {str(cut.id): cut for cut in cuts}
    if settings.ids:
        for name in settings.ids:
            if name not in by_id:
                raise UserError(
                    f"ids: there is no utterance {name!r} in {', '.join(settings.splits)}; "
                    f"there is e.g. {next(iter(by_id), 'none at all')}"
                )
        return [by_id[name] for name in dict.fromkeys(settings.ids)]
    fitting = [by_id[name] for name in sorted(by_id) if _says_all(by_id[name], settings, pauses)]
    if not fitting:
        asked = "; ".join(f"{scope}: {', '.join(names)}" for scope, names in labels(settings))
        raise UserError(
            f"labels: no utterance of {', '.join(settings.splits)} says {asked or 'anything'}; "
            "choose others"
        )
    generator(seed, "masks").shuffle(fitting)
    turns: dict[str, int] = {}
    order = []
    for cut in fitting:
        speaker = cut.supervisions[0].speaker or str(cut.id)
        turns[speaker] = turns.get(speaker, 0) + 1
        order.append(turns[speaker])
    ranked = sorted(range(len(fitting)), key=lambda i: order[i])
    return [fitting[i] for i in ranked[: settings.utterances]]


def labels(settings: MaskSettings) -> Iterable[tuple[Scope, Sequence[str]]]:
    """The labels of each scope that has some."""
    return settings.labels.items()


def _says_all(cut: Cut, settings: MaskSettings, pauses: frozenset[str]) -> bool:
    text, _ = normalise(cut.supervisions[0].text or "")
    for scope, names in labels(settings):
        if scope == "phone":
            there = {label_of(item) for item in _phones(cut, pauses)}
        else:
            there = set(text.split() if scope == "word" else text)
        if not there.issuperset(names):
            return False
    return True


def _phones(cut: Cut | None, pauses: frozenset[str]) -> list[AlignmentItem]:
    tier = check_tiers(cut).tiers.get("phone", []) if cut is not None else []
    return [item for item in tier if label_of(item) not in pauses]


def choose_spans(
    subjects: Subjects,
    scope: Scope,
    settings: MaskSettings,
    cuts: Mapping[str, Cut],
    pauses: frozenset[str],
) -> tuple[Chosen, list[tuple[str, str]]]:
    """The spans of a scope: of every label, or the longest one; and what is not there.

    Args:
        subjects: the utterances.
        scope: what masks are to keep.
        settings: with the labels.
        cuts: with phones, by id.
        pauses: labels of the phone tier that are no phones.

    Returns:
        What each mask is to keep, and `(utterance id, reason)`.
    """
    chosen: Chosen = []
    failures: list[tuple[str, str]] = []
    if scope == "utterance":
        return [(row, None) for row in range(len(subjects))], failures
    for row, found in enumerate(_candidates(subjects, scope, cuts, pauses)):
        name = subjects.batch.ids[row]
        if not found:
            failures.append((name, _nothing(scope)))
        elif scope not in settings.labels:
            longest = max(found, key=lambda span: span.stop - span.first)
            chosen.append((row, longest))
        for label in dict.fromkeys(settings.labels.get(scope, [])) if found else []:
            try:
                chosen.append((row, find_span(found, label, name)))
            except UserError as error:
                failures.append((name, str(error)))
    return chosen, failures


def _candidates(
    subjects: Subjects, scope: Scope, cuts: Mapping[str, Cut], pauses: frozenset[str]
) -> list[list[Span]]:
    if scope == "word":
        return aligned_words(subjects)
    if scope == "character":
        found = aligned_characters(subjects)
        return [[span for span in spans if span.label != " "] for spans in found]
    return [
        timed_spans(subjects.recogniser, _phones(cuts.get(name), pauses), int(steps))
        for name, steps in zip(subjects.batch.ids, subjects.steps, strict=True)
    ]


def _nothing(scope: Scope) -> str:
    if scope == "phone":
        return "has no phone alignment, so there is no phone to keep"
    return f"the recogniser says nothing in it, so there is no {scope} to keep"
