"""Masks of utterances of a corpus, or of any speech in batches, written as they are found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lhotse.cut import Cut

from asr_models.recogniser import Recogniser
from corpora.batch import SpeechBatch
from corpora.corpus import Progress
from corpora.datamodule import SpeechDataModule
from corpora.loose_files import batches_of
from evaluation.masks.folder import MaskFailureRow, write_pictures, write_tables
from evaluation.masks.judging import Judgement
from evaluation.masks.mask_settings import MaskSettings
from evaluation.masks.rows import MaskRow, SoundRow
from evaluation.masks.span_choice import choose_cuts, choose_spans
from evaluation.masks.study import mask_study
from evaluation.masks.subjects import hear, require_frames
from evaluation.masks.summary import MaskSummaryRow, summary_rows


@dataclass(frozen=True)
class MasksFound:
    """Everything that is said of the masks of one recogniser.

    Attributes:
        judgements: of each batch.
        sounds: what is heard.
        failures: what has no mask.
        summary: of all.
    """

    judgements: list[Judgement]
    sounds: list[SoundRow]
    failures: list[MaskFailureRow]
    summary: list[MaskSummaryRow]

    @property
    def rows(self) -> list[MaskRow]:
        """A row for each mask and control."""
        return [row for judgement in self.judgements for row in judgement.rows]


def study_masks(
    recogniser: Recogniser,
    data: SpeechDataModule,
    folder: Path,
    name: str = "recogniser",
    settings: MaskSettings | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    report: Progress | None = None,
) -> MasksFound:
    """Finds masks of utterances of a corpus, clean, judges them, and writes all of it.

    Args:
        recogniser: frozen; it is moved to `device`.
        data: whose corpus is heard.
        folder: where tables, pictures and sounds go.
        name: of the recogniser in tables.
        settings: which utterances, and what is to be kept of them.
        seed: of all draws.
        device: where the recogniser runs.
        report: called with the fraction that is done and one line.

    Raises:
        UserError: masks do not apply to the recogniser, there is no such utterance, or something
            cannot be written.

    Example:
        >>> data = SpeechDataModule(EmbeddedCorpus())  # doctest: +SKIP
        >>> study_masks(load_recogniser(saved), data, Path("masks/mine"))  # doctest: +SKIP
    """
    settings = settings or MaskSettings()
    require_frames(recogniser)
    pauses = data.corpus.pauses
    cuts = choose_cuts(data.corpus_cuts(settings.splits), settings, pauses, seed)
    recogniser.to(device)
    batches = batches_of(cuts, settings.batch_duration_s, data.alphabet)
    by_id = {str(cut.id): cut for cut in cuts}
    return masks_of(recogniser, batches, folder, name, settings, seed, by_id, pauses, report)


def masks_of(
    recogniser: Recogniser,
    batches: Iterable[SpeechBatch],
    folder: Path,
    name: str,
    settings: MaskSettings,
    seed: int = 0,
    cuts: Mapping[str, Cut] | None = None,
    pauses: frozenset[str] = frozenset(),
    report: Progress | None = None,
    failures: Sequence[tuple[str, str]] = (),
) -> MasksFound:
    """Finds masks of all that is in batches, judges them, and writes all of it.

    Args:
        recogniser: frozen, on the device where it is to run. Inference mode does not matter.
        batches: the utterances.
        folder: where tables, pictures and sounds go.
        name: of the recogniser in tables.
        settings: what is to be kept of them.
        seed: of all draws.
        cuts: of the utterances, by id, for masks of phones and to know how far it is.
        pauses: labels of the phone tier that are no phones.
        report: called with the fraction that is done and one line.
        failures: `(utterance id, reason)` of what could not even be heard.

    Raises:
        UserError: masks do not apply to the recogniser, or something cannot be written.
    """
    recogniser.freeze()
    cuts, tell = cuts or {}, report or (lambda fraction, text: None)
    judgements, heard = [], []
    lost = [MaskFailureRow(*failure) for failure in failures]
    done, total = 0, max(len(cuts) * len(settings.scopes), 1)
    for batch in batches:
        subjects, unheard = hear(recogniser, batch)
        lost += [MaskFailureRow(*failure) for failure in unheard]
        done += len(unheard) * len(settings.scopes)
        for scope in settings.scopes if subjects is not None else ():
            assert subjects is not None  # noqa: S101 - for the type checker

            def search(
                fraction: float, text: str, done: int = done, n: int = len(subjects)
            ) -> None:
                tell(min((done + 0.8 * n * fraction) / total, 1.0), text)

            chosen, missing = choose_spans(subjects, scope, settings, cuts, pauses)
            lost += [MaskFailureRow(*failure, scope) for failure in missing]
            if chosen:
                mine = subjects.select([row for row, _ in chosen])
                spans = [span for _, span in chosen]
                wanted = settings.search(), settings.study(seed)
                study = mask_study(mine, name, spans, *wanted, search)
                write_pictures(folder, study)
                judgements.append(replace(study.judgement, kept={}))  # its pictures are drawn
                heard += [row for rows in study.heard for row in rows]
            done += len(subjects)
    rows = [row for judgement in judgements for row in judgement.rows]
    failed: dict[str, int] = {
        scope: len({one.utterance for one in lost if one.scope in ("", scope)})
        for scope in settings.scopes
    }
    found = MasksFound(judgements, heard, lost, list(summary_rows(rows, failed, seed)))
    write_tables(folder, name, found.judgements, found.sounds, found.failures, found.summary)
    return found
