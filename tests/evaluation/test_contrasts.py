"""Paired differences: hand-made scores whose differences are known."""

import numpy as np
import pytest

from evaluation.bootstrap import Estimate
from evaluation.contrasts import BEYOND, LESS, Pair, contrasts, over_seeds
from evaluation.records import ScoreRow, UtteranceRow
from evaluation.summary import Results, collect

DEPTHS = {"cnn1": 1, "blstm1": 2}
SEEDS = (("robust", "baseline"), ("robust.seed1", "baseline.seed1"))


def results(levels: dict[tuple[str, str, str], float], n_speakers: int = 6) -> Results:
    """STOI by model, condition and layer; each utterance has a level of its own on top."""
    utterances = [
        UtteranceRow(f"u{i}", f"s{i}", "female", 1.0, 1, 1, "a") for i in range(n_speakers)
    ]
    rows = [
        ScoreRow(model, condition, "", layer, row.utterance, row.speaker, "stoi", "", level + i)
        for (model, condition, layer), level in levels.items()
        for i, row in enumerate(utterances)
    ]
    return collect(rows, [], [], utterances, n_replicates=200)


LEVELS = {
    ("baseline", "clean", "cnn1"): 0.5,
    ("robust", "clean", "cnn1"): 0.6,
    ("baseline", "snr0", "cnn1"): 0.2,
    ("robust", "snr0", "cnn1"): 0.5,
    ("baseline.seed1", "clean", "cnn1"): 0.5,
    ("robust.seed1", "clean", "cnn1"): 0.5,
    ("baseline.seed1", "snr0", "cnn1"): 0.2,
    ("robust.seed1", "snr0", "cnn1"): 0.3,
}


def test_a_difference_is_the_mean_over_seeds_and_what_all_utterances_share_cancels() -> None:
    rows = contrasts(results(LEVELS), [Pair("robust - baseline", "", SEEDS)], DEPTHS)
    by_place = {(row.contrast, row.condition): row for row in rows}
    clean = by_place["robust - baseline", "clean"]
    assert clean.difference == pytest.approx(0.05)
    assert (clean.lowest, clean.highest) == (pytest.approx(0.0), pytest.approx(0.1))
    assert clean.n_seeds == 2
    noisy = by_place["robust - baseline", "snr0"]
    assert noisy.difference == pytest.approx(0.2)
    # every utterance differs by the same amount: only the draw of seeds is left to vary
    widest = 0.1 * 2**0.5  # both draws the same seed
    expected = pytest.approx(0.2 - widest), pytest.approx(0.2 + widest)
    assert (noisy.ci_low, noisy.ci_high) == expected


def test_beyond_clean_takes_off_the_difference_on_clean_speech() -> None:
    rows = contrasts(results(LEVELS), [Pair("robust - baseline", "", SEEDS)], DEPTHS)
    beyond = [row for row in rows if row.contrast.endswith(BEYOND)]
    assert [(row.condition, row.layer) for row in beyond] == [("snr0", "cnn1")]
    assert beyond[0].difference == pytest.approx(((0.3 - 0.1) + (0.1 - 0.0)) / 2)


def test_beyond_clean_is_over_what_all_four_have_scored() -> None:
    """An utterance that fails in noise only does not turn into an effect."""
    utterances = [UtteranceRow(f"u{i}", f"s{i}", "male", 1.0, 1, 1, "a") for i in range(4)]
    rows = []
    for model, gain in (("baseline", 0.0), ("robust", 1.0)):
        for condition in ("clean", "snr0"):
            for i, row in enumerate(utterances):
                value = gain * i  # robust gains more with every utterance, clean and noisy alike
                lost = (model, condition, i) == ("robust", "snr0", 3)
                score = (None, "lost") if lost else (value, "")
                where = model, condition, "", "cnn1", row.utterance, row.speaker
                rows.append(ScoreRow(*where, "stoi", "", *score))
    found = contrasts(
        collect(rows, [], [], utterances, n_replicates=50),
        [Pair("robust - baseline", "", (("robust", "baseline"),))],
        DEPTHS,
    )
    (beyond,) = [row for row in found if row.contrast.endswith(BEYOND)]
    assert beyond.difference == 0.0


def test_a_body_is_compared_within_each_model_and_never_with_clean_taken_off() -> None:
    levels = {
        ("baseline", "snr0", "blstm1"): 0.4,
        ("baseline.linear", "snr0", "blstm1"): 0.3,
        ("baseline", "clean", "blstm1"): 0.4,
        ("baseline.linear", "clean", "blstm1"): 0.4,
    }
    pair = Pair("linear - highway", "baseline", (("baseline.linear", "baseline"),))
    rows = contrasts(results(levels), [pair], DEPTHS)
    assert {row.contrast for row in rows} == {"linear - highway"}
    found = {row.condition: (row.model, row.depth, round(row.difference, 6)) for row in rows}
    assert found == {"snr0": ("baseline", 2, -0.1), "clean": ("baseline", 2, 0.0)}


def test_what_only_one_side_has_is_no_contrast() -> None:
    levels = {("robust", "clean", "cnn1"): 0.5, ("baseline", "clean", "blstm1"): 0.5}
    assert contrasts(results(levels), [Pair("robust - baseline", "", SEEDS)], DEPTHS) == []
    assert contrasts(results(levels), [Pair("robust - baseline", "", ())], DEPTHS) == []


def test_seeds_are_drawn_like_speakers() -> None:
    flat = [Estimate(v, np.full(4000, v)) for v in (0.0, 3.0)]
    mean = over_seeds(flat)
    assert mean.value == 1.5
    away = 1.5 * 2**0.5
    shares = [np.mean(np.isclose(mean.replicates, 1.5 + d)) for d in (-away, 0.0, away)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    assert mean.replicates.std() == pytest.approx(np.std([0, 3], ddof=1) / 2**0.5, rel=0.03)
    assert np.array_equal(over_seeds(flat[:1]).replicates, flat[0].replicates)


def test_how_the_gap_grows_with_depth_is_paired_over_layers() -> None:
    """Each utterance has a level of its own in every layer, which leaves the growth alone."""
    levels = {
        (model, condition, layer): 0.1 * (model == "robust") * (condition == "snr0") * depth
        for model in ("robust", "baseline")
        for condition in ("clean", "snr0")
        for layer, depth in (("cnn1", 1), ("blstm1", 2), ("blstm2", 3), ("blstm3", 6))
    }
    depths = {"cnn1": 1, "blstm1": 2, "blstm2": 3, "blstm3": 4}
    pair = Pair("robust - baseline", "", (("robust", "baseline"),))
    rows = contrasts(results(levels), [pair], depths)
    name = pair.contrast + BEYOND + LESS + "blstm1"
    growth = {row.layer: row for row in rows if row.contrast == name}
    assert {layer: round(row.difference, 6) for layer, row in growth.items()} == {
        "blstm2": 0.1,
        "blstm3": 0.4,
    }
    assert all(row.ci_low == pytest.approx(row.ci_high) for row in growth.values())
    assert {row.condition for row in growth.values()} == {"snr0"}
