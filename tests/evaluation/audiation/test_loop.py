"""The loop: known answers, batches that equal their rows, and what is said of the hopeless."""

import itertools
import math
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from acoustics.errors import UserError
from evaluation.audiation.draws import Draws
from evaluation.audiation.feature_terms import Direction, channel
from evaluation.audiation.loop import LoopSettings, audiate
from evaluation.audiation.neuron_terms import neuron
from evaluation.audiation.output_terms import OutputClass, Transcript
from evaluation.audiation.parameterisations import (
    CepstralFrames,
    MelFrames,
    Samples,
    Spectrum,
    frame_statistics,
)
from evaluation.audiation.shaping_terms import L2, Diversity, Similarity, TotalVariation
from evaluation.audiation.targets import Target, batches
from evaluation.audiation.transforms import Chain, Gain, Noise, TimeShift, robust_log_mel

SAMPLES = 4000
SHORT = LoopSettings(steps=8, checks=3, snapshots=2, tries=4)


def spectra(signals: torch.Tensor) -> torch.Tensor:
    """Share of the power at every multiple of 4 Hz."""
    power = torch.fft.rfft(signals).abs().square()
    return power / power.sum(1, keepdim=True)


@pytest.fixture(scope="module")
def found(toy):
    """A tone and a band over all time, a chirp and an onset in the middle; from 1/f noise."""
    names = toy.feature
    targets = [
        Target("tone", channel("filters", names["tone"])),
        Target("band", channel("filters", names["band"])),
        Target("chirp", neuron("filters", names["chirp"], 12, others=0.5)),
        Target("onset", neuron("filters", names["onset"], 12, others=0.5)),
    ]
    moves = Chain([TimeShift(0.0005), Noise(30)])
    settings = LoopSettings(steps=120, learning_rate=0.15)
    return audiate(toy.recogniser(), targets, Spectrum(SAMPLES), moves, settings)


def test_the_spectrum_of_a_tone_peaks_where_its_filter_does(found, toy) -> None:
    share = spectra(found.signals)[0]
    assert abs(4 * int(share.argmax()) - toy.tone_hz) <= 20
    near = round(toy.tone_hz / 4)
    assert share[near - 15 : near + 16].sum() > 0.8
    time = torch.arange(SAMPLES) / 16000
    pure = torch.sin(2 * math.pi * toy.tone_hz * time)[None]
    heard = toy.recogniser().filters(pure / pure.square().mean().sqrt())
    assert found.best[0] > 0.9 * float(heard[..., 0].mean())
    assert found.problems == [""] * 4


def test_the_power_of_a_band_lies_in_the_band(found, toy) -> None:
    low, high = (round(edge / 4) for edge in toy.band_hz)
    share = spectra(found.signals)[1]
    assert low - 15 <= int(share.argmax()) <= high + 15
    assert share[low - 15 : high + 16].sum() > 0.8


def test_a_chirp_is_found_where_it_was_asked_for(found, toy) -> None:
    """Against the chirp itself, in whatever phase: cosine over the reach of the filter."""
    middle = 12 * 160
    piece = found.signals[2, middle - 400 : middle + 400] * torch.hann_window(800).sqrt()
    chirps = toy.chirp() / torch.hann_window(800).sqrt().clamp(min=1e-3)
    chirps = chirps / chirps.norm(dim=1, keepdim=True)
    assert float((chirps @ piece).norm() / piece.norm()) > 0.8


def test_an_onset_begins_where_it_was_asked_for(found) -> None:
    power = found.signals[3].square()
    at = 12 * 160
    assert power[at + 400 : at + 560].mean() > 10 * power[at - 80 : at + 80].mean()


def test_every_target_is_more_active_than_it_was(found) -> None:
    assert (found.best > 2 * np.abs(found.start)).all()
    assert (found.signals.abs() <= 0.99).all()


EVERY = [
    Target("tone", channel("filters", 0) - 0.1 * TotalVariation()),
    Target("deep", neuron("deep", 1, 9) - 0.01 * L2()),
    Target("word", Transcript("so")),
    Target("letter", OutputClass("a")),
    Target("mixture", Direction("deep", direction=(1, 0, 0, 1, 0))),
    Target("like", Similarity("filters", np.sin(np.arange(SAMPLES) / 5).astype(np.float32))),
]


