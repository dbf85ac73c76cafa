"""A whole study of the toy recogniser on the toy corpus, from sound files to tables and figures."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
import torch
from lhotse import CutSet, Recording

from acoustics.errors import UserError
from asr_models.ctc import CTCModule
from corpora.corpus import Corpus, Progress, Split
from corpora.datamodule import SpeechDataModule
from evaluation.run_figures import dominance_map
from evaluation.sonification.callback import Sonification
from evaluation.sonification.export import write_sonification
from evaluation.sonification.overview import write_overview
from evaluation.sonification.same_word_figure import KINDS
from evaluation.sonification.search import sonify
from evaluation.sonification.second_look import states_of
from evaluation.sonification.study import study
from evaluation.sonification.study_figures import heat_map
from evaluation.sonification.study_folder import StudyFolder
from evaluation.sonification.study_result import Study
from evaluation.sonification.study_settings import StudySettings
from evaluation.sonification.trace_files import read_traces
from evaluation.sonification.unit_names import ARTICLE_UNITS
from evaluation.sonification.units import build_units

SETTINGS = StudySettings(
    splits=["test"], units=[*ARTICLE_UNITS, "phones1", "phones3"], k=5, pairs=20, words_shown=3,
    replicates=50, examples=2, grid_layers=["fine"],
)  # fmt: skip


class OnDisk(Corpus):
    """Utterances of the toy corpus as 16-bit files, which hold its codes exactly."""

    phone_set = None

    def __init__(self, folder: Path, spoken: SimpleNamespace) -> None:
        self.cuts = []
        for cut in spoken.cuts:
            path = folder / f"{cut.id}.wav"
            soundfile.write(path, spoken.sounds[cut.id], 16000, subtype="PCM_16")
            recording = Recording.from_file(path, recording_id=cut.id)
            made = recording.to_cut()
            made.id = cut.id
            made.supervisions = cut.supervisions
            self.cuts.append(made)

    def prepare(self, progress: Progress | None = None) -> None:
        """Nothing."""

    def load(self, split: Split) -> CutSet:
        """All of it is test speech."""
        return CutSet.from_cuts(self.cuts if split == "test" else [])

    def fingerprint(self) -> str:
        """Not asked for."""
        return "toy"


@pytest.fixture(scope="module")
def spoken(toy):
    return toy.corpus(each=8, shortest=400)


@pytest.fixture(scope="module")
def data(spoken, tmp_path_factory) -> SpeechDataModule:
    return SpeechDataModule(OnDisk(tmp_path_factory.mktemp("speech"), spoken), batch_duration_s=9)


@pytest.fixture(scope="module")
def made(toy, data, tmp_path_factory) -> tuple[Path, Study]:
    """A study, and the folder above it."""
    folder = tmp_path_factory.mktemp("run") / "sonification"
    return folder, study(toy.recogniser(), data, folder / "toy", "toy", SETTINGS)


@pytest.fixture(scope="module")
def folder(made) -> Path:
    path: Path = made[0]
    return path


def table(path: Path) -> list[dict[str, object]]:
    """Rows of a Parquet table."""
    return pyarrow.parquet.read_table(path).to_pylist()


def test_phone_word_sex_and_dead_come_out(folder) -> None:
    """Of `fine`: feature 0 fires on "ih", 1 on "moon", 2 on a woman, 3 never."""
    labels = [r for r in table(folder / "toy" / "labels.parquet") if r["layer"] == "fine"]
    best = {(r["unit"], r["tier"], r["feature"]): r for r in labels if r["rank"] == 1}
    assert best["phones", "phone", 0]["label"] == "ih"
    assert best["words", "word", 1]["label"] == "moon"
    assert best["words", "word", 1]["selectivity"] > 2
    assert not [key for key in best if key[2] == 3]
    features = [r for r in table(folder / "toy" / "features.parquet") if r["layer"] == "fine"]
    assert [r["dead"] for r in features] == ["", "", "", "never active", "", ""]
    picked = [
        r for r in table(folder / "toy" / "selectivity.parquet")
        if (r["unit"], r["attribute"], r["layer"], r["feature"]) == ("segments", "sex", "fine", 2)
    ]  # fmt: skip
    assert {r["group"]: (r["share"], r["favourite"]) for r in picked} == {
        "female": (1.0, True), "male": (0.0, False),
    }  # fmt: skip
    segments = table(folder / "toy" / "segments.parquet")
    assert {r["speaker"] for r in segments if (r["layer"], r["feature"]) == ("fine", 2)} == {"bea"}


def test_the_map_drawn_from_the_tables_is_that_of_the_study(made) -> None:
    """The line: searched segments by men, of the same unit, not utterances by men."""
    folder, found = made
    sheets = heat_map(found), dominance_map(folder.parent, "toy")
    first, again = (sheet.axes[0].get_images()[0].get_array() for sheet in sheets)
    assert np.ma.allequal(first, again) and (first.mask == again.mask).all()
    sexes = found.found.units.registries["segments"].sex
    lines = [sheet.axes[1].get_lines()[-1].get_ydata()[0] for sheet in sheets]
    assert lines == [np.mean(sexes[sexes != ""] == "male")] * 2
    assert lines[0] != np.mean(found.found.units.utterances.sex == "male")


def test_every_table_is_there_as_parquet_and_csv_and_says_the_same(folder) -> None:
    names = {path.stem for path in (folder / "toy").glob("*.parquet")}
    assert names == {path.stem for path in (folder / "toy").glob("*.csv")}
    assert {"dominance", "complexity", "same_word", "activity_pattern", "claims", "spoken"} <= names
    for name in names:
        with (folder / "toy" / f"{name}.csv").open(newline="") as file:
            lines = list(csv.reader(file))
        rows = table(folder / "toy" / f"{name}.parquet")
        assert len(lines) == 1 + len(rows) and (not rows or lines[0] == list(rows[0]))


def test_layers_and_traces_are_those_of_the_recogniser_on_these_files(
    toy, data, folder, spoken
) -> None:
    """Every strongest segment of the table lies in its trace, which is what the layer gave."""
    cards = {card["name"]: card for card in json.loads((folder / "toy/layers.json").read_text())}
    assert {name: card["stride"] for name, card in cards.items()} == {"coarse": 160, "fine": 320}
    traces = read_traces(StudyFolder(folder.parent, "toy", []))
    said = [row["utterance"] for row in table(folder / "toy" / "utterances.parquet")]
    heard = states_of(toy.recogniser(), data.corpus_cuts(["test"]), ["*"])
    best = [
        row for row in table(folder / "toy" / "segments.parquet")
        if (row["unit"], row["rank"]) == ("segments", 1)
    ]  # fmt: skip
    assert traces is not None and sum((t.count > 0).sum() for t in traces.values()) == len(best)
    for row in best:
        own, card, feature = traces[row["layer"]], cards[row["layer"]], row["feature"]
        assert said[own.utterance[feature]] == row["utterance"]
        first_s, stride_s = own.first_s[feature], card["stride"] / 16000
        first = round((first_s - card["offset"] / 16000) / stride_s)
        last_s = first_s + (own.count[feature] - 1) * stride_s
        length_s = len(spoken.sounds[row["utterance"]]) / 16000
        assert first_s - stride_s < max(0, row["start_s"] - 0.75) <= first_s + 1e-6
        assert last_s < min(length_s, row["end_s"] + 0.75) + 1e-6 <= last_s + stride_s + 2e-6
        wanted = heard[row["utterance"]][row["layer"]][first:, feature][: own.count[feature]]
        step = (wanted.max() - wanted.min()) / 255
        np.testing.assert_allclose(own.activation(feature), wanted, atol=step / 2 + 1e-6)


def test_the_examples_are_cut_from_the_corpus(folder, spoken) -> None:
    rows = table(folder / "toy" / "examples.parquet")
    assert {r["layer"] for r in rows} == {"coarse", "fine"} and max(r["rank"] for r in rows) == 3
    for row in rows:
        heard, rate = soundfile.read(folder / "toy" / row["clip"], dtype="float32")
        start = round(row["start_s"] * rate)
        expected = spoken.sounds[row["utterance"]][start : start + len(heard)]
        assert np.array_equal(heard, expected) and len(heard) == round(row["end_s"] * rate) - start


def test_words_by_a_man_and_a_woman_have_their_sounds_and_features(folder) -> None:
    pairs = table(folder / "toy" / "word_pairs.parquet")
    shown = table(folder / "toy" / "word_features.parquet")
    assert len(pairs) == 3 and {r["word"] for r in shown} == {r["word"] for r in pairs}
    for pair in pairs:
        assert pair["female_speaker"] in ("ann", "bea", "cyd")
        assert pair["male_speaker"] in ("dan", "eli")
        assert (folder / "toy" / pair["female_clip"]).is_file()
    fires = [r for r in shown if r["word"] == "moon" and r["layer"] == "fine"]
    if fires:  # a word that was among the most frequent
        assert {r["feature"]: r["activated"] for r in fires}[1] == "both"


def test_overlaps_of_a_word_count_every_feature_of_a_layer(folder) -> None:
    shown = table(folder / "toy" / "word_features.parquet")
    counts = table(folder / "toy" / "word_overlaps.parquet")
    assert len(counts) == 3 * len({r["layer"] for r in shown})
    for row in counts:  # layers of fewer than 20 features are shown whole
        mine = [
            r["activated"] for r in shown if (r["word"], r["layer"]) == (row["word"], row["layer"])
        ]
        assert {kind: mine.count(kind) for kind in KINDS} == {kind: row[kind] for kind in KINDS}


def test_figures_are_drawn(folder) -> None:
    drawn = {path.name for path in (folder / "toy" / "figures").iterdir()}
    assert {"heat_map.svg", "same_word.png", "activation.svg", "spectra.png"} <= drawn
    assert "grid-fine.png" in drawn and "grid-fine.svg" not in drawn
    assert "blocks.png" not in drawn  # the toy has none


def test_models_side_by_side(toy, data, folder) -> None:
    """The same recogniser under two names: its complexity rises by nothing over the control."""
    study(toy.recogniser(), data, folder / "untrained", "untrained", SETTINGS)
    write_overview(folder, folder / "overview", ["toy", "untrained"])
    claims = table(folder / "overview" / "claims.parquet")
    assert {r["model"] for r in claims} == {"toy", "untrained"}
    against = [r for r in claims if "less untrained" in r["quantity"] or "Fewer" in r["sentence"]]
    assert against and all(r["verdict"] == "cannot be said" for r in against)
    draws = table(folder / "toy" / "complexity_draws.parquet")
    found = {(r["unit"], r["layer"]): r for r in draws if r["replicate"] == -1}
    for row in table(folder / "toy" / "complexity.parquet"):
        draw = found[row["unit"], row["layer"]]
        assert (draw["mean"], draw["excess"]) == (row["mean"], row["excess"])
        assert row["excess"] == row["mean"] - row["null"]
    for unit in ("words", "ngrams"):
        told = {r["quantity"] for r in claims if (r["claim"], r["unit"]) == ("complexity", unit)}
        assert len([name for name in told if "beyond moved segments" in name]) >= 1
    assert (folder / "overview" / "figures" / "complexity.svg").is_file()
    with pytest.raises(UserError, match="missing"):
        write_overview(folder, folder / "overview", ["toy", "missing"])


def test_the_callback_finds_what_the_search_finds(toy, data, tmp_path, quiet_trainer) -> None:
    """And without a pass of its own: what the test's own pass gives is taken."""
    recogniser = toy.recogniser()
    passes = []
    recogniser.register_forward_hook(lambda *_: passes.append(1))
    callback = Sonification(str(tmp_path), "toy")
    quiet_trainer(tmp_path, callbacks=[callback]).test(CTCModule(recogniser), data, verbose=False)
    assert len(passes) == len(list(data.test_dataloader()[0]))
    assert not any(module._forward_hooks for module in (recogniser.fine, recogniser.coarse))
    units = build_units(data.cuts("test"), ARTICLE_UNITS)
    found = sonify(toy.recogniser(), data.test_dataloader()[0], units)
    assert (tmp_path / "sonification" / "toy" / "layers.json").is_file()
    write_sonification(tmp_path / "plain", found)
    for name in ("segments", "features", "labels", "discarded"):
        mine = tmp_path / "sonification" / "toy" / f"{name}.csv"
        assert mine.read_text() == (tmp_path / "plain" / f"{name}.csv").read_text(), name


