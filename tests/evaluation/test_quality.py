"""The metric guard, one case of trap 5 after the other: a value or a reason, never a code."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pesq import pesq
from pystoi import stoi

import evaluation
from evaluation.quality import QUALITY_METRICS, Score, score_quality

RATE = 16000


def speech_like(duration_s: float, seed: int = 0) -> np.ndarray:
    """Low-passed noise whose level rises and falls four times a second."""
    generator = np.random.default_rng(seed)
    time_s = np.arange(int(duration_s * RATE)) / RATE
    envelope = np.clip(np.sin(2 * np.pi * 4 * time_s), 0, None)
    noise = np.convolve(generator.standard_normal(len(time_s)), np.ones(8) / 8, mode="same")
    return (6000 * envelope * noise).astype(np.int16)


def noisy(signal: np.ndarray) -> np.ndarray:
    return (signal + np.random.default_rng(1).normal(0, 200, len(signal))).astype(np.int16)


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return speech_like(1.5)


def test_scores_are_those_of_the_libraries(clean: np.ndarray) -> None:
    degraded = noisy(clean)
    scores = score_quality(clean, degraded, RATE, QUALITY_METRICS)
    assert all(score.failure == "" for score in scores.values())
    assert scores["pesq_wb"].value == pytest.approx(pesq(RATE, clean, degraded, "wb"), abs=1e-6)
    assert scores["pesq_nb"].value == pytest.approx(pesq(RATE, clean, degraded, "nb"), abs=1e-6)
    assert scores["stoi"].value == pytest.approx(stoi(clean, degraded, RATE))
    assert scores["estoi"].value == pytest.approx(stoi(clean, degraded, RATE, extended=True))


def test_a_signal_against_itself_has_the_highest_score(clean: np.ndarray) -> None:
    scores = score_quality(clean, clean, RATE, QUALITY_METRICS)
    assert scores["pesq_wb"].value == pytest.approx(4.64, abs=0.01)
    assert scores["pesq_nb"].value == pytest.approx(4.55, abs=0.01)
    assert scores["stoi"].value == pytest.approx(1.0)
    assert scores["estoi"].value == pytest.approx(1.0)


def test_floats_and_16_bit_integers_score_alike(clean: np.ndarray) -> None:
    degraded = noisy(clean)
    integers = score_quality(clean, degraded, RATE, QUALITY_METRICS)
    floats = score_quality(clean / 32768, degraded / 32768, RATE, QUALITY_METRICS)
    for metric in QUALITY_METRICS:
        assert floats[metric].value == pytest.approx(integers[metric].value, abs=1e-6)


def failures(
    reference: np.ndarray, degraded: np.ndarray, rate: int = RATE, metrics=QUALITY_METRICS
) -> set[str]:
    scores = score_quality(reference, degraded, rate, metrics)
    assert all(score.value is None and score.failure for score in scores.values()), scores
    return {score.failure for score in scores.values()}


def test_silent_reference(clean: np.ndarray) -> None:
    assert failures(np.zeros_like(clean), clean) == {"reference is silent"}


def test_silent_degraded(clean: np.ndarray) -> None:
    assert failures(clean, np.zeros_like(clean)) == {"degraded signal is silent"}


@pytest.mark.parametrize("offset", [-5, 1, 1000])
def test_an_offset_or_rounding_noise_is_silence_too(clean: np.ndarray, offset: int) -> None:
    dither = np.random.default_rng(0).integers(0, 2, len(clean)).astype(np.int16)
    assert failures(clean, np.full_like(clean, offset)) == {"degraded signal is silent"}
    assert failures(clean, dither + np.int16(offset)) == {"degraded signal is silent"}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(clean: np.ndarray, bad: float) -> None:
    degraded = clean / 32768
    degraded[100] = bad
    assert failures(clean, degraded) == {"degraded signal is not finite"}
    assert failures(degraded, clean) == {"reference is not finite"}


def test_lengths_that_differ(clean: np.ndarray) -> None:
    assert failures(clean, clean[:-1]) == {"lengths differ: 24000 and 23999 samples"}


def test_empty_and_stereo(clean: np.ndarray) -> None:
    assert failures(clean[:0], clean[:0]) == {"reference is empty"}
    (reason,) = failures(clean.reshape(2, -1), clean.reshape(2, -1))
    assert reason.startswith("not one channel")


def test_under_a_quarter_of_a_second(clean: np.ndarray) -> None:
    short = clean[:3200]
    reasons = failures(short, noisy(short))
    assert reasons == {
        "too short for PESQ: 0.200 s of 0.25 s",
        "too short for STOI: fewer than 30 frames (0.4 s) of speech",
    }


@pytest.mark.parametrize("n_samples", [1, 2, 100, 400])
def test_a_few_samples(n_samples: int) -> None:
    few = (1000 * np.random.default_rng(0).standard_normal(n_samples)).astype(np.int16)
    failures(few, few)


def test_long_enough_but_almost_all_silence(clean: np.ndarray) -> None:
    blip = np.zeros(2 * RATE, dtype=np.int16)
    blip[RATE : RATE + 1600] = clean[1600:3200]
    reasons = failures(blip, blip, metrics=["stoi", "estoi"])
    assert reasons == {"too short for STOI: fewer than 30 frames (0.4 s) of speech"}


def test_no_speech_that_pesq_would_find() -> None:
    step = np.zeros(RATE, dtype=np.int16)
    step[-100:] = 1000
    assert failures(step, step, metrics=["pesq_nb"]) == {"PESQ finds no speech in the reference"}


def test_rates_that_pesq_does_not_know(clean: np.ndarray) -> None:
    assert failures(clean, clean, 8000, ["pesq_wb"]) == {"PESQ (wb) is not defined at 8000 Hz"}
    assert failures(clean, clean, 22050, ["pesq_nb"]) == {"PESQ (nb) is not defined at 22050 Hz"}
    assert score_quality(clean, clean, 8000, ["pesq_nb"])["pesq_nb"].value is not None


def test_estoi_with_digital_silence_is_repeatable(clean: np.ndarray) -> None:
    """Pystoi adds random rounding noise, which is all there is where the signal is zero."""
    degraded = clean.copy()
    degraded[8000:20000] = 0
    state = np.random.get_state()[1].copy()
    first, second = (score_quality(clean, degraded, RATE, ["estoi"]) for _ in range(2))
    assert first == second and first["estoi"].value is not None
    assert (np.random.get_state()[1] == state).all()


def test_unknown_metric_is_a_mistake_not_a_failure(clean: np.ndarray) -> None:
    with pytest.raises(ValueError, match="'mosnet'; known are pesq_wb"):
        score_quality(clean, clean, RATE, ["stoi", "mosnet"])


def test_only_what_is_asked_for_is_scored(clean: np.ndarray) -> None:
    assert score_quality(clean, clean, RATE, ["stoi"]) == {"stoi": Score(pytest.approx(1.0), "")}


def test_import_does_not_need_torch() -> None:
    code = "import sys, evaluation.quality; assert 'torch' not in sys.modules"
    root = Path(evaluation.__path__[0]).parent
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
