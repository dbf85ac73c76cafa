"""Density, length and spikiness of activations: by hand, in any batches, and what they tell."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from acoustics.frames import Timing
from evaluation.bootstrap import speaker_weights
from evaluation.paper.verdicts import FAILS, HOLDS, OPEN
from evaluation.sonification.activity_blocks import (
    block_claim,
    block_estimates,
    block_rows,
    blocks_of,
)
from evaluation.sonification.activity_claims import activity_claims, activity_rows
from evaluation.sonification.activity_pattern import ActivityPattern, peak_activations
from evaluation.sonification.layer_activity import LayerActivity, layer_activity

TIMING = Timing(320, Fraction(0))  # 20 ms, so the lag of 40 ms is two states


def pattern_of(
    states: torch.Tensor, lengths: torch.Tensor, speakers: torch.Tensor, batch: int = 99
) -> ActivityPattern:
    pattern = ActivityPattern(peak_activations(states, lengths), int(speakers.max()) + 1, TIMING)
    for start in range(0, len(states), batch):
        part = slice(start, start + batch)
        pattern.update(states[part], lengths[part], speakers[part])
    return pattern


def noise(utterances: int, states: int, features: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(utterances, states, features, generator=torch.Generator().manual_seed(seed))


def test_one_feature_by_hand() -> None:
    """Peak 10, so 1 is not above a tenth: runs of 2, 1 and 3 states, in 10 + 4 valid ones."""
    states = torch.zeros(2, 10, 1)
    states[0, :, 0] = torch.tensor([0.0, 10, 2, 1, 0, -9, 3, 0, 0, 1])
    states[1, :, 0] = torch.tensor([5.0, 5, 5, 0, 7, 7, 7, 7, 7, 7])
    lengths = torch.tensor([10, 4])
    found = pattern_of(states, lengths, torch.tensor([0, 1])).compute()
    assert found.active_share == pytest.approx([6 / 14]) and found.length_s == pytest.approx([0.04])
    a = np.maximum(states[0, :, 0].numpy(), 0)
    b = states[1, :4, 0].numpy()
    changes = np.concatenate([a[2:] - a[:-2], b[2:] - b[:-2]])
    variance = np.concatenate([a, b]).var()
    assert found.spikiness == pytest.approx([(changes**2).mean() / 2 / variance])


def test_batches_padding_and_ranks_change_nothing() -> None:
    states, lengths = noise(9, 30, 4), torch.tensor([30, 1, 2, 7, 30, 29, 5, 11, 3])
    speakers = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2])
    whole = pattern_of(states, lengths, speakers).compute()
    for row, length in enumerate(lengths):
        states[row, length:] = torch.nan
    for batch in (1, 4):
        assert np.array(pattern_of(states, lengths, speakers, batch).compute()) == pytest.approx(
            np.array(whole)
        )
    peaks = peak_activations(states, lengths)
    ranks = [ActivityPattern(peaks, 3, TIMING) for _ in range(2)]
    for rank, metric in enumerate(ranks):
        metric.update(states[rank::2], lengths[rank::2], speakers[rank::2])
    ranks[0].merge_state(ranks[1])
    assert np.array(ranks[0].compute()) == pytest.approx(np.array(whole))


def test_spikiness_is_one_of_noise_and_that_of_a_box_of_its_length() -> None:
    """Two steps of `lag` states for every box of length n: lag / n over 1 - density."""
    states = noise(4, 2000, 1)
    found = pattern_of(states, torch.full((4,), 2000), torch.zeros(4, dtype=torch.long)).compute()
    assert found.spikiness == pytest.approx([1.0], abs=0.05)
    for every in (50, 100):
        boxes = (torch.arange(2000) % every < 10).float()[None, :, None]
        found = pattern_of(boxes, torch.tensor([2000]), torch.tensor([0])).compute()
        assert found.spikiness == pytest.approx([2 / 10 / (1 - 10 / every)], rel=0.05)
        assert found.length_s == pytest.approx([0.2]) and found.active_share == pytest.approx(
            [10 / every]
        )


def test_scale_does_not_matter() -> None:
    states, lengths, speakers = noise(3, 40, 5), torch.tensor([40, 40, 20]), torch.tensor([0, 1, 1])
    found = pattern_of(states, lengths, speakers).compute()
    scaled = pattern_of(1000 * states, lengths, speakers).compute()
    assert np.array(scaled) == pytest.approx(np.array(found))


def test_the_lag_is_in_seconds() -> None:
    """A layer with half the states of another one has the same spikiness."""
    fine = torch.sin(torch.arange(4000) / 9).clamp(min=0)[None, :, None]
    peak = torch.ones(1)
    found = []
    for stride, states in ((160, fine), (320, fine[:, ::2])):
        pattern = ActivityPattern(peak, 1, Timing(stride))
        pattern.update(states, torch.tensor([states.shape[1]]), torch.tensor([0]))
        found.append(pattern.compute().spikiness[0])
    assert found[0] == pytest.approx(found[1], rel=0.02)
    assert ActivityPattern(peak, 1, Timing(3200)).lag == 1


def test_dead_features_and_failed_utterances_are_counted() -> None:
    states, lengths = noise(4, 20, 3), torch.full((4,), 20)
    states[..., 1] = -1.0
    whole = pattern_of(states, lengths, speakers := torch.tensor([0, 1, 0, 1])).compute()
    states[2, 5, 0] = torch.nan
    pattern = pattern_of(states, lengths, speakers)
    assert int(pattern.n_failed) == 1 and np.isnan(pattern.compute().active_share[1])
    kept = pattern_of(states[[0, 1, 3]], lengths[:3], speakers[[0, 1, 3]]).compute()
    found = np.array(pattern.compute())
    assert found[:, 0] == pytest.approx(np.array(kept)[:, 0])  # of this feature it is left out
    assert found[:, 2] == pytest.approx(np.array(whole)[:, 2])  # of all others it is not
    assert pattern.frames.tolist() == [[20, 40, 40], [40, 40, 40]]
    layer = layer_activity(pattern, speaker_weights(2, 20, 0))
    rows = activity_rows("trained", {"cnn1": layer}, {"cnn1": 1})
    assert [row.measure for row in rows] == ["active_share", "length_s", "spikiness"]
    assert rows[0].n_silent == 1 and rows[0].mean == pytest.approx(np.nanmean(layer.features[0]))


@pytest.mark.parametrize("broken", [torch.nan, torch.inf, -torch.inf])
def test_a_feature_that_is_no_number_takes_nothing_from_the_others(broken) -> None:
    states, lengths, speakers = noise(4, 20, 3), torch.full((4,), 20), torch.tensor([0, 1, 0, 1])
    whole = np.array(pattern_of(states, lengths, speakers).compute())
    states[..., 1] = broken
    pattern = pattern_of(states, lengths, speakers)
    found = np.array(pattern.compute())
    assert int(pattern.n_failed) == 4 and np.isnan(found[:, 1]).all()
    assert found[:, [0, 2]] == pytest.approx(whole[:, [0, 2]])


def test_replicates_are_copies_of_speakers() -> None:
    states, lengths, speakers = (
        noise(6, 25, 4),
        torch.full((6,), 25),
        torch.tensor([0, 0, 1, 1, 2, 2]),
    )
    pattern = pattern_of(states, lengths, speakers)
    drawn = pattern.weighted(np.array([[2, 0, 1]]))
    rows = [0, 1, 0, 1, 4, 5]
    copied = ActivityPattern(peak_activations(states, lengths), 1, TIMING)
    copied.update(states[rows], lengths, torch.zeros(6, dtype=torch.long))
    assert np.array(drawn)[:, 0] == pytest.approx(np.array(copied.compute()))


def layer_with(length: int, every: int, seed: int) -> LayerActivity:
    """Features with a bump of about `length` states in every `every`, of eight speakers."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(400)[None, :, None]
    phase = torch.randint(0, every, (8, 1, 30), generator=generator)
    width = length + torch.randint(-1, 2, (1, 1, 30), generator=generator)
    states = ((time + phase) % every < width).float()
    states = states * (1 + 0.1 * noise(8, 400, 30, seed))
    pattern = pattern_of(states, torch.full((8,), 400), torch.arange(8))
    return layer_activity(pattern, speaker_weights(8, 60, seed=3), profiled=True)


