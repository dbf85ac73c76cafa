"""Moved segments: the null of complexity. Layers of noise with longer and longer memory."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lhotse.supervision import AlignmentItem
from torch import Tensor, nn

from acoustics.frames import Timing, mel_frames
from acoustics.mel import LogMel
from asr_models.layer import Layer
from asr_models.recogniser import Recogniser
from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.complexity_findings import find_complexity
from evaluation.sonification.findings import Examiner
from evaluation.sonification.moved import moved_units
from evaluation.sonification.search import sonify
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.unit_names import NGRAMS
from evaluation.sonification.units import build_units
from evaluation.sonification.voices import Voices

MEMORIES = (1, 8, 32)
"""Frames, of 10 ms, that a layer of noise averages over."""
HOP, FEATURES, PHONES = 160, 24, 40


class Memory(nn.Module):
    """Mean of the last frames of every utterance, on a ring, so that all places are alike."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames

    def forward(self, noise: list[Tensor]) -> Tensor:
        rows = [torch.stack([row.roll(i, 0) for i in range(self.frames)]).mean(0) for row in noise]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True)


class Remembering(Recogniser):
    """Layers of noise that know nothing of speech, and one that hears a loud mean of the samples.

    Every frame of noise is read through random filters that do not hear its mean.
    """

    def __init__(self) -> None:
        super().__init__()
        self.config: dict[str, Any] = {}
        self.log_mel, self.head = LogMel(), nn.Linear(1, 29)
        filters = torch.randn(HOP, FEATURES, generator=torch.Generator().manual_seed(0))
        self.register_buffer("filters", filters - filters.mean(0))
        self.memories = nn.ModuleDict({f"m{n}": Memory(n) for n in MEMORIES})
        self.planted = nn.Identity()
        noise = [f"m{n}" for n in MEMORIES]
        self.layers = {
            name: Layer(name, f"memories.{name}", depth, Timing(HOP), FEATURES, FEATURES)
            for depth, name in enumerate(noise, start=1)
        }
        self.layers["planted"] = Layer("planted", "planted", 4, Timing(HOP), 1, 1)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        frames = mel_frames(lengths, HOP)
        long = nn.functional.pad(waveform, (0, 2 * HOP)).unfold(1, HOP, HOP)
        noise = [row[:n] @ self.filters for row, n in zip(long, frames.tolist(), strict=True)]
        for memory in self.memories.values():
            memory(noise)
        heard = self.planted(long[:, : int(frames.max())].mean(2, keepdim=True))
        return self.head(heard).log_softmax(-1), frames


def noisy_corpus(toy: SimpleNamespace, seed: int, short: bool, each: int) -> SimpleNamespace:
    """Noise with an alignment at random; half the utterances have a word of nine loud phones.

    Args:
        toy: for its cuts.
        seed: of everything.
        short: whether those nine are said fast, in the time of three.
        each: utterances of each of twelve speakers.
    """
    rng, cuts, sounds = np.random.default_rng(seed), [], {}
    for number in range(12 * each):
        sizes = rng.integers(400, 2400, PHONES)
        loud = int(rng.integers(2, PHONES - 11)) if number % 2 else PHONES
        sizes[loud : loud + 9] //= 3 if short else 1
        ends = 800 + np.cumsum(sizes)
        sound = rng.normal(0, 0.1, int(ends[-1]) + 800)
        labels = rng.choice(list("abcdefgh"), PHONES).tolist()
        labels[loud : loud + 9] = "123456789"[: PHONES - loud]
        first, stop = ends[loud - 1] // HOP + 1, ends[min(loud + 8, PHONES - 1)] // HOP
        sound[first * HOP : stop * HOP] += 0.5  # whole frames: noise does not hear where it begins
        cutting = np.unique(rng.choice(PHONES, 10, replace=False))
        cutting = cutting[(cutting < loud) | (cutting > loud + 9)]
        bounds = np.unique([0, *cutting, *[b for b in (loud, loud + 9) if b < PHONES], PHONES])
        starts = ends - sizes
        name, speaker = f"u{number}", number % 12
        tiers = {
            "word": [
                item("".join(labels[a:b]), starts[a], ends[b - 1]) for a, b in pairwise(bounds)
            ],
            "phone": [item(*one) for one in zip(labels, starts, ends, strict=True)],
        }
        sounds[name] = sound.astype(np.float32)
        cuts.append(toy.cut(name, len(sound), f"s{speaker}", "female", "", tiers))
    return SimpleNamespace(cuts=cuts, sounds=sounds)


def item(label: str, start: int, end: int) -> AlignmentItem:
    return AlignmentItem(label, start / 16000, (end - start) / 16000)


