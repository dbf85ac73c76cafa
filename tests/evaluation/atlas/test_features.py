"""The page Features as data: shards say what the tables say, row by row; sounds are shared."""

import base64
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest

from acoustics.errors import UserError
from evaluation.atlas.build import build_atlas
from evaluation.atlas.catalogue import Atlas, catalogue
from evaluation.atlas.feature_sounds import cut_segments, ranked_spans
from evaluation.atlas.feature_study import TABLES, feature_studies
from evaluation.atlas.packing import Phrases, packed
from evaluation.atlas.search_index import MOST, search_index
from evaluation.atlas.settings import AtlasSettings
from evaluation.atlas.site import Site
from evaluation.atlas.sounds import BYTES_PER_SAMPLE, Span
from evaluation.run_folder import read_run
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.export import write_records
from evaluation.sonification.unit_names import phones_in

TYPES = {"1": "<u1", "2": "<u2", "4": "<u4", "f": "<f4"}
UNITS = ["segments", "phones3"]
Rows = list[dict[str, Any]]


def unpacked(value: Any) -> Any:
    if isinstance(value, dict) and "packed" in value:
        text = value["packed"]
        return np.frombuffer(base64.b64decode(text[1:]), TYPES[text[0]])
    if isinstance(value, dict):
        return {name: unpacked(inner) for name, inner in value.items()}
    return [unpacked(inner) for inner in value] if isinstance(value, list) else value


def shard(run: Path, name: str) -> Any:
    text = (run / "report/data" / f"{name}.js").read_text(encoding="utf-8")
    return unpacked(json.loads(text.split(", ", 1)[1].rstrip(");\n")))


def table(run: Path, name: str, **wanted: str) -> Rows:
    rows = pyarrow.parquet.read_table(run / f"sonification/baseline/{name}.parquet").to_pylist()
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def with_more(run: Path) -> None:
    """Kills a feature, and adds a unit of search: every feature's five best segments, backwards."""
    path = run / "sonification/baseline/features.parquet"
    found = pyarrow.parquet.read_table(path)
    dead = ["never active", *found["dead"].to_pylist()[1:]]
    at = found.column_names.index("dead")
    pyarrow.parquet.write_table(found.set_column(at, "dead", pyarrow.array(dead)), path)
    write_records(path.parent, "dominance", DominanceRow, [
        DominanceRow("baseline", layer, 1, unit, "sex", sex, n_speakers, 9, 0, 0)
        for layer in ("one", "two") for unit, men in (("segments", 7), ("phones3", 3))
        for sex, n_speakers in (("female", 3), ("male", men))
    ])  # fmt: skip
    path = run / "sonification/baseline/segments.parquet"
    found = pyarrow.parquet.read_table(path)[20:]
    kept = found.filter(pyarrow.compute.less_equal(found["rank"], 5))
    units = pyarrow.array(["phones3"] * len(kept))
    ranks = pyarrow.compute.subtract(6, kept["rank"])
    other = kept.set_column(0, "unit", units)
    other = other.set_column(kept.column_names.index("rank"), "rank", ranks)
    pyarrow.parquet.write_table(pyarrow.concat_tables([found, other]), path)


@pytest.fixture(scope="module")
def made(make_run: Callable[..., Any]) -> Any:
    """A run that was built."""
    found = make_run()
    with_more(found.path)
    build_atlas(found.path, cuts=found.cuts)
    return found


@pytest.fixture(scope="module")
def run(made: Any) -> Path:
    path: Path = made.path
    return path


def atlas_of(run: Path, folder: Path, cuts: Any = None, **settings: Any) -> Atlas:
    site = Site(folder, AtlasSettings(**settings))
    return catalogue(read_run(run), site, None, cuts, lambda fraction, text: None)


@pytest.mark.parametrize(
    "values",
    [np.arange(3), np.array([70000, 0]), np.array([[256, 1]]), np.array([1.5, np.nan]),
     np.array([True, False]), np.zeros(0, int)],
    ids=str,
)  # fmt: skip
def test_numbers_come_out_as_they_went_in(values: np.ndarray) -> None:
    np.testing.assert_array_equal(unpacked(packed(values)), values.ravel())


