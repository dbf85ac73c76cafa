"""The folder of `otoscope mask`, of masks that nobody searched."""

import io
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
from lhotse.cut import Cut
from made_up_sounds import draw_mel
from PIL import Image

from acoustics.mel import HOP_S
from corpora.audio import load_waveform
from corpora.corpus import SAMPLE_RATE
from evaluation.listening import safe_name, write_atomically, write_audio
from evaluation.masks import rows as masks
from evaluation.masks.arrays import FOLDER, MaskArrays, Said, write_arrays
from evaluation.masks.curves import Way
from evaluation.masks.folder import MaskFailureRow, write_tables
from evaluation.masks.judging import ENERGY, MASK, RANDOM, Judgement, curve_rows
from evaluation.masks.logged import mask_name
from evaluation.masks.sounds import Sound
from evaluation.masks.summary import summary_rows
from evaluation.pictures import mel_picture
from evaluation.records import write_rows

SCOPE, THRESHOLDS, POINTS = "utterance", (0.1, 0.2, 0.3), 21


def write_masks(folder: Path, name: str, cuts: Sequence[Cut], seed: int) -> None:
    """Writes tables, sounds and pictures for some utterances; the last one has no mask.

    Args:
        folder: where to, `masks/<model>`.
        name: of the model.
        cuts: utterances.
        seed: of all draws.
    """
    rng, judged = np.random.default_rng([seed, 5]), list[Judgement]()
    heard, points = list[masks.SoundRow](), list[masks.CurveRow]()
    *masked, failed = cuts
    for cut in masked:
        text, waveform = str(cut.supervisions[0].text), load_waveform(cut)[0]
        ways = product((MASK, RANDOM, ENERGY), get_args(Way))
        rising = np.sort(rng.random((6, 1, POINTS)), axis=2)
        rows = list(_mask_rows(name, cut, text))
        judged.append(Judgement({}, rows))
        points += curve_rows(Judgement({}, rows, dict(zip(ways, rising, strict=True))))
        sounds = list(_mask_sounds(waveform))
        for i, sound in enumerate(sounds):
            place = (name, str(cut.id), SCOPE, "", sound.name, sound.muted_share)
            heard.append(masks.SoundRow(*place, text[: 40 - 6 * i], i == 0, 20.0 * i))
        _draw(folder, mask_name(str(cut.id), ""), sounds, rng)
    failure = MaskFailureRow(str(failed.id), "the recogniser hears nothing in it")
    summary = list(summary_rows([row for one in judged for row in one.rows], {SCOPE: 1}))
    write_tables(folder, name, judged, heard, [failure], summary)
    write_rows(folder / "curves.csv", masks.CurveRow, points)  # without the figure: it takes long


def _mask_rows(name: str, cut: Cut, text: str) -> Iterator[masks.MaskRow]:
    said = cut.supervisions[0]
    for i, kind in enumerate((MASK, RANDOM, ENERGY)):
        yield masks.MaskRow(
            name, str(cut.id), str(said.speaker), SCOPE, "", kind, cut.duration, 16000,
            0.07, 100, 1 - 0.4 * i, text, text[: 60 >> i], i == 0, 0.9 - 0.2 * i, 0.3, "",
        )  # fmt: skip


def _mask_sounds(waveform: np.ndarray) -> Iterator[Sound]:
    yield Sound("natural", waveform, 0.0)
    for threshold in THRESHOLDS:
        quiet = np.abs(waveform) < threshold / 2
        yield Sound(f"muted {threshold:g}", np.where(quiet, 0, waveform), float(quiet.mean()))
    yield Sound("masked", waveform / 2, 0.0)
    yield Sound("copy-synthesis", waveform[:-80], 0.0)


def _draw(folder: Path, name: str, sounds: Sequence[Sound], rng: np.random.Generator) -> None:
    """Sounds, arrays, and pictures without axes: those of a real run take seconds."""
    for sound in sounds:
        path = folder / "audio" / name / f"{safe_name(sound.name)}.flac"
        write_audio(path, sound.waveform, SAMPLE_RATE)
    mel, figures = draw_mel(rng, 0.3), folder / "figures"
    shots = np.stack([mel > level for level in (-7.0, -6.0, -5.0)])
    kept = {MASK: shots[-1], RANDOM: rng.permuted(shots[-1], axis=0), ENERGY: mel > -4}
    pixels = np.interp(mel, [mel.min(), mel.max()], [0, 255]).astype(np.uint8)
    said = [Said("w0", 0.2, 0.7), Said(name[:20], 0.9, 1.6)]
    arrays = MaskArrays(pixels, -2.0, 2.0, kept, shots, [0, 100, 200], HOP_S, said)
    write_arrays(folder / FOLDER / f"{name}.safetensors", arrays)
    for kind, shown in (("mask", np.where(shots[-1], mel, mel.min())), ("sounds", mel)):
        write_atomically(figures / f"{name}.{kind}.png", mel_picture(shown))
    first, *others = (Image.fromarray(shot.T) for shot in shots)
    moving = io.BytesIO()
    first.save(moving, format="GIF", save_all=True, append_images=others, duration=150, loop=0)
    write_atomically(figures / f"{name}.gif", moving.getvalue())
