"""GE2E in batches: resemblyzer's own numbers, failures with reasons, batch mates without effect."""

import numpy as np
import pytest

from evaluation.trials import Trial
from evaluation.verifiers.resemblyzer import GE2EVerifier
from evaluation.verifiers.verifier import score_trials

RATE = 16000


def voice(duration_s: float, seed: int, level: float = 3000) -> np.ndarray:
    """A buzz of random pitch with noise: enough for the encoder to tell apart, 16-bit."""
    generator = np.random.default_rng(seed)
    time_s = np.arange(int(duration_s * RATE)) / RATE
    pitch = generator.uniform(80, 250)
    buzz = sum(np.sin(2 * np.pi * pitch * k * time_s) / k for k in range(1, 12))
    signal = level * (buzz * (1 + np.sin(8 * time_s)) + 0.1 * generator.normal(size=len(time_s)))
    return np.clip(signal, -32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def verifier() -> GE2EVerifier:
    return GE2EVerifier(batch_size=5)


@pytest.mark.parametrize("level", [3, 300, 6000])
def test_equal_to_resemblyzer(verifier: GE2EVerifier, level: float) -> None:
    """On the same untrimmed, volume-normalised signal; quiet ones are raised, loud ones kept."""
    from resemblyzer import VoiceEncoder
    from resemblyzer.audio import normalize_volume

    encoder = VoiceEncoder("cpu", verbose=False)
    durations_s = (0.03, 0.5, 1.2, 1.595, 1.6, 1.7, 2.0, 2.8, 3.217, 4.5)
    waveforms = [voice(duration_s, i, level) for i, duration_s in enumerate(durations_s)]
    embedded = verifier.embed(waveforms)
    assert embedded.failures == [""] * len(waveforms)
    for waveform, vector in zip(waveforms, embedded.vectors, strict=True):
        signal = (waveform / 32768).astype(np.float32)
        expected = encoder.embed_utterance(normalize_volume(signal, -30, increase_only=True))
        assert np.abs(vector - expected).max() < 1e-4


def test_rows_are_unit_vectors_and_independent_of_batch_mates(verifier: GE2EVerifier) -> None:
    waveforms = [voice(1 + i / 3, i) for i in range(6)]
    together = verifier.embed(waveforms)
    assert together.vectors.shape == (6, 256) and together.vectors.dtype == np.float32
    assert np.linalg.norm(together.vectors, axis=1) == pytest.approx(np.ones(6), abs=1e-6)
    for waveform, vector in zip(waveforms, together.vectors, strict=True):
        assert np.abs(verifier.embed([waveform]).vectors[0] - vector).max() < 1e-5


def test_what_cannot_be_embedded_fails_alone(verifier: GE2EVerifier) -> None:
    good = voice(1, 0)
    broken = good / 32768
    broken[5] = np.nan
    bad = [np.zeros(RATE, np.int16), broken, good[:399], good[:0], good.reshape(2, -1)]
    embedded = verifier.embed([good, *bad, good])
    assert embedded.failures == [
        "",
        "silent",
        "not finite",
        "too short for ge2e: 399 of 400 samples",
        "too short for ge2e: 0 of 400 samples",
        "not one channel: shape (2, 8000)",
        "",
    ]
    assert np.isnan(embedded.vectors[1:-1]).all()
    assert (embedded.vectors[0] == embedded.vectors[-1]).all()


def test_nothing_to_embed(verifier: GE2EVerifier) -> None:
    assert verifier.embed([]).vectors.shape == (0, 256)
    assert verifier.embed([np.zeros(RATE, np.int16)]).failures == ["silent"]


def test_trials_are_scored_by_cosine_and_fail_with_their_utterance() -> None:
    trials = [
        Trial("t0", "a", "b", "A", "B", False),
        Trial("t1", "a", "c", "A", "C", False),
        Trial("t2", "d", "a", "A", "A", True),
    ]
    vectors = {"a": np.array([1.0, 0.0]), "b": np.array([0.6, 0.8]), "d": np.array([1.0, 0.0])}
    scores = score_trials(trials, vectors, {"c": "silent", "a": "", "b": "", "d": ""})
    assert scores[0].value == pytest.approx(0.6)
    assert scores[1] == (None, "c: silent")
    assert scores[2].value == 1.0
    with pytest.raises(KeyError):
        score_trials(trials, vectors, {})
