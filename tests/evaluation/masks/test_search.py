"""Masks keep what matters and nothing else, and what they claim is true."""

import dataclasses

import numpy as np
import pytest
import torch

from acoustics.errors import UserError
from evaluation.masks.constraint import Constraint, leads, preserved
from evaluation.masks.judging import judge
from evaluation.masks.mask_settings import SearchSettings
from evaluation.masks.pruning import mend, prune, restore
from evaluation.masks.relaxed import BinaryMask
from evaluation.masks.scopes import Span, required_steps
from evaluation.masks.search import LEAST, search_masks

QUICK = SearchSettings(steps=80, prunings=100, snapshots=4)


def test_a_mask_keeps_exactly_the_planted_region(toy):
    planted = toy()
    subjects = planted.subjects
    assert subjects.texts == ["ab"]
    masks = search_masks(subjects, required_steps(subjects), QUICK)
    assert masks.kept.dtype == torch.bool
    assert masks.kept[0].equal(planted.region)
    assert masks.problems == [""]
    # The search by itself, before anything is pruned, has found it too.
    bare = search_masks(subjects, required_steps(subjects), dataclasses.replace(QUICK, prunings=0))
    assert bare.kept[0].equal(planted.region)


def test_a_mask_for_one_span_keeps_that_spans_region_only(toy):
    planted = toy()
    required = required_steps(planted.subjects, [Span("b", 12, 13)])
    assert required.sum() == 1
    masks = search_masks(planted.subjects, required, QUICK)
    only = planted.region.clone()
    only[:12] = False
    assert masks.kept[0].equal(only)


def test_what_depends_on_nothing_needs_nothing(toy):
    planted = toy()
    silent = required_steps(planted.subjects, [Span("", 0, 4)])
    masks = search_masks(planted.subjects, silent, QUICK)
    assert not masks.kept.any()
    found = judge(planted.subjects, silent, masks, "toy", points=3)
    assert [row.share_kept for row in found.rows] == [0, 0, 0]
    assert [row.frames_preserved for row in found.rows] == [1, 1, 1]


def test_the_sparsest_mask_of_a_sum_is_its_largest_terms(toy):
    """A class that leads by the sum of all entries above a bound: the fewest are the largest."""
    planted = toy()
    subjects = planted.subjects
    worth = subjects.normal[0, :2].abs()
    bound = 0.4 * float(worth[0].sum())

    def from_frames(normal, counts):
        lead = (normal * subjects.normal.sign()).sum(2) - bound
        return torch.stack([torch.zeros_like(lead), lead], -1).log_softmax(-1), counts

    planted.recogniser.from_frames = from_frames
    heard = dataclasses.replace(subjects, log_probs=from_frames(subjects.normal, None)[0])
    assert (heard.classes == 1).all()
    masks = search_masks(heard, required_steps(heard, [Span("", 0, 2)]), QUICK)
    assert not masks.kept[0, 2:].any()
    for frame in range(2):
        largest = worth[frame].sort(descending=True).values.cumsum(0)
        fewest = int((largest <= bound).sum()) + 1
        assert int(masks.kept[0, frame].sum()) == fewest


def test_rows_of_a_batch_are_what_they_are_alone_and_twice_the_same(toy):
    alone, batch = toy(), toy(rows=3)
    one = search_masks(alone.subjects, required_steps(alone.subjects), QUICK)
    three = search_masks(batch.subjects, required_steps(batch.subjects), QUICK)
    again = search_masks(batch.subjects, required_steps(batch.subjects), QUICK)
    for row in range(3):
        assert three.importance[row].equal(one.importance[0])
        assert three.kept[row].equal(one.kept[0])
    assert again.importance.equal(three.importance)
    np.testing.assert_array_equal(again.prices, three.prices)


def test_what_is_found_on_the_way_is_told(toy):
    planted = toy()
    masks = search_masks(planted.subjects, required_steps(planted.subjects), QUICK)
    assert masks.shares.shape == masks.frames.shape == masks.prices.shape == (80, 1)
    assert masks.shares[0, 0] == masks.frames[0, 0] == 1  # the search begins with everything
    holds = masks.frames[:-1, 0] == 1
    assert not holds.all()
    price, sizes = masks.prices[:, 0], masks.shares[:, 0]
    slow = np.append(True, sizes[1:-1] > (1 - QUICK.shrink) * sizes[:-2])
    factor = np.where(holds, np.where(slow, QUICK.rise, 1), QUICK.fall)
    assert price[1:] == pytest.approx(np.maximum(price[:-1] * factor, LEAST * QUICK.price))
    assert (np.diff(sizes[:20]) <= 0).all()  # entries go one after the other
    assert masks.snapshot_steps == [0, 26, 53, 79, 80]
    assert masks.snapshots[0].all()
    assert masks.snapshots[-1].equal(masks.kept)
    assert (masks.importance == 1).equal(masks.kept)