def test_what_is_kept_of_replicates_is_their_means_and_quantiles() -> None:
    states, lengths, speakers = noise(6, 25, 4), torch.full((6,), 25), torch.arange(6)
    states[..., 2] = 0
    pattern, weights = pattern_of(states, lengths, speakers), speaker_weights(6, 30, 0)
    layer, drawn = layer_activity(pattern, weights, profiled=True), pattern.weighted(weights)
    assert layer.means["length_s"].replicates == pytest.approx(np.nanmean(drawn.length_s, axis=1))
    assert layer.profile is not None and layer.profile.drawn.shape == (3, 30, 19)
    middle = layer.profile.drawn[1, :, 9]
    assert middle == pytest.approx(np.nanmedian(np.log(drawn.length_s), axis=1))
    plain = layer_activity(pattern, weights)
    with pytest.raises(ValueError, match="no profile"):
        block_estimates(dict.fromkeys(("b.1", "b.2", "b.3"), plain), {"b": ["b.1", "b.2", "b.3"]})


def test_dense_and_spiky_to_sparse_and_long() -> None:
    layers = {f"b.{i}": layer_with(2 + 3 * i, (6, 20, 40, 70)[i], i) for i in range(4)}
    depths = {f"b.{i}": i + 1 for i in range(4)}
    assert [claim.verdict for claim in activity_claims("trained", layers, depths)] == [HOLDS] * 3
    turned = {name: 5 - depth for name, depth in depths.items()}
    assert [claim.verdict for claim in activity_claims("trained", layers, turned)] == [FAILS] * 3
    few = activity_claims("trained", {"b.0": layers["b.0"]}, {"b.0": 1})
    assert {claim.verdict for claim in few} == {OPEN}