def test_phrases_are_the_texts_word_for_word() -> None:
    texts = np.array(["the deep", "", "deep the deep", " odd  spaces "], object)
    rows = np.array([3, 1, 0, 2, 0])
    found = unpacked(Phrases.of(texts).column(rows))
    ends = np.cumsum(found["counts"])
    told = [" ".join(found["names"][i] for i in found["ids"][end - count : end])
            for end, count in zip(ends, found["counts"], strict=True)]  # fmt: skip
    assert told == texts[rows].tolist()


def text_of(column: dict[str, Any], i: int) -> str:
    if "counts" in column:
        end = int(column["counts"][: i + 1].sum())
        ids = column["ids"][end - int(column["counts"][i]) : end]
        return " ".join(column["names"][j] for j in ids)
    name: str = column["names"][column["ids"][i]]
    return name


@pytest.mark.parametrize(("unit", "place"), [("segments", ""), ("phones3", "/u1")])
def test_segments_are_those_of_the_table(run: Path, unit: str, place: str) -> None:
    told = {}
    for number, layer in enumerate(shard(run, "features/0/map")["layers"]):
        found = shard(run, f"features/0/{number}{place}")["segments"]
        ids = found["ids"].reshape(layer["features"], found["k"])
        scores = found["scores"].reshape(ids.shape)
        for feature, rank in np.argwhere(ids > 0):
            i = ids[feature, rank] - 1
            texts = [text_of(found[name], i) for name in
                     ("utterance", "speaker", "sex", "label", "words", "phones")]  # fmt: skip
            numbers = [scores[feature, rank], found["start"][i], found["end"][i]]
            told[layer["name"], int(feature), int(rank) + 1] = (
                texts,
                np.array(numbers, np.float32).tolist(),
            )
    expected = {
        (row["layer"], row["feature"], row["rank"]): (
            [row[name] for name in ("utterance", "speaker", "sex", "label", "words", "phones")],
            np.array([row[n] for n in ("score", "start_s", "end_s")], np.float32).tolist(),
        )
        for row in table(run, "segments", unit=unit)
    }
    assert told == expected and len(told) > 100


def test_labels_are_those_of_the_table(run: Path) -> None:
    told = []
    for number, layer in enumerate(shard(run, "features/0/map")["layers"]):
        for tier, found in shard(run, f"features/0/{number}")["labels"].items():
            ids = found["ids"].reshape(layer["features"], -1)
            counts = found["count"].reshape(ids.shape)
            for feature, rank in np.argwhere(ids > 0):
                i = ids[feature, rank] - 1
                told.append((tier, layer["name"], feature, rank + 1, found["names"][i],
                             counts[feature, rank], found["of"][feature], found["base"][i],
                             found["base_of"]))  # fmt: skip
    columns = ("tier", "layer", "feature", "rank", "label", "count", "segments", "base_count")
    expected = [
        tuple(row[name] for name in (*columns, "base_segments"))
        for row in table(run, "labels", unit="segments")
    ]
    assert sorted(told) == sorted(expected) and told


def test_speaker_discarded_labels_are_those_of_the_table(run: Path) -> None:
    told = []
    columns = ("mean", "speaker_mean", "occurrences", "speakers")
    for number, layer in enumerate(shard(run, "features/0/map")["layers"]):
        for found in shard(run, f"features/0/{number}")["discarded"]:
            ids = found["ids"].reshape(layer["features"], -1)
            for feature, rank in np.argwhere(ids > 0):
                values = [found[name].reshape(ids.shape)[feature, rank] for name in columns]
                told.append((found["tier"], found["by"], layer["name"], feature, rank + 1,
                             found["names"][ids[feature, rank] - 1], *values,
                             found["expected"][feature]))  # fmt: skip
    names = ("tier", "by", "layer", "feature", "rank", "label", *columns, "expected")
    expected = [tuple(row[name] for name in names) for row in table(run, "discarded")]
    assert sorted(told) == sorted(expected) and told


