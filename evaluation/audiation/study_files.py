"""What a study leaves on disk: sounds, the segments beside them, pictures, tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from lhotse.cut import Cut
from matplotlib.figure import Figure

from asr_models.recogniser import Recogniser
from corpora.corpus import SAMPLE_RATE
from evaluation.audiation.heard import Listener
from evaluation.audiation.judged import stacked
from evaluation.audiation.sound_figures import Trace, reached_figure, sound_figure, sounds_sheet
from evaluation.audiation.strongest import UNIT
from evaluation.audiation.study_result import AudiationStudy
from evaluation.audiation.study_rows import DiversityRow, EvolutionRow, LayerRow, SoundRow
from evaluation.audiation.study_settings import AudiationSettings
from evaluation.audiation.wanted import AS_ASKED
from evaluation.listening import write_audio
from evaluation.paper.panels import FORMATS, NothingToDrawError, save_figure
from evaluation.sonification.clips import write_clips
from evaluation.sonification.export import write_records


def write_study(
    folder: Path,
    recogniser: Recogniser,
    found: AudiationStudy,
    cuts: Sequence[Cut],
    settings: AudiationSettings,
) -> None:
    """Writes tables, sounds, clips and pictures.

    Args:
        folder: where to; it is made.
        recogniser: hears the sounds once more, for the pictures.
        found: the study.
        cuts: the utterances of the search.
        settings: of the study.

    Raises:
        UserError: a file cannot be written.
    """
    speech = found.speech
    write_records(folder, "sounds", SoundRow, found.rows)
    write_records(folder, "layers", LayerRow, found.layers)
    write_records(folder, "evolution", EvolutionRow, found.evolution)
    write_records(folder, "diversity", DiversityRow, found.diversity)
    for made, row in zip(found.made, found.rows, strict=True):
        if row.audio:
            write_audio(folder / row.audio, made.pcm, SAMPLE_RATE)
    ids = [speech.segment(row.layer, row.feature) for row in found.rows]
    write_clips(folder, cuts, speech.found.units.registries[UNIT], np.array(ids, np.int64))
    for i, trace in traces(recogniser, found, settings):
        made, row = found.made[i], found.rows[i]
        path = folder / row.picture
        save_figure(sound_figure(made, row, trace), path.parent, path.stem, ("png",))
    asked = [i for i, row in enumerate(found.rows) if row.variant == AS_ASKED]
    rows = [found.rows[i] for i in asked]
    means = [float(speech.mean(row.layer)[row.feature]) for row in rows]
    drawings: Mapping[str, Callable[[], Figure]] = {
        "sounds": lambda: sounds_sheet([found.made[i] for i in asked], rows, speech.model),
        "reached": lambda: reached_figure(rows, means, speech.model),
    }
    for name, draw in drawings.items():
        try:
            sheet = draw()
        except NothingToDrawError:
            continue
        save_figure(sheet, folder / "figures", name, ("png",) if name == "sounds" else FORMATS)


@torch.no_grad()
def traces(
    recogniser: Recogniser, found: AudiationStudy, settings: AudiationSettings
) -> Iterator[tuple[int, Trace]]:
    """Activation over time of every sound that has a picture, by its row."""
    pictured = [i for i, row in enumerate(found.rows) if row.picture]
    for layer in dict.fromkeys(found.rows[i].layer for i in pictured):
        mine = [i for i in pictured if found.rows[i].layer == layer]
        listener = Listener(recogniser, [layer], settings.samples_of_sound)
        for i in mine:
            sound = stacked([found.made[i]]).to(listener.lengths(1).device)
            states = listener(sound, "waveform").states[layer][0, :, found.rows[i].feature]
            timing = recogniser.layers[layer].timing
            yield i, Trace(states.float().cpu().numpy(), timing, settings.window)
