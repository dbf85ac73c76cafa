"""Two processes write the tables that one writes, every file of them."""

import multiprocessing
import os
from pathlib import Path

import pyarrow.parquet
import pytest
import torch

from evaluation.sonification.export import SCHEMAS, write_sonification
from evaluation.sonification.search import Search
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.units import build_units

UNITS = ["segments", "utterances", "words", "phones", "phones3"]
MOON = 1  # feature of layer `fine`


@pytest.fixture(scope="module")
def spoilt(toy):
    """A recogniser in which one feature is no number for one speaker."""
    recogniser = toy.recogniser()
    bea = 1 + list(toy.speakers).index("bea")

    def spoil(_, inputs, out):
        out[..., MOON] = out[..., MOON].masked_fill(inputs[0] // 256 == bea, torch.nan)

    recogniser.fine.register_forward_hook(spoil)
    return recogniser


def searched(folder: Path, recogniser, units, settings, batches) -> None:
    search = Search(recogniser, units, settings)
    for batch in batches:
        search.add(batch)
    write_sonification(folder, search.result())


def one_of_two(rank: int, folder: Path, recogniser, units, settings, batches) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    searched(folder / str(rank), recogniser, units, settings, batches[rank])
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize(
    "settings",
    [
        SearchSettings(),
        SearchSettings(
            score="max", limit="speaker", k=4, most_labels=3, sets={"fine:some": [0, 2]}
        ),
    ],
    ids=["default", "by speaker"],
)
@pytest.mark.parametrize("idle", [False, True], ids=["both work", "one is idle"])
def test_two_ranks_write_the_files_of_one(toy, spoilt, tmp_path, settings, idle) -> None:
    corpus = toy.corpus(each=2)
    lost = [toy.cut("lost-0", 8000), toy.cut("lost-1", 8000)]
    units = build_units([*corpus.cuts, *lost], UNITS)
    batches = toy.batches(corpus, 5)
    batches[0].failures = [("lost-0", "unreadable")]
    shares = (batches, []) if idle else (batches[1::2], batches[0::2])
    searched(tmp_path / "one", spoilt, units, settings, batches)
    fork = multiprocessing.get_context("fork")
    given = tmp_path, spoilt, units, settings, shares
    pair = [fork.Process(target=one_of_two, args=(rank, *given)) for rank in (0, 1)]
    for process in pair:
        process.start()
    for process in pair:
        process.join(120)
        assert process.exitcode == 0
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == sorted(f"{name}.{kind}" for name in SCHEMAS for kind in ("csv", "parquet"))
    for rank in ("0", "1"):
        assert sorted(path.name for path in (tmp_path / rank).iterdir()) == files
        for name in files:
            mine, theirs = tmp_path / "one" / name, tmp_path / rank / name
            if name.endswith("csv"):
                assert mine.read_bytes() == theirs.read_bytes(), name
            else:
                tables = [pyarrow.parquet.read_table(path) for path in (mine, theirs)]
                assert tables[0].num_rows > 0
                assert tables[0].equals(tables[1]), name
