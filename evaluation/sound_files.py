"""Audio files that others made, as 16-bit samples at 16 kHz; the content says what they are."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from corpora.audio import AudioError, resample
from corpora.corpus import SAMPLE_RATE
from corpora.screening import length_problem
from evaluation.quality import SILENCE_PEAK
from evaluation.sounds import as_pcm

FORMATS = {  # what the name of a file promises
    ".wav": ("WAV", "WAVEX", "RF64"),
    ".flac": ("FLAC",),
    ".ogg": ("OGG",),
    ".oga": ("OGG",),
    ".opus": ("OGG",),
    ".mp3": ("MP3", "MPEG"),
    ".aif": ("AIFF",),
    ".aiff": ("AIFF",),
    ".au": ("AU",),
    ".caf": ("CAF",),
    ".w64": ("W64",),
    ".sph": ("NIST",),
    ".m4a": (),  # not readable, but meant to be listened to: it is reported
    ".aac": (),
    ".wma": (),
}
_BLOCK = 1 << 20  # frames; a header that promises too many costs nothing


def audio_files(folder: Path) -> list[Path]:
    """Everything below `folder` that is named like audio, in order, behind links too.

    Hidden files and folders are left out, and links that lead back up.
    """
    found = []
    for name, folders, files in os.walk(folder, followlinks=True):
        root = Path(name)
        folders[:] = [f for f in folders if not f.startswith(".") and not _leads_up(root / f)]
        found += [root / file for file in files if not file.startswith(".")]
    regular = (path for path in found if path.is_file() or path.is_symlink())
    return sorted(path for path in regular if path.suffix.lower() in FORMATS)


def readable(name: str) -> str:
    """A file name as text that can be written; bytes that are no UTF-8 become replacement marks."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def _leads_up(path: Path) -> bool:
    return path.is_symlink() and path.parent.resolve().is_relative_to(path.resolve())


def announced_length(path: Path) -> int:
    """Samples at 16 kHz that the header of a file promises, 0 where it cannot be read."""
    try:
        with _opened(path) as file:
            return round(file.frames * SAMPLE_RATE / file.samplerate)
    except AudioError:
        return 0


def read_pcm(path: Path) -> tuple[np.ndarray, list[str]]:
    """Reads a file as int16 `(sample,)` at 16 kHz, and says what was done to it.

    16-bit mono files at 16 kHz come bit for bit.

    Raises:
        AudioError: it is missing, unreadable, truncated, empty, silent, too short or not finite.
    """
    with _opened(path) as file:
        remarks = _deviations(path, file)
        rate, exact = file.samplerate, file.subtype == "PCM_16" and file.channels == 1
        samples = _samples(file, "int16" if exact else "float32")
        if len(samples) < file.frames - 1:
            raise AudioError(f"truncated: {len(samples)} of {file.frames} samples could be read")
    if not np.isfinite(samples).all():
        raise AudioError("contains NaN or infinite samples")
    if rate != SAMPLE_RATE:
        scale = np.float32(32768 if exact else 1)
        samples = resample((samples / scale).astype(np.float32), rate)
    pcm = samples if samples.dtype == np.int16 else as_pcm(samples)
    if (problem := pcm_problem(pcm)) is not None:
        raise AudioError(problem)
    return pcm, remarks


def pcm_problem(pcm: np.ndarray) -> str | None:
    """Why 16-bit samples at 16 kHz cannot be scored; None when they can."""
    if len(pcm) == 0:
        return "empty"
    if np.abs(pcm - pcm.mean()).max() <= SILENCE_PEAK:
        return "silent"
    return length_problem(len(pcm) / SAMPLE_RATE)


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """An open file object has no name by which libsndfile could guess."""
    try:
        with path.open("rb") as stream, soundfile.SoundFile(stream) as file:
            yield file
    except soundfile.SoundFileError as error:
        empty = path.stat().st_size == 0
        reason = "empty file" if empty else str(error).splitlines()[0].rpartition(": ")[2]
        raise AudioError(f"unreadable: {reason}") from error
    except OSError as error:
        raise AudioError(f"unreadable: {error.strerror or error}") from error


def _samples(file: soundfile.SoundFile, dtype: str) -> np.ndarray:
    """All samples, mixed down to one channel, shape (sample,)."""
    blocks = [np.zeros(0, dtype)]
    while len(block := file.read(_BLOCK, dtype, always_2d=True)):
        blocks.append(block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=dtype))
    return np.concatenate(blocks)


def _deviations(path: Path, file: soundfile.SoundFile) -> list[str]:
    remarks = []
    if file.format not in FORMATS.get(path.suffix.lower(), ()):
        remarks.append(f"is {file.format} in spite of its name {readable(path.name)}")
    if file.samplerate != SAMPLE_RATE:
        remarks.append(f"resampled from {file.samplerate} Hz")
    if file.channels > 1:
        remarks.append(f"{file.channels} channels mixed down to one")
    return remarks
