"""Activation around strongest segments: a recogniser that counts, brute force, files, edges."""

from collections.abc import Callable, Collection
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet
import pytest
import torch
from lhotse.supervision import AlignmentItem
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

from acoustics.frames import Timing, mel_frames
from acoustics.mel import LogMel
from asr_models.layer import Layer
from asr_models.recogniser import Recogniser
from evaluation.sonification.result import Sonification
from evaluation.sonification.search import sonify
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.study_folder import StudyFolder
from evaluation.sonification.trace_files import SPOKEN, TRACES, read_traces, write_traces
from evaluation.sonification.traces import strongest_traces
from evaluation.sonification.units import build_units

BUMP, BROKEN = 125, 30  # states
UP, DOWN, NEVER, MIDDLE, NAN = range(5)


class Counting(nn.Module):
    """State k is k, 1000 - k, 0, a bump at `BUMP`, and the same with no number at `BROKEN`."""

    def forward(self, frames: Tensor, most: int) -> Tensor:
        k = torch.arange(most).float()
        bump = (10 - (k - BUMP).abs()).clamp(min=0)
        broken = bump.masked_fill(k == BROKEN, torch.nan)
        states = torch.stack([k, 1000 - k, 0 * k, bump, broken], -1)
        return states.expand(len(frames), -1, -1)


class Counter(Recogniser):
    """A state every 10 ms that says which one it is, whatever is heard."""

    def __init__(self) -> None:
        super().__init__()
        self.log_mel, self.count, self.head = LogMel(), Counting(), nn.Linear(5, 29)
        self.layers = {"count": Layer("count", "count", 1, Timing(160), 5, 5)}

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        frames = mel_frames(lengths, 160)
        x = self.count(frames, int(frames.max()))
        return self.head(x.nan_to_num()).log_softmax(-1), frames


def silence(toy: SimpleNamespace, **samples: int) -> SimpleNamespace:
    """A corpus of silent utterances of given lengths, with one word that fills each."""
    cuts = [
        toy.cut(name, count, tiers={"word": [AlignmentItem(name, 0.0, count / 16000)]})
        for name, count in samples.items()
    ]
    sounds = {name: np.zeros(count, np.float32) for name, count in samples.items()}
    return SimpleNamespace(cuts=cuts, sounds=sounds)


def search(
    toy: SimpleNamespace, corpus: SimpleNamespace, recogniser: Recogniser, *units: str
) -> tuple[Sonification, Callable]:
    """What was found, and the batches of a second look."""
    wanted = build_units(corpus.cuts, units or ["segments"])
    found = sonify(recogniser, toy.batches(corpus), wanted, SearchSettings(k=3))

    def batches(ids: Collection[str]) -> list:
        cuts = [cut for cut in corpus.cuts if cut.id in ids]
        return toy.batches(SimpleNamespace(cuts=cuts, sounds=corpus.sounds), 3)

    return found, batches


def test_windows_of_three_seconds_that_were_counted_by_hand(toy) -> None:
    """Six half seconds of 50 states each, with 75 states around the best as far as there are."""
    found, batches = search(toy, silence(toy, three=48000), Counter())
    traces = strongest_traces(Counter(), batches, found)["count"]
    assert traces.count.tolist() == [125, 125, 0, 200, 0]
    assert traces.utterance.tolist() == [0, 0, -1, 0, -1]
    np.testing.assert_allclose(traces.first_s, [1.75, 0, 0, 0.25, 0])
    assert traces.low.tolist() == [175, 876, 0, 0, 0]  # the state at the very end is outside
    assert traces.high.tolist() == [299, 1000, 0, 10, 0]
    assert traces.values.shape == (5, 200) and traces.values[UP, [0, 124, 125]].tolist() == [
        0, 255, 0,
    ]  # fmt: skip
    np.testing.assert_allclose(traces.activation(UP), np.arange(175, 300), atol=124 / 510 + 1e-4)
    assert (np.diff(traces.values[DOWN, :125].astype(int)) < 0).all()
    assert traces.activation(MIDDLE).argmax() + 25 == BUMP
    for feature in (NEVER, NAN):  # it is dead; it has its best segment, but none of its numbers
        assert not len(traces.activation(feature)) and not traces.values[feature].any()


