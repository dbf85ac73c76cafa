"""Listening samples: safe names, 16-bit audio, a table that can be extended and moved."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from acoustics.errors import UserError
from evaluation.listening import (
    audio_path,
    read_samples,
    safe_name,
    save_samples,
    write_audio,
    write_sample,
)

MEL = np.zeros((41, 80), dtype=np.float32)
WAVE = (0.1 * np.sin(np.arange(6400) / 9)).astype(np.float32)


@pytest.mark.parametrize("name", ["1089-134686-0000", "f02_s3", "copy-synthesis", "a+b", "x.y"])
def test_ordinary_names_stay(name: str) -> None:
    assert safe_name(name) == name


@given(st.text(min_size=1), st.text(min_size=1))
def test_names_stay_inside_and_differ(one: str, other: str) -> None:
    try:
        first, second = safe_name(one), safe_name(other)
    except UnicodeEncodeError:  # a lone surrogate is no text that a manifest can hold
        return
    assert first not in (".", "..") and not {"/", "\\", "\0", ":"} & set(first)
    assert len(first) <= 150 and (Path("/run") / first).parent == Path("/run")
    assert (first == second) == (one == other)


def test_names_that_climb(tmp_path: Path) -> None:
    assert safe_name("../../etc/passwd") == "%2E.%2F..%2Fetc%2Fpasswd"
    assert ".." not in Path(audio_path("..", "../..", "/", "..")).parts
    with pytest.raises(ValueError, match="empty"):
        safe_name("")
    run = tmp_path / "run"
    sample = write_sample(run, model="..", condition="..", layer="..", utterance="../x",
                          speaker="s", mel=MEL, waveform=WAVE)  # fmt: skip
    assert all((run / p).is_file() for p in (sample.audio, sample.picture, sample.mel))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_audio_is_what_was_given(tmp_path: Path) -> None:
    write_audio(tmp_path / "a" / "b.flac", WAVE, 16000)
    read, rate = soundfile.read(tmp_path / "a" / "b.flac")
    assert rate == 16000 and len(read) == len(WAVE)
    assert np.abs(read - WAVE).max() <= 1 / 32768
    assert soundfile.info(tmp_path / "a" / "b.flac").subtype == "PCM_16"
    with pytest.raises(ValueError, match="finite"):
        write_audio(tmp_path / "n.flac", np.array([0.0, np.nan]), 16000)


def test_references_have_no_model_and_scored_audio_is_not_copied(tmp_path: Path) -> None:
    key = {"condition": "clean", "layer": "natural", "utterance": "u", "speaker": "s"}
    with pytest.raises(FileNotFoundError, match="never written"):
        write_sample(tmp_path, model="robust", mel=MEL, **key)
    write_audio(tmp_path / audio_path("robust", "clean", "natural", "u"), WAVE, 16000)
    sample = write_sample(tmp_path, model="robust", mel=MEL, **key)
    assert sample.model == "reference"
    assert sample.audio == "audio/reference/clean/natural/u.flac"
    assert len(list(tmp_path.rglob("*.flac"))) == 1
    assert np.load(tmp_path / sample.mel).dtype == np.float16


def test_table_merges_and_moves(tmp_path: Path) -> None:
    run = tmp_path / "run"
    samples = [
        write_sample(run, model="baseline", condition="clean", layer=layer, utterance="u, \"1\"",
                     speaker="s", mel=MEL, waveform=WAVE)
        for layer in ("cnn1", "cnn2")
    ]  # fmt: skip
    save_samples(run, samples[:1])
    save_samples(run, [replace(samples[0], speaker="t"), samples[1]])
    shutil.move(run, tmp_path / "elsewhere")
    moved = read_samples(tmp_path / "elsewhere")
    assert moved == [replace(samples[0], speaker="t"), samples[1]]
    assert all((tmp_path / "elsewhere" / sample.audio).is_file() for sample in moved)
    assert read_samples(run) == []


def test_rows_that_climb_or_are_cut_are_dropped(tmp_path: Path) -> None:
    sample = write_sample(tmp_path, model="m", condition="c", layer="l", utterance="u",
                          speaker="s", mel=MEL, waveform=WAVE)  # fmt: skip
    save_samples(tmp_path, [sample, replace(sample, layer="k", audio="../../secret.flac"),
                            replace(sample, layer="j", picture="/etc/x.png")])  # fmt: skip
    with (tmp_path / "samples.csv").open("a") as file:
        file.write("baseline,clean")
    assert read_samples(tmp_path) == [sample]


def test_unwritable_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "audio").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        write_audio(tmp_path / "audio" / "x.flac", WAVE, 16000)
