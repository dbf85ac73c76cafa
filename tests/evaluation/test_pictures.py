"""Mel pictures: the right way up, on one scale, of the right size."""

import io

import numpy as np
import pytest
from PIL import Image

from evaluation.pictures import AXIS_HEIGHT, mel_grid, mel_levels, mel_picture, tick_step


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int).sum(axis=2)


def test_low_bands_are_at_the_bottom_and_time_runs_right() -> None:
    mel = np.full((50, 80), -10.0, dtype=np.float32)
    mel[:10, :8] = 0.0
    image = pixels(mel_picture(mel, levels=(-10.0, 0.0), axis=False, scale=1))
    assert image.shape == (80, 50)
    assert image[-8:, :10].min() > 600 and image[:72].max() < 20 and image[:, 10:].max() < 20


def test_axis_and_scale() -> None:
    mel = np.random.default_rng(0).normal(size=(100, 80)).astype(np.float16)
    assert pixels(mel_picture(mel)).shape == (160 + AXIS_HEIGHT, 200)


def test_not_finite_is_darkest_and_levels_ignore_it() -> None:
    mel = np.zeros((20, 80), dtype=np.float32)
    mel[3, 3], mel[4, 4] = np.nan, np.inf
    assert mel_levels(mel) == (0.0, 0.001)
    assert pixels(mel_picture(mel, levels=(-1.0, 1.0), axis=False, scale=1))[80 - 4, 3] < 20
    with pytest.raises(ValueError, match="finite"):
        mel_levels(np.full((2, 2), np.nan))


def test_grid() -> None:
    mel = np.random.default_rng(0).normal(size=(30, 80)).astype(np.float32)
    image = pixels(mel_grid({f"cnn{at}": mel for at in range(5)}, columns=2))
    assert image.shape[1] == 2 * (60 + 8) and image.shape[0] > 3 * 160
    with pytest.raises(ValueError, match="at least one"):
        mel_grid({})


def test_ticks_are_round_and_few() -> None:
    assert [tick_step(d, 5) for d in (0.3, 1.0, 2.4, 9.0)] == pytest.approx([0.1, 0.2, 0.5, 2.0])
