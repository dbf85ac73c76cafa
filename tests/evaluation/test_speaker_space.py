"""The linear map to speakers: scikit-learn's answers, strangers told apart, bad data refused."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from evaluation.speaker_space import TooFewSpeakersError, fit_speaker_space
from evaluation.verification import eer

MIXING, _ = np.linalg.qr(np.random.default_rng(99).normal(size=(40, 40)))


def voices(
    n_speakers: int, each: int, seed: int, identity: float = 1.0
) -> tuple[np.ndarray, list[str]]:
    """Speakers differ in 6 of 40 values; what they say moves 4 others three times as much."""
    rng = np.random.default_rng(seed)
    centres = np.zeros((n_speakers, 40))
    centres[:, :6] = identity * rng.normal(size=(n_speakers, 6))
    rows = np.repeat(centres, each, 0) + 0.3 * rng.normal(size=(n_speakers * each, 40))
    rows[:, 6:10] += 3 * rng.normal(size=(len(rows), 4))
    return (rows @ MIXING).astype(np.float32), [f"s{i // each}" for i in range(len(rows))]


def all_pairs_eer(vectors: np.ndarray, speakers: list[str]) -> float:
    first, second = np.triu_indices(len(vectors), 1)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    names = np.array(speakers)
    return eer((unit[first] * unit[second]).sum(1), names[first] == names[second])


def test_strangers_are_told_apart() -> None:
    """Unseen speakers, nearly as well as by the six values that tell, which nobody gave away."""
    space = fit_speaker_space(*voices(30, 10, 0))
    vectors, speakers = voices(12, 5, 1)
    told = all_pairs_eer((vectors @ MIXING.T)[:, :6], speakers)
    assert told < 0.06
    assert all_pairs_eer(space.embed(vectors), speakers) < told + 0.03
    assert all_pairs_eer(vectors, speakers) > 0.25


def test_without_identity_there_is_none_to_find() -> None:
    space = fit_speaker_space(*voices(30, 10, 0, identity=0.0))
    vectors, speakers = voices(12, 5, 1, identity=0.0)
    assert all_pairs_eer(space.embed(vectors), speakers) == pytest.approx(0.5, abs=0.08)


def test_the_nearest_centre_is_what_scikit_learn_answers() -> None:
    """With plenty of utterances nothing is shrunk, and both are the same analysis."""
    vectors, speakers = voices(8, 400, 2, identity=0.5)
    others, truth = voices(8, 50, 2, identity=0.5)
    space = fit_speaker_space(vectors, speakers)
    theirs = LinearDiscriminantAnalysis().fit(vectors, speakers).predict(others)
    ours = np.array(space.recognise(others))
    assert (ours == theirs).mean() > 0.99
    assert (ours == np.array(truth)).mean() > 0.5


def test_speakers_scatter_alike_in_all_directions() -> None:
    vectors, speakers = voices(10, 300, 3)
    space = fit_speaker_space(vectors, speakers)
    index = [space.speakers.index(name) for name in speakers]
    within = np.cov((space.project(vectors) - space.centres[index]).T)
    assert within == pytest.approx(np.eye(9), abs=0.05)


def test_units_and_offsets_of_the_values_cancel() -> None:
    rng = np.random.default_rng(4)
    vectors, speakers = voices(10, 8, 4)
    scale, offset = 10 ** rng.uniform(-1, 1, 40), rng.normal(size=40)
    plain = fit_speaker_space(vectors, speakers).embed(vectors)
    moved = (vectors * scale + offset).astype(np.float32)
    other = fit_speaker_space(moved, speakers).embed(moved)
    assert plain @ plain.T == pytest.approx(other @ other.T, abs=1e-3)


def test_more_values_than_utterances() -> None:
    """A thousand values, the last of which never moves, from sixty utterances."""
    rng = np.random.default_rng(5)
    centres = np.repeat(rng.normal(size=(10, 1000)), 6, 0)
    vectors = centres + rng.normal(size=(60, 1000))
    vectors[:, -1] = 3.0
    speakers = [f"s{i // 6}" for i in range(60)]
    space = fit_speaker_space(vectors, speakers)
    again = fit_speaker_space(vectors, speakers)
    assert space.directions.shape == (1000, 9) and np.array_equal(space.mean, again.mean)
    assert np.array_equal(space.directions, again.directions)
    fresh = centres + rng.normal(size=(60, 1000))
    fresh[:, -1] = 3.0
    assert space.recognise(fresh) == speakers


def test_embeddings_are_unit_vectors() -> None:
    vectors, speakers = voices(6, 5, 6)
    unit = fit_speaker_space(vectors, speakers).embed(vectors)
    assert unit.dtype == np.float32
    assert np.linalg.norm(unit, axis=1) == pytest.approx(np.ones(30), abs=1e-6)


def test_a_speaker_heard_once_is_left_out() -> None:
    vectors, speakers = voices(4, 3, 7)
    space = fit_speaker_space(vectors[:-2], speakers[:-2])
    assert space.speakers == ["s0", "s1", "s2"]


def test_too_few_speakers_are_refused() -> None:
    vectors, speakers = voices(2, 3, 8)
    with pytest.raises(TooFewSpeakersError, match="there are 1"):
        fit_speaker_space(vectors[:4], speakers[:4])
    with pytest.raises(TooFewSpeakersError, match="there are 0"):
        fit_speaker_space(vectors[:0], [])
    with pytest.raises(TooFewSpeakersError, match="all utterances are the same"):
        fit_speaker_space(np.ones((6, 3)), speakers)
