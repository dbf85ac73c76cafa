"""A whole study of the matched filters on vowels: from sounds on disk to tables and pictures."""

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
import torch
from PIL import Image
from torch import nn

from acoustics.errors import UserError
from acoustics.frames import Timing
from asr_models.ctc import CTCModule
from asr_models.layer import Layer
from evaluation.audiation.callback import Audiation
from evaluation.audiation.checks import feature_ranks, layer_scores
from evaluation.audiation.logged import COLUMNS, FILES, read_audiations
from evaluation.audiation.strongest import Speech
from evaluation.audiation.study import study
from evaluation.audiation.study_settings import AudiationSettings
from evaluation.audiation.wanted import turned
from evaluation.sonification.search import sonify
from evaluation.sonification.units import build_units

SETTINGS = AudiationSettings(
    per_layer=2, sound_s=0.25, segment_s=0.125, steps=20, learning_rate=0.15, held_out=2, samples=2,
    splits=["test"],
)  # fmt: skip
GIVEN = replace(SETTINGS, features={"filters": [0, 2]}, controls=0, diverse=0)


def table(path: Path) -> list[dict[str, object]]:
    """Rows of a Parquet table."""
    return pyarrow.parquet.read_table(path).to_pylist()


@pytest.fixture(scope="module")
def folder(toy, speech, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "audiation" / "toy"
    study(toy.recogniser(), speech, folder, "toy", SETTINGS)
    return folder


def test_every_table_is_there_as_parquet_and_csv_and_says_the_same(folder) -> None:
    names = {path.stem for path in folder.glob("*.parquet")}
    assert names == {"sounds", "layers", "evolution", "diversity"}
    for name in names:
        with (folder / f"{name}.csv").open(newline="") as file:
            said = list(csv.reader(file))[1:]
        rows = table(folder / f"{name}.parquet")
        assert len(said) == len(rows) > 0
        for mine, row in zip(said, rows, strict=True):
            for text, value in zip(mine, row.values(), strict=True):
                assert text == ("" if value is None else str(value)) or float(text) == value


def test_live_features_of_all_depths_are_made_and_checked(folder, toy) -> None:
    rows = table(folder / "sounds.parquet")
    asked = [row for row in rows if row["variant"] == "as asked"]
    assert [row["layer"] for row in asked] == ["filters"] * 2 + ["deep"] * 2
    assert toy.dead not in {row["feature"] for row in asked if row["layer"] == "deep"}
    for row in rows:
        assert (folder / row["clip"]).is_file()
        if (row["layer"], row["feature"]) == ("deep", 3):  # vowels move it, noise does not
            assert row["problem"].startswith("dead: none of 16 random inputs moves it")
            continue
        assert row["problem"] == "" and row["above"] == (row["reached"] > row["strongest"])
        assert row["lowest"] <= row["held_out"] and 1 <= row["rank"] <= row["features"]
        assert (folder / row["audio"]).is_file()
        assert bool(row["picture"]) == (row["variant"] == "as asked")
    assert all(row["reached"] > row["start"] for row in asked if not row["problem"])
    assert sum(not row["problem"] for row in asked) == 3
    variants = {row["variant"] for row in rows}
    assert variants == {"as asked", "samples that differ", "samples by chance", *turned(SETTINGS)}
    assert {"without transforms", "without 1/f", "with L2", "with total variation"} <= variants


def test_what_is_told_of_a_sound_is_true_of_its_file(folder, toy) -> None:
    recogniser = toy.recogniser()
    for row in [row for row in table(folder / "sounds.parquet") if row["audio"]][::4]:
        sound, rate = soundfile.read(folder / row["audio"], dtype="float32")
        assert rate == 16000 and len(sound) == 4000
        given = torch.from_numpy(sound)[None]
        scores = layer_scores(recogniser, row["layer"], given, (1000, 3000))
        assert row["reached"] == pytest.approx(scores[0, row["feature"]], rel=1e-5)


def test_the_strongest_segment_is_that_of_a_search_and_its_clip_is_its_sound(
    folder, toy, speech
) -> None:
    units = build_units(speech.corpus_cuts(["test"]), ["segments"], 0.125)
    found = sonify(toy.recogniser(), speech.corpus_dataloader(["test"]), units)
    sounds = {
        str(cut.id): soundfile.read(cut.recording.sources[0].source, dtype="float32")[0]
        for cut in speech.corpus_cuts(["test"])
    }
    for row in table(folder / "sounds.parquet"):
        top = found.tops["segments"][row["layer"]]
        assert row["strongest"] == pytest.approx(top.scores[row["feature"], 0])
        clip, _ = soundfile.read(folder / row["clip"], dtype="float32")
        first = round(16000 * row["start_s"])
        np.testing.assert_array_equal(clip, sounds[row["utterance"]][first : first + 2000])


def test_layers_and_variants_are_summed_up(folder) -> None:
    rows = table(folder / "sounds.parquet")
    summed = {(r["variant"], r["layer"]): r for r in table(folder / "layers.parquet")}
    for (variant, layer), row in summed.items():
        mine = [r for r in rows if r["variant"] == variant and layer in (r["layer"], "all")]
        if variant == "speech":
            assert row["sounds"] == len({r["utterance"] for r in rows}) and row["above"] is None
            continue
        made = [r for r in mine if not r["problem"]]
        assert (row["sounds"], row["without"]) == (len(made), len(mine) - len(made))
        if not made:
            assert row["above"] is None and row["compared"] == 0
            continue
        mine = made
        assert row["compared"] == len(mine)
        assert row["above"] == pytest.approx(np.mean([r["above"] for r in mine]))
        assert row["snr_db"] == pytest.approx(np.mean([r["snr_db"] for r in mine]))
    assert ("as asked", "all") in summed and ("speech", "all") in summed


def test_evolution_begins_where_all_variants_begin(folder) -> None:
    """Variants of one parameterisation begin alike, and every objective ends higher."""
    evolution = table(folder / "evolution.parquet")
    first = {}
    for row in evolution:
        key = row["variant"], row["layer"], row["feature"], row["sample"]
        first.setdefault(key, row["activation"])
    for (variant, layer, feature, sample), value in first.items():
        if sample == 0 and variant != "without 1/f":
            assert value == pytest.approx(first["as asked", layer, feature, 0])
    assert {row["step"] for row in evolution} >= {0, 20}


def test_samples_are_held_against_each_other(folder) -> None:
    rows = table(folder / "diversity.parquet")
    assert [row["variant"] for row in rows] == ["samples by chance", "samples that differ"] * 2
    assert all(row["samples"] == 2 and row["mean_db"] == row["nearest_db"] > 1 for row in rows)


def test_pictures_are_drawn(folder) -> None:
    asked = [r for r in table(folder / "sounds.parquet") if r["picture"]]
    for row in asked:
        with Image.open(folder / row["picture"]) as picture:
            assert picture.width > 600
    drawn = {path.name for path in (folder / "figures").iterdir()}
    assert drawn == {"sounds.png", "reached.png", "reached.svg"}


def test_what_loggers_show(folder) -> None:
    run = folder.parent.parent
    found = read_audiations(run)
    rows = table(folder / "sounds.parquet")
    assert [row[:3] for row in found.sounds["toy"]] == [
        [row["layer"], row["feature"], row["variant"]] for row in rows
    ]
    assert len(found.sounds["toy"][0]) == len(COLUMNS) + len(FILES)
    assert found.sounds["toy"][0][-3] == (folder / rows[0]["audio"]).resolve()
    assert set(found.figures) == {"toy/sounds", "toy/reached"}
    assert read_audiations(run / "nowhere").sounds == {}


def test_the_same_seed_gives_the_same_files(folder, toy, speech, tmp_path) -> None:
    settings = replace(SETTINGS, controls=0, diverse=0)
    study(toy.recogniser(), speech, tmp_path / "again", "toy", settings)
    study(toy.recogniser(), speech, tmp_path / "other", "toy", settings, seed=1)
    again, other = (table(tmp_path / n / "sounds.parquet") for n in ("again", "other"))
    assert again == [r for r in table(folder / "sounds.parquet") if r["variant"] == "as asked"]
    assert [r["reached"] for r in other] != [r["reached"] for r in again]


@pytest.mark.parametrize("goal", ["channel", "neuron"])
@pytest.mark.parametrize("representation", ["samples", "mel"])
def test_other_goals_and_representations(
    goal, representation, tiny_recogniser, speech, tmp_path
) -> None:
    """A neuron is held against the maximum over segments; frames are judged as they are heard."""
    settings = replace(
        SETTINGS, goal=goal, representation=representation, features={"cnn2": [1], "blstm2": [4]},
        controls=0, diverse=0, sound_s=0.6, segment_s=0.3, steps=4,
    )  # fmt: skip
    recogniser = tiny_recogniser().freeze()
    made = study(recogniser, speech, tmp_path, "tiny", settings)
    units = build_units(speech.corpus_cuts(["test"]), ["segments"], 0.3)
    found = sonify(recogniser, speech.corpus_dataloader(["test"]), units)
    assert len(made.rows) == 2
    for row, one in zip(made.rows, made.made, strict=True):
        assert row.reached is not None
        started = one.snapshots[:1], settings.window, settings.score
        scores = layer_scores(recogniser, row.layer, *started)  # as `reached` is measured
        assert row.start == pytest.approx(scores[0, row.feature], rel=1e-4)
        if goal == "channel":
            top = found.tops["segments"][row.layer].scores[row.feature, 0]
            assert row.strongest == pytest.approx(top, rel=1e-4)
        elif row.strongest is not None:
            assert row.strongest >= found.tops["segments"][row.layer].scores[row.feature, 0]


def test_the_callback_makes_what_the_study_makes(toy, speech, tmp_path, quiet_trainer) -> None:
    """In Lightning's inference mode, and without a pass of its own through the corpus."""
    recogniser, heard = toy.recogniser(), []
    callback = Audiation(str(tmp_path), "toy", audiation=GIVEN)
    recogniser.register_forward_hook(lambda module, given, _: heard.append(given[0].shape[0]))
    trainer = quiet_trainer(tmp_path, callbacks=[callback], inference_mode=True)
    trainer.test(CTCModule(recogniser), speech, verbose=False)
    assert sum(heard) == 4
    study(toy.recogniser(), speech, tmp_path / "plain", "toy", GIVEN)
    for name in ("sounds", "layers", "evolution"):
        mine = (tmp_path / "audiation" / "toy" / f"{name}.csv").read_text()
        assert mine == (tmp_path / "plain" / f"{name}.csv").read_text()
    recogniser._forward_hooks.clear()
    assert toy.hooks(recogniser) == 0 or toy.hooks(recogniser) == toy.hooks(toy.recogniser())


def test_the_callback_names_what_is_not_there(toy, speech, tmp_path, quiet_trainer) -> None:
    module = CTCModule(toy.recogniser())
    for callback, complaint in (
        (Audiation(str(tmp_path), condition="snr0"), "condition snr0 is not tested; there are"),
        (
            Audiation(str(tmp_path), audiation=replace(GIVEN, features={"deep": [9]})),
            "layer deep has no feature 9: it has 0 to 4",
        ),
    ):
        with pytest.raises(UserError, match=complaint):
            quiet_trainer(tmp_path, callbacks=[callback]).test(module, speech, verbose=False)


def test_a_dead_feature_is_said_and_the_others_are_made(toy, speech, tmp_path) -> None:
    both = replace(GIVEN, features={"deep": [1, toy.dead]})
    made = study(toy.recogniser(), speech, tmp_path, "toy", both)
    alive, dead = made.rows
    assert alive.reached is not None and alive.problem == ""
    assert dead.reached is None and dead.above is None and dead.audio == dead.picture == ""
    assert "dead: none of 16 random inputs moves it" in dead.problem
    assert made.layers[0].without == 1 and made.layers[0].sounds == 1
    alone = replace(GIVEN, features={"deep": [toy.dead]})
    with pytest.raises(UserError, match=r"audiation of deep-4: dead: none .*choose other features"):
        study(toy.recogniser(), speech, tmp_path, "toy", alone)


def test_a_layer_that_no_sound_reaches_is_said_before_the_corpus_is_heard(
    toy, speech, tmp_path
) -> None:
    recogniser = toy.recogniser()
    recogniser.aside = nn.Linear(2, 2)
    recogniser.layers["aside"] = Layer("aside", "aside", 3, Timing(160), 2, 2)
    told: list[str] = []
    with pytest.raises(UserError, match="does not reach layer aside"):
        study(recogniser, speech, tmp_path, "toy", SETTINGS, report=lambda f, t: told.append(t))
    assert told == []


@pytest.mark.parametrize(
    ("features", "complaint"),
    [
        ({"filters": [4]}, "layer filters has no feature 4: it has 0 to 3"),
        ({"filters": [-1]}, "layer filters has no feature -1"),
        ({"cnn1": [0]}, "layer 'cnn1' is unknown; this recogniser has filters, deep"),
        ({"*": [0]}, "'\\*' is not the name of one layer"),
        ({"deep": []}, "features of layer deep: name one or more, each once"),
        ({"deep": [1, 1]}, "features of layer deep: name one or more, each once"),
    ],
)
def test_features_that_are_not_there(features, complaint, toy, speech, tmp_path) -> None:
    with pytest.raises(UserError, match=complaint):
        study(toy.recogniser(), speech, tmp_path, "toy", replace(SETTINGS, features=features))


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"per_layer": 0}, "per_layer is 0; it must be 1 or more"),
        ({"samples": 1}, "samples is 1; it must be 2 or more"),
        ({"l2": -1.0}, "l2 is -1.0; it must be 0 or more"),
        ({"segment_s": 2.0}, "segment_s is 2.0; it must be 0.05 or more, and sound_s"),
        ({"splits": []}, "splits: name at least one"),
        ({"lambdas": []}, "lambdas: name one or more weights"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
    ],
)
def test_settings_that_cannot_be(changed, complaint) -> None:
    with pytest.raises(UserError, match=complaint):
        AudiationSettings(**changed)