def test_activity_and_selectivity_are_those_of_the_tables(run: Path) -> None:
    layers = [layer["name"] for layer in shard(run, "features/0/map")["layers"]]
    shards = {name: shard(run, f"features/0/{i}") for i, name in enumerate(layers)}
    dead = 0
    for row in table(run, "features"):
        found = shards[row["layer"]]
        for name, column in found["activity"].items():
            np.testing.assert_equal(column[row["feature"]], np.float32(row[name]))
        assert found["dead"].get(str(row["feature"]), "") == row["dead"]
        dead += row["dead"] != ""
    assert dead
    for row in table(run, "selectivity", unit="segments"):
        parts = shards[row["layer"]]["selectivity"]
        found = next(part for part in parts if part["attribute"] == row["attribute"])
        for name in ("share", "q"):
            of_group = found[name].reshape(len(found["groups"]), -1)
            value = of_group[found["groups"].index(row["group"]), row["feature"]]
            np.testing.assert_equal(value, np.float32(np.nan if row[name] is None else row[name]))


def test_traces_are_those_of_the_file(run: Path) -> None:
    from evaluation.sonification.study_folder import StudyFolder
    from evaluation.sonification.trace_files import read_traces

    traces = read_traces(StudyFolder(run, "baseline", []))
    assert traces
    utterances = [row["utterance"] for row in table(run, "utterances")]
    spoken = table(run, "spoken")
    for number, layer in enumerate(shard(run, "features/0/map")["layers"]):
        found, own = shard(run, f"features/0/{number}/trace"), traces[layer["name"]]
        ends = np.cumsum(found["count"])
        for feature in np.flatnonzero(own.count):
            values = found["values"][ends[feature] - found["count"][feature] : ends[feature]]
            assert values.tolist() == own.values[feature, : own.count[feature]].tolist()
            whose = found["utterance"]["ids"][feature]
            name = utterances[own.utterance[feature]]
            assert found["utterance"]["names"][whose] == name
            start = own.first_s[feature]
            end = start + own.count[feature] * found["stride_s"]
            for tier in found["spoken"]:
                first = int(tier["lengths"][:whose].sum())
                listed = range(first, first + int(tier["lengths"][whose]))
                said = [
                    tier["names"][tier["ids"][i]]
                    for i in listed
                    if tier["end"][i] / 1000 > start and tier["start"][i] / 1000 < end
                ]
                assert said == [
                    row["label"]
                    for row in spoken
                    if (row["tier"], row["utterance"]) == (tier["tier"], name)
                    and round(row["end_s"], 3) > start
                    and round(row["start_s"], 3) < end
                ]


def test_the_map_has_every_feature_in_order_of_the_share_of_men(run: Path) -> None:
    found = shard(run, "features/0/map")
    assert found["by"] == "share" and found["units"] == UNITS
    assert found["bases"] == {"sex": {"female": 0.3, "male": 0.7}}
    share = {(row["layer"], row["feature"]): row for row in
             table(run, "selectivity", unit="segments", attribute="sex", group="male")}  # fmt: skip
    words = {(row["layer"], row["feature"]): row["label"] for row in
             table(run, "labels", unit="segments", tier="word") if row["rank"] == 1}  # fmt: skip
    first = 0
    for layer in found["layers"]:
        every = slice(first, first + layer["features"])
        value, order = found["value"][every], found["order"][every]
        assert sorted(order) == list(range(layer["features"]))
        live = value[order][~np.isnan(value[order])]
        assert (np.diff(live) >= 0).all() and np.isnan(value[order][: len(order) - len(live)]).all()
        for feature in range(layer["features"]):
            key, i = (layer["name"], feature), first + feature
            row = share.get(key, {"share": None, "q": None})
            for name, column in (("share", found["value"]), ("q", found["q"])):
                expected = np.nan if row[name] is None else row[name]
                np.testing.assert_equal(column[i], np.float32(expected))
            assert found["word"]["names"][found["word"]["ids"][i]] == words.get(key, "")
        first += layer["features"]
    assert found["dead"].sum() == sum(row["dead"] != "" for row in table(run, "features"))


def test_search_lists_who_picks_a_label_most(run: Path, tmp_path: Path) -> None:
    found = shard(run, "features/0/search")
    names = [layer["name"] for layer in shard(run, "features/0/map")["layers"]]
    for tier in found["tiers"]:
        ends = np.cumsum(tier["lengths"])
        rows = table(run, "labels", unit="segments", tier=tier["tier"])
        assert sorted(tier["names"]) == sorted({row["label"] for row in rows})
        for label, end, length in zip(tier["names"], ends, tier["lengths"], strict=True):
            mine = sorted(
                (row for row in rows if row["label"] == label),
                key=lambda row: (-row["count"], -row["selectivity"], names.index(row["layer"]),
                                 row["feature"]),
            )[:MOST]  # fmt: skip
            told = [
                (names[tier["layer"][i]], tier["feature"][i], tier["count"][i], tier["of"][i])
                for i in range(end - length, end)
            ]
            assert told == [
                (row["layer"], row["feature"], row["count"], row["segments"]) for row in mine
            ]
    study = feature_studies(atlas_of(run, tmp_path / "site"))[0]
    assert {tier["tier"] for tier in search_index(study)["tiers"]} <= {"word", "phone"}


