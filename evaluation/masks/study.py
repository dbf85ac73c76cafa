"""Masks of some utterances with everything that is said of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from corpora.corpus import Progress
from evaluation.masks.judging import Judgement, judge
from evaluation.masks.mask_settings import SearchSettings, StudySettings
from evaluation.masks.rows import SoundRow
from evaluation.masks.scopes import Span, required_steps
from evaluation.masks.search import Masks, search_masks
from evaluation.masks.sound_rows import sound_rows
from evaluation.masks.sounds import Sound, mask_sounds
from evaluation.masks.subjects import Subjects


@dataclass(frozen=True)
class MaskStudy:
    """Masks of some utterances, and everything that is said of them.

    Attributes:
        model: name of the recogniser in the tables.
        subjects: the utterances.
        spans: what each mask is to keep; None for the whole utterance.
        required: the same as steps of the output.
        masks: of them.
        judgement: of the masks and their controls.
        sounds: of each.
        heard: what is heard in these.
    """

    model: str
    subjects: Subjects
    spans: list[Span | None]
    required: Bool[Tensor, "batch step"]
    masks: Masks
    judgement: Judgement
    sounds: list[list[Sound]]
    heard: list[list[SoundRow]]


@torch.no_grad()
def mask_study(
    subjects: Subjects,
    model: str,
    spans: Sequence[Span | None] | None = None,
    search: SearchSettings | None = None,
    settings: StudySettings | None = None,
    report: Progress | None = None,
) -> MaskStudy:
    """Searches masks, and holds them against their controls, as numbers and as sound.

    Args:
        subjects: the utterances, see `hear`.
        model: name of the recogniser in the tables.
        spans: what each mask is to keep, see `aligned_words` (None: whole utterances).
        search: how masks are searched.
        settings: what is said of them.
        report: called with the fraction of the search that is done and one line.

    Example:
        >>> subjects, failures = hear(recogniser, batch)  # doctest: +SKIP
        >>> study = mask_study(subjects, "baseline")  # doctest: +SKIP
        >>> write_pictures(folder, study)  # doctest: +SKIP
        >>> write_tables(folder, [study], failures)  # doctest: +SKIP
    """
    settings, count = settings or StudySettings(), len(subjects)
    chosen: list[Span | None] = [None] * count if spans is None else list(spans)
    required = required_steps(subjects, chosen)
    masks = search_masks(subjects, required, search, report)
    judgement = judge(subjects, required, masks, model, chosen, settings.points, settings.seed)
    sounds = [
        mask_sounds(subjects, row, masks.kept[row], settings.thresholds, settings.seed)
        for row in range(count)
    ]
    heard = [sound_rows(subjects, row, mine, model, chosen[row]) for row, mine in enumerate(sounds)]
    return MaskStudy(model, subjects, chosen, required, masks, judgement, sounds, heard)
