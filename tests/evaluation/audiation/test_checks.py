"""Checks: each number against what it is by definition."""

import numpy as np
import pytest
import torch

from acoustics.errors import UserError
from acoustics.mel import LogMel
from evaluation.audiation.checks import (
    against_corpus,
    feature_ranks,
    held_out,
    layer_scores,
    sound_distances,
)
from evaluation.audiation.feature_terms import channel
from evaluation.audiation.heard import Listener
from evaluation.audiation.objective import Context, Score
from evaluation.audiation.transforms import Chain, Gain, Noise

SAMPLES = 4000


def sounds(rows: int) -> torch.Tensor:
    torch.manual_seed(0)
    return 0.1 * torch.randn(rows, SAMPLES)


@pytest.mark.parametrize("score", ["mean", "sum", "max"])
def test_scores_are_those_of_the_states_in_the_window(score, toy) -> None:
    """For more sounds than are heard at once."""
    recogniser, given = toy.recogniser(), sounds(40)
    found = layer_scores(recogniser, "deep", given, (800, 1600), score)
    assert found.shape == (40, 5)
    unit = given / given.square().mean(1, keepdim=True).sqrt()
    states = recogniser.deep(recogniser.filters(unit))[:, 5:10].detach().numpy()
    wanted = getattr(states, score)(1)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    whole = layer_scores(recogniser, "filters", given[:2])
    wanted = recogniser.filters(unit[:2])[:, :-1].mean(1).detach().numpy()
    np.testing.assert_allclose(whole, wanted, rtol=1e-5, atol=1e-5)


def test_scores_of_a_convolution_are_means_over_its_bands(tiny_recogniser) -> None:
    recogniser = tiny_recogniser().freeze()
    outputs = []
    recogniser.cnn[1].register_forward_hook(lambda *given: outputs.append(given[2]))
    found = layer_scores(recogniser, "cnn2", sounds(2))
    # The last state is centred behind the last sample.
    np.testing.assert_allclose(
        found, outputs[0][:, :, :-1].mean((2, 3)).numpy(), rtol=1e-5, atol=1e-6
    )


def test_a_feature_without_a_segment_is_not_compared() -> None:
    nan = np.nan
    found = against_corpus(np.array([2.0, 1.0, 5.0, nan]), np.array([1.0, 1.0, nan, 1.0]))
    assert found.above.tolist() == [True, False, False, False]
    assert found.compared == 2
    assert found.share == 0.5
    assert np.isnan(against_corpus(np.array([nan]), np.array([1.0])).share)


def test_changes_are_new_each_time_and_the_same_each_run(toy) -> None:
    recogniser, given = toy.recogniser(), sounds(3)
    arguments = (recogniser, "filters", [0, 2, 3], given, Noise(5))
    found = held_out(*arguments, repeats=4)
    assert found.shape == (4, 3)
    assert len(np.unique(found[:, 0])) == 4
    assert np.array_equal(found, held_out(*arguments, repeats=4))
    assert not np.array_equal(found, held_out(*arguments, repeats=4, seed=1))
    still = layer_scores(recogniser, "filters", given)[np.arange(3), [0, 2, 3]]
    same = held_out(recogniser, "filters", [0, 2, 3], given, Chain(), repeats=2)
    np.testing.assert_allclose(same, np.stack([still, still]), rtol=1e-6)
    louder = held_out(recogniser, "filters", [0, 2, 3], given, Gain(), repeats=2)
    np.testing.assert_allclose(louder, same, rtol=1e-3)  # the toy hears at unit power


def test_the_strongest_feature_has_rank_1() -> None:
    scores = np.array([[3.0, 1.0, 2.0], [0.0, 0.0, 5.0]])
    assert feature_ranks(scores, [0, 0]).tolist() == [1, 2]
    assert feature_ranks(scores, [1, 2]).tolist() == [3, 1]


def test_features_are_ranked_by_how_far_they_are_above_speech() -> None:
    scores = np.array([[10.0, 2.0, 9.0]])
    mean, deviation = np.array([9.0, 0.0, 0.0]), np.array([1.0, 0.5, 0.0])
    assert [int(feature_ranks(scores, [f], mean, deviation)[0]) for f in range(3)] == [2, 1, 3]
    with pytest.raises(UserError, match="mean and deviation together"):
        feature_ranks(scores, [0], mean=mean)


def test_a_sound_ten_times_as_loud_is_20_db_away() -> None:
    given = sounds(1).repeat(3, 1) * torch.tensor([[1.0], [10.0], [1.0]])
    for power in (1, 2):
        found = sound_distances(given, LogMel(floor=1e-12, power=power))
        np.testing.assert_allclose(found, [[0, 20, 0], [20, 0, 20], [0, 20, 0]], atol=1e-3)
    other = sound_distances(sounds(2))
    assert other[0, 1] == other[1, 0] > 1


@pytest.mark.parametrize("window", [None, (800, 2400)])
def test_what_is_optimised_is_what_is_scored(window, tiny_recogniser) -> None:
    """A channel's objective is its score over the same window, layer by layer."""
    recogniser, given = tiny_recogniser().freeze(), sounds(3)
    context = Context(recogniser, SAMPLES)
    for name in recogniser.layers:
        score = Score([channel(name, feature, window) for feature in range(3)], context)
        heard = Listener(recogniser, score.reads, SAMPLES)(given, "waveform")
        scores = layer_scores(recogniser, name, given, window)
        np.testing.assert_allclose(
            score.values(heard).numpy(), scores[range(3), range(3)], rtol=1e-4, atol=1e-6
        )