def sounds_of(run: Path, made: dict[Span, str], unit: str) -> dict[int, list[bool]]:
    """Which segments of each rank have a sound."""
    found: dict[int, list[bool]] = {}
    for row in table(run, "segments", unit=unit):
        ends = (round(16000 * row[name]) for name in ("start_s", "end_s"))
        found.setdefault(row["rank"], []).append(Span(row["utterance"], *ends) in made)
    return found


def test_a_segment_is_cut_once_for_all_features(made: Any, tmp_path: Path) -> None:
    atlas = atlas_of(made.path, tmp_path / "site", made.cuts)
    opened = Counter[str]()

    def cuts() -> Any:
        opened["corpus"] += 1
        return made.cuts()

    atlas.cuts = cuts
    found = dict(cut_segments(atlas, feature_studies(atlas)))
    spans = {(row["utterance"], row["start_s"]) for row in table(made.path, "segments")}
    assert len(found) == len(spans) == atlas.site.made and opened["corpus"] == 1
    assert all(all(heard) for heard in sounds_of(made.path, found, "segments").values())
    column = shard(made.path, "features/0/0")["segments"]["sound"]
    stems = column["stems"].split()
    path = column["folder"] + stems[column["ids"][0] - 1] + column["suffix"]
    assert (made.path / "report" / path).is_file() and len(set(stems)) == len(stems)


def test_what_is_strongest_has_the_room(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BYTES_PER_SAMPLE, "flac", 2.1)  # of noise, which cannot be compressed
    whole = atlas_of(made.path, tmp_path / "whole", made.cuts)
    studies = feature_studies(whole)
    spans = list(ranked_spans(studies, 20))
    cut_segments(whole, studies)
    atlas = atlas_of(
        made.path, tmp_path / "small", made.cuts, max_megabytes=whole.site.size / 1.5e6
    )
    found = dict(cut_segments(atlas, feature_studies(atlas)))
    assert list(found) and set(found) == set(spans[: len(found)])
    assert atlas.site.left_out == len(spans) - len(found) > 0
    assert all(sounds_of(made.path, found, "segments")[1])
    best: dict[Span, int] = {}
    for row in table(made.path, "segments", unit="segments"):
        span = Span(row["utterance"], *(round(16000 * row[n]) for n in ("start_s", "end_s")))
        best[span] = min(best.get(span, 99), row["rank"])
    assert [best[span] for span in spans if span in best] == sorted(best.values())


@pytest.mark.slow
def test_the_whole_site_keeps_to_its_bound(made: Any, tmp_path: Path) -> None:
    whole = build_atlas(made.path, cuts=made.cuts, output=tmp_path / "whole")
    sizes = {path: path.stat().st_size for path in whole.path.parent.rglob("*") if path.is_file()}
    media = sum(size for path, size in sizes.items() if {"sounds", "pictures"} & {*path.parts})
    assert whole.megabytes == pytest.approx(sum(sizes.values()) / 1e6) and not whole.left_out
    bound = whole.megabytes - 0.7 * media / 1e6
    small = AtlasSettings(max_megabytes=bound)
    built = build_atlas(made.path, small, cuts=made.cuts, output=tmp_path / "small")
    assert built.left_out and 0.9 * bound < built.megabytes <= bound
    said: list[str] = []
    again = build_atlas(
        made.path, small, cuts=made.cuts, output=tmp_path / "small",
        report=lambda share, text: said.append(text),
    )  # fmt: skip
    assert 0.9 * bound < again.megabytes <= bound
    assert said and not any("once more" in text for text in said), "what the rest takes is known"


