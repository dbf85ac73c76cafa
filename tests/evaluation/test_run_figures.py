"""Figures of a run for papers: the numbers of its tables, as SVG and PDF."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.paper.panels import NothingToDrawError
from evaluation.reading import by_depth, number, select
from evaluation.run_figures import curves_figure, dominance_map, save_figure, word_figure
from evaluation.run_folder import read_run


def test_curves_are_those_of_the_table(whole_run: Path, tmp_path: Path) -> None:
    sheet = curves_figure(whole_run, "wer", "robust")
    rows = select(read_run(whole_run).summary, metric="wer", scorer="robust")
    for panel, condition in zip(sheet.axes, ("clean", "snr0"), strict=True):
        assert panel.get_title() == condition
        drawn = {line.get_label(): line.get_ydata() for line in panel.lines}
        for model in ("baseline", "robust", "untrained"):
            mine = by_depth(select(rows, condition=condition, model=model))
            assert np.allclose(drawn[model], [number(row["mean"]) for row in mine])
    first = [path.read_bytes() for path in save_figure(sheet, tmp_path / "a", "x", ["svg", "pdf"])]
    again = curves_figure(whole_run, "wer", "robust")
    other = [path.read_bytes() for path in save_figure(again, tmp_path / "b", "x", ["svg", "pdf"])]
    assert first == other and first[1].startswith(b"%PDF")


def test_some_models_and_scores_that_are_not_there(whole_run: Path) -> None:
    sheet = curves_figure(whole_run, models=["robust"])
    assert {"robust"} == {str(line.get_label()) for line in sheet.axes[0].lines} - {
        "natural", "copy-synthesis", "mean-mel"
    }  # fmt: skip
    with pytest.raises(NothingToDrawError, match="no scores of x; known are eer ge2e, "):
        curves_figure(whole_run, "x")


def test_heat_map_and_word(sonified_run: Path) -> None:
    study = sonified_run / "sonification/baseline"
    sheet = dominance_map(sonified_run, "baseline")
    assert sheet.axes[1].get_lines()[-1].get_ydata()[0] == 0.4
    word = study.joinpath("word_features.csv").read_text().splitlines()[1].split(",")[1].strip('"')
    sheet = word_figure(sonified_run, "baseline", word, switch="male")
    assert word in sheet.axes[0].get_title()
    with pytest.raises(NothingToDrawError, match="no word 'xyz'; known are"):
        word_figure(sonified_run, "baseline", "xyz")
    with pytest.raises(NothingToDrawError, match="no selectivity"):
        dominance_map(sonified_run, "nobody")
    (study / "selectivity.parquet").write_bytes(b"PAR1")
    with pytest.raises(NothingToDrawError, match=r"selectivity.parquet: cannot be read"):
        dominance_map(sonified_run, "baseline")
