"""Folders of audio files: what is in them, told apart from what was in them before."""

import hashlib
from pathlib import Path

import soundfile
from lhotse import AudioSource, CutSet, Recording, load_manifest


def listing_hash(roots: list[Path], *parts: object) -> str:
    """A hash of the names, sizes and times of all files below ``roots``, and of ``parts``."""
    digest = hashlib.sha256(repr(parts).encode())
    for root in roots:
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            status = path.stat()
            entry = (path.relative_to(root).as_posix(), status.st_size, status.st_mtime_ns)
            digest.update(repr(entry).encode())
    return digest.hexdigest()[:16]


def stored_cuts(manifest: Path, prefix: Path) -> CutSet:
    """The cuts of a manifest, possibly none, with their relative audio paths below ``prefix``."""
    cuts = load_manifest(manifest) or []  # lhotse returns None for an empty manifest
    return CutSet.from_cuts(cut.with_recording_path_prefix(prefix) for cut in cuts)


def recording_from_file(path: Path, recording_id: str) -> Recording:
    """The recording of an audio file, by its header alone.

    Raises:
        ValueError: When the header cannot be read or announces no samples; one line says why.
    """
    if path.stat().st_size == 0:
        raise ValueError("empty file")
    try:
        info = soundfile.info(str(path))
    except soundfile.SoundFileError as error:
        raise ValueError(f"unreadable: {str(error).splitlines()[0]}") from error
    if info.frames <= 0:
        raise ValueError("empty: no samples")
    return Recording(
        id=recording_id,
        sources=[AudioSource("file", list(range(info.channels)), str(path))],
        sampling_rate=info.samplerate,
        num_samples=info.frames,
        duration=info.frames / info.samplerate,
    )
