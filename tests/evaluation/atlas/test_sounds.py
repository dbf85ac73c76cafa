"""Sounds of an atlas: equally loud, never clipped, cut once."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from lhotse import MonoCut, Recording
from torchaudio.functional import loudness

from evaluation.atlas.settings import AtlasSettings
from evaluation.atlas.site import Site
from evaluation.atlas.sounds import LOUDNESS, PEAK, Span, cut_clips, encoded, matched, sound_of

Vowels = Callable[..., np.ndarray]


def level_of(waveform: np.ndarray) -> float:
    repeated = np.tile(waveform, 1 + 12000 // len(waveform)).astype(np.float32)
    return float(loudness(torch.from_numpy(repeated)[None], 16000))


@pytest.mark.parametrize("samples", [800, 8000, 40000])
@pytest.mark.parametrize("gain", [0.01, 1.0, 3.0])
def test_all_end_equally_loud(vowels: Vowels, samples: int, gain: float) -> None:
    made = matched(gain * vowels(samples, 3)[-samples:], 16000)
    assert level_of(made) == pytest.approx(LOUDNESS, abs=0.2)


def test_nothing_is_clipped_and_silence_stays(vowels: Vowels) -> None:
    click = np.zeros(16000, np.float32)
    click[100] = 0.5
    assert np.abs(matched(click, 16000)).max() <= PEAK + 1e-6
    assert not matched(np.zeros(100, np.float32), 16000).any()


@pytest.mark.parametrize("form", ["flac", "mp3"])
def test_files_play_at_their_length(vowels: Vowels, form: str) -> None:
    content = encoded(vowels(16000), 16000, form)
    waveform, rate = soundfile.read(io.BytesIO(content))
    assert rate == 16000 and abs(len(waveform) - 16000) <= (0 if form == "flac" else 1600)


def test_a_sound_of_the_run(tmp_path: Path, vowels: Vowels) -> None:
    site = Site(tmp_path / "report", AtlasSettings())
    path = tmp_path / "a.flac"
    soundfile.write(path, 0.1 * vowels(16000), 16000)
    name, quiet = sound_of(site, path), sound_of(site, path, match=False)
    made, _ = soundfile.read(site.folder / str(name))
    kept, _ = soundfile.read(site.folder / str(quiet))
    assert level_of(made) == pytest.approx(LOUDNESS, abs=0.2)
    assert np.allclose(kept, soundfile.read(path)[0], atol=2e-4)
    (tmp_path / "broken.flac").write_bytes(b"fLaC broken")
    for absent in ("none.flac", "broken.flac"):
        assert sound_of(site, tmp_path / absent) is None
    assert site.absent == 2


@pytest.fixture
def corpus(tmp_path: Path, vowels: Vowels) -> dict[str, MonoCut]:
    cuts = {}
    for i, name in enumerate(("u0", "u1")):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, vowels(16000, i), 16000)
        recording = Recording.from_file(path, recording_id=name)
        cuts[name] = MonoCut(name, 0.0, recording.duration, 0, recording=recording)
    return cuts


def test_clips_are_cut_once_and_found_again_without_the_corpus(
    tmp_path: Path, corpus: dict[str, MonoCut]
) -> None:
    opened: list[int] = []

    def open_corpus() -> dict[str, MonoCut]:
        opened.append(1)
        return corpus

    spans = [Span("u0", 0, 8000), Span("u1", 4000, 12000), Span("gone", 0, 10), Span("u0", 0, 8000)]
    site = Site(tmp_path / "report", AtlasSettings())
    found = cut_clips(site, spans, open_corpus, "c", lambda fraction, text: None)
    assert set(found) == set(spans[:2]) and opened == [1] and site.absent == 1
    waveform, _ = soundfile.read(site.folder / found[spans[1]])
    source, _ = soundfile.read(tmp_path / "u1.wav")
    part = source[4000:12000]
    assert np.corrcoef(waveform, part)[0, 1] > 0.9999 and len(waveform) == 8000
    site.finish()
    again = Site(tmp_path / "report", AtlasSettings())
    assert cut_clips(again, spans[:2], open_corpus, "c", lambda f, t: None) == found
    assert opened == [1]
    other = Site(tmp_path / "report", AtlasSettings())
    cut_clips(other, spans[:1], open_corpus, "another corpus", lambda f, t: None)
    assert opened == [1, 1]


def test_the_first_clips_have_the_room(tmp_path: Path, corpus: dict[str, MonoCut]) -> None:
    site = Site(tmp_path / "report", AtlasSettings(max_megabytes=0.02))
    spans = [Span("u1", i * 1000, i * 1000 + 8000) for i in range(8)]
    found = cut_clips(site, spans, lambda: corpus, "c", lambda f, t: None)
    assert list(found) == spans[: len(found)] and 0 < len(found) < 8
    assert site.left_out == 8 - len(found) and site.size <= 20000
