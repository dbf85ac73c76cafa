"""Controls have the mask's size and its stretch of time; curves and areas by hand."""

import numpy as np
import pytest
import torch

from evaluation.masks.controls import energy_order, first_inside, largest, random_order, stretch
from evaluation.masks.curves import area, curve, shares
from evaluation.masks.scopes import required_steps


def test_controls_have_the_size_of_the_mask_within_its_frames(toy):
    planted = toy(rows=2)
    kept = torch.stack([planted.region, planted.region])
    where = stretch(kept)
    assert where.any(2)[0].nonzero().flatten().tolist() == list(range(5, 13))
    sizes = kept.flatten(1).sum(1)
    for order in (random_order(planted.subjects, 0), energy_order(planted.subjects)):
        control = largest(order, sizes, where)
        assert control.flatten(1).sum(1).equal(sizes)
        assert not (control & ~where).any()
        lowest_kept = order[control].view(2, -1).amin(1)
        highest_left = order.masked_fill(~where | control, -torch.inf).flatten(1).amax(1)
        assert (lowest_kept >= highest_left).all()
    assert not stretch(torch.zeros_like(kept)).any()


def test_entries_of_the_stretch_come_first_and_keep_their_order():
    order = torch.tensor([[[5.0, 1.0], [-2.0, 3.0], [0.0, 9.0]]])
    where = torch.tensor([[[False, False], [True, True], [False, False]]])
    ranked = first_inside(order, where).flatten().argsort(descending=True)
    assert ranked.tolist() == [3, 2, 5, 0, 1, 4]


def test_of_equal_entries_the_earlier_ones_are_kept():
    order, everywhere = torch.zeros(1, 2, 3), torch.ones(1, 2, 3, dtype=torch.bool)
    assert largest(order, torch.tensor([4]), everywhere).flatten().tolist() == [1, 1, 1, 1, 0, 0]
    assert not largest(order, torch.tensor([0]), everywhere).any()
    assert largest(order, torch.tensor([6]), everywhere).all()


def test_a_random_mask_depends_on_seed_and_utterance_not_on_the_batch(toy):
    one, three = toy().subjects, toy(rows=3).subjects
    assert random_order(three, 0)[0].equal(random_order(one, 0)[0])
    assert not random_order(three, 0)[1].equal(random_order(three, 0)[0])
    assert not random_order(one, 1).equal(random_order(one, 0))


def test_curves_of_the_planted_region(toy):
    """Its 9 of 240 entries first: 17 silent frames hold at once, the three others with them."""
    planted = toy()
    subjects, required = planted.subjects, required_steps(planted.subjects)
    order = planted.region[None].float()
    inserted = curve(subjects, required, order, "insertion", points=5)
    assert inserted.tolist() == [[17 / 20, 1, 1, 1, 1]]
    deleted = curve(subjects, required, order, "deletion", points=5)
    assert deleted.tolist() == [[1, 17 / 20, 17 / 20, 17 / 20, 17 / 20]]
    backwards = curve(subjects, required, -order, "insertion", points=5)
    assert backwards.tolist() == [[17 / 20, 17 / 20, 17 / 20, 17 / 20, 1]]
    assert shares(5).tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_areas_of_a_constant_and_of_a_straight_line():
    lines = np.stack([np.ones(11), np.linspace(0, 1, 11), np.linspace(1, 0, 11)])
    assert area(lines) == pytest.approx([1, 0.5, 0.5])
