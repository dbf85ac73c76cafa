"""Tables of another version, or broken ones: every page is still there and says what is amiss."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from safetensors.numpy import load_file, save_file

from evaluation.atlas.build import PAGES, build_atlas
from evaluation.masks.arrays import read_arrays

NONE = {
    "words.html": "No word is said",
    "masks.html": "No utterance has a mask",
    "features.html": "No feature has been searched yet",
    "listen.html": "There is nothing to listen to",
    "layers.html": "There is no sonification yet",
}
"""What a page says of tables that are whole and have nothing in them, or are not there."""


@pytest.fixture(scope="module")
def made(make_run: Callable[..., Any]) -> Path:
    """A small run with a study, audiations and masks, built once: read only."""
    found = make_run(features=8, blocks=1, sub_blocks=1, minutes=0.5, sampled_layers=1)
    (found.path / "scores.csv").unlink()
    for metrics in (found.path / "summary.csv", found.path / "steps.csv"):
        lines = metrics.read_text().splitlines(keepends=True)
        metrics.write_text("".join([lines[0], *lines[1::16]]))  # the first page is the slowest
    build_atlas(found.path, cuts=found.cuts)
    path: Path = found.path
    return path


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A run of one's own, to break; its sounds are made already."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def pages(run: Path) -> dict[str, str]:
    root = build_atlas(run).path.parent
    return {address: (root / address).read_text(encoding="utf-8") for address, _ in PAGES.values()}


def tables(run: Path, suffix: str) -> list[Path]:
    return [path for path in sorted(run.rglob(f"*.{suffix}")) if "report" not in path.parts]


def without(column: str, run: Path) -> int:
    """Takes a column from every table that has it; how many had."""
    count = 0
    for path in tables(run, "parquet"):
        found = pyarrow.parquet.read_table(path)
        if column in found.column_names:
            pyarrow.parquet.write_table(found.drop_columns([column]), path)
            count += 1
    for path in tables(run, "csv"):
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        if column in rows[0]:
            at = rows[0].index(column)
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(row[:at] + row[at + 1 :] for row in rows)
            count += 1
    return count


@pytest.mark.parametrize("column", ["utterance", "layer", "feature", "word"])
def test_a_column_may_be_lacking_everywhere(run: Path, column: str) -> None:
    assert without(column, run) >= 2
    assert f"has no column {column}; it was left out" in pages(run)["index.html"]


def test_half_of_every_table_is_named_on_the_pages_that_lack_it(run: Path) -> None:
    for suffix in ("parquet", "json", "safetensors"):
        for path in tables(run, suffix):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for name in ("masks/baseline/masks.csv", "samples.csv"):
        text = (run / name).read_text().partition("\n")
        (run / name).write_text(text[0].replace("utterance", "name") + "\n" + text[2])
    found = pages(run)
    told = {name: re.findall(r"<li>([^<: ]+):", text) for name, text in found.items()}
    study = "sonification/baseline"
    assert f"{study}/word_features.parquet" in told["words.html"]
    assert "masks/baseline/masks.csv" in told["masks.html"]
    assert f"{study}/segments.parquet" in told["features.html"]
    assert f"{study}/features.parquet" in told["layers.html"]
    assert "samples.csv" in told["listen.html"]
    assert "recognisers/baseline/layers.json" in told["network.html"]
    files = {name for names in told.values() for name in names if "." in name}
    assert files <= set(told["index.html"])
    assert not any("masks" in name for name in told["words.html"])
    for name, text in NONE.items():
        assert text not in found[name], name
    assert "that was asked for has its mask" not in found["masks.html"]


def test_values_of_another_kind_are_named(run: Path) -> None:
    card = run / "recognisers/baseline/layers.json"
    rows = json.loads(card.read_text())
    card.write_text(json.dumps([{**rows[0], "depth": float("inf")}, *rows[1:]]))
    spoken = run / "sonification/baseline/spoken.parquet"
    found = pyarrow.parquet.read_table(spoken)
    at = found.column_names.index("start_s")
    texts = pyarrow.array(["soon"] * len(found))
    pyarrow.parquet.write_table(found.set_column(at, "start_s", texts), spoken)
    words = run / "sonification/baseline/word_features.parquet"
    found = pyarrow.parquet.read_table(words)
    at = found.column_names.index("feature")
    places = pyarrow.array([None, *found["feature"].to_pylist()[1:]], pyarrow.int64())
    pyarrow.parquet.write_table(found.set_column(at, "feature", places), words)
    for path in (run / "masks/baseline/arrays").iterdir():
        facts = {"facts": json.dumps({"low": 0, "high": 1, "frame_s": 0.01, "steps": [1],
                                      "said": [], "required": None})}  # fmt: skip
        empty = {name: part[:0] for name, part in load_file(path).items()}
        save_file(empty | {"snapshots": np.zeros((1, 0), np.uint8)}, path, facts)
        assert read_arrays(path) is None
    text = pages(run)["index.html"]
    assert "recognisers/baseline/layers.json: cannot be read" in text
    assert "word_features.parquet: 1 incomplete row(s) were left out" in text
    assert "spoken.parquet: has unexpected values in start_s" in text
