"""The linear speaker probe: valid states only, held-out utterances, failures with reasons."""

import numpy as np
import pytest
import torch

from asr_models.tap import States
from evaluation.speaker_probe import SpeakerStatistics, held_out, utterance_statistics

WIDTH = 6


def spoken(speakers: list[int], seed: int, identity: float) -> States:
    """States around a centre of each speaker's own; beyond an utterance lies rubbish."""
    rng = np.random.default_rng(seed)
    centres = identity * np.random.default_rng(7).normal(size=(50, WIDTH))
    lengths = rng.integers(5, 12, len(speakers))
    values = np.full((len(speakers), 12, WIDTH), 1e6, np.float32)
    for row, speaker, length in zip(values, speakers, lengths, strict=True):
        row[:length] = centres[speaker] + rng.normal(size=(length, WIDTH))
    return States(torch.from_numpy(values), torch.from_numpy(lengths))


def trained(identity: float, speakers: int = 20, each: int = 10) -> SpeakerStatistics:
    statistics = SpeakerStatistics()
    for turn in range(each):
        names = [f"s{i:02d}-{turn}" for i in range(speakers)]
        states = spoken(list(range(speakers)), turn, identity)
        statistics.add(names, [f"s{i:02d}" for i in range(speakers)], {"x": states})
    return statistics


def test_statistics_of_valid_states() -> None:
    states = spoken([0, 1, 2], 3, 1.0)
    found = utterance_statistics(states).numpy()
    for row, values, length in zip(found, states.values.numpy(), states.lengths, strict=True):
        assert row[:WIDTH] == pytest.approx(values[:length].mean(0), abs=1e-5)
        assert row[WIDTH:] == pytest.approx(values[:length].std(0), abs=1e-5)


def test_one_state_has_no_deviation() -> None:
    states = States(torch.full((1, 4, 2), 3.0), torch.tensor([1]))
    assert utterance_statistics(states).tolist() == [[3.0, 3.0, 0.0, 0.0]]


def test_the_last_fifth_of_each_speaker_is_held_out() -> None:
    speakers = {f"a{i:02d}": "a" for i in range(11)} | {"b0": "b", "b1": "b", "b2": "b"}
    speakers |= {"c0": "c", "c1": "c"}
    assert held_out(speakers) == {"a09", "a10", "b2"}


def test_speakers_are_named_where_states_hold_them() -> None:
    probe = trained(identity=3.0).fit("x")
    assert (probe.n_speakers, probe.n_fitted, probe.n_held_out) == (20, 160, 40)
    assert probe.accuracy > 95
    lost = trained(identity=0.0).fit("x")
    assert lost.accuracy < 25  # chance is 5 %


def test_strangers_are_compared_by_cosine() -> None:
    probe = trained(identity=3.0).fit("x")
    strangers = list(range(30, 45))
    first, second = (probe.embed(spoken(strangers, seed, 3.0)).vectors for seed in (100, 101))
    cosines = first @ second.T
    same, other = np.diag(cosines), cosines[~np.eye(15, dtype=bool)]
    assert np.median(same) > 0.7 > 0.5 > np.median(other)


def test_utterances_do_not_depend_on_their_batch() -> None:
    probe = trained(identity=3.0).fit("x")
    states = spoken([1, 2, 3], 9, 3.0)
    together = probe.embed(states).vectors
    for i, length in enumerate(states.lengths.tolist()):
        alone = States(states.values[i : i + 1, :length], states.lengths[i : i + 1])
        assert probe.embed(alone).vectors[0] == pytest.approx(together[i], abs=1e-4)


def test_what_is_not_finite_fails_alone() -> None:
    statistics = trained(identity=3.0)
    broken = spoken([1, 2], 9, 3.0)
    broken.values[0, 0, 0] = torch.nan
    statistics.add(["s01-x", "s02-x"], ["s01", "s02"], {"x": broken})
    assert "s01-x" not in statistics.vectors["x"] and "s02-x" in statistics.vectors["x"]
    found = statistics.fit("x").embed(broken)
    assert found.failures == ["the states are not finite", ""]
    assert np.isfinite(found.vectors[1]).all()


def test_a_probe_that_cannot_be_fitted_fails_with_its_reason() -> None:
    statistics = SpeakerStatistics()
    statistics.add(["u0", "u1"], ["a", "a"], {"x": spoken([0, 0], 0, 1.0)})
    probe = statistics.fit("x")
    assert probe.embed(spoken([1, 2], 1, 1.0)).failures == [probe.failure] * 2
    row = probe.row("baseline", "x")
    assert row.accuracy is None and "two speakers" in row.failure
