"""The sounds and mel pictures that go into the report, as many as its size allows."""

from __future__ import annotations

import base64
import io
from typing import Any

import soundfile

from evaluation.listening import REFERENCE, REFERENCE_LAYERS, Sample, read_mel
from evaluation.pictures import mel_levels, mel_picture
from evaluation.reading import by_depth, distinct
from evaluation.run_folder import RunFolder

OVERHEAD = 700
"""Bytes of a sample beside its sound and picture: names, paths, punctuation."""

Levels = dict[tuple[str, str], tuple[float, float]]


def embed_samples(
    folder: RunFolder, models: list[str], conditions: list[str], budget: float
) -> tuple[list[dict[str, Any]], int]:
    """Samples as the page wants them, utterance by utterance until the budget is spent.

    Args:
        folder: the run.
        models: in the order of the page.
        conditions: in the order of the page.
        budget: bytes that sounds and pictures may take, as text in base64.

    Returns:
        One entry per sample of `samples.csv`: its row, `text`, and either `sound`, `image`
        (base64, empty when the file is absent or broken) and `seconds`, or `left_out`; then the
        number of those left out.
    """
    utterances = distinct((vars(sample) for sample in folder.samples), "utterance")
    layers = [*REFERENCE_LAYERS, *distinct(by_depth(folder.summary), "layer")]
    names = (utterances, conditions, [REFERENCE, *models], layers)

    def place(sample: Sample) -> list[int]:
        cells = (sample.utterance, sample.condition, sample.model, sample.layer)
        pairs = zip(names, cells, strict=True)
        return [known.index(cell) if cell in known else len(known) for known, cell in pairs]

    levels = _levels(folder)
    budget -= OVERHEAD * len(folder.samples)
    entries: list[dict[str, Any]] = []
    full = False
    for sample in sorted(folder.samples, key=place):
        entry: dict[str, Any] = {**vars(sample), "text": folder.texts.get(sample.utterance, "")}
        entries.append(entry)
        if not full:
            sound, seconds = _sound(folder, sample)
            image, bare = _image(folder, sample, levels)
            size = 4 * (len(sound) // 3 + len(image) // 3 + 2)
            full, budget = size > budget, budget - size
        if full:
            entry["left_out"] = True
            continue
        entry |= {"sound": _base64(sound), "image": _base64(image)}
        entry |= {"seconds": seconds, "bare": bare}
    return entries, sum("left_out" in entry for entry in entries)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _levels(folder: RunFolder) -> Levels:
    """Levels of every utterance and condition from its natural mel, shared by all its layers."""
    found = {}
    for sample in folder.samples:
        mel = read_mel(folder.path / sample.mel) if sample.layer == "natural" else None
        if mel is not None:
            found[sample.utterance, sample.condition] = mel_levels(mel)
    return found


def _sound(folder: RunFolder, sample: Sample) -> tuple[bytes, float | None]:
    """The FLAC and its duration in seconds; empty when it is absent or cannot be decoded."""
    try:
        content = (folder.path / sample.audio).read_bytes()
        return content, soundfile.info(io.BytesIO(content)).duration
    except (OSError, soundfile.LibsndfileError):
        return b"", None


def _image(folder: RunFolder, sample: Sample, levels: Levels) -> tuple[bytes, bool]:
    """The mel picture, drawn bare from the mel where that is kept (the page draws the axis)."""
    mel = read_mel(folder.path / sample.mel)
    if mel is not None:
        shared = levels.get((sample.utterance, sample.condition))
        return mel_picture(mel, levels=shared, axis=False, scale=1), True
    try:
        return (folder.path / sample.picture).read_bytes(), False
    except OSError:
        return b"", False