def test_the_callback_hears_for_itself_what_the_test_left_out(
    toy, spoken, tmp_path, quiet_trainer
) -> None:
    """An utterance that the recogniser cannot spell is not run by its test."""
    corpus = OnDisk(tmp_path, spoken)
    corpus.cuts[3].supervisions[0].text = "7 of 9"
    mine = SpeechDataModule(corpus, batch_duration_s=9)
    callback = Sonification(str(tmp_path), "toy")
    quiet_trainer(tmp_path, callbacks=[callback]).test(
        CTCModule(toy.recogniser()), mine, verbose=False
    )
    assert table(tmp_path / "sonification" / "toy" / "remarks.parquet") == []  # none was lost
    plain = sonify(toy.recogniser(), mine.test_dataloader()[0], callback.search.units)
    assert callback.search.result().heard.all()
    write_sonification(tmp_path / "plain", plain)
    mine_too = tmp_path / "sonification" / "toy" / "segments.csv"
    assert mine_too.read_text() == (tmp_path / "plain" / "segments.csv").read_text()


def test_the_callback_names_a_condition_and_a_module_that_are_not_there(
    toy, data, tmp_path, quiet_trainer
) -> None:
    module = CTCModule(toy.recogniser())
    with pytest.raises(UserError, match="condition snr0 is not tested; there are clean"):
        callback = Sonification(str(tmp_path), condition="snr0")
        quiet_trainer(tmp_path, callbacks=[callback]).test(module, data, verbose=False)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"units": ["syllables"]}, "unit of search 'syllables' is unknown"),
        ({"splits": []}, "splits: name at least one of train, dev and test"),
        ({"k": 0}, "k is 0; it must be 1 or more"),
        ({"replicates": 0}, "replicates is 0; it must be 1 or more"),
        ({"batch_duration_s": 0.0}, "batch_duration_s is 0.0; it must be above 0"),
    ],
)
def test_settings_that_cannot_be(changed, complaint) -> None:
    with pytest.raises(UserError, match=complaint):
        StudySettings(**changed)


