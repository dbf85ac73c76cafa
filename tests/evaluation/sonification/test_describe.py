"""What is said of a feature, on disk too: checked by hand and by counting everything."""

import csv
import math
from collections import Counter

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
from lhotse import CutSet
from lhotse.supervision import AlignmentItem

from acoustics.errors import UserError
from corpora.indexed import file_cut
from evaluation.listening import write_audio
from evaluation.sonification.clips import clip, clip_path, write_clips
from evaluation.sonification.contents import items_inside, spoken
from evaluation.sonification.describe import Description, log_odds
from evaluation.sonification.export import SCHEMAS, write_sonification
from evaluation.sonification.search import sonify
from evaluation.sonification.units import build_units

UNITS = ["segments", "utterances", "words", "phones", "phones3"]


@pytest.fixture(scope="module")
def corpus(toy):
    return toy.corpus(shortest=320)


@pytest.fixture(scope="module")
def found(toy, corpus):
    return sonify(toy.recogniser(), toy.batches(corpus), build_units(corpus.cuts, UNITS))


def rows(columns: dict[str, np.ndarray]) -> list[dict[str, object]]:
    assert len({len(column) for column in columns.values()}) == 1
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_one_is_heard_in_the_other_when_its_middle_lies_inside(toy) -> None:
    word = [AlignmentItem("long", 0.3, 1.4), AlignmentItem("end", 1.7, 0.2)]
    phone = [
        AlignmentItem("l", 0.3, 0.3),
        AlignmentItem("o", 0.6, 0.8),
        AlignmentItem("n", 1.4, 0.3),
    ]
    cuts = [toy.cut("a", 32000, tiers={"word": word, "phone": phone}), toy.cut("b", 16000)]
    units = build_units(cuts, ["segments", "phones"])
    segments, ids = units.registries["segments"], np.arange(6)
    assert spoken(segments, ids, units.tiers["word"]) == ["", "long", "long", "end", "", ""]
    assert spoken(segments, ids, units.tiers["phone"]) == ["l", "o", "o", "n", "", ""]
    assert spoken(units.registries["phones"], np.arange(3), units.tiers["word"]) == ["long"] * 3


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("tier", ["word", "phone"])
def test_what_is_heard_equals_brute_force(corpus, unit, tier) -> None:
    units = build_units(corpus.cuts, UNITS)
    segments, items = units.registries[unit], units.tiers[tier]
    ids = np.random.default_rng(0).permutation(len(segments))[:60]
    expected = []
    for place, segment in enumerate(ids):
        start, end = segments.start[segment], segments.end[segment]
        for item in np.flatnonzero(items.owner == segments.owner[segment]):
            inside = start <= (items.start[item] + items.end[item]) / 2 < end
            around = items.start[item] <= (start + end) / 2 < items.end[item]
            if inside or around:
                expected.append((place, item))
    assert list(zip(*items_inside(segments, ids, items), strict=True)) == expected


def test_segments_of_a_feature(found) -> None:
    words = found.units.registries["words"]
    table = rows(Description(found).segments("words", "fine"))
    assert Counter(row["feature"] for row in table) == dict.fromkeys((0, 1, 2, 4, 5), 20)
    best = next(row for row in table if row["feature"] == 1 and row["rank"] == 1)
    assert (best["label"], best["words"]) == ("moon", "moon")
    assert set(best["phones"].split()) <= {"m", "uw", "n"}
    segment = int(best["segment"])
    assert best["utterance"] == words.utterance[segment]
    assert (best["start_s"], best["end_s"]) == (words.start_s[segment], words.end_s[segment])
    assert best["clip"] == clip_path(words, segment)
    assert (best["layer"], best["depth"], best["unit"]) == ("fine", 2, "words")


@pytest.mark.parametrize("unit", UNITS)
def test_common_labels_equal_counting_them(found, unit) -> None:
    describe, registry = Description(found), found.units.registries[unit]
    for tier in ("word", "phone"):
        items = found.units.tiers[tier]
        told = [set(text.split()) for text in spoken(registry, np.arange(len(registry)), items)]
        base = Counter(label for labels in told for label in labels)
        table = rows(describe.labels(unit, "fine", tier))
        for feature in (0, 1, 2, 4, 5):
            ids = [i for i in found.tops[unit]["fine"].ids[feature] if i >= 0]
            counts = Counter(label for i in ids for label in told[i])
            odds = {
                label: math.log(
                    (count + 0.5) / (len(ids) - count + 0.5)
                    / ((base[label] + 0.5) / (len(registry) - base[label] + 0.5))
                )
                for label, count in counts.items()
            }  # fmt: skip
            listed = [row for row in table if row["feature"] == feature]
            expected = sorted(counts, key=lambda label: (-counts[label], -odds[label], label))[:5]
            assert [row["label"] for row in listed] == expected
            assert [row["rank"] for row in listed] == list(range(1, len(listed) + 1))
            for row in listed:
                assert row["count"] == counts[row["label"]]
                assert (row["base_count"], row["base_segments"]) == (
                    base[row["label"]],
                    len(registry),
                )
                assert row["segments"] == len(ids)
                assert row["selectivity"] == pytest.approx(odds[row["label"]])


