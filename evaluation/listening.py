"""Listening samples on disk: where a sample lies, its mel picture, and the table of all of them.

Scored audio is written once, by the renderer, under `audio_path`. A sample adds the mel that the
probe emitted and a picture of it, and `samples.csv` names all three relative to the run folder,
so that a run folder can be moved.
"""

import csv
import hashlib
import io
import os
import tempfile
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import numpy as np
import soundfile
from jaxtyping import Float, Shaped

from acoustics.errors import UserError
from acoustics.mel import HOP_S
from evaluation.patient_tables import whole_rows
from evaluation.pictures import mel_picture

REFERENCE = "reference"
"""The model under which `natural`, `copy-synthesis` and `mean-mel` are kept: they have none."""

REFERENCE_LAYERS = ("natural", "copy-synthesis", "mean-mel")

SAMPLES = "samples.csv"


@dataclass(frozen=True)
class Sample:
    """One thing to listen to. `audio`, `picture` and `mel` are POSIX paths relative to the run."""

    model: str
    condition: str
    layer: str
    utterance: str
    speaker: str
    audio: str
    picture: str
    mel: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes a sample this sample: a second one of the same key replaces it."""
        return self.model, self.condition, self.layer, self.utterance


COLUMNS = tuple(field.name for field in fields(Sample))


def safe_name(name: str) -> str:
    """A file name for an identifier that came from data.

    Ordinary identifiers stay as they are. Whatever could leave the folder or trouble a file
    system is percent-encoded, so two identifiers never share a name; very long ones end in a hash.

    Raises:
        ValueError: `name` is empty.
    """
    if not name:
        raise ValueError("an empty identifier has no file name")
    safe = quote(name, safe="+=,@ ") if name.strip() == name else quote(name, safe="")
    if safe.startswith("."):
        safe = "%2E" + safe[1:]
    if len(safe) > 150:
        safe = f"{safe[:120]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return safe


def _path(folder: str, model: str, condition: str, layer: str, utterance: str, end: str) -> str:
    where = model if layer not in REFERENCE_LAYERS else REFERENCE
    names = [safe_name(name) for name in (where, condition, layer)]
    return str(PurePosixPath(folder, *names, safe_name(utterance) + end))


def audio_path(model: str, condition: str, layer: str, utterance: str) -> str:
    """Where the scored audio lies, relative to the run (references: under `reference`)."""
    return _path("audio", model, condition, layer, utterance, ".flac")


def mel_path(model: str, condition: str, layer: str, utterance: str) -> str:
    """Where a listening sample's log-mel lies: float16 `(frame, mel)`, relative to the run."""
    return _path("mels", model, condition, layer, utterance, ".npy")


def picture_path(model: str, condition: str, layer: str, utterance: str) -> str:
    """Where a listening sample's mel picture lies, relative to the run."""
    return _path("samples", model, condition, layer, utterance, ".png")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; a reader never meets half of it.

    Raises:
        UserError: the folder cannot be made or written to, or the disk is full.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or choose"
            " another folder with --output"
        ) from error


def write_audio(path: Path, waveform: Shaped[np.ndarray, " sample"], sample_rate: int) -> None:
    """Write 16-bit FLAC, whole or not at all.

    Args:
        path: the file to write; its folder is made.
        waveform: 16-bit integers, or floats of full scale 1; beyond it the 16 bits clip.
        sample_rate: in Hz.

    Raises:
        ValueError: a sample is not a finite number.
        UserError: the file cannot be written.
    """
    if not np.isfinite(waveform).all():
        raise ValueError(f"{path.name}: not every sample is a finite number")
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, sample_rate, format="FLAC", subtype="PCM_16")
    write_atomically(path, buffer.getvalue())


def write_sample(
    run: Path,
    *,
    model: str,
    condition: str,
    layer: str,
    utterance: str,
    speaker: str,
    mel: Float[np.ndarray, "frame mel"],
    levels: tuple[float, float] | None = None,
    hop_s: float = HOP_S,
    waveform: Float[np.ndarray, " sample"] | None = None,
    sample_rate: int = 16000,
) -> Sample:
    """Write what belongs to one sample and return its row.

    The references have no model: whatever `model` says, they are kept once, under `reference`.

    Args:
        run: the run folder.
        model: as in every table.
        condition: as in every table.
        layer: as in every table.
        utterance: its identifier.
        speaker: its speaker.
        mel: log-mel (natural logarithm) the audio was made from.
        levels: darkest and brightest log-mel level of the picture; give the same to all layers
            of an utterance (`pictures.mel_levels` of its natural mel) to make them comparable.
        hop_s: seconds between frames.
        waveform: the audio, when the renderer has not written it under `audio_path` already.
        sample_rate: of `waveform`, in Hz.

    Raises:
        FileNotFoundError: no `waveform` was given and the audio is not there.
        UserError: a file cannot be written.
    """
    model = REFERENCE if layer in REFERENCE_LAYERS else model
    key = (model, condition, layer, utterance)
    sample = Sample(*key, speaker, audio_path(*key), picture_path(*key), mel_path(*key))
    if waveform is not None:
        write_audio(run / sample.audio, waveform, sample_rate)
    elif not (run / sample.audio).is_file():
        raise FileNotFoundError(f"{run / sample.audio}: a sample whose audio was never written")
    buffer = io.BytesIO()
    np.save(buffer, mel.astype(np.float16))
    write_atomically(run / sample.mel, buffer.getvalue())
    write_atomically(run / sample.picture, mel_picture(mel, hop_s=hop_s, levels=levels))
    return sample


def read_samples(run: Path, notes: list[str] | None = None) -> list[Sample]:
    """The samples of a run as `samples.csv` has them, none when there is no such file.

    A row is dropped when a column is missing or a path would leave the run folder.

    Args:
        run: the run folder.
        notes: where to say what cannot be read.
    """
    rows = whole_rows(run, SAMPLES, [] if notes is None else notes, COLUMNS)
    samples = [Sample(*(row[name] for name in COLUMNS)) for row in rows]
    return [sample for sample in samples if _stays_inside(sample)]


def _stays_inside(sample: Sample) -> bool:
    paths = [PurePosixPath(text) for text in (sample.audio, sample.picture, sample.mel)]
    return not any(path.is_absolute() or ".." in path.parts for path in paths)


def save_samples(run: Path, samples: Iterable[Sample]) -> None:
    """Merge samples into `samples.csv`: same model, condition, layer and utterance replaces.

    Raises:
        UserError: the table cannot be written.
    """
    merged = {sample.key: sample for sample in read_samples(run)}
    merged.update({sample.key: sample for sample in samples})
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(sample) for sample in merged.values())
    write_atomically(run / SAMPLES, buffer.getvalue().encode())


def read_mel(path: Path) -> np.ndarray | None:
    """A kept log-mel `(frame, mel)`, None where it is absent, broken or holds nothing finite."""
    try:
        mel: np.ndarray = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    usable = mel.ndim == 2 and mel.dtype.kind == "f" and mel.size and np.isfinite(mel).any()
    return mel if usable else None
