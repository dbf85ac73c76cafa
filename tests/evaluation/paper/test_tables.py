"""The tables: every cell of the paper's grid, ours beside theirs, and why one is empty."""

from pathlib import Path

import pytest

from acoustics.errors import UserError
from evaluation.paper.finished_run import FinishedRun, WerRow, read_finished_run
from evaluation.paper.tables import PaperTable, eer_table, loss_table, paper_tables, wer_table


def column(table: PaperTable, architecture: str, layer: str) -> list[float | None]:
    at = table.columns.index((architecture, layer))
    return [line[at].mean for line in table.lines]


def test_table_2_has_rows_a_to_h_and_the_papers_numbers_beside_ours(
    make_run, papers_numbers
) -> None:
    table = eer_table([make_run(papers_numbers)], "thin_resnet")
    assert [label[0] for label in table.labels] == [f"({letter})" for letter in "abcdefgh"]
    assert table.labels[3] == ("(d)", "snr20", "baseline")
    assert column(table, "vgg_lstm", "blstm1") == [
        16.48,
        16.2,
        18.11,
        18.85,
        20.87,
        24.0,
        31.5,
        37.66,
    ]
    assert all(cell.published == cell.mean for cell in table.cells)
    assert not table.reasons
    first = table.cells[0]
    assert (first.row, first.ci_low, first.ci_high) == (
        "a",
        pytest.approx(3.88),
        pytest.approx(4.88),
    )
    assert (first.n_scored, first.n_failed, first.depth) == (12, 0, 1)


def test_layers_that_the_paper_lacks_are_in_and_layers_that_we_lack_are_missing(make_run) -> None:
    numbers = {("robust", "clean", layer, "eer", "v"): 5.0 for layer in ("cnn1", "cnn3", "blstm1")}
    table = eer_table([make_run(numbers)], "v")
    assert [name for _, name in table.columns] == [
        "cnn1", "cnn3", "blstm1", "cnn2", "cnn4", "blstm3", "blstm5",
    ]  # fmt: skip
    by_place = {(cell.row, cell.layer): cell for cell in table.cells}
    assert by_place["a", "cnn3"].mean == 5.0 and by_place["a", "cnn3"].published is None
    assert by_place["a", "cnn4"].missing == "layer cnn4 was not tapped"
    assert by_place["a", "cnn4"].published == 7.18
    assert by_place["b", "cnn1"].missing == "model baseline is not in this run"
    assert by_place["c", "cnn1"].missing == "condition snr20 is not in this run"
    assert len(table.cells) == 8 * 7


def test_a_failed_number_says_so_and_conditions_of_our_own_come_last(make_run) -> None:
    numbers = {
        ("baseline", "snr5", "cnn1", "mel_l1", ""): 0.5,
        ("baseline", "clean", "cnn1", "mel_l1", ""): None,
    }
    table = loss_table([make_run(numbers, name="jasper")])
    assert table.labels[-1] == ("snr5", "baseline") and table.lines[-1][0].mean == 0.5
    assert table.lines[1][0].missing == "all 12 scores failed"
    assert {cell.row for cell in table.cells} == {""}


def test_two_architectures_stand_side_by_side(make_run, papers_numbers) -> None:
    pure = {("robust", "clean", "blstm1", "eer", "ge2e"): 7.0}
    runs = [make_run(papers_numbers), make_run(pure, name="pure_lstm")]
    table = eer_table(runs, "thin_resnet")
    assert [group for group, _ in table.columns] == ["vgg_lstm"] * 6 + ["pure_lstm"] * 5
    assert table.lines[0][6].missing == "eer by thin_resnet was not scored"
    assert table.lines[0][6].published == 6.92
    names = [table.name for table in paper_tables(runs)]
    assert names == ["table1", "table2_thin_resnet", "table2_ge2e", "verifiers", "loss"]


def test_table_1_takes_dev_from_the_file_and_test_from_the_summary(make_run) -> None:
    numbers = {("baseline", "clean", "natural", "wer", "baseline"): 30.0,
               ("robust", "clean", "natural", "wer", "robust"): 26.0,
               ("baseline", "clean", "natural", "wer", "robust"): 99.0}  # fmt: skip
    wer = {"baseline": [WerRow("dev", 31.0, 29.0, 33.0, 40, 1)]}
    table = wer_table([make_run(numbers, wer=wer)])
    assert [[cell.mean for cell in line] for line in table.lines] == [[31.0, 30.0], [None, 26.0]]
    assert [[cell.published for cell in line] for line in table.lines] == [
        [29.02, 29.55],
        [22.64, 22.51],
    ]
    assert (table.lines[0][0].ci_low, table.lines[0][0].n_failed) == (29.0, 1)
    assert "recognisers/robust/wer.csv has no split dev" in table.lines[1][0].missing


def test_the_verifiers_are_judged_on_natural_speech(make_run) -> None:
    eers = {"ge2e": 2.5, "thin_resnet": 3.5, "ecapa": 1.0}
    numbers = {("baseline", "clean", "natural", "eer", name): eer for name, eer in eers.items()}
    numbers |= {("baseline", "clean", "natural", "eer", "ge2e:adapted"): 9.0,
                ("baseline", "clean", "natural", "eer", "states"): 9.0}  # fmt: skip
    table = next(t for t in paper_tables([make_run(numbers)]) if t.name == "verifiers")
    assert [(c.scorer, c.mean, c.published) for c in table.cells] == [
        ("ge2e", 2.5, 4.51), ("thin_resnet", 3.5, 3.34), ("ecapa", 1.0, None),
    ]  # fmt: skip


def test_what_cannot_be_read_is_named(make_run, tmp_path: Path) -> None:
    make_run({("robust", "clean", "cnn1", "eer", "v"): 5.0})
    folder = tmp_path / "vgg_lstm"
    (folder / "steps.csv").write_text("a,b\n1,2\n")
    run: FinishedRun = read_finished_run("vgg_lstm", folder)
    notes = "\n".join(run.notes)
    assert "vgg_lstm: contrasts.csv is missing" in notes and "steps.csv was left out" in notes
    assert str(tmp_path) not in notes
    (folder / "summary.csv").unlink()
    with pytest.raises(UserError, match=r"summary\.csv"):
        read_finished_run("vgg_lstm", folder)