def test_it_works_in_inference_mode(toy):
    planted = toy()
    with torch.inference_mode():
        normal = planted.subjects.normal + 0  # an inference tensor
        subjects = dataclasses.replace(planted.subjects, normal=normal)
        masks = search_masks(subjects, required_steps(subjects), QUICK)
    assert masks.kept[0].equal(planted.region)


def test_the_mask_of_a_pass_is_binary_and_its_gradient_that_of_the_levels():
    inside = torch.ones(1, 2, 3, dtype=torch.bool)
    inside[0, 1, 2] = False
    mask = BinaryMask(torch.tensor([[[0.5, -1.0, 3.0], [1.0, 2.0, -9.0]]]), inside)
    begun = [0.6 + 0.4 * place / 5 for place in (2, 1, 5, 3, 4)]  # by worth
    assert mask.level.flatten()[:5].tolist() == pytest.approx(begun)
    assert mask.hard.equal(inside)
    with torch.no_grad():
        mask.level[0, 0] = torch.tensor([0.2, 0.500001, 1.7])
        mask.level[0, 1] = 0.9
    mask.restrict(mask.level.detach().clone(), torch.ones(1, dtype=torch.bool))
    assert mask().tolist() == [[[0, 1, 1], [1, 1, 0]]]
    weights = torch.arange(6.0).view(1, 2, 3)
    (slope,) = torch.autograd.grad((mask() * weights).sum(), mask.level)
    assert slope.equal(weights)
    assert float(mask.share()) == pytest.approx((0.2 + 0.500001 + 1 + 0.9 + 0.9) / 5)


def test_a_lead_is_the_distance_to_the_next_best():
    log_probs = torch.tensor([[[0.0, -1.0, -3.0], [-2.0, -0.5, -0.25]]])
    assert leads(log_probs, torch.tensor([[0, 0]])).tolist() == [[1.0, -1.75]]


def test_pruning_alone_leaves_the_planted_region(toy):
    planted = toy(rows=2)
    subjects = planted.subjects
    constraint = Constraint(subjects, required_steps(subjects), 1.0)
    importance = torch.rand(subjects.normal.shape, generator=torch.Generator().manual_seed(0))
    pruned = prune(constraint, subjects.inside.clone(), importance, passes=2000)
    assert pruned[0].equal(planted.region)
    assert pruned[1].equal(planted.region)
    untouched = prune(constraint, subjects.inside.clone(), importance, passes=0)
    assert untouched.all()
    before = planted.recogniser.passes
    prune(constraint, subjects.inside.clone(), importance, passes=7)
    assert planted.recogniser.passes == before + 7


def test_a_mask_that_fails_is_mended_and_one_that_holds_is_left_alone(toy):
    planted = toy(rows=2)
    subjects = planted.subjects
    required = required_steps(subjects)
    broken = torch.stack([planted.region.clone(), planted.region.clone()])
    broken[1, 6, 3] = False
    importance = torch.zeros(broken.shape)
    importance[1, 6, 3] = 1.0
    mended = mend(subjects, required, broken, importance)
    assert mended[0].equal(planted.region)
    assert mended[1].equal(planted.region)  # the most important one came back first
    far = mend(subjects, required, torch.zeros_like(broken), torch.zeros_like(importance))
    assert (preserved(subjects.says(far), subjects.classes, required) == 1).all()


def test_what_is_given_back_doubles_until_a_mask_holds(toy):
    planted = toy(rows=3)
    constraint = Constraint(planted.subjects, required_steps(planted.subjects), 1.0)
    masks = torch.stack([planted.region] * 3)
    masks[1, 12, 9] = False
    masks[2] = False
    importance = torch.rand(masks.shape, generator=torch.Generator().manual_seed(0))
    importance[:, planted.region] += 1  # the planted entries come first
    restored = restore(constraint, masks, importance)
    assert restored[0].equal(planted.region)
    assert restored[1].equal(planted.region)
    assert restored[2].sum() == 16  # 1, 2, 4 and 8 were not enough for 9
    assert restored[2][planted.region].all()
    backwards = restore(constraint, masks, -importance)
    assert constraint.check(backwards).all()


def test_numbers_that_are_none_stop_a_row_and_no_other(toy):
    planted = toy(rows=2)
    shorter = torch.tensor([19, 20])
    subjects = dataclasses.replace(planted.subjects, counts=shorter, steps=shorter)
    plain = planted.recogniser.from_frames

    def breaks(normal, counts):
        log_probs, steps = plain(normal, counts)
        empty = (normal[:, 0] == 0).all(1) & (counts == 19)
        return torch.where(empty[:, None, None], torch.nan, log_probs), steps

    planted.recogniser.from_frames = breaks
    masks = search_masks(subjects, required_steps(subjects), QUICK)
    assert "is not a finite number at step" in masks.problems[0]
    assert masks.problems[1] == ""
    assert masks.kept[1].equal(planted.region)
    assert masks.kept[0][planted.region].all()  # the best until then, and it holds


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"prunings": -1}, {"snapshots": 0}, {"margin": 0.0}, {"fall": 1.0}]
)
def test_settings_without_sense_are_refused(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        SearchSettings(**wrong)