def test_a_corpus_without_utterances_of_a_sounds_length_has_no_frames_to_begin_with(
    tiny_recogniser, speech, tmp_path
) -> None:
    settings = replace(SETTINGS, representation="mel", sound_s=3.0, features={"cnn1": [0]})
    with pytest.raises(UserError, match="no utterance has the 48000 samples of a sound"):
        study(tiny_recogniser().freeze(), speech, tmp_path, "tiny", settings)


def test_what_hears_waveforms_cannot_be_fed_frames(toy, speech, tmp_path) -> None:
    settings = replace(GIVEN, representation="mfcc")
    with pytest.raises(UserError, match="representation: Matched hears waveforms"):
        study(toy.recogniser(), speech, tmp_path, "toy", settings)


def test_random_features_that_nothing_drives_are_said_and_no_error(
    toy, speech, tmp_path, monkeypatch
) -> None:
    """A run does not end over them: tables say so, and there is nothing to hear or draw."""
    recogniser = toy.recogniser()
    monkeypatch.setattr(type(recogniser.deep), "forward", lambda _, x: x[..., [0] * 5].detach())
    settings = replace(SETTINGS, layers=["deep"], controls=0, diverse=0)
    made = study(recogniser, speech, tmp_path, "toy", settings)
    assert len(made.rows) == 2 and all("dead" in row.problem for row in made.rows)
    assert made.layers[0].sounds == 0 and made.layers[0].above is None
    assert not (tmp_path / "figures").exists() and not (tmp_path / "sounds").exists()


