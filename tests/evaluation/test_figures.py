"""Figures: every model, interval, ceiling, floor and control is drawn, and gaps stay gaps."""

import csv
from pathlib import Path

import pytest

from evaluation.depth_ticks import depth_ticks
from evaluation.figures import depth_figure
from evaluation.metric_blocks import step_lines
from evaluation.reading import Row, number, spell, value_range
from evaluation.training_figures import (
    curve,
    plateaus,
    probe_curves_figure,
    recogniser_curves_figure,
)


def rows_of(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def summary(whole_run: Path) -> list[Row]:
    return rows_of(whole_run / "summary.csv")


def test_panel_of_a_condition(summary: list[Row]) -> None:
    data = depth_figure(summary, "eer", "ge2e", condition="clean").data
    roles = [trace.meta["role"] for trace in data]
    assert roles.count("line") == 3 and roles.count("band") == 3
    references = [trace for trace in data if trace.meta["role"] == "reference"]
    assert [trace.name for trace in references] == ["natural", "copy-synthesis", "mean-mel"]
    assert all(trace.meta["model"] == "" for trace in references)
    lines = {trace.meta["model"]: trace for trace in data if trace.meta["role"] == "line"}
    assert list(lines["robust"].x) == list(range(1, 10))
    assert lines["untrained"].line.dash == "dot" and lines["untrained"].line.color == "#85878c"
    assert "n = 120" in lines["baseline"].text[0]


def test_panel_of_a_model(summary: list[Row]) -> None:
    data = depth_figure(summary, "stoi", "", model="robust").data
    lines = [trace for trace in data if trace.meta["role"] == "line"]
    assert [trace.meta["condition"] for trace in lines] == ["clean", "snr0"]
    assert sum(trace.meta["role"] == "reference" for trace in data) == 6


def test_references_of_differing_models_are_drawn_apart(summary: list[Row]) -> None:
    rows = [dict(row) for row in summary]
    for row in rows:
        if row["layer"] == "natural" and row["model"] == "robust":
            row["mean"] = "33.3"
    data = depth_figure(rows, "wer", "robust", condition="clean").data
    natural = [trace for trace in data if trace.name == "natural"]
    assert [trace.meta["model"] for trace in natural] == ["baseline", "robust", "untrained"]


def test_missing_values_are_gaps(summary: list[Row]) -> None:
    rows = [dict(row) for row in summary if row["model"] == "baseline"]
    for row in rows:
        if row["layer"] == "cnn4":
            row |= {"mean": "", "ci_low": "nan", "ci_high": ""}
    data = depth_figure(rows, "eer", "ge2e", condition="clean").data
    line = next(trace for trace in data if trace.meta["role"] == "line")
    band = next(trace for trace in data if trace.meta["role"] == "band")
    assert line.y[3] is None and len(line.y) == 9
    assert list(band.x).count(None) == 2 and 4 not in band.x


def test_a_panel_is_of_one_thing(summary: list[Row]) -> None:
    with pytest.raises(ValueError, match="either"):
        depth_figure(summary, "eer", "ge2e")


def test_names_of_many_layers_do_not_lie_on_each_other() -> None:
    few = [{"layer": f"cnn{depth}", "depth": str(depth)} for depth in (1, 2, 3)]
    assert depth_ticks(few) == {1.0: "cnn1", 2.0: "cnn2", 3.0: "cnn3"}
    names = ["prologue"] + [f"block{at // 5 + 1}.sub{at % 5 + 1}" for at in range(50)]
    blocks = depth_ticks([{"layer": name, "depth": at + 1} for at, name in enumerate(names)])
    assert list(blocks.items())[:3] == [(1.0, "prologue"), (7.0, "block2"), (12.0, "block3")]
    plain = depth_ticks([{"layer": f"blocks.{at}.a_long_name", "depth": at} for at in range(33)])
    assert list(plain) == [float(depth) for depth in range(0, 33, 3)]
    assert plain[3.0] == "blocks.3.a_lo…"


def test_steps_are_told_in_the_digits_of_their_metric() -> None:
    row = {"model": "m", "condition": "clean", "earlier": "cnn1", "later": "cnn2", "scorer": "ge2e"}
    eer = {**row, "metric": "eer", "difference": "11.4583", "ci_low": "4.8", "ci_high": "18.76"}
    stoi = {**row, "metric": "stoi", "scorer": "", "difference": "-0.0001"}
    stoi |= {"ci_low": "", "ci_high": ""}
    first, second = step_lines([eer, stoi])
    assert first["metric"] == "EER by ge2e" and first["difference"] == "+11.5 points"
    assert (first["interval"], first["excludes"]) == ("+4.8 to +18.8", True)
    assert (second["metric"], second["difference"]) == ("STOI", "+0.000")
    assert (second["interval"], second["excludes"]) == ("", None)


def test_cells() -> None:
    assert number("") is None and number("nan") is None and number("inf") is None
    assert number("2.5") == 2.5 and spell("48.04", "eer") == "48.0 %" and spell(None, "stoi") == "–"
    assert value_range([], "stoi") == pytest.approx((0.0, 1.06))


def test_training_curves(whole_run: Path) -> None:
    rows = rows_of(whole_run / "probes" / "robust" / "curves.csv")
    figure = probe_curves_figure(rows)
    assert len(figure.data) == 2 * 9
    curves = {"baseline": rows_of(whole_run / "recognisers" / "baseline" / "curves.csv")}
    assert [len(t.x) for t in recogniser_curves_figure(curves, "wer").data] == [0, 11]


def test_plateau_tells_flat_from_falling() -> None:
    flat = [{"step": s, "split": "dev", "layer": "a", "mel_l1": 0.5} for s in range(0, 101, 10)]
    falling = [{**row, "layer": "b", "mel_l1": 1.5 - 0.01 * row["step"]} for row in flat]  # type: ignore[operator]
    found = {end.layer: end for end in plateaus([*flat, *falling])}
    assert found["a"].change == 0.0 and found["a"].steps == 100
    assert found["b"].change == pytest.approx(0.2 / 0.5)
    assert plateaus(flat[:2]) == []


def test_long_curves_are_thinned() -> None:
    rows = [{"step": step, "value": step} for step in range(1001)]
    steps, values = curve(rows, "value")
    assert len(steps) <= 200 and steps == values
