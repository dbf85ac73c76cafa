"""What a study of masks leaves on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpora.corpus import SAMPLE_RATE
from evaluation.listening import safe_name, write_atomically, write_audio
from evaluation.masks.animation import mask_animation
from evaluation.masks.figures import curve_figure, mask_figure, muted_figure
from evaluation.masks.judging import MASK, WHOLE, curve_rows
from evaluation.masks.rows import CurveRow, MaskRow, SoundRow
from evaluation.masks.scopes import aligned_words
from evaluation.masks.study import MaskStudy
from evaluation.paper.panels import save_figure
from evaluation.records import write_rows


@dataclass(frozen=True, slots=True)
class MaskFailureRow:
    """An utterance that has no mask (failures.csv), and why."""

    utterance: str
    reason: str


def write_tables(
    folder: Path, studies: Sequence[MaskStudy], failures: Sequence[tuple[str, str]]
) -> None:
    """Writes masks.csv, curves.csv, sounds.csv and failures.csv, and the figure of the curves.

    Args:
        folder: where to, `masks/<model>`; it is made.
        studies: of one recogniser.
        failures: `(utterance id, reason)` of what has no mask.

    Raises:
        UserError: a file cannot be written.
    """
    found = [study.judgement for study in studies]
    write_rows(folder / "masks.csv", MaskRow, (row for one in found for row in one.rows))
    write_rows(folder / "curves.csv", CurveRow, (row for one in found for row in curve_rows(one)))
    heard = (row for study in studies for rows in study.heard for row in rows)
    write_rows(folder / "sounds.csv", SoundRow, heard)
    lost = (MaskFailureRow(*failure) for failure in failures)
    write_rows(folder / "failures.csv", MaskFailureRow, lost)
    kinds = found[0].curves if found else {}
    if kinds:
        curves = {kind: np.concatenate([one.curves[kind] for one in found]) for kind in kinds}
        kept = [row.share_kept for one in found for row in one.rows if row.mask == MASK]
        title = f"{studies[0].model}: {len(kept)} masks"
        figure = curve_figure(curves, float(np.mean(kept)), title)
        save_figure(figure, folder / "figures", "curves")


def write_pictures(folder: Path, study: MaskStudy) -> None:
    """Writes figures, animations and sounds, under a name for each mask.

    Args:
        folder: where to, `masks/<model>`; it is made.
        study: of some utterances.

    Raises:
        UserError: a file cannot be written.
    """
    for row in range(len(study.subjects)):
        name = mask_name(study, row)
        for sound in study.sounds[row]:
            path = folder / "audio" / name / f"{safe_name(sound.name)}.flac"
            write_audio(path, sound.waveform, SAMPLE_RATE)
        _draw(folder / "figures", name, study, row)


def mask_name(study: MaskStudy, row: int) -> str:
    """The name of the files of one mask."""
    scope, utterance = study.scopes[row], study.subjects.batch.ids[row]
    return safe_name(utterance if scope == WHOLE else f"{utterance} {scope}")


def _draw(folder: Path, name: str, study: MaskStudy, row: int) -> None:
    subjects, count = study.subjects, int(study.subjects.counts[row])
    normal = subjects.normal[row, :count].float().cpu().numpy()
    kept = study.masks.kept[row, :count].numpy()
    text = f'"{subjects.texts[row]}"' if study.spans[row] is None else study.scopes[row]
    title = f"{study.model}, {subjects.batch.ids[row]}: {text}"
    step_s = subjects.frame_s * count / int(subjects.steps[row])
    said = aligned_words(subjects.alone(row))[0]
    picture = mask_figure(normal, kept, subjects.frame_s, title, said, step_s)
    save_figure(picture, folder, f"{name}.mask", ("png",))
    heard = [line.text for line in study.heard[row]]
    waveforms = muted_figure(study.sounds[row], heard, SAMPLE_RATE, title)
    save_figure(waveforms, folder, f"{name}.sounds", ("png",))
    shots = study.masks.snapshots[:, row, :count].numpy()
    steps = study.masks.snapshot_steps
    moving = mask_animation(normal, shots, steps, subjects.frame_s, title)
    write_atomically(folder / f"{name}.gif", moving)
