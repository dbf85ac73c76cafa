"""Files are what their content says, come at 16 kHz, and are broken for a reason."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from corpora.audio import AudioError
from evaluation.sound_files import announced_length, audio_files, pcm_problem, read_pcm

RATE = 16000


@pytest.fixture(scope="module")
def sound(vowels: Callable[..., np.ndarray]) -> np.ndarray:
    """Two seconds in [-1, 1]."""
    return vowels(2 * RATE)


@pytest.fixture(scope="module")
def pcm(sound: np.ndarray) -> np.ndarray:
    return np.round(32767 * sound).astype(np.int16)


def test_16_bits_come_bit_for_bit(pcm: np.ndarray, tmp_path: Path) -> None:
    for name in ("a.flac", "a.wav", "a.aiff"):
        soundfile.write(tmp_path / name, pcm, RATE, subtype="PCM_16")
        found, remarks = read_pcm(tmp_path / name)
        assert found.dtype == np.int16 and (found == pcm).all() and remarks == []
        assert announced_length(tmp_path / name) == len(pcm)


@pytest.mark.parametrize(
    ("kind", "lie"),
    [("FLAC", "a.wav"), ("OGG", "a.flac"), ("MP3", "a.wav"), ("MP3", "a.flac"), ("WAV", "a.mp3")],
)
def test_an_extension_that_lies_is_seen_through(kind, lie, sound, pcm, tmp_path) -> None:
    soundfile.write(tmp_path / "honest", sound, RATE, format=kind)
    shutil.move(tmp_path / "honest", tmp_path / lie)
    found, remarks = read_pcm(tmp_path / lie)
    assert remarks == [f"is {kind} in spite of its name {lie}"]
    assert len(found) == len(pcm)
    assert np.corrcoef(found, pcm)[0, 1] > 0.98


def test_what_is_no_audio_is_not_taken_for_raw_samples(tmp_path: Path) -> None:
    (tmp_path / "a.au").write_text("libsndfile believes this name " * 1000)
    assert soundfile.info(str(tmp_path / "a.au")).frames > 0, "by its name it would be read"
    with pytest.raises(AudioError, match="unreadable: Format not recognised"):
        read_pcm(tmp_path / "a.au")


def test_other_rates_widths_and_channels_are_converted_and_remarked(sound, pcm, tmp_path) -> None:
    path = tmp_path / "a.wav"
    stereo = np.stack([sound, np.zeros_like(sound)], axis=1)
    cases = {
        "resampled from 8000 Hz": (sound[::2], 8000, "PCM_16"),
        "resampled from 48000 Hz": (np.repeat(sound, 3), 48000, "PCM_24"),
        "2 channels mixed down to one": (2 * stereo, RATE, "FLOAT"),
        "": (sound, RATE, "PCM_24"),
    }
    for remark, (samples, rate, subtype) in cases.items():
        soundfile.write(path, samples, rate, subtype=subtype)
        found, remarks = read_pcm(path)
        assert remarks == ([remark] if remark else [])
        assert len(found) == len(pcm) == announced_length(path)
        assert np.corrcoef(found, pcm)[0, 1] > 0.95


def broken(kind: str, sound: np.ndarray, folder: Path) -> Path:
    """A file that is broken in one way."""
    path = folder / "a.wav"
    holed = np.where(np.arange(len(sound)) == 7, np.nan, sound)
    signals = {"nothing": sound[:0], "silence": 0 * sound, "short": sound[:800], "hole": holed}
    if kind in signals:
        soundfile.write(path, signals[kind], RATE, subtype="FLOAT")
    elif kind == "link":
        path.symlink_to(folder / "nowhere.wav")
    else:
        form = "MP3" if kind == "cut MP3" else "FLAC"
        soundfile.write(path, sound, RATE, format=form)
        whole = path.read_bytes()
        path.write_bytes(b"" if kind == "bytes" else whole[: len(whole) // 2])
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("nothing", "empty"),
        ("silence", "silent"),
        ("short", "too short"),
        ("hole", "NaN"),
        ("bytes", "unreadable: empty file"),
        ("cut FLAC", "unreadable: flac decoder lost sync"),
        ("cut MP3", "truncated: "),
        ("link", "unreadable: No such file"),
    ],
)
def test_what_cannot_be_scored_has_a_reason(kind, reason, sound, tmp_path) -> None:
    path = broken(kind, sound, tmp_path)
    with pytest.raises(AudioError, match=reason):
        read_pcm(path)


def test_an_offset_and_rounding_noise_are_silence(pcm: np.ndarray) -> None:
    dither = np.random.default_rng(0).integers(0, 2, RATE).astype(np.int16)
    assert pcm_problem(dither + np.int16(900)) == "silent"
    assert pcm_problem(pcm) is None


def test_links_are_followed_hidden_files_and_circles_are_not(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    (root / "folder.wav").mkdir(parents=True)
    (root / ".cache").mkdir()
    other.mkdir()
    for name in ("b.WAV", "a.mp3", ".h.wav", "t.txt", ".cache/c.wav"):
        (root / name).touch()
    (other / "d.wav").touch()
    (root / "gone.wav").symlink_to("nowhere")
    (root / "linked").symlink_to(other)
    (root / "circle").symlink_to(root)
    listed = [path.relative_to(root).as_posix() for path in audio_files(root)]
    assert listed == ["a.mp3", "b.WAV", "gone.wav", "linked/d.wav"]
