"""The sounds of an atlas: equally loud where they are compared, each encoded once."""

import io
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from jaxtyping import Float
from lhotse.cut import Cut

from corpora.audio import AudioError, load_waveform
from corpora.corpus import SAMPLE_RATE, Progress
from evaluation.atlas.site import Site

LOUDNESS = -23.0
"""Of matched sounds, in LUFS (EBU R 128)."""

PEAK = 0.99
MEASURED_PEAK = 0.25
"""At which loudness is measured: torchaudio's filters clip, and gate what is soft."""

BLOCK_S = 0.4
"""Of the loudness measure: a shorter sound is measured repeated."""

BYTES_PER_SAMPLE, HEADER = {"flac": 1.05, "mp3": 0.5}, 300
"""Of segments of speech: a guess for which of them there is room."""


class Span(NamedTuple):
    """A part of an utterance of the corpus, in samples at 16 kHz."""

    utterance: str
    start: int
    end: int


def matched(
    waveform: Float[np.ndarray, " sample"], sample_rate: int
) -> Float[np.ndarray, " sample"]:
    """The same sound at the loudness of all matched ones (ITU-R BS.1770-4), never clipped.

    What is silent stays so. A sound with high peaks ends softer.
    """
    import torch  # here, for a build that finds everything made needs none of it
    from torchaudio.functional import loudness

    peak = float(np.abs(waveform).max(initial=0.0))
    if peak == 0.0:
        return waveform
    repeats = int(np.ceil(BLOCK_S * 1.5 * sample_rate / len(waveform)))
    soft = np.tile(waveform * (MEASURED_PEAK / peak), repeats).astype(np.float32)
    level = float(loudness(torch.from_numpy(soft)[None], sample_rate))
    gain = 10 ** ((LOUDNESS - level) / 20) if np.isfinite(level) else 1.0
    return waveform * (min(gain * MEASURED_PEAK, PEAK) / peak)


def encoded(waveform: Float[np.ndarray, " sample"], sample_rate: int, form: str) -> bytes:
    """As a file that browsers play: 16-bit FLAC, or MP3 of a variable rate."""
    buffer = io.BytesIO()
    if form == "mp3":
        soundfile.write(
            buffer, waveform, sample_rate, format="MP3", bitrate_mode="VARIABLE",
            compression_level=0.4,
        )  # fmt: skip
    else:
        soundfile.write(buffer, waveform, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def read_sound(path: Path) -> tuple[Float[np.ndarray, " sample"], int] | None:
    """A file of one channel and its sample rate in Hz; None where it is absent or broken."""
    try:
        waveform, rate = soundfile.read(path, dtype="float32")
    except (OSError, soundfile.LibsndfileError):
        return None
    return (waveform, rate) if waveform.ndim == 1 and len(waveform) else None


def sound_of(site: Site, path: Path, match: bool = True) -> str | None:
    """A file of the run as a sound of the atlas.

    Args:
        site: where to.
        path: of the file.
        match: to the loudness of all; else as loud as it is.

    Returns:
        The way to it from a page; None where it is absent or broken, or where there is no room.
    """
    form = site.settings.sound

    def make() -> bytes | None:
        read = read_sound(path)
        if read is None:
            return None
        waveform, rate = read
        return encoded(matched(waveform, rate) if match else waveform, rate, form)

    return site.file(f"sound {form} {match} {site.identity(path)}", "sounds", f".{form}", make)


def cut_clips(
    site: Site,
    wanted: Iterable[Span],
    cuts: Callable[[], Mapping[str, Cut]],
    origin: str,
    report: Progress,
) -> dict[Span, str]:
    """Parts of the corpus as sounds of the atlas, equally loud; each utterance is read once.

    Args:
        site: where to.
        wanted: the most important first: the bound of the site cuts off the others.
        cuts: opens the corpus, by utterance; called only when something is to be cut. What it
            lacks is counted as absent, but nothing is where it is empty.
        origin: tells this corpus from others with the same names.
        report: called with the fraction that is done.

    Returns:
        The way to each of those that there are.
    """
    form = site.settings.sound
    keys = {span: f"clip {form} {origin} {span_key(span)}" for span in wanted}
    found = {}
    for span in [span for span in keys if site.has(keys[span])]:
        name = site.file(keys.pop(span), "sounds", f".{form}", lambda: None)
        if name:
            found[span] = name
    chosen, crowded = _with_room(site, keys, form)
    corpus = cuts() if chosen else {}
    if chosen and not corpus:
        return found
    for span in crowded:
        site.lack(keys[span], room=True)
    for i, (utterance, spans) in enumerate(chosen.items()):
        report(i / len(chosen), f"cutting segments from {utterance}")
        waveform = _read(corpus.get(utterance))
        for span in spans:
            make = partial(_cut, waveform, span, form)
            name = site.file(keys[span], "sounds", f".{form}", make)
            if name:
                found[span] = name
    return found


def span_key(span: Span) -> str:
    """What tells a part of a corpus from the others, in a key."""
    return " ".join(map(str, span))


def _with_room(
    site: Site, spans: Iterable[Span], form: str
) -> tuple[dict[str, list[Span]], list[Span]]:
    """Those there is room for, by utterance, and the others."""
    room = site.room
    chosen: dict[str, list[Span]] = {}
    crowded = []
    for span in spans:
        room -= BYTES_PER_SAMPLE[form] * max(span.end - span.start, 0) + HEADER
        if room < 0:
            crowded.append(span)
        else:
            chosen.setdefault(span.utterance, []).append(span)
    return chosen, crowded


def _read(cut: Cut | None) -> np.ndarray | None:
    try:
        return None if cut is None else load_waveform(cut)[0]
    except AudioError:
        return None


def _cut(waveform: np.ndarray | None, span: Span, form: str) -> bytes | None:
    part = None if waveform is None else waveform[max(span.start, 0) : span.end]
    if part is None or not len(part):
        return None
    return encoded(matched(part, SAMPLE_RATE), SAMPLE_RATE, form)