def test_selectivity_is_zero_where_a_label_is_as_common_as_in_the_corpus() -> None:
    assert log_odds(np.array([10]), 20)[0] == log_odds(np.array([100]), 200)[0] == 0
    assert log_odds(np.array([20]), 20)[0] > 3


def test_speaker_discarded_labels_have_the_highest_means(found) -> None:
    describe, table = Description(found, most=3), found.tables["phone"]
    for by in ("mean", "speaker_mean"):
        listed = rows(describe.discarded("phone", "fine", by))
        values = getattr(table.means["fine"], by)
        for feature in (0, 1, 2, 4, 5):
            mine = [row for row in listed if row["feature"] == feature]
            order = sorted(range(len(values)), key=lambda i: (-values[i, feature], i))
            said = [i for i in order if table.labels.speakers[i] > 1][:3]
            assert [row["label"] for row in mine] == table.labels.names[said].tolist()
            assert mine[0][by] == values[said[0], feature]
    assert listed[0]["label"] == "ih"


def test_a_label_of_one_speaker_is_listed_where_there_is_but_one(toy, corpus) -> None:
    alone = type(corpus)(cuts=corpus.cuts[:4], sounds=corpus.sounds)
    found = sonify(toy.recogniser(), toy.batches(alone), build_units(alone.cuts))
    assert len(Description(found).discarded("word", "fine", "mean")["label"])


def test_tables_on_disk_are_those_of_the_description(found, tmp_path) -> None:
    write_sonification(tmp_path / "sonification", found)
    folder = tmp_path / "sonification"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"{name}.{kind}" for name in SCHEMAS for kind in ("csv", "parquet")
    )
    describe = Description(found)
    parts = [rows(describe.segments(unit, layer)) for unit in UNITS for layer in ("coarse", "fine")]
    expected = [row for part in parts for row in part]
    table = pyarrow.parquet.read_table(folder / "segments.parquet").to_pylist()
    assert table == expected
    with (folder / "segments.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["clip"] for line in lines] == [row["clip"] for row in expected]
    assert [np.float32(line["score"]) for line in lines] == [row["score"] for row in expected]
    features = pyarrow.parquet.read_table(folder / "features.parquet").to_pylist()
    dead = {(row["layer"], row["feature"]): row["dead"] for row in features if row["dead"]}
    assert dead == {("coarse", 2): "constant", ("fine", 3): "never active"}
    tops = pyarrow.parquet.read_table(folder / "labels.parquet").to_pylist()
    moon = {"unit": "words", "layer": "fine", "feature": 1, "tier": "word", "rank": 1}
    assert [row["label"] for row in tops if moon.items() <= row.items()] == ["moon"]


def test_a_corpus_without_alignments_has_all_files(toy, corpus, tmp_path) -> None:
    cuts = [toy.cut(cut.id, len(corpus.sounds[cut.id])) for cut in corpus.cuts]
    write_sonification(tmp_path, sonify(toy.recogniser(), toy.batches(corpus), build_units(cuts)))
    assert len(list(tmp_path.iterdir())) == 2 * len(SCHEMAS)
    assert pyarrow.parquet.read_table(tmp_path / "labels.parquet").num_rows == 0
    assert pyarrow.parquet.read_table(tmp_path / "segments.parquet").num_rows > 0


def test_a_folder_that_cannot_be_written_to(found, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_sonification(tmp_path / "file", found)


@pytest.fixture(scope="module")
def recorded(corpus, tmp_path_factory) -> CutSet:
    """The corpus with audio in files, one of them missing."""
    folder, cuts = tmp_path_factory.mktemp("audio"), []
    for cut in corpus.cuts:
        path = folder / f"{cut.id}.flac"
        write_audio(path, corpus.sounds[cut.id], 16000)
        made = file_cut(path, folder, cut.id, "s", None)
        made.recording.sources[0].source = str(path)
        cuts.append(made)
    (folder / "dan-1.flac").unlink()
    return CutSet.from_cuts(cuts)


def test_a_clip_is_cut_from_the_source(corpus, recorded) -> None:
    heard = clip(recorded["ann-0"], 500, 1700)
    np.testing.assert_allclose(heard, corpus.sounds["ann-0"][500:1700], atol=1 / 32000)


def test_clips_are_written_once_each_and_what_is_missing_is_named(
    found, recorded, tmp_path
) -> None:
    segments = found.units.registries["segments"]
    wanted = np.array(
        [[0, 1, -1], [1, 0, 0], [int(np.argmax(segments.utterance == "dan-1")), 5, -1]]
    )
    failures = write_clips(tmp_path, recorded, segments, wanted)
    assert list(failures) == ["dan-1"]
    assert failures["dan-1"].startswith("unreadable")
    expected = {clip_path(segments, i) for i in (0, 1, 5)}
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.flac")} == expected
    info = soundfile.info(tmp_path / clip_path(segments, 0))
    assert (info.subtype, info.samplerate) == ("PCM_16", 16000)
    assert info.frames == segments.end[0] - segments.start[0]