def test_blocks_need_three_layers() -> None:
    names = ["prologue", "block1.sub1", "block1.sub2", "block2.sub1", "block2.sub2", "block2.sub3"]
    assert blocks_of(names) == {"block2": names[3:]}


def test_the_last_layer_of_a_block_is_like_its_first() -> None:
    spiky, other, smooth = layer_with(2, 6, 1), layer_with(2, 6, 2), layer_with(12, 80, 3)
    layers = {
        "b1.1": spiky,
        "b1.2": smooth,
        "b1.3": other,
        "b2.1": smooth,
        "b2.2": spiky,
        "b2.3": other,
    }
    estimates = block_estimates(layers, blocks_of(layers))
    near, far = estimates["b1"]
    assert near.value < 0.35 < 1 < far.value
    row = block_rows("trained", blocks_of(layers), estimates)[1]
    assert (row.first, row.penultimate, row.last) == ("b2.1", "b2.2", "b2.3") and row.ci_high < 0  # type: ignore[operator]
    assert block_claim("trained", {"b1": estimates["b1"]}).verdict == HOLDS
    assert block_claim("trained", {"b2": estimates["b2"]}).verdict == FAILS
    assert "in 1 of 2 blocks" in block_claim("trained", estimates).sentence
    assert block_claim("trained", {}).verdict == OPEN


def test_the_distance_of_a_layer_to_itself_is_zero_and_to_a_dead_one_unknown() -> None:
    spiky = layer_with(2, 6, 1)
    dead = pattern_of(torch.zeros(8, 20, 30), torch.full((8,), 20), torch.arange(8))
    silent = layer_activity(dead, speaker_weights(8, 60, seed=3), profiled=True)
    estimates = block_estimates(
        {"b.1": spiky, "b.2": silent, "b.3": spiky}, {"b": ["b.1", "b.2", "b.3"]}
    )
    assert estimates["b"][0].value == 0.0 and np.isnan(estimates["b"][1].value)
    assert block_claim("trained", estimates).verdict == OPEN