def remarks_of(toy, folder: Path, spoken: SimpleNamespace, recogniser=None) -> list[str]:
    """A study of such a corpus, and what it remarks."""
    folder.mkdir(exist_ok=True)
    mine = SpeechDataModule(OnDisk(folder, spoken), batch_duration_s=9)
    study(recogniser or toy.recogniser(), mine, folder / "found", "toy", SETTINGS)
    return [str(row["remark"]) for row in table(folder / "found" / "remarks.parquet")]


def test_a_corpus_without_alignments_still_has_segments(toy, tmp_path) -> None:
    spoken = toy.corpus(each=4, shortest=400)
    for cut in spoken.cuts:
        cut.supervisions[0].alignment = None
    remarks = remarks_of(toy, tmp_path, spoken)
    assert "words: not searched, no utterance has an alignment of its words" in remarks
    assert "phones3: not searched, no utterance has an alignment of its phones" in remarks
    assert any(line.startswith("complexity: no utterance") for line in remarks)
    assert any(line.startswith("same word: no word") for line in remarks)
    found = tmp_path / "found"
    assert {row["unit"] for row in table(found / "segments.parquet")} == {"segments"}
    assert table(found / "examples.parquet") and table(found / "word_pairs.parquet") == []
    assert {row["attribute"] for row in table(found / "dominance.parquet")} >= {"sex"}
    assert (found / "figures" / "activation.png").is_file()


