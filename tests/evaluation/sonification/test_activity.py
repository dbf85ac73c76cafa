"""Activity: densities counted, quantiles within an eighth, dead features named, any batches."""

import numpy as np
import pytest
import torch

from evaluation.sonification.activity import (
    CONSTANT,
    NEVER_ACTIVE,
    NOT_FINITE,
    QUANTILES,
    FeatureActivity,
    sampled_rows,
)
from evaluation.sonification.histogram import BINS, EDGES, histogram, quantile, share_above


def activity_of(states: torch.Tensor, lengths: list[int]) -> FeatureActivity:
    activity = FeatureActivity(states.shape[1])
    activity.update(states, sampled_rows(torch.tensor(lengths)))
    return activity


def test_a_rectified_layer_is_active_above_zero_and_its_silent_feature_is_dead() -> None:
    states = torch.tensor([[0.0, 0.0, 2.0], [3.0, 0.0, 2.0], [0.0, 0.0, 2.0], [1.0, 0.0, 2.0]])
    found = activity_of(states, [4]).compute()
    assert found.rectified
    assert found.density.tolist() == [0.5, 0.0, 1.0]
    assert found.threshold.tolist() == [0.0] * 3
    assert (found.mean[0], found.minimum[0], found.maximum[0], found.states) == (1.0, 0.0, 3.0, 4)
    assert found.dead.tolist() == ["", NEVER_ACTIVE, CONSTANT]


def test_elsewhere_a_feature_is_active_half_way_from_its_mean_to_its_maximum() -> None:
    states = torch.zeros(400, 2)
    states[:, 0] = torch.tensor([-1.0, 1.0]).repeat_interleave(4).repeat(50)  # mean 0, maximum 1
    states[:, 1] = -3.0
    states[::8, 1] = -1.0  # mean -2.75, maximum -1: always below 0, yet active now and then
    found = activity_of(states, [400]).compute()
    assert not found.rectified
    assert found.threshold.tolist() == [0.5, -1.875]
    assert found.density.tolist() == [0.5, 0.5]  # of every fourth state
    assert found.dead.tolist() == ["", ""]


def test_what_batching_moves_keeps_no_feature_alive() -> None:
    states = 2 + 1e-7 * torch.randn(50, 1)
    assert activity_of(states, [50]).compute().dead.tolist() == [CONSTANT]


def test_quantiles_are_within_an_eighth() -> None:
    rng = np.random.default_rng(0)
    values = np.stack([rng.lognormal(0, 2, 20000), rng.normal(0, 3, 20000), -rng.random(20000)], 1)
    values = values.astype(np.float32)
    counts = histogram(torch.from_numpy(values)).numpy()
    low, high = values.min(0), values.max(0)
    assert counts.sum(1).tolist() == [20000] * 3
    for share in (0.0, 0.01, *QUANTILES, 1.0):
        exact = np.quantile(values, share, axis=0)
        np.testing.assert_allclose(quantile(counts, low, high, share), exact, rtol=0.125, atol=2e-3)
    for threshold in (-2.0, -0.3, 0.7, 9.0):
        found = share_above(counts, low, high, np.full(3, threshold))
        np.testing.assert_allclose(found, (values > threshold).mean(0), atol=0.01)


def test_bins_lie_on_one_fixed_scale() -> None:
    inside = (EDGES[:-1] + EDGES[1:]) / 2
    counts = histogram(torch.from_numpy(inside).float()[:, None])
    assert counts.tolist() == [[1] * BINS]
    extremes = torch.tensor([[0.0], [-0.0], [1e-30], [1e30], [-1e30], [torch.nan], [torch.inf]])
    assert histogram(extremes)[0].nonzero()[:, 0].tolist() == [0, BINS // 2, BINS - 1]
    assert int(histogram(extremes).sum()) == 5


def test_most_values_zero_means_a_median_of_zero() -> None:
    states = torch.zeros(40, 1)
    states[0] = 5.0
    assert activity_of(states, [40]).compute().quantiles[0, :2].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("ranks", [1, 3])
def test_batches_and_ranks_add_up(ranks) -> None:
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(n, 5, generator=generator) for n in (30, 7, 1, 64, 12, 9)]
    whole = activity_of(torch.cat(parts), [len(part) for part in parts]).compute()
    metrics = [FeatureActivity(5) for _ in range(ranks)]
    for i, part in enumerate(parts):
        metrics[i % ranks].update(part, sampled_rows(torch.tensor([len(part)])))
    for metric in metrics[1:]:
        metrics[0].merge_state(metric)
    found = metrics[0].compute()
    for name, value in whole._asdict().items():
        np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)


def test_states_that_are_no_number_are_counted_and_leave_the_others_alone() -> None:
    states = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)).relu()
    states[5, 0] = torch.nan
    states[6, 0] = torch.inf
    states[:, 1] = torch.nan
    found = activity_of(states, [40]).compute()
    rest = states[[i for i in range(40) if i not in (5, 6)], 0]
    assert found.broken.tolist() == [2, 40, 0]
    assert found.density[0] == pytest.approx(float((rest > 0).float().mean()))
    assert found.maximum[0] == float(rest.max())
    assert np.isnan([found.density[1], found.maximum[1], *found.quantiles[1]]).all()
    assert found.dead.tolist() == ["", NOT_FINITE, ""]
    assert found.rectified