def test_each_regulariser_is_put_the_other_way(toy) -> None:
    other = turned(replace(SETTINGS, l2=0.3, transforms=False, decay=0.0))
    assert list(other) == [
        "with transforms", "with 1/f", "with total variation", "with spectral power", "without L2",
    ]  # fmt: skip
    assert other["without L2"].l2 == 0 and other["with 1/f"].decay == 1
    assert other["with spectral power"].spectral_power == SETTINGS.control_weight


def test_what_speech_does_not_move_has_no_range_to_be_ranked_by() -> None:
    """But a unit for weights, of which there is no other."""
    top = SimpleNamespace(scores=np.array([[3.0], [0.0], [np.nan], [1.0]]))
    mean = np.array([1.0, 0.0, 0.0, 0.5])
    found = SimpleNamespace(
        tops={"segments": {"deep": top}}, activity={"deep": SimpleNamespace(mean=mean)}
    )
    speech = object.__new__(Speech)  # of which nothing else is asked
    object.__setattr__(speech, "found", found)
    assert speech.span("deep").tolist() == [2, 0, 0, 0.5]
    assert speech.scale("deep").tolist() == [2, 1, 1, 0.5]
    scores = np.array([[2.0, 9.0, 9.0, 0.9]])  # the second and third are never ahead
    assert feature_ranks(scores, [0], mean, speech.span("deep")).tolist() == [2]
