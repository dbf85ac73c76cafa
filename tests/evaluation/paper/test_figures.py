"""The figures: what is drawn, and that the same run gives the same bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from evaluation.paper.figures import depth_sheet, figure2, identity_figure
from evaluation.paper.finished_run import FinishedRun, read_finished_run
from evaluation.paper.mel_figure import mel_figure, noisiest
from evaluation.paper.panels import NothingToDrawError, save_figure
from evaluation.records import SummaryRow


def curves(panel: Any) -> dict[str, Sequence[float]]:
    """Values of the curves over depth, by label; horizontal lines left out."""
    return {str(line.get_label()): [float(y) for y in line.get_ydata()] for line in panel.lines
            if line.get_marker() not in ("None", "", None)}  # fmt: skip


def levels(panel: Any) -> dict[str, float]:
    """Heights of the horizontal lines, by label."""
    return {str(line.get_label()): float(line.get_ydata()[0]) for line in panel.lines
            if line.get_marker() in ("None", "", None)}  # fmt: skip


def legend(sheet: Figure) -> list[str]:
    return [text.get_text() for text in sheet.legends[0].get_texts()]


@pytest.fixture
def whole(whole_run: Path) -> FinishedRun:
    return read_finished_run("vgg_lstm", whole_run)


def test_table_2_as_curves_has_their_numbers_pale_at_our_depths(make_run, papers_numbers) -> None:
    shifted = {place: value + 1 for place, value in papers_numbers.items()}
    shifted[("robust", "clean", "natural", "eer", "thin_resnet")] = 3.0
    sheet = depth_sheet([make_run(shifted)], [("eer", "thin_resnet")])
    assert [panel.get_title() for panel in sheet.axes] == ["clean", "snr20", "snr10", "snr0"]
    last, their = curves(sheet.axes[3]), "Li et al. 2020, their ThinResNet"
    assert last["robust"][0] == pytest.approx(24.15) and last["baseline"][5] == pytest.approx(49.13)
    assert last[f"{their}, robust"] == [23.15, 24.63, 28.62, 31.50, 34.91, 46.22]
    theirs = [line for line in sheet.axes[3].lines if "Li et al." in str(line.get_label())]
    assert all(line.get_alpha() == 0.5 and line.get_linestyle() == "--" for line in theirs)
    assert [line.get_color() for line in theirs] == ["#0f6cb4", "#c8501e"]
    assert levels(sheet.axes[0]) == {"natural": 3.0}
    assert len(sheet.axes[3].collections) == 2  # a band per model
    assert f"{their}, baseline" in legend(sheet)
    top = sheet.axes[0].get_ylim()[1]
    assert top > 49.13


def test_figure_4_has_stoi_and_pesq_per_condition_and_models(whole: FinishedRun) -> None:
    sheet = depth_sheet([whole], [("stoi", ""), ("pesq_wb", "")])
    assert [panel.get_title() for panel in sheet.axes] == ["clean", "snr0"] * 2
    assert [panel.get_ylabel() for panel in sheet.axes][::2] == ["STOI", "PESQ wide-band"]
    for panel in sheet.axes:
        assert list(curves(panel)) == ["baseline", "robust", "untrained"]
        assert list(levels(panel)) == ["natural", "copy-synthesis", "mean-mel"]
        assert all(len(values) == 9 for values in curves(panel).values())
    row = whole.find("robust", "snr0", "blstm5", "stoi")
    assert row is not None and curves(sheet.axes[1])["robust"][-1] == row.mean


def test_a_condition_or_metric_that_a_run_lacks_is_said(make_run) -> None:
    first = make_run({("robust", "clean", "cnn1", "stoi", ""): 0.9,
                      ("robust", "snr0", "cnn1", "stoi", ""): 0.8})  # fmt: skip
    second = make_run({("robust", "clean", "blstm1", "stoi", ""): 0.7}, name="pure_lstm")
    sheet = depth_sheet([first, second], [("stoi", "")])
    titles = [panel.get_title() for panel in sheet.axes]
    assert titles == ["vgg_lstm, clean", "vgg_lstm, snr0", "pure_lstm, clean", "pure_lstm, snr0"]
    assert [text.get_text() for text in sheet.axes[3].texts] == ["not in this run"]
    with pytest.raises(NothingToDrawError, match="mel_l1"):
        depth_sheet([first], [("mel_l1", "")])


def test_figure_2_has_every_verifier_of_robust_on_clean_speech(make_run, papers_numbers) -> None:
    numbers = dict(papers_numbers)
    for (model, condition, layer, metric, _), value in papers_numbers.items():
        numbers[model, condition, layer, metric, "ge2e_lstm"] = value + 2
        numbers[model, condition, layer, metric, "ge2e_lstm:adapted"] = value - 2
    sheet = figure2(make_run(numbers))
    (panel,) = sheet.axes
    found = curves(panel)
    assert list(found) == ["thin_resnet", "ge2e_lstm", "Li et al. 2020, their ThinResNet"]
    assert found["ge2e_lstm"][0] == pytest.approx(6.38)
    assert found["Li et al. 2020, their ThinResNet"] == [4.38, 4.68, 7.18, 16.48, 30.03, 48.07]
    assert [text.get_text() for text in panel.get_xticklabels()][::5] == ["cnn1", "blstm5"]


def test_figure_2_has_people_where_they_have_listened(make_run, papers_numbers) -> None:
    human = [
        SummaryRow("robust", "clean", layer, None, "her", "human", her, her - 5, her + 5, 20, 0)
        for layer, her in (("blstm5", 45.0), ("cnn1", 5.0))
    ]
    human += [
        SummaryRow("robust", "clean", "cnn1", None, "her", scorer, 20.0, 10.0, 30.0, 20, 0)
        for scorer in ("human:ann", "thin_resnet")
    ]
    human.append(
        SummaryRow("robust", "snr0", "cnn1", None, "her", "human", 30.0, 25.0, 35.0, 20, 0)
    )
    sheet = figure2(make_run(papers_numbers, human=human))
    assert curves(sheet.axes[1]) == {
        "people": [5.0, 45.0],
        "thin_resnet, same triplets": [20.0],
    }
    assert sheet.axes[1].lines[0].get_xdata().tolist() == [1, 6]


def test_figure_2_takes_listening_verifiers_that_the_run_lacks(make_run, papers_numbers) -> None:
    """`otoscope listen score` has `ge2e` answer by itself, whatever scored the run."""
    human = [
        SummaryRow("robust", "clean", "cnn1", None, "her", scorer, 20.0, 10.0, 30.0, 20, 0)
        for scorer in ("thin_resnet", "human", "ge2e", "a, b")
    ]
    sheet = figure2(make_run(papers_numbers, human=human))
    left, right = sheet.axes
    assert list(curves(right)) == [
        "thin_resnet, same triplets", "people", "ge2e, same triplets", "a, b, same triplets",
    ]  # fmt: skip
    colour = {str(line.get_label()): line.get_color() for line in (*left.lines, *right.lines)}
    assert colour["thin_resnet, same triplets"] == colour["thin_resnet"]
    theirs = ("thin_resnet", "people", "ge2e, same triplets", "a, b, same triplets")
    assert len({colour[name] for name in theirs}) == 4


def test_lost_identity_shows_what_hears_natural_speech_and_the_states(make_run) -> None:
    layers = ("cnn1", "blstm1")
    eers = {"ge2e": 40.0, "ge2e:natural": 35.0, "ge2e:adapted": 20.0, "states": 10.0, "ecapa": 41.0}
    numbers = {("robust", "clean", layer, "eer", name): value
               for layer in layers for name, value in eers.items()}  # fmt: skip
    numbers["robust", "clean", "natural", "eer", "states"] = 4.0
    run = make_run(numbers)
    (panel,) = identity_figure(run).axes
    assert curves(panel) == {
        "ge2e: rendered against rendered": [40.0, 40.0],
        "ge2e: natural against rendered": [35.0, 35.0],
        "ge2e: verifier adapted to rendered speech": [20.0, 20.0],
        "linear probe of the states": [10.0, 10.0],
    }
    assert levels(panel) == {"the same on log-mels": 4.0, "chance": 50.0}
    without = make_run({("robust", "clean", "cnn1", "eer", "ge2e"): 5.0}, name="other")
    with pytest.raises(NothingToDrawError, match="no EER of states"):
        identity_figure(without)


def test_figure_3_has_rows_of_models_and_columns_of_input_and_layers(whole: FinishedRun) -> None:
    sheet = mel_figure(whole)
    titles = [panel.get_title() for panel in sheet.axes[:7]]
    assert titles == ["input", "cnn1", "cnn2", "cnn4", "blstm1", "blstm3", "blstm5"]
    rows = [sheet.axes[at].get_ylabel() for at in range(0, 28, 7)]
    assert rows == ["baseline\nclean", "robust\nclean", "baseline\nsnr0", "robust\nsnr0"]
    assert all(len(panel.images) == 1 for panel in sheet.axes)
    scales = [panel.images[0].get_clim() for panel in sheet.axes]
    assert len(set(scales[:14])) == 1 and len(set(scales[14:])) == 1
    assert sheet.axes[0].images[0].get_array().shape[0] == 80


def test_figure_3_prefers_music_and_marks_what_was_not_kept(run_folder: Path) -> None:
    (run_folder / "mixtures.csv").write_text(
        "condition,utterance,noise,kind,snr_db,scale\nsnr0,m01-0007,a,music,0,1\n"
        "snr0,m03-0002,b,noise,0,1\n"
    )
    run = read_finished_run("jasper", run_folder)
    assert "m01-0007" in mel_figure(run).get_suptitle()
    for path in run_folder.glob("mels/robust/snr0/blstm5/*.npy"):
        path.unlink()
    sheet = mel_figure(run)
    assert [text.get_text() for text in sheet.axes[-1].texts] == ["not kept"]
    (run_folder / "samples.csv").unlink()
    with pytest.raises(NothingToDrawError, match="no listening samples"):
        mel_figure(run)


def test_the_noisiest_condition_has_the_lowest_snr() -> None:
    assert noisiest(["clean", "snr20", "snr0", "snr10", "snr5"]) == "snr0"
    assert noisiest(["clean", "snr-5", "snr0"]) == "snr-5"
    assert noisiest(["clean", "snr10", "kitchen"]) == "snr10"
    assert noisiest(["clean", "kitchen"]) == "kitchen" and noisiest([]) == ""


def test_the_same_figure_is_the_same_bytes(make_run, papers_numbers, tmp_path: Path) -> None:
    run = make_run(papers_numbers, name="a$b_{c}^2")  # names are no formulas
    for folder in ("one", "two"):
        sheet = depth_sheet([run, run], [("eer", "thin_resnet")])
        paths = save_figure(sheet, tmp_path / folder, "x")
    assert [path.name for path in paths] == ["x.svg", "x.png"]
    for name in ("x.svg", "x.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert b"<dc:date>" not in (tmp_path / "one" / "x.svg").read_bytes()
    assert (tmp_path / "one" / "x.png").read_bytes().startswith(b"\x89PNG")