def test_one_sex_only_is_said_and_claims_nothing(toy, tmp_path) -> None:
    spoken = toy.corpus(each=4, shortest=400)
    spoken.cuts = [cut for cut in spoken.cuts if cut.supervisions[0].gender == "male"]
    remarks = remarks_of(toy, tmp_path, spoken)
    assert (
        "sex: every speaker whose sex is known is male: there is nothing to compare with" in remarks
    )
    rows = [r for r in table(tmp_path / "found" / "dominance.parquet") if r["attribute"] == "sex"]
    assert rows and all(row["share"] is None and row["remark"] for row in rows)
    claims = table(tmp_path / "found" / "claims.parquet")
    assert all(c["verdict"] == "cannot be said" for c in claims if c["claim"] == "dominance")
    assert not (tmp_path / "found" / "figures" / "heat_map.png").exists()


def test_what_cannot_be_read_is_named_and_nothing_else_is_lost(toy, tmp_path) -> None:
    spoken = toy.corpus(each=4, shortest=400)
    folder = tmp_path / "speech"
    folder.mkdir()
    corpus = OnDisk(folder, spoken)
    broken = str(corpus.cuts[5].id)
    (folder / f"{broken}.wav").write_bytes(b"no sound")
    mine = SpeechDataModule(corpus, batch_duration_s=9)
    study(toy.recogniser(), mine, tmp_path / "found", "toy", SETTINGS)
    remarks = [row["remark"] for row in table(tmp_path / "found" / "remarks.parquet")]
    assert [line for line in remarks if line.startswith(f"{broken}: not heard")]
    heard = {row["utterance"] for row in table(tmp_path / "found" / "segments.parquet")}
    assert broken not in heard and len(heard) > 10
    assert broken in {name for _, name, _ in mine.unusable}