def test_only_as_many_ranks_as_asked_and_none_of_ngrams(made: Any, tmp_path: Path) -> None:
    atlas = atlas_of(made.path, tmp_path / "site", made.cuts, clips=3)
    studies = feature_studies(atlas)
    rows = table(made.path, "segments")
    assert {row["unit"] for row in rows} > {"segments"}
    wanted = {(row["utterance"], round(16000 * row["start_s"])) for row in rows
              if row["rank"] <= 3 and (phones_in(row["unit"]) or 1) == 1}  # fmt: skip
    assert {(span.utterance, span.start) for span in ranked_spans(studies, 3)} == wanted
    assert not ranked_spans(studies, 0)


def test_without_the_corpus_the_clips_of_the_study_serve(made: Any, tmp_path: Path) -> None:
    def gone() -> Any:
        raise UserError("no such folder")

    run = tmp_path / "run"
    shutil.copytree(made.path, run, ignore=shutil.ignore_patterns("report", "samples", "masks"))
    atlas = atlas_of(run, tmp_path / "site", gone)
    found = cut_segments(atlas, feature_studies(atlas))
    written = {path.name for path in run.glob("sonification/baseline/clips/*")}
    expected = [span for span in ranked_spans(feature_studies(atlas), 20)
                if f"{span.utterance}-{span.start}-{span.end}.flac" in written]  # fmt: skip
    assert expected and list(found) == expected
    assert any("no such folder" in note for note in atlas.notes)


def page_of(run: Path) -> str:
    build_atlas(run)
    return (run / "report/features.html").read_text(encoding="utf-8")


def test_without_a_study_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    page = page_of(tmp_path)
    assert "otoscope sonify" in page and "features.js" not in page
    (tmp_path / "sonification" / "baseline").mkdir(parents=True)
    assert "not finished, without features, segments" in page_of(tmp_path)


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("name", TABLES)
def test_one_table_less_is_told_and_the_rest_is_there(
    run: Path, tmp_path: Path, name: str, broken: bool
) -> None:
    copy = tmp_path / "run"
    (copy / "sonification").mkdir(parents=True)
    shutil.copytree(run / "sonification/baseline", copy / "sonification/baseline")
    (copy / "config.yaml").write_text("seed: 1\n")
    path = copy / f"sonification/baseline/{name}.parquet"
    path.write_bytes(b"PAR1 but no more") if broken else path.unlink()
    page = page_of(copy)
    assert f"{name}.parquet: cannot be read" in page if broken else f"without {name}" in page
    assert ("corpus: nothing says which it was; segments" in page) == (name != "segments")
    found = shard(copy, "features/0/0")
    parts = {"features": "activity"} | {table: table for table in TABLES[1:]}
    assert {table for table, part in parts.items() if not found.get(part)} == {name}
    assert shard(copy, "features/0/map")["by"] == ("density" if name == "selectivity" else "share")


def test_a_study_without_features_is_no_study(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sonification/baseline"
    folder.mkdir(parents=True)
    for path in (run / "sonification/baseline").glob("*.parquet"):
        pyarrow.parquet.write_table(pyarrow.parquet.read_table(path)[:0], folder / path.name)
    shutil.copy(run / "sonification/baseline/layers.json", folder)  # it counts features
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    page = page_of(tmp_path)
    assert "No feature has been searched yet" in page and "features of 1" not in page
    assert "<li>sonification/baseline: no feature was searched</li>" in page
    features = run / "sonification/baseline/selectivity.parquet"
    shutil.copy(features, folder)
    assert "60 features of 1" in page_of(tmp_path)
    assert shard(tmp_path, "features/0/map")["units"] == ["segments"]


def test_rows_of_features_that_there_are_not_are_left_out(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sonification/baseline"
    shutil.copytree(run / "sonification/baseline", folder)
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    path = folder / "segments.parquet"
    found = pyarrow.parquet.read_table(path)
    wrong = found[:3]
    for name, values in (("feature", [-1, 10**9, 0]), ("rank", [1, 1, 10**9])):
        at = wrong.column_names.index(name)
        wrong = wrong.set_column(at, name, pyarrow.array(values, pyarrow.int64()))
    pyarrow.parquet.write_table(pyarrow.concat_tables([found, wrong]), path)
    build_atlas(tmp_path)
    told, real = shard(tmp_path, "features/0/0"), shard(run, "features/0/0")
    np.testing.assert_array_equal(told["segments"]["ids"], real["segments"]["ids"])