@pytest.mark.parametrize("made", [Spectrum, Samples])
def test_a_batch_gives_what_its_rows_give_alone(made, toy) -> None:
    """With transforms, several layers and the output; in double precision."""
    recogniser, moves = toy.recogniser().double(), Chain([TimeShift(), Gain(), Noise()])
    together = audiate(recogniser, EVERY, made(SAMPLES), moves, SHORT)
    for row, target in enumerate(EVERY):
        alone = audiate(recogniser, [target], made(SAMPLES), moves, SHORT)
        torch.testing.assert_close(alone.signals[0], together.signals[row], rtol=0, atol=1e-4)
        np.testing.assert_allclose(alone.totals[:, 0], together.totals[:, row], atol=1e-4)
        np.testing.assert_allclose(alone.values[0], together.values[row], atol=1e-4)
    assert not together.problems[0]


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(toy) -> None:
    runs = [
        audiate(toy.recogniser(), EVERY[:2], Spectrum(SAMPLES), Noise(), LoopSettings(6, seed=seed))
        for seed in (0, 0, 1)
    ]
    assert runs[0].signals.equal(runs[1].signals)
    assert np.array_equal(runs[0].totals, runs[1].totals)
    assert not runs[0].signals.equal(runs[2].signals)


def test_global_random_numbers_are_neither_used_nor_changed(toy) -> None:
    recogniser = toy.recogniser()
    before = torch.random.get_rng_state()
    audiate(recogniser, EVERY[:1], Spectrum(SAMPLES), Noise(), SHORT)
    assert torch.random.get_rng_state().equal(before)


