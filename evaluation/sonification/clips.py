"""Segments as sound, cut from the corpus when they are wanted."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from lhotse.cut import Cut

from corpora.audio import AudioError, load_waveform
from corpora.corpus import SAMPLE_RATE
from evaluation.listening import safe_name, write_audio
from evaluation.sonification.registry import Registry


def clip(cut: Cut, start: int, end: int) -> Float[np.ndarray, " sample"]:
    """A span of an utterance, at 16 kHz.

    Args:
        cut: the utterance.
        start: first sample.
        end: the sample behind the last one.

    Raises:
        AudioError: the file cannot be read.
    """
    return load_waveform(cut)[0][start:end]


def clip_path(registry: Registry, segment: int) -> str:
    """Where `write_clips` puts a segment, relative to its folder; named by its samples."""
    return clip_paths(registry, np.array([segment]))[0]


def clip_paths(registry: Registry, ids: Int[np.ndarray, " chosen"]) -> list[str]:
    """Where `write_clips` puts segments."""
    owners, place = np.unique(registry.owner[ids], return_inverse=True)
    names = [safe_name(name) for name in registry.utterances.id[owners]]
    spans = zip(
        place.tolist(), registry.start[ids].tolist(), registry.end[ids].tolist(), strict=True
    )
    return [clip_name(names[owner], start, end) for owner, start, end in spans]


def clip_name(utterance: str, start: int, end: int) -> str:
    """Where a span lies, relative to its folder.

    Args:
        utterance: its `safe_name`.
        start: first sample.
        end: the sample behind the last one.
    """
    return f"clips/{utterance}-{start}-{end}.flac"


def write_clips(
    folder: Path,
    cuts: Iterable[Cut],
    registry: Registry,
    ids: Int[np.ndarray, "..."],
) -> dict[str, str]:
    """Writes segments as 16-bit FLAC, each once, whichever features share it.

    Args:
        folder: the clips go to `clips/` below it.
        cuts: the utterances of the registry, at least those of the segments.
        registry: of the unit of search.
        ids: segments, of any shape; -1 is none.

    Returns:
        Utterance to the reason, for those that could not be read.

    Raises:
        UserError: a file cannot be written.
    """
    wanted = np.unique(ids[ids >= 0])
    by_id: Mapping[str, Cut] = {str(cut.id): cut for cut in cuts}
    failures = {}
    for owner in np.unique(registry.owner[wanted]):
        utterance = registry.utterances.id[owner]
        try:
            waveform, _ = load_waveform(by_id[utterance])
        except (KeyError, AudioError) as error:
            failures[utterance] = "no such cut" if isinstance(error, KeyError) else str(error)
            continue
        for segment in wanted[registry.owner[wanted] == owner]:
            span = waveform[registry.start[segment] : registry.end[segment]]
            write_audio(folder / clip_path(registry, int(segment)), span, SAMPLE_RATE)
    return failures
