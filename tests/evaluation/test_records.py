"""Rows and their files: exact columns, round trips, whole or not at all."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from acoustics.errors import UserError
from evaluation.records import (
    MixtureRow,
    OrderedRows,
    RowWriter,
    ScoreRow,
    SummaryRow,
    TrialScoreRow,
    UtteranceRow,
    read_rows,
    write_rows,
)

SCORED = ScoreRow("baseline", "clean", "", "cnn1", "u1", "s1", "stoi", "", 0.875)
FAILED = ScoreRow("robust", "snr0", "n, 1", "cnn2", "u2", "s2", "pesq_wb", "", None, "worker died")

COLUMNS = {
    ScoreRow: "model,condition,noise,layer,utterance,speaker,metric,scorer,value,failure",
    SummaryRow: "model,condition,layer,depth,metric,scorer,mean,ci_low,ci_high,n_scored,n_failed",
    TrialScoreRow: "model,condition,layer,scorer,trial,score,failure",
    UtteranceRow: "utterance,speaker,sex,duration_s,n_words,n_chars,text",
    MixtureRow: "condition,utterance,noise,kind,snr_db,scale",
}
EXAMPLES = [
    SCORED,
    FAILED,
    SummaryRow("robust", "clean", "blstm1", 5, "eer", "ge2e", 32.9, 30.1, 35.2, 1800, 2),
    SummaryRow("robust", "clean", "natural", None, "eer", "ge2e", None, None, None, 0, 12),
    TrialScoreRow("baseline", "clean", "cnn1", "ge2e", "t000001", -0.25),
    UtteranceRow("u1", "s1", "female", 2.5, 3, 17, 'a "quoted", text'),
    MixtureRow("snr0", "u1", "n1", "babble", 0.0, 0.5),
    MixtureRow("clean", "u1", "", "", float("inf"), 1.0),
]


@pytest.mark.parametrize("row_type", COLUMNS)
def test_columns_are_those_of_the_contract(row_type: type, tmp_path: Path) -> None:
    write_rows(tmp_path / "empty.csv", row_type, [])
    assert (tmp_path / "empty.csv").read_text() == COLUMNS[row_type] + "\n"


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda row: type(row).__name__)
def test_round_trip(row: object, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", type(row), [row, row])
    assert list(read_rows(tmp_path / "rows.csv", type(row))) == [row, row]
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_six_significant_digits_and_no_negative_zero(tmp_path: Path) -> None:
    rows = [
        TrialScoreRow("m", "c", "l", "s", "t", score)
        for score in (1 / 3, 123456.789, 1e-9 / 3, -0.0, 1.0)
    ]
    write_rows(tmp_path / "rows.csv", TrialScoreRow, rows)
    cells = [line.split(",")[5] for line in (tmp_path / "rows.csv").read_text().splitlines()[1:]]
    assert cells == ["0.333333", "123457", "3.33333e-10", "0", "1"]


@pytest.mark.parametrize(
    ("value", "failure"), [(None, ""), (0.5, "why"), (float("nan"), ""), (float("inf"), "")]
)
def test_a_score_is_a_value_or_a_reason(value: float | None, failure: str) -> None:
    with pytest.raises(ValueError):
        ScoreRow("m", "c", "", "l", "u", "s", "stoi", "", value, failure)
    with pytest.raises(ValueError):
        TrialScoreRow("m", "c", "l", "s", "t", value, failure)


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    write_rows(path, ScoreRow, [SCORED])
    with pytest.raises(KeyboardInterrupt), RowWriter(path, ScoreRow) as writer:
        writer.write(FAILED)
        raise KeyboardInterrupt
    assert list(read_rows(path, ScoreRow)) == [SCORED]
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_rows_of_another_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"UtteranceRow is no row of scores\.csv"):
        write_rows(tmp_path / "scores.csv", ScoreRow, [EXAMPLES[5]])


def test_the_mark_that_a_spreadsheet_puts_before_a_table_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    write_rows(path, ScoreRow, [SCORED])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert list(read_rows(path, ScoreRow)) == [SCORED]


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    with pytest.raises(UserError) as missing:
        list(read_rows(path, ScoreRow))
    assert str(missing.value) == (
        f"{path}: cannot be read (No such file or directory); "
        "call `otoscope run` with the same configuration again"
    )
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"scores\.csv: its columns are not model,condition"):
        list(read_rows(path, ScoreRow))
    for line in ("m,c,,l,u,s,stoi,,abc,", "m,c,,l,u,s,stoi,,0.5", "m,c,,l,u,s,stoi,,,"):
        path.write_text(COLUMNS[ScoreRow] + "\n" + line + "\n")
        with pytest.raises(UserError, match=r"scores\.csv, line 2: "):
            list(read_rows(path, ScoreRow))
    with pytest.raises(UserError, match="cannot be written"):
        write_rows(tmp_path / "no folder" / "scores.csv", ScoreRow, [])


@pytest.fixture
def short_fields() -> Iterator[int]:
    """What a field may hold; some libraries raise it for the whole process."""
    before = csv.field_size_limit(100)
    yield 100
    csv.field_size_limit(before)


def test_what_is_no_table_is_told_like_a_table_of_others(tmp_path: Path, short_fields: int) -> None:
    path, head = tmp_path / "scores.csv", COLUMNS[ScoreRow].encode() + b"\n"
    for content, reason in (
        (head + "\u00b5".encode("latin-1"), ": it is not UTF-8 text"),
        (b"RIFF\xff\xff\0\0WAVE", ": it is not UTF-8 text"),
        (head + b"x" * (short_fields + 1), ", line 2: field larger than field limit"),
        (head + b"a,b\n", ", line 2: 2 cells where there are 10 columns"),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=rf"scores\.csv{reason}.*; delete .* and call"):
            list(read_rows(path, ScoreRow))


def test_what_makes_a_table_again_is_a_command(tmp_path: Path) -> None:
    """A stage runs again where something it left is gone: a file, or a whole folder of tables."""
    for name, left in (
        ("summary.csv", "summary.csv"),
        ("recognisers/robust/wer.csv", "recognisers/robust/wer.csv"),
        ("tables/robust/clean/scores.csv", "tables/robust/clean"),
        ("states/robust/distances.csv", "states/robust"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a,b\n")
        with pytest.raises(UserError) as refused:
            list(read_rows(path, SummaryRow))
        way_out = f"; delete {tmp_path / left} and call `otoscope run` with the same configuration"
        assert str(refused.value).endswith(f"{way_out} again")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/full refuses every byte."""
    monkeypatch.setattr(
        "evaluation.records.os.fdopen",
        lambda handle, *_, **__: Path("/dev/full").open("w"),  # noqa: SIM115
    )
    with pytest.raises(UserError, match="No space left"):
        write_rows(tmp_path / "scores.csv", ScoreRow, [SCORED])
    assert list(tmp_path.iterdir()) == []


def test_rows_are_written_in_the_order_of_their_places_whenever_they_are_ready(tmp_path) -> None:
    path = tmp_path / "scores.csv"
    with RowWriter(path, ScoreRow) as writer:
        rows = OrderedRows(writer)
        first, second = rows.reserve(), rows.reserve()
        rows.write([FAILED])
        rows.put(second, [])
        rows.put(first, [SCORED, SCORED])
    assert list(read_rows(path, ScoreRow)) == [SCORED, SCORED, FAILED]
