"""TensorBoard: samples and examples as sounds and pictures, metrics as scalars over depth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from evaluation.audiation.logged import COLUMNS as SOUND_COLUMNS
from evaluation.audiation.logged import FILES, LoggedAudiations
from evaluation.listening import Sample
from evaluation.masks.logged import COLUMNS as MASK_COLUMNS
from evaluation.masks.logged import LoggedMasks
from evaluation.reading import Row, by_depth, number
from evaluation.sonification.logged import COLUMNS as EXAMPLE_COLUMNS
from evaluation.sonification.logged import LoggedStudies


def log_samples(writer: SummaryWriter, samples: Iterable[Sample], directory: Path) -> None:
    """Write the sound and the mel picture of each sample under `listening/condition/...`.

    What is not on disk is passed over.

    Args:
        writer: of `torch.utils.tensorboard`; the caller closes it.
        samples: rows of `samples.csv`.
        directory: the run folder their paths are relative to.
    """
    for sample in samples:
        tag = f"{sample.condition}/{sample.utterance}/{sample.model}/{sample.layer}"
        sound, picture = directory / sample.audio, directory / sample.picture
        if sound.is_file():
            _add_sound(writer, f"listening/{tag}", sound)
        if picture.is_file():
            _add_picture(writer, f"mel/{tag}", picture)


def log_sonification(writer: SummaryWriter, studies: LoggedStudies) -> None:
    """Write examples as sounds, curves over depth as scalars, and figures.

    Args:
        writer: of `torch.utils.tensorboard`; the caller closes it.
        studies: of a run, from `read_studies`.
    """
    for model, examples in studies.examples.items():
        for example in examples:
            cells = dict(zip(EXAMPLE_COLUMNS, example.cells, strict=True))
            place = f"{model}/{cells['layer']}/{cells['feature']}/{cells['rank']}"
            if example.sound is not None:
                _add_sound(writer, f"sonification/{place}", example.sound)
    for title, lines in studies.curves.items():
        for line, points in lines.items():
            for depth, value in points:
                writer.add_scalar(f"sonification/curves/{title}/{line}", value, int(depth))
    for name, path in studies.figures.items():
        _add_picture(writer, f"sonification/figures/{name}", path)


def log_audiation(writer: SummaryWriter, found: LoggedAudiations) -> None:
    """Write sounds with their pictures, and figures; of an animation the last picture.

    Args:
        writer: of `torch.utils.tensorboard`; the caller closes it.
        found: of a run, from `read_audiations`.
    """
    for model, rows in found.sounds.items():
        for row in rows:
            cells = dict(zip((*SOUND_COLUMNS, *FILES), row, strict=True))
            audio, picture = cells["audio"], cells["picture"]
            if isinstance(audio, Path):
                _add_sound(writer, f"audiation/{model}/{audio.stem}", audio)
            if isinstance(picture, Path):
                _add_picture(writer, f"audiation/pictures/{model}/{picture.stem}", picture)
    for name, path in found.figures.items():
        _add_picture(writer, f"audiation/figures/{name}", path)


def log_masks(writer: SummaryWriter, found: LoggedMasks) -> None:
    """Write the sounds of masks with what is heard in them, and figures.

    Args:
        writer: of `torch.utils.tensorboard`; the caller closes it.
        found: of a run, from `read_masks`.
    """
    for model, rows in found.sounds.items():
        for row in rows:
            cells = dict(zip((*MASK_COLUMNS, "audio", "picture"), row, strict=True))
            audio = cells["audio"]
            if isinstance(audio, Path):
                tag = f"masks/{model}/{audio.parent.name}/{cells['sound']}"
                _add_sound(writer, tag, audio)
                writer.add_text(tag, str(cells["text"]))
    for name, path in found.figures.items():
        _add_picture(writer, f"masks/figures/{name}", path)


def _add_sound(writer: SummaryWriter, tag: str, path: Path) -> None:
    waveform, rate = soundfile.read(path, dtype="float32")
    writer.add_audio(tag, torch.from_numpy(waveform)[None], 0, rate)


def _add_picture(writer: SummaryWriter, tag: str, path: Path) -> None:
    with Image.open(path) as image:
        image.seek(getattr(image, "n_frames", 1) - 1)
        pixels = np.asarray(image.convert("RGB"))
    writer.add_image(tag, pixels, 0, dataformats="HWC")


def log_curves(writer: SummaryWriter, summary: Sequence[Row]) -> None:
    """Write every metric as a scalar whose step is the depth; references stand at step 0.

    Args:
        writer: of `torch.utils.tensorboard`; the caller closes it.
        summary: rows of `summary.csv`.
    """
    tapped = by_depth(summary)
    placed = {id(row) for row in tapped}
    for row in [*(row for row in summary if id(row) not in placed), *tapped]:
        mean = number(row["mean"])
        if mean is None:
            continue
        title = ".".join(str(row[name]) for name in ("metric", "scorer") if row[name])
        tag = f"{title}/{row['condition']}/{row['model']}"
        if id(row) in placed:
            writer.add_scalar(tag, mean, int(number(row["depth"]) or 0))
        else:
            writer.add_scalar(f"{tag}/{row['layer']}", mean, 0)
