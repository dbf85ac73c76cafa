"""Averages to a common stride: by hand, without padding, and in the patterns of a recogniser."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from acoustics.frames import Timing
from evaluation.sonification.activity_pattern import ActivityPattern, peak_activations
from evaluation.sonification.equal_stride import averaged_activation, averaging_factors
from evaluation.sonification.search import sonify
from evaluation.sonification.second_look import activity_patterns
from evaluation.sonification.units import build_units
from evaluation.sonification.voices import Voices


def test_factors_lead_to_the_coarsest_stride() -> None:
    assert averaging_factors({"cnn1": 160, "cnn3": 320, "blstm1": 640}) == {
        "cnn1": 4, "cnn3": 2, "blstm1": 1,
    }  # fmt: skip
    assert averaging_factors({"a": 300, "b": 640}) == {"a": 2, "b": 1}  # the nearest whole one
    assert averaging_factors({}) == {}


def test_averages_by_hand() -> None:
    """In twos: rectified first; the fifth state stands alone, padding is nowhere."""
    states = torch.tensor([[1.0, 3.0, -4.0, 2.0, 7.0, 9e9], [5.0, 5.0, 6.0, torch.nan, 1.0, 1.0]])
    found, lengths = averaged_activation(states[..., None], torch.tensor([5, 3]), 2)
    assert found[..., 0].tolist() == [[2.0, 1.0, 7.0], [5.0, 6.0, 0.0]] and lengths.tolist() == [
        3, 2,
    ]  # fmt: skip
    same, lengths = averaged_activation(states[..., None], torch.tensor([5, 3]), 1)
    assert same[0, :5, 0].tolist() == [1.0, 3.0, 0.0, 2.0, 7.0] and lengths.tolist() == [5, 3]


@pytest.mark.parametrize("broken", [torch.nan, torch.inf, -torch.inf])
def test_what_is_no_number_stays_none(broken) -> None:
    states = torch.ones(1, 4, 2)
    states[0, 1, 0] = broken
    found, _ = averaged_activation(states, torch.tensor([4]), 2)
    assert found.isnan().tolist() == [[[True, False], [False, False]]]


def test_pools_alone_lengthen_nothing() -> None:
    """Bumps of 10 to 60 ms, and the same behind a pool of 4: the fine layer's only look shorter."""
    generator = torch.Generator().manual_seed(0)
    fine = (torch.rand(1, 4000, 3, generator=generator) < 0.03).float()
    fine = torch.nn.functional.max_pool1d(fine.mT, 5, 1, 2).mT
    deep = torch.nn.functional.avg_pool1d(fine.mT, 4).mT
    found = {}
    for name, states, stride, factor in (
        ("as it is", fine, 160, 1), ("fine", fine, 160, 4), ("deep", deep, 640, 1),
    ):  # fmt: skip
        values, lengths = averaged_activation(states, torch.tensor([states.shape[1]]), factor)
        peaks = peak_activations(values, lengths)
        pattern = ActivityPattern(peaks, 1, Timing(stride).pooled(factor))
        pattern.update(values, lengths, torch.tensor([0]))
        found[name] = np.array(pattern.compute())
    assert np.array_equal(found["fine"], found["deep"])
    assert (found["as it is"][1] < 0.9 * found["deep"][1]).all()


def test_layers_of_a_recogniser_are_heard_at_one_stride(toy) -> None:
    """The toy has a state every 10 and every 20 ms: its patterns are those of averaged states."""
    corpus, recogniser = toy.corpus(each=2), toy.recogniser()
    units = build_units(corpus.cuts, ["segments"])
    voices = Voices(units.utterances, corpus.cuts, replicates=5, seed=0)
    found = sonify(recogniser, toy.batches(corpus), units)
    calls = []

    def batches():
        calls.append(1)
        return toy.batches(corpus, size=3)

    patterns = activity_patterns(recogniser, batches, found, voices)
    assert len(calls) == 2
    assert {(p.stride_s, p.lag) for p in patterns.values()} == {(0.02, 2)}
    for name, factor in (("coarse", 2), ("fine", 1)):
        alone = [
            averaged_activation(torch.from_numpy(states)[None], torch.tensor([len(states)]), factor)
            for states in toy.states(corpus, recogniser)[name]
        ]
        peaks = torch.stack([peak_activations(*one) for one in alone]).amax(0)
        expected = ActivityPattern(peaks, 1, Timing(320, Fraction(0)))
        for values, lengths in alone:
            expected.update(values, lengths, torch.tensor([0]))
        mine = np.array(patterns[name].compute())
        assert mine == pytest.approx(np.array(expected.compute()), nan_ok=True)