def test_results_come_in_the_order_of_the_targets_whatever_the_batches(toy) -> None:
    small = LoopSettings(steps=8, checks=3, snapshots=2, batch_size=2)
    whole = audiate(toy.recogniser(), EVERY, Spectrum(SAMPLES), settings=SHORT)
    pieces = audiate(toy.recogniser(), EVERY, Spectrum(SAMPLES), settings=small)
    assert pieces.targets == EVERY
    np.testing.assert_allclose(pieces.start, whole.start, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(pieces.best, whole.best, rtol=0.05, atol=0.02)


def test_batches_go_by_depth_and_leave_groups_together(toy) -> None:
    pair = channel("deep", 0) + Diversity("deep", "g")
    targets = [
        Target("w", Transcript("so")),
        Target("d", pair),
        Target("f", channel("filters", 0)),
        Target("d", pair, sample=1),
        Target("r", L2()),
        Target("d", pair, sample=2),
    ]
    assert batches(toy.recogniser(), targets, 2) == [[4, 2], [1, 3, 5], [0]]
    assert batches(toy.recogniser(), targets, 64) == [[4, 2, 1, 3, 5, 0]]
    with pytest.raises(UserError, match=r"target d is to differ .* but it is alone there"):
        batches(toy.recogniser(), targets[:2], 2)


def test_the_best_of_what_was_measured_is_kept(toy) -> None:
    """With steps so large that inputs get worse again."""
    wild = LoopSettings(steps=20, learning_rate=3.0, checks=11, snapshots=11)
    found = audiate(toy.recogniser(), EVERY[:2], Spectrum(SAMPLES), settings=wild)
    assert found.steps == found.snapshot_steps == list(range(0, 21, 2))
    for row, check in enumerate(found.totals.argmax(0)):
        assert found.signals[row].equal(found.snapshots[check, row])
        assert found.best[row] == found.totals[check, row]
    weights = np.array([1, -0.1])
    np.testing.assert_allclose(found.values[0] @ weights, found.totals[:, 0], rtol=1e-4)


def test_diverse_samples_differ_more(toy) -> None:
    def spread(weight: float) -> float:
        objective = channel("deep", 0) + weight * Diversity("filters", "g")
        targets = [Target("d", objective, sample) for sample in range(3)]
        settings = LoopSettings(steps=25, learning_rate=0.15, checks=2)
        found = audiate(toy.recogniser(), targets, Spectrum(SAMPLES), settings=settings)
        return float(np.mean([values[-1, 1] for values in found.values]))

    assert spread(20.0) > spread(0.0) + 0.05


def test_a_pass_ends_behind_the_deepest_layer_asked_for(toy) -> None:
    recogniser = toy.recogniser()
    audiate(recogniser, EVERY[:2], Spectrum(SAMPLES), settings=SHORT)
    assert recogniser.passes == []
    audiate(recogniser, EVERY[2:3], Spectrum(SAMPLES), settings=SHORT)
    assert len(recogniser.passes) == 1 + 8 + 3  # to find the dead, to step, to check


def test_hooks_modes_and_weights_are_left_as_they_were(toy, tiny_recogniser, monkeypatch) -> None:
    recogniser = tiny_recogniser().train()
    before, hooks = recogniser.weight_hash(), toy.hooks(recogniser)
    modes = [m.training for m in recogniser.modules()]
    target = Target("c", channel("blstm1", 0))
    audiate(recogniser, [target], Spectrum(SAMPLES), settings=SHORT)
    steps = itertools.count()

    def interrupt(*_: object) -> None:
        if next(steps) == 5:
            raise KeyboardInterrupt

    handle = recogniser.cnn[1].register_forward_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        audiate(recogniser, [target], Spectrum(SAMPLES), settings=SHORT)
    handle.remove()
    assert toy.hooks(recogniser) == hooks
    assert [m.training for m in recogniser.modules()] == modes
    assert recogniser.weight_hash() == before
    assert all(p.grad is None for p in recogniser.parameters())


def test_it_works_in_inference_mode_which_is_a_trap(toy) -> None:
    recogniser, arguments = toy.recogniser(), (EVERY[:3], Spectrum(SAMPLES), Noise(), SHORT)
    outside = audiate(recogniser, *arguments)
    with torch.inference_mode():
        inside = audiate(recogniser, EVERY[:3], Spectrum(SAMPLES), Noise(), SHORT)
        assert torch.is_inference_mode_enabled()
    assert inside.signals.equal(outside.signals)
    with torch.no_grad():
        assert audiate(recogniser, *arguments).signals.equal(outside.signals)
    with torch.inference_mode():
        built = toy.recogniser()
    with pytest.raises(UserError, match="was built in inference mode and has no gradients"):
        audiate(built, *arguments)


def test_convolutions_on_a_gpu_add_up_in_one_order_and_only_meanwhile(toy, monkeypatch) -> None:
    cudnn, recogniser, seen = torch.backends.cudnn, toy.recogniser(), []
    monkeypatch.setattr(cudnn, "benchmark", True)
    recogniser.filters.register_forward_pre_hook(
        lambda *_: seen.append((cudnn.deterministic, cudnn.benchmark))
    )
    before = cudnn.deterministic
    audiate(recogniser, EVERY[:1], Spectrum(SAMPLES), settings=SHORT)
    assert set(seen) == {(True, False)} and (cudnn.deterministic, cudnn.benchmark) == (before, True)


def test_a_dead_feature_is_said_and_not_looped(toy) -> None:
    recogniser = toy.recogniser()
    calls = []
    recogniser.deep.register_forward_pre_hook(lambda _, given: calls.append(len(given[0])))
    targets = [
        Target("dead", channel("deep", toy.dead) - TotalVariation()),
        Target("alive", channel("deep", 0)),
        Target("neuron", neuron("deep", toy.dead, 3)),
    ]
    found = audiate(recogniser, targets, Spectrum(SAMPLES), settings=SHORT)
    assert found.problems[1] == ""
    for row in (0, 2):
        assert found.problems[row].startswith("dead: none of 4 random inputs moves it")
        assert np.isnan(found.totals[:, row]).all()
        assert np.isnan(found.best[row])
    assert calls == [3] * 4 + [1] * (8 + 3)
    alone = audiate(toy.recogniser(), targets[1:2], Spectrum(SAMPLES), settings=SHORT)
    torch.testing.assert_close(alone.signals[0], found.signals[1], rtol=0, atol=1e-3)


def test_if_all_are_dead_there_is_no_loop(toy) -> None:
    dead = [Target("dead", channel("deep", toy.dead))]
    found = audiate(toy.recogniser(), dead, Spectrum(SAMPLES), settings=SHORT)
    assert found.problems[0].startswith("dead")


class Fragile(nn.Module):
    """Passes states on until a row's feature 0 is too active; then NaN."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        broken = states[..., :1].mean((1, 2), keepdim=True) > self.limit
        return torch.where(broken, torch.nan, states)


def test_a_value_that_is_not_a_number_is_named_and_stays_in_its_row(toy) -> None:
    targets = [Target("breaks", channel("deep", 0)), Target("holds", -channel("deep", 0))]
    settings = LoopSettings(steps=30, learning_rate=0.1, checks=4)
    recogniser = toy.recogniser()
    fine = audiate(recogniser, targets, Spectrum(SAMPLES), settings=settings)
    limit = float(fine.start[0] + fine.best[0]) / 2
    recogniser.deep = nn.Sequential(recogniser.deep, Fragile(max(limit, -float(fine.start[1]) + 1)))
    found = audiate(recogniser, targets, Spectrum(SAMPLES), settings=settings)
    assert "an activation of layer deep is not a finite number at step" in found.problems[0]
    assert found.problems[1] == ""
    assert torch.isfinite(found.signals).all()
    assert np.isfinite(found.best).all()
    assert found.best[0] >= found.start[0]


def test_memory_does_not_grow_with_the_steps(toy) -> None:
    """States of one pass are gone before the next; what is kept has the size of the checks."""
    recogniser, alive, most = toy.recogniser(), weakref.WeakSet(), []

    def count(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        alive.add(output)
        most.append(len(alive))

    recogniser.filters.register_forward_hook(count)
    kept = []
    for steps in (5, 20):
        settings = LoopSettings(steps=steps, checks=4, snapshots=2)
        found = audiate(recogniser, EVERY[:3], Spectrum(SAMPLES), settings=settings)
        kept.append((found.totals.shape, [v.shape for v in found.values], found.snapshots.shape))
    assert len(most) > 5 + 20
    assert max(most) == 1
    assert kept[0] == kept[1]


@pytest.fixture(scope="module")
def bands(tiny_recogniser):
    spectrum = Spectrum(SAMPLES)
    noise = spectrum(spectrum.start(Draws([(row,) for row in range(6)], "statistics")))
    return frame_statistics(tiny_recogniser().log_mel, noise)


@pytest.mark.parametrize("made", [MelFrames, CepstralFrames])
def test_frames_are_optimised_where_the_front_end_ends(made, bands, tiny_recogniser) -> None:
    recogniser = tiny_recogniser().freeze()
    targets = [Target(f"{n}", channel("cnn2", n) - 0.01 * TotalVariation()) for n in range(4)]
    frames = made(SAMPLES, recogniser.log_mel, *bands)
    settings = LoopSettings(steps=15, learning_rate=0.1, checks=4)
    found = audiate(recogniser, targets, frames, robust_log_mel(), settings)
    assert found.signals.shape == (4, 26, 80)
    assert found.problems == [""] * 4
    assert (found.best > found.start).all()


def test_what_frames_cannot_be_done_with_is_one_line(bands, toy, tiny_recogniser) -> None:
    frames = MelFrames(SAMPLES, tiny_recogniser().log_mel, *bands)
    with pytest.raises(UserError, match="Gain changes waveforms and does not apply to log-mel"):
        audiate(tiny_recogniser(), EVERY[:1], frames, Gain(), SHORT)
    with pytest.raises(UserError, match="Matched hears waveforms and cannot be fed frames"):
        audiate(toy.recogniser(), [Target("t", channel("filters", 0))], frames, settings=SHORT)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"checks": 1}, "checks is 1; it must be at least 2"),
        ({"snapshots": -1}, "snapshots is -1; it must be at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, reason) -> None:
    with pytest.raises(UserError, match=reason):
        LoopSettings(**change)


def test_no_target_is_refused(toy) -> None:
    with pytest.raises(UserError, match="there is no target"):
        audiate(toy.recogniser(), [], Spectrum(SAMPLES))
    with pytest.raises(UserError, match="has no feature 9"):
        audiate(toy.recogniser(), [Target("x", channel("deep", 9))], Spectrum(SAMPLES))
