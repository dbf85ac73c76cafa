"""The summary: common utterances, honest counts, pooled rates, paired differences, the tables."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from evaluation import reading
from evaluation.bootstrap import highest
from evaluation.records import ScoreRow, TrialScoreRow, UtteranceRow
from evaluation.results_table import results_tables
from evaluation.summary import (
    METRICS,
    Cell,
    Results,
    collect,
    order_layers,
    summarise,
)
from evaluation.trials import make_trials
from evaluation.verification import eer

UTTERANCES = [
    UtteranceRow(f"s{s}-{i}", f"s{s}", "female", 2.0, 1 + i, 10, "text")
    for s in range(6)
    for i in range(4)
]
LAYERS = ("natural", "cnn1", "blstm1", "mean-mel")
DEPTHS = {"cnn1": 1, "blstm1": 2}
TRIALS, _ = make_trials(UTTERANCES)


def score(layer: str, utterance: UtteranceRow, value: float | None, **other: str) -> ScoreRow:
    fields = {"model": "baseline", "condition": "clean", "metric": "stoi", "scorer": "", **other}
    failure = "" if value is not None else "silent"
    return ScoreRow(
        noise="", layer=layer, utterance=utterance.utterance, speaker=utterance.speaker,
        value=value, failure=failure, **fields,
    )  # fmt: skip


def table_of(values: dict[str, list[float | None]], **other: str) -> list[ScoreRow]:
    return [
        score(layer, utterance, value, **other)
        for layer, column in values.items()
        for utterance, value in zip(UTTERANCES, column, strict=True)
    ]


def summary_of(rows: list[ScoreRow]) -> dict[str, tuple[float | None, int, int]]:
    results = collect(rows, [], TRIALS, UTTERANCES, n_replicates=50)
    summary = summarise(results, DEPTHS)
    return {row.layer: (row.mean, row.n_scored, row.n_failed) for row in summary}


def ramp(start: float) -> list[float | None]:
    return [float(start + i) for i in range(len(UTTERANCES))]


def test_means_without_failures() -> None:
    summary = summary_of(table_of({layer: ramp(k) for k, layer in enumerate(LAYERS)}))
    assert summary == {layer: (11.5 + k, 24, 0) for k, layer in enumerate(LAYERS)}


def test_layers_are_compared_on_what_is_scored_for_all() -> None:
    """One failure in one layer takes the utterance from every mean, and counts in its own."""
    columns = {layer: ramp(0) for layer in LAYERS}
    columns["cnn1"][23] = None
    summary = summary_of(table_of(columns))
    assert summary["cnn1"] == (11.0, 23, 1)
    for layer in ("natural", "blstm1", "mean-mel"):
        assert summary[layer] == (11.0, 23, 0)


def test_the_floor_does_not_empty_the_set() -> None:
    columns = {layer: ramp(0) for layer in LAYERS}
    columns["mean-mel"] = [None] * 20 + [0.0] * 4
    columns["cnn1"][23] = None
    summary = summary_of(table_of(columns))
    assert summary["mean-mel"] == (0.0, 3, 20)
    assert summary["natural"] == (11.0, 23, 0)


def test_a_layer_without_any_score_is_a_row_of_failures() -> None:
    columns = {layer: ramp(0) for layer in LAYERS}
    columns["blstm1"] = [None] * 24
    summary = summary_of(table_of(columns))
    assert summary["blstm1"] == (None, 0, 24)
    assert summary["cnn1"] == (11.5, 24, 0)


def test_models_and_conditions_have_sets_of_their_own() -> None:
    good = table_of({"natural": ramp(0)}, condition="snr0")
    broken = table_of({"natural": [None, *ramp(0)[1:]]}, model="robust")
    results = collect(good + broken, [], TRIALS, UTTERANCES, n_replicates=20)
    counts = {(r.model, r.condition): (r.n_scored, r.n_failed) for r in summarise(results, {})}
    assert counts == {("baseline", "snr0"): (24, 0), ("robust", "clean"): (23, 1)}


def test_error_rates_are_pooled_over_words() -> None:
    """Utterances of 1 to 4 words; one word wrong in each of the shortest: 6 of 60 words."""
    values = [100.0 if row.n_words == 1 else 0.0 for row in UTTERANCES]
    rows = table_of({"natural": values}, metric="wer", scorer="robust")
    (row,) = summarise(collect(rows, [], TRIALS, UTTERANCES, n_replicates=50), {})
    assert row.mean == pytest.approx(10.0)
    assert (row.ci_low, row.ci_high) == pytest.approx((10.0, 10.0))  # the same for each speaker


def trial_rows(
    layer: str, strength: float, seed: int, failed: tuple[int, ...] = (), model: str = "baseline"
) -> list[TrialScoreRow]:
    noise = np.random.default_rng(seed).normal(size=len(TRIALS))
    return [
        TrialScoreRow(model, "clean", layer, "ge2e", trial.trial, None, "silent")
        if i in failed
        else TrialScoreRow(
            model, "clean", layer, "ge2e", trial.trial, float(noise[i] + strength * trial.target)
        )
        for i, trial in enumerate(TRIALS)
    ]


@pytest.fixture(scope="module")
def verified() -> Results:
    rows = [
        *trial_rows("natural", 6, 0),
        *trial_rows("cnn1", 4, 1, failed=(0, 40)),
        *trial_rows("blstm1", 0.2, 2),
        *trial_rows("natural", 6, 3, failed=(7,), model="robust"),
    ]
    return collect([], rows, TRIALS, UTTERANCES, n_replicates=300)


def test_eer_in_percent_on_common_trials_with_counts(verified: Results) -> None:
    rows = {(r.model, r.layer, r.metric): r for r in summarise(verified, DEPTHS)}
    n = len(TRIALS)
    used = [i for i in range(n) if i not in (0, 40)]
    noise = np.random.default_rng(2).normal(size=n)
    targets = np.array([trial.target for trial in TRIALS])
    expected = 100 * eer((noise + 0.2 * targets)[used], targets[used])
    row = rows["baseline", "blstm1", "eer"]
    assert row.mean == pytest.approx(expected)
    assert (row.n_scored, row.n_failed, row.depth, row.scorer) == (n - 2, 0, 2, "ge2e")
    assert row.ci_low < row.mean < row.ci_high
    assert rows["baseline", "cnn1", "eer"].n_failed == 2
    assert rows["baseline", "cnn1", "min_dcf"].mean <= 1
    assert rows["baseline", "natural", "eer"].mean == 0.0


def test_a_step_that_is_there_has_an_interval_without_zero(verified: Results) -> None:
    first = Cell("baseline", "clean", "blstm1", "eer", "ge2e")
    second = first._replace(layer="cnn1")
    difference = verified.combine([(1, first), (-1, second)])["eer"]
    low, high = difference.interval()
    assert difference.value > 20 and 0 < low < difference.value < high
    same = verified.combine([(1, first), (-1, first)])["eer"]
    assert same.value == 0 and same.interval() == (0.0, 0.0)


def test_a_difference_of_models_uses_what_both_have(verified: Results) -> None:
    first = Cell("baseline", "clean", "natural", "eer", "ge2e")
    second = first._replace(model="robust")
    assert verified.counts(first)[0] == len(TRIALS) - 2
    assert verified.counts(second) == (len(TRIALS) - 1, 1)
    both = verified.combine([(1, first), (-1, second)])
    assert both["eer"].value == pytest.approx(0, abs=5)
    assert list(both) == ["eer", "min_dcf"], "one computation gives both"


def test_highest_of_some_layers(verified: Results) -> None:
    cells = [Cell("baseline", "clean", layer, "eer", "ge2e") for layer in ("natural", "cnn1")]
    worst = highest([verified.estimate(cell) for cell in cells])
    assert worst.value == verified.estimate(cells[1]).value


def test_same_seed_same_summary() -> None:
    rows = table_of({layer: ramp(k) for k, layer in enumerate(LAYERS)})
    first, second = (
        summarise(collect(rows, [], TRIALS, UTTERANCES, n_replicates=50), DEPTHS) for _ in "ab"
    )
    assert first == second


def test_one_utterance_scored_twice_is_a_mistake() -> None:
    row = score("natural", UTTERANCES[0], 1.0)
    with pytest.raises(ValueError, match="scored twice"):
        collect([row, row], [], TRIALS, UTTERANCES)


def test_layers_in_reading_order() -> None:
    layers = ["mean-mel", "blstm1", "natural", "cnn1", "copy-synthesis"]
    expected = ["natural", "copy-synthesis", "cnn1", "blstm1", "mean-mel"]
    assert order_layers(layers, DEPTHS) == expected


def printed(results: Results, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(*results_tables(summarise(results, DEPTHS), "baseline", "clean", console))
    return console.file.getvalue()


def test_the_table_shows_intervals_and_failures(verified: Results) -> None:
    text = printed(verified)
    row = next(r for r in summarise(verified, DEPTHS) if (r.layer, r.metric) == ("cnn1", "eer"))
    assert f"{row.mean:.1f} [{row.ci_low:.1f}, {row.ci_high:.1f}], 2 failed" in text
    assert "baseline · clean" in text and "eer % (ge2e)" in text and "robust" not in text


def test_the_console_shows_plain_verifiers_only() -> None:
    """The summary keeps the scorers that answer the questions behind the curves."""
    plain = trial_rows("cnn1", 4, 1)
    others = [replace(r, scorer=s) for s in ("states", "ge2e:adapted", "own") for r in plain]
    results = collect([], plain + others, TRIALS, UTTERANCES, n_replicates=20)
    scorers = {row.scorer for row in summarise(results, DEPTHS)}
    assert scorers == {"ge2e", "states", "ge2e:adapted", "own"}
    text = printed(results)
    assert "eer % (ge2e)" in text and "eer % (own)" in text
    assert "states" not in text and "adapted" not in text


def test_a_narrow_console_gets_several_tables_and_whole_numbers() -> None:
    plain = trial_rows("cnn1", 4, 1)
    both = plain + [replace(r, scorer="own") for r in plain]
    results = collect([], both, TRIALS, UTTERANCES, n_replicates=20)
    wide, narrow = printed(results), printed(results, width=40)
    assert wide.count("baseline · clean") == 1 and narrow.count("baseline · clean") == 2
    assert "…" not in narrow

    def numbers(text: str) -> list[str]:
        return sorted(re.findall(r"[0-9.]+ \[[0-9., ]+\]", text))

    assert numbers(narrow) == numbers(wide)


def test_every_metric_of_the_tables_has_a_name_in_the_report() -> None:
    assert set(METRICS) == set(reading.METRICS)


def test_scores_that_come_later_count() -> None:
    """What was computed before is not kept."""
    results = Results(UTTERANCES, [], n_replicates=20)
    place = ("baseline", "clean", "", "cnn1")
    rows = [ScoreRow(*place, u.utterance, u.speaker, "stoi", "", 0.5) for u in UTTERANCES]
    cell = Cell("baseline", "clean", "cnn1", "stoi")
    results.add_scores(rows[:4])
    assert results.estimate(cell).value == 0.5
    results.add_scores(replace(row, value=1.0) for row in rows[4:8])
    assert results.estimate(cell).value == 0.75
