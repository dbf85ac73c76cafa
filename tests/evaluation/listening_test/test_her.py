"""Error rates: Wilson's interval, humans by layer and by listener, verifiers with ties."""

from pathlib import Path

import pytest
from scipy.stats import binomtest

from evaluation.listening_test.answers import Answer
from evaluation.listening_test.folder import ListeningTest
from evaluation.listening_test.her import (
    human_rows,
    listener_rows,
    verifier_rows,
    wilson_interval,
)
from evaluation.listening_test.her_picture import her_figure, save_her_picture
from evaluation.listening_test.machine import MachineAnswer
from evaluation.listening_test.triplets import Triplet


def question(number: int, layer: str, depth: int | None, answer: str) -> Triplet:
    name = f"q{number}"
    who = ("u1", "u2", "u3", "ann", "bob", "female", "male")
    return Triplet(name, layer, depth, *who, answer, f"{name}a", f"{name}b", f"{name}x")


TEST = ListeningTest(
    Path("nowhere"),
    {"model": "robust", "condition": "clean", "layers": {"natural": None, "cnn1": 1, "blstm5": 9}},
    [
        question(0, "natural", None, "a"),
        question(1, "cnn1", 1, "a"),
        question(2, "cnn1", 1, "b"),
        question(3, "blstm5", 9, "b"),
        question(4, "blstm5", 9, "a"),
    ],
)


def said(triplet: str, answer: str, response_ms: int = 100, replays: int = 0) -> Answer:
    return Answer(
        triplet, answer, response_ms, 9 * response_ms, replays, "2026-01-01T00:00:00.000+00:00"
    )


@pytest.mark.parametrize(
    ("errors", "n", "low", "high"),
    # by hand: z = 1.96; (p + z2/2n ± z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n)
    [(3, 10, 0.1078, 0.6032), (5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775), (1, 1, 0.2065, 1.0)],
)
def test_wilson_by_hand(errors: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(errors, n) == pytest.approx((low, high), abs=1e-4)


def test_wilson_is_scipys() -> None:
    for n in (1, 2, 7, 60, 1000):
        for errors in {0, 1, n // 3, n // 2, n - 1, n}:
            theirs = binomtest(errors, n).proportion_ci(0.9, method="wilson")
            assert wilson_interval(errors, n, 0.9) == pytest.approx(theirs, abs=1e-12)


def test_wilson_takes_half_errors_and_no_nonsense() -> None:
    below, half, above = (wilson_interval(errors, 8) for errors in (2, 2.5, 3))
    assert below[0] < half[0] < above[0] and below[1] < half[1] < above[1]
    for errors, n in ((0, 0), (-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="no proportion"):
            wilson_interval(errors, n)


def test_errors_of_listeners_are_counted_by_layer() -> None:
    ann = [said("q0", "a"), said("q1", "b"), said("q2", "b"), said("q3", "a")]
    bob = [said("q1", "a"), said("q2", "a")]
    rows = {(r.scorer, r.layer): r for r in human_rows(TEST, {"ann": ann, "bob": bob})}
    assert len(rows) == 3 * 3 and {row.metric for row in rows.values()} == {"her"}
    cnn1 = rows["human", "cnn1"]
    assert (cnn1.mean, cnn1.n_scored, cnn1.depth, cnn1.model) == (50.0, 4, 1, "robust")
    low, high = wilson_interval(2, 4)
    assert (cnn1.ci_low, cnn1.ci_high) == pytest.approx((100 * low, 100 * high))
    assert [rows["human", "blstm5"].mean, rows["human", "blstm5"].n_scored] == [100.0, 1]
    assert [rows[f"human:{who}", "cnn1"].mean for who in ("ann", "bob")] == [50.0, 50.0]
    nobody = rows["human:bob", "blstm5"]
    assert (nobody.mean, nobody.ci_low, nobody.n_scored) == (None, None, 0)


def test_each_listener_has_a_row_with_natural_apart() -> None:
    ann = [said("q0", "b", 100, 2), said("q1", "a", 900), said("q3", "a", 300, 1)]
    row, silent = listener_rows(TEST, {"ann": ann, "bob": []})
    assert (row.n_answered, row.n_questions, row.her, row.her_natural) == (3, 5, 50.0, 100.0)
    assert (row.median_response_ms, row.n_replays) == (300.0, 3)
    assert (silent.n_answered, silent.her, silent.median_response_ms) == (0, None, None)


def test_verifiers_ties_are_half_an_error_and_failures_are_counted_apart() -> None:
    answers = [
        MachineAnswer("q0", "natural", "v", 0.9, 0.1, "a"),
        MachineAnswer("q1", "cnn1", "v", 0.5, 0.5, "tie"),
        MachineAnswer("q2", "cnn1", "v", 0.2, 0.3, "b"),
        MachineAnswer("q3", "blstm5", "v", 0.9, 0.3, "a"),
        MachineAnswer("q4", "blstm5", "v", None, None, "", "x.flac: silent"),
    ]
    rows = {row.layer: row for row in verifier_rows(TEST, answers)}
    found = {name: (row.mean, row.n_scored, row.n_failed) for name, row in rows.items()}
    assert found == {"natural": (0.0, 1, 0), "cnn1": (25.0, 2, 0), "blstm5": (100.0, 1, 1)}
    assert {row.scorer for row in rows.values()} == {"v"}


@pytest.mark.parametrize("name", ["her.png", "her.svg"])
def test_the_picture_is_drawn_whatever_is_missing(tmp_path: Path, name: str) -> None:
    machine = [MachineAnswer(f"q{i}", t.layer, "v", 1.0, 0.0, "a")
               for i, t in enumerate(TEST.triplets)]  # fmt: skip
    for answers in ({}, {"ann": [said("q1", "b"), said("q0", "a")]}):
        rows = [*human_rows(TEST, answers), *verifier_rows(TEST, machine)]
        save_her_picture(rows, tmp_path / name)
        content = (tmp_path / name).read_bytes()
        assert content[:4] == b"\x89PNG" or b"<svg" in content[:900]
        save_her_picture(rows, tmp_path / f"again-{name}")
        if name.endswith("png"):
            assert (tmp_path / f"again-{name}").read_bytes() == content


def test_nothing_that_is_drawn_lies_outside_the_picture() -> None:
    """A verifier that is always wrong, while no listener is."""
    wrong = [MachineAnswer(f"q{i}", t.layer, "v", 1.0, 0.0, "ba"[t.answer == "b"])
             for i, t in enumerate(TEST.triplets)]  # fmt: skip
    listeners = {"ann": [said(t.triplet, t.answer) for t in TEST.triplets]}
    (panel,) = her_figure([*human_rows(TEST, listeners), *verifier_rows(TEST, wrong)]).axes
    low, high = panel.get_ylim()
    drawn = [float(y) for line in panel.lines for y in line.get_ydata()]
    assert max(drawn) == 100.0 and low < min(drawn) and max(drawn) < high