def test_activations_that_are_no_numbers_are_counted(toy, tmp_path) -> None:
    """Feature 4 of `fine` is NaN for one speaker: others are searched, and she is not lost."""
    recogniser = toy.recogniser()

    def hook(module, inputs, output):
        ann = (inputs[0] // 256 == 1)[..., None] & (torch.arange(6) == 4)
        return output.masked_fill(ann, torch.nan)

    recogniser.fine.register_forward_hook(hook)
    remarks = remarks_of(toy, tmp_path, toy.corpus(each=4, shortest=400), recogniser)
    assert any("no finite numbers in 1 of 6 features" in line for line in remarks)
    assert any(line.startswith("activity: 2 utterances left out") for line in remarks)
    rows = [r for r in table(tmp_path / "found" / "segments.parquet") if r["layer"] == "fine"]
    assert "ann" not in {r["speaker"] for r in rows if r["feature"] == 4}
    assert "ann" in {r["speaker"] for r in rows if r["feature"] != 4}


def test_all_best_segments_of_a_unit_are_written_where_that_is_asked_for(
    toy, data, tmp_path
) -> None:
    asked = replace(SETTINGS, clips=["phones"], layers=["fine"], grid_layers=None)
    study(toy.recogniser(), data, tmp_path, "toy", asked)
    rows = [r for r in table(tmp_path / "segments.parquet") if r["unit"] == "phones"]
    assert rows and all((tmp_path / row["clip"]).is_file() for row in rows)
    heard = table(tmp_path / "utterances.parquet")
    assert {(r["split"], r["heard"]) for r in heard} == {("test", "yes")}