@pytest.mark.parametrize("samples", [200, 4800, 8000, 11000])
def test_an_utterance_that_is_shorter_than_its_context_is_shown_whole(toy, samples) -> None:
    found, batches = search(toy, silence(toy, short=samples, other=100), Counter())
    traces = strongest_traces(Counter(), batches, found)["count"]
    states = -(-samples // 160)  # centres before the end
    assert traces.count[UP] == states and traces.first_s[UP] == 0
    assert (traces.low[UP], traces.high[UP]) == (0, states - 1)
    assert traces.values[UP, [0, states - 1]].tolist() == [0, 255]


def test_every_trace_is_the_piece_that_brute_force_cuts_out(toy) -> None:
    """Of a layer with bands and one with pooled time, whatever the batches; dead ones have none."""
    corpus = toy.corpus(seed=3)
    recogniser = toy.recogniser()
    found, batches = search(toy, corpus, recogniser)
    asked = []

    def watched(ids: Collection[str]) -> list:
        asked.append(set(ids))
        return batches(ids)

    traces = strongest_traces(recogniser, watched, found, context_s=0.3)
    states, segments = toy.states(corpus, recogniser), found.units.registries["segments"]
    owners = set()
    for layer, own in traces.items():
        timing, top = recogniser.layers[layer].timing, found.tops["segments"][layer]
        for feature, dead in enumerate(found.activity[layer].dead):
            if dead:
                assert own.count[feature] == 0 and own.utterance[feature] == -1
                continue
            best = top.ids[feature, 0]
            owner = segments.owner[best]
            owners.add(corpus.cuts[owner].id)
            start = max(segments.start[best] - 4800, 0)
            end = min(segments.end[best] + 4800, found.units.utterances.samples[owner])
            piece = states[layer][owner]
            inside = toy.states_of(timing, start, end, len(piece))
            wanted = piece[inside, feature]
            assert own.utterance[feature] == owner
            assert own.first_s[feature] == pytest.approx(float(timing.centre(inside[0])) / 16000)
            assert (own.low[feature], own.high[feature]) == (wanted.min(), wanted.max())
            step = (wanted.max() - wanted.min()) / 255
            np.testing.assert_allclose(own.activation(feature), wanted, atol=step / 2 + 1e-6)
    assert asked == [owners]  # one pass, over no more than is wanted


def test_an_utterance_that_is_gone_by_then_has_no_trace(toy) -> None:
    corpus = silence(toy, a=48000, b=24000)
    found, batches = search(toy, corpus, Counter())
    gone = strongest_traces(Counter(), lambda ids: batches(set(ids) - {"a"}), found)["count"]
    assert gone.utterance[UP] == -1 and gone.count[UP] == 0  # its best was in the longer one
    empty = toy.batches(corpus)[0].select([])
    assert not strongest_traces(Counter(), lambda ids: [empty], found)["count"].count.any()


def test_without_segments_there_are_no_traces_and_no_files(toy, tmp_path) -> None:
    found, batches = search(toy, silence(toy, a=16000), Counter(), "words")
    traces = strongest_traces(Counter(), batches, found)
    write_traces(tmp_path, found, traces)
    assert traces == {} and not [*tmp_path.iterdir()]


@pytest.fixture
def written(toy, tmp_path) -> StudyFolder:
    folder = StudyFolder(tmp_path, "toy", [])
    found, batches = search(toy, silence(toy, a=48000, b=100, c=8000), Counter())
    write_traces(folder.path, found, strongest_traces(Counter(), batches, found))
    return folder


def test_what_is_read_is_what_was_written(toy, written) -> None:
    found, batches = search(toy, silence(toy, a=48000, b=100, c=8000), Counter())
    expected = strongest_traces(Counter(), batches, found)["count"]
    read = read_traces(written)
    assert read is not None and [*read] == ["count"] and not written.notes
    for name, values in vars(expected).items():
        np.testing.assert_array_equal(vars(read["count"])[name], values)
    raw = load_file(written.path / TRACES)
    assert {name: str(value.dtype) for name, value in raw.items()} == {
        "count.values": "uint8", "count.low": "float32", "count.high": "float32",
        "count.count": "int32", "count.first_s": "float32", "count.utterance": "int32",
    }  # fmt: skip


def test_the_words_of_the_utterances_that_have_traces_are_told(written) -> None:
    rows = pyarrow.parquet.read_table(written.path / f"{SPOKEN}.parquet").to_pylist()
    word = {"tier": "word", "start_s": 0.0}
    assert rows == [
        word | {"utterance": "a", "label": "a", "end_s": 3.0},
        word | {"utterance": "b", "label": "b", "end_s": 0.00625},  # `DOWN` begins at its highest
    ]  # of c nothing is the strongest
    lines = (written.path / f"{SPOKEN}.csv").read_text().splitlines()
    assert lines[:2] == ['"tier","utterance","label","start_s","end_s"', '"word","a","a",0,3']


def test_a_study_without_traces_has_none_and_nothing_to_say(tmp_path) -> None:
    folder = StudyFolder(tmp_path, "toy", [])
    assert read_traces(folder) is None and not folder.notes


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def changed(name: str, make: Callable[[np.ndarray], np.ndarray | None]) -> Callable[[Path], None]:
    """Another value for one part, or none."""

    def change(path: Path) -> None:
        parts = load_file(path)
        new = make(parts.pop(name))
        save_file(parts if new is None else parts | {name: np.ascontiguousarray(new)}, path)

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        half,
        lambda path: path.write_bytes(b""),
        changed("count.low", lambda low: None),
        changed("count.low", lambda low: low[1:]),
        changed("count.low", lambda low: low[:, None]),
        changed("count.values", lambda values: values.astype(np.float32)),
        changed("count.count", lambda count: count + 1000),
        changed("count.count", lambda count: count - 1000),
    ],
)
def test_a_broken_file_is_noted_and_passed_over(written, spoil) -> None:
    spoil(written.path / TRACES)
    assert read_traces(written) is None
    (note,) = written.notes
    assert note.startswith("sonification/toy/traces.safetensors: cannot be read (")
    assert "\n" not in note
