"""Embeddings on disk: what comes back is what was kept, failures too, and damage is told."""

import numpy as np
import pytest

from acoustics.errors import UserError
from evaluation.embeddings import (
    INDEX,
    MATRICES,
    Voices,
    load_embeddings,
    save_embeddings,
    score_voices,
)
from evaluation.records import TrialScoreRow, read_rows
from evaluation.sounds import Sounds, SoundScorer
from evaluation.trials import Trial
from evaluation.verifiers.verifier import Verifier

TRIALS = [Trial("t0", "u0", "u1", "a", "b", False), Trial("t1", "u1", "u2", "b", "b", True)]


def voices(seed: int, names: tuple[str, ...] = ("u0", "u1", "u2")) -> Voices:
    rows = np.random.default_rng(seed).normal(size=(len(names), 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Voices(dict(zip(names, rows, strict=True)))


def test_there_and_back(tmp_path) -> None:
    kept = {
        ("clean", "natural", "ge2e"): voices(0),
        ("snr0", "blstm1", "ge2e"): voices(1, ("u2", "u0")),
        ("snr0", "a/b, c", "own"): Voices({}, {"u0": 'silent, "they" say'}),
    }
    kept["snr0", "blstm1", "ge2e"].failures["u1"] = "silent"
    save_embeddings(tmp_path, kept)
    found = load_embeddings(tmp_path)
    assert list(found) == list(kept)
    for place, before in kept.items():
        assert found[place].failures == before.failures
        assert sorted(found[place].vectors) == sorted(before.vectors)
        for name, vector in before.vectors.items():
            assert found[place].vectors[name].dtype == np.float32
            assert np.array_equal(found[place].vectors[name], vector)


def test_a_second_save_replaces_the_first(tmp_path) -> None:
    save_embeddings(tmp_path, {("clean", "natural", "ge2e"): voices(0)})
    save_embeddings(tmp_path, {("clean", "cnn1", "ge2e"): voices(1)})
    assert list(load_embeddings(tmp_path)) == [("clean", "cnn1", "ge2e")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [INDEX, MATRICES]


def test_damage_is_told(tmp_path) -> None:
    with pytest.raises(UserError, match=r"embeddings.safetensors: cannot be read"):
        load_embeddings(tmp_path)
    save_embeddings(tmp_path, {("clean", "natural", "ge2e"): voices(0)})
    index = (tmp_path / INDEX).read_text()
    (tmp_path / INDEX).write_text(index.replace("u2,0,2,", "u2,0,7,"))
    with pytest.raises(UserError, match=r"u2 is not in embeddings.safetensors"):
        load_embeddings(tmp_path)
    (tmp_path / MATRICES).write_bytes(b"\x80\x04pickled")
    with pytest.raises(UserError, match=r"embeddings.safetensors: cannot be read"):
        load_embeddings(tmp_path)


def test_first_utterances_of_another_sound() -> None:
    rendered, natural = voices(0), voices(1)
    plain, mixed = score_voices(TRIALS, rendered), score_voices(TRIALS, rendered, natural)
    for trial, one, other in zip(TRIALS, plain, mixed, strict=True):
        test = rendered.vectors[trial.test]
        assert one.value == pytest.approx(float(rendered.vectors[trial.enrol] @ test))
        assert other.value == pytest.approx(float(natural.vectors[trial.enrol] @ test))


def test_either_side_can_fail() -> None:
    natural = Voices(voices(1, ("u0",)).vectors, {"u1": "unreadable"})
    rendered = voices(0, ("u0", "u2"))
    assert score_voices(TRIALS, rendered, natural) == [
        (None, "u1: the utterance was never rendered"),
        (None, "u1: unreadable"),
    ]


class Loudness(Verifier):
    """A verifier that costs nothing: the levels of four stretches."""

    name, sample_rate, width, min_samples = "loudness", 16000, 4, 4

    def embed_valid(self, waveforms: list[np.ndarray]) -> np.ndarray:
        return np.stack([[np.abs(p).mean() for p in np.array_split(w, 4)] for w in waveforms])


def test_a_scorer_keeps_what_it_embedded(vowels, tmp_path) -> None:
    """The kept vectors give the trial scores of the run again, a silent utterance its failure."""
    pcm = [(32767 * vowels(4000, seed)).astype(np.int16) for seed in range(2)]
    pcm.append(np.zeros(4000, np.int16))
    ids, texts = ["u0", "u1", "u2"], [""] * 3
    sounds = Sounds("clean", "cnn1", ids, ["a", "b", "b"], texts, texts, pcm, pcm)
    arguments = (tmp_path, "baseline", 16000, TRIALS, [Loudness()], {}, [])
    with SoundScorer(*arguments, keep_embeddings=True) as scorer:
        scorer.add(sounds)
    found = load_embeddings(tmp_path)["clean", "cnn1", "loudness"]
    rows = list(read_rows(tmp_path / "trial_scores.csv", TrialScoreRow))
    scores = score_voices(TRIALS, found)
    assert rows[0].score == pytest.approx(scores[0].value, rel=1e-5)
    assert (rows[1].score, rows[1].failure) == scores[1] == (None, "u2: silent")


def test_nothing_is_kept_unless_asked_for(tmp_path) -> None:
    with SoundScorer(tmp_path, "baseline", 16000, TRIALS, [Loudness()], {}, []):
        pass
    assert not list(tmp_path.glob("embeddings*"))
