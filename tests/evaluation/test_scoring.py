"""The streaming scorer: memory that does not grow, and 16 bits that do not clip."""

from pathlib import Path

import numpy as np
import pytest

from acoustics.griffin_lim import GriffinLim
from acoustics.mel import LogMel
from evaluation.scoring import SpeechScorer, never_heard
from evaluation.sounds import as_pcm
from evaluation.trials import Trial
from evaluation.verifiers.verifier import Verifier

STATM = Path("/proc/self/statm")


class Loudness(Verifier):
    """A verifier that costs nothing: the levels of four stretches."""

    name, sample_rate, width, min_samples = "loudness", 16000, 4, 4

    def embed_valid(self, waveforms: list[np.ndarray]) -> np.ndarray:
        return np.stack([[np.abs(p).mean() for p in np.array_split(w, 4)] for w in waveforms])


def resident_mb() -> float:
    return int(STATM.read_text().split()[1]) * 4096 / 1e6


@pytest.mark.skipif(not STATM.exists(), reason="resident memory is read from Linux's /proc")
@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_utterances(make_batch, tmp_path) -> None:
    """Forty batches would be 120 MB of samples, were they collected."""
    log_mel, batch = LogMel(), make_batch([48000] * 4)
    mel, _ = log_mel(batch.waveform, batch.lengths)
    mels = {f"layer{i}": mel for i in range(4)}
    trial = Trial("t0", "u0-0", "u0-1", "s0", "s1", False)
    with SpeechScorer(
        tmp_path,
        tmp_path,
        "baseline",
        GriffinLim(log_mel, n_iter=0),
        [trial],
        [Loudness()],
        {},
        quality=["stoi"],
        with_quality=None,
        with_audio=set(),
    ) as scorer:

        def add(number: int) -> None:
            batch.ids = [f"u{number}-{i}" for i in range(4)]
            scorer.add("clean", batch, mels, {}, {"natural": batch.waveform.clone()})

        for number in range(5):
            add(number)
        before = resident_mb()
        for number in range(5, 45):
            add(number)
        assert resident_mb() - before < 30


def test_sixteen_bits_scale_what_would_clip_and_leave_the_rest(vowels) -> None:
    sound = vowels(1600)
    assert np.abs(as_pcm(sound) / 32767 - sound).max() <= 0.5 / 32767 + 1e-7
    loud = as_pcm(10 * sound / np.abs(sound).max())
    assert np.abs(loud).max() == 32767
    assert np.corrcoef(loud, sound)[0, 1] > 0.9999
    assert (as_pcm(np.zeros(3, np.float32)) == 0).all()


def test_what_no_batch_brought_is_told_once() -> None:
    unusable = [
        ("train", "a", "silent"),
        ("test", "b", "no transcript"),
        ("test", "c", "truncated"),
        ("test", "b", "no transcript"),
    ]
    assert never_heard(unusable, told={"c"}) == [("b", "no transcript")]
    assert never_heard(unusable, told={"b", "c"}) == []
