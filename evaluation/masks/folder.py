"""What a study of masks leaves on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from acoustics.errors import UserError
from corpora.corpus import SAMPLE_RATE
from evaluation.listening import safe_name, write_atomically, write_audio
from evaluation.masks.animation import mask_animation
from evaluation.masks.arrays import FOLDER, arrays_of, write_arrays
from evaluation.masks.figures import curve_figure, mask_figure, muted_figure
from evaluation.masks.judging import MASK, Judgement, curve_rows
from evaluation.masks.logged import mask_name
from evaluation.masks.rows import CurveRow, MaskRow, SoundRow
from evaluation.masks.scopes import aligned_words, span_name
from evaluation.masks.study import MaskStudy
from evaluation.masks.summary import MaskSummaryRow
from evaluation.paper.panels import save_figure
from evaluation.records import write_rows


@dataclass(frozen=True, slots=True)
class MaskFailureRow:
    """An utterance that has no mask (failures.csv), and why; of one scope, or of all."""

    utterance: str
    reason: str
    scope: str = ""


def write_tables(
    folder: Path,
    name: str,
    found: Sequence[Judgement],
    heard: Sequence[SoundRow],
    failures: Sequence[MaskFailureRow],
    summary: Sequence[MaskSummaryRow] = (),
) -> None:
    """Writes masks.csv, curves.csv, sounds.csv, summary.csv and failures.csv, and the curves.

    Args:
        folder: where to, `masks/<model>`; it is made.
        name: of the recogniser.
        found: judged masks of it.
        heard: what is heard in their sounds.
        failures: what has no mask.
        summary: of the masks.

    Raises:
        UserError: a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror})") from error
    write_rows(folder / "masks.csv", MaskRow, (row for one in found for row in one.rows))
    write_rows(folder / "curves.csv", CurveRow, (row for one in found for row in curve_rows(one)))
    write_rows(folder / "sounds.csv", SoundRow, heard)
    write_rows(folder / "summary.csv", MaskSummaryRow, summary)
    write_rows(folder / "failures.csv", MaskFailureRow, failures)
    kinds = found[0].curves if found else {}
    if kinds:
        curves = {kind: np.concatenate([one.curves[kind] for one in found]) for kind in kinds}
        kept = [row.share_kept for one in found for row in one.rows if row.mask == MASK]
        figure = curve_figure(curves, float(np.mean(kept)), f"{name}: {len(kept)} masks")
        save_figure(figure, folder / "figures", "curves")


def write_pictures(folder: Path, study: MaskStudy) -> None:
    """Writes figures, animations, sounds and arrays, under a name for each mask.

    Args:
        folder: where to, `masks/<model>`; it is made.
        study: of some utterances.

    Raises:
        UserError: a file cannot be written.
    """
    for row in range(len(study.subjects)):
        name = mask_name(study.subjects.batch.ids[row], span_name(study.spans[row]))
        for sound in study.sounds[row]:
            path = folder / "audio" / name / f"{safe_name(sound.name)}.flac"
            write_audio(path, sound.waveform, SAMPLE_RATE)
        _draw(folder / "figures", name, study, row)
        write_arrays(folder / FOLDER / f"{name}.safetensors", arrays_of(study, row))


def mask_picture(study: MaskStudy, row: int) -> Figure:
    """The mask of one utterance over its frames, with the words where they are said.

    Args:
        study: of some utterances.
        row: which one.

    Example:
        >>> mask_picture(study, 0).savefig("mask.pdf")  # doctest: +SKIP
    """
    subjects = study.subjects
    said = aligned_words(subjects.alone(row))[0]
    return mask_figure(
        *_masked(study, row), subjects.frame_s, _title(study, row), said, subjects.step_s
    )


def _masked(study: MaskStudy, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames of an utterance, and its mask."""
    count = int(study.subjects.counts[row])
    normal = study.subjects.normal[row, :count].float().cpu().numpy()
    return normal, study.masks.kept[row, :count].numpy()


def _title(study: MaskStudy, row: int) -> str:
    text = span_name(study.spans[row]) or f'"{study.subjects.texts[row]}"'
    return f"{study.model}, {study.subjects.batch.ids[row]}: {text}"


def _draw(folder: Path, name: str, study: MaskStudy, row: int) -> None:
    save_figure(mask_picture(study, row), folder, f"{name}.mask", ("png",))
    normal, _ = _masked(study, row)
    title = _title(study, row)
    heard = [line.text for line in study.heard[row]]
    waveforms = muted_figure(study.sounds[row], heard, SAMPLE_RATE, title)
    save_figure(waveforms, folder, f"{name}.sounds", ("png",))
    shots = study.masks.snapshots[:, row, : len(normal)].numpy()
    steps = study.masks.snapshot_steps
    moving = mask_animation(normal, shots, steps, study.subjects.frame_s, title)
    write_atomically(folder / f"{name}.gif", moving)