def complexity_of_noise(
    toy: SimpleNamespace, seed: int, short: bool = True, each: int = 8
) -> dict[tuple[str, str], ComplexityRow]:
    """Rows of complexity by unit and layer."""
    corpus = noisy_corpus(toy, seed, short, each)
    units = moved_units(build_units(corpus.cuts, ["words", *NGRAMS]), seed)
    found = sonify(Remembering(), toy.batches(corpus, 10), units)
    asked = Examiner(found, Voices(units.utterances, corpus.cuts, 200, seed), "noise")
    find_complexity(asked)
    return {(row.unit, row.layer): row for row in asked.findings.complexity}


@pytest.fixture(scope="module")
def rows(toy) -> dict[tuple[str, str], ComplexityRow]:
    return complexity_of_noise(toy, seed=0)


@pytest.mark.parametrize("unit", ["words", "ngrams"])
def test_longer_memory_alone_looks_like_complexity_and_moved_segments_show_it(rows, unit) -> None:
    noise = [rows[unit, f"m{n}"] for n in MEMORIES]
    means = [row.mean for row in noise]
    assert means[0] < means[1] < means[2] and means[2] - means[0] > 0.8, means
    for row in noise:
        assert abs(row.excess) < 0.3, row
        assert row.null == pytest.approx(row.mean - row.excess)
        assert row.excess_low < row.excess < row.excess_high


@pytest.mark.parametrize("unit", ["words", "ngrams"])
def test_a_feature_of_one_sequence_is_far_above_moved_segments(rows, unit) -> None:
    planted = rows[unit, "planted"]
    assert planted.mean > 8 and planted.excess > 4 and planted.excess_low > 3, planted


def test_ngrams_are_everywhere_so_that_only_unusual_lengths_are_beyond_moved_ones(toy) -> None:
    """Nine phones at the usual pace last for as long as any others: the word tells, n-grams not."""
    rows = complexity_of_noise(toy, seed=0, short=False)
    assert rows["words", "planted"].excess > 5
    assert rows["ngrams", "planted"].mean == 9 and abs(rows["ngrams", "planted"].excess) < 0.5


def test_moved_segments_keep_their_lengths_and_stay_in_their_utterances(toy) -> None:
    units = build_units(toy.corpus(each=1).cuts, ["segments", "words", "phones", "phones3"])
    moved = moved_units(units, seed=3)
    assert list(moved.moved) == ["words", "phones", "phones3"] and units.moved == {}
    assert moved.registries is units.registries
    lags = [np.arange(n // 4, 3 * n // 4 + 1) for n in units.utterances.samples.tolist()]
    for unit, there in moved.moved.items():
        here = units.registries[unit]
        length = here.end - here.start
        places = units.utterances.samples[here.owner] - length + 1
        assert (there.owner == here.owner).all() and (there.label == here.label).all()
        assert (there.end - there.start == length).all()
        assert (there.start >= 0).all() and (there.start < places).all()
        for segment, owner in enumerate(here.owner):
            new = (here.start[segment] + lags[owner]) % places[segment]
            lags[owner] = lags[owner][new == there.start[segment]]
    assert all(len(left) for left in lags)  # one explains all segments of an utterance
    assert (moved_units(units, 3).moved["words"].start == moved.moved["words"].start).all()
    assert (moved_units(units, 4).moved["words"].start != moved.moved["words"].start).any()


def test_one_length_of_ngrams_has_no_null_as_it_has_no_complexity(toy) -> None:
    units = moved_units(build_units(toy.corpus(each=1).cuts, ["words", "phones"]), 0)
    assert list(units.moved) == ["words"]


@pytest.mark.parametrize("limit", [None, "speaker"])
def test_moved_segments_are_searched_apart_and_like_any_others(toy, limit) -> None:
    corpus, recogniser = toy.corpus(each=2), toy.recogniser()
    units = build_units(corpus.cuts, ["words", "phones", "phones3"])
    moved, settings = moved_units(units, 0), SearchSettings(limit=limit, k=6)
    plain = sonify(recogniser, toy.batches(corpus), units, settings)
    found = sonify(recogniser, toy.batches(corpus, 7), moved, settings)
    assert plain.moved_tops == {} == plain.moved_moments
    assert list(found.tops) == list(plain.tops) == list(found.moved_tops)
    states = toy.states(corpus, recogniser)
    for unit, registry in moved.moved.items():
        owners = registry.speaker if limit else None
        for name, layer in recogniser.layers.items():
            np.testing.assert_array_equal(found.tops[unit][name].ids, plain.tops[unit][name].ids)
            scores = toy.scores(states[name], layer.timing, registry, "mean")
            values, ids = toy.top(scores, 6, owners)
            np.testing.assert_array_equal(found.moved_tops[unit][name].ids, ids)
            np.testing.assert_array_equal(found.moved_tops[unit][name].scores, values)
            if unit != "words":
                moments = found.moved_moments[unit][name]
                np.testing.assert_allclose(moments.mean, scores.mean(1), rtol=1e-5)
                np.testing.assert_allclose(moments.deviation, scores.std(1), rtol=1e-4, atol=1e-8)
