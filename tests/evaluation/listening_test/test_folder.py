"""The folder of a test: complete, telling nothing, built whole or not at all, checked."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from acoustics.errors import UserError
from evaluation.listening import audio_path
from evaluation.listening_test.folder import ListeningTest, build_test, load_test, why_unheard
from evaluation.listening_test.run_audio import find_audio


def test_it_holds_a_copy_of_every_sound_under_a_name_that_tells_nothing(
    shared_run: Path, shared_test: ListeningTest
) -> None:
    inside = {path.name for path in shared_test.folder.iterdir()}
    assert inside == {"triplets.csv", "listen.json", "audio", "answers"}
    names = {path.name for path in (shared_test.folder / "audio").iterdir()}
    assert len(names) == 3 * 6 + 1
    assert all(re.fullmatch(r"[0-9a-f]{12}\.flac", name) for name in names)
    for triplet in shared_test.triplets:
        for name, utterance in zip(triplet.sounds, triplet.utterances, strict=True):
            source = shared_run / audio_path("robust", "clean", triplet.layer, utterance)
            assert shared_test.sound(name).read_bytes() == source.read_bytes()
    layers = [triplet.layer for triplet in shared_test.triplets]
    assert layers == ["natural"] * 2 + ["cnn1"] * 2 + ["blstm1"] * 2
    assert [triplet.depth for triplet in shared_test.triplets] == [None, None, 1, 1, 2, 2]


def test_it_needs_the_run_no_more(shared_test: ListeningTest, heard_run, tmp_path: Path) -> None:
    run = heard_run(tmp_path / "run")
    test = build_test(find_audio(run), tmp_path / "test", per_layer=2)
    shutil.rmtree(run)
    assert load_test(tmp_path / "test") == test
    assert test.triplets == shared_test.triplets, "the same seed, the same questions"
    assert test.settings["notes"][0] == "3 of 6 pairs of known sex are of one sex"


def test_the_volume_is_set_by_what_the_test_itself_uses_least(
    shared_run: Path, shared_test: ListeningTest
) -> None:
    asked = {name for t in shared_test.triplets for name in t.utterances}
    spare = {f"s{i}-{k}" for i in range(4) for k in range(3)} - asked
    heard = shared_test.sound(shared_test.check).read_bytes()
    paths = [shared_run / audio_path("", "clean", "natural", u) for u in spare or asked]
    assert heard in [path.read_bytes() for path in paths]


def test_layers_are_chosen_by_globs_and_stand_by_depth(heard_run, tmp_path: Path) -> None:
    run = heard_run(tmp_path / "run", layers=("cnn1", "cnn2", "blstm1", "blstm2"), speakers=2)
    assert list(find_audio(run).layers) == ["natural", "cnn1", "cnn2", "blstm1", "blstm2"]
    chosen = find_audio(run, layers=["blstm*", "cnn2"], natural=False)
    assert chosen.depths == {"cnn2": 2, "blstm1": 3, "blstm2": 4}
    (run / "summary.csv").unlink()
    names = list(find_audio(run).layers)
    assert names == ["natural", "blstm1", "blstm2", "cnn1", "cnn2"], "without a table, by name"
    with pytest.raises(UserError, match=r"--layers: 'lstm\*' is none; there is audio of blstm1"):
        find_audio(run, layers=["lstm*"])


def test_building_again_keeps_what_is_there_and_refuses_anything_else(
    shared_run: Path, test: ListeningTest
) -> None:
    answers = test.folder / "answers" / "ann.csv"
    answers.write_text("precious")
    assert build_test(find_audio(shared_run), test.folder, per_layer=2) == test
    with pytest.raises(UserError, match="holds something else already; choose another folder"):
        build_test(find_audio(shared_run), test.folder, per_layer=2, seed=1)
    assert answers.read_text() == "precious"
    file = test.folder / "listen.json"
    with pytest.raises(UserError, match="holds something else"):
        build_test(find_audio(shared_run), file, per_layer=2)
    empty = test.folder.parent / "empty"
    empty.mkdir()
    assert len(build_test(find_audio(shared_run), empty, per_layer=2).triplets) == 6


def test_other_recordings_are_another_test(heard_run, tmp_path: Path) -> None:
    """A run that was trained again: its old recordings and their answers are not passed off."""
    run = heard_run(tmp_path / "run")
    test = build_test(find_audio(run), tmp_path / "test", per_layer=2)
    assert build_test(find_audio(run), tmp_path / "test", per_layer=2) == test
    assert why_unheard(test.folder, run) == ""
    asked = next(t for t in test.triplets if t.layer == "cnn1")
    changed = run / audio_path("robust", "clean", "cnn1", asked.a)
    changed.write_bytes(changed.with_name(f"{asked.b}.flac").read_bytes())
    with pytest.raises(UserError) as refused:
        build_test(find_audio(run), tmp_path / "test", per_layer=2)
    assert "holds something else already" in str(refused.value) and "\n" not in str(refused.value)
    assert why_unheard(test.folder, run).endswith("than this run's; build it again")
    assert load_test(test.folder) == test, "what lies there is kept"


def test_an_unusable_sound_is_named_and_nothing_is_left(heard_run, tmp_path: Path) -> None:
    run = heard_run(tmp_path / "run", speakers=2, each=2)
    for path in (run / "audio" / "robust" / "clean" / "cnn1").iterdir():
        path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(UserError, match=r"cnn1/s\d-\d.flac: .*render it again, or delete it"):
        build_test(find_audio(run), tmp_path / "test", per_layer=2)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def remove_audio(run: Path) -> None:
    shutil.rmtree(run / "audio")


def remove_layer(run: Path) -> None:
    for path in (run / "audio" / "robust" / "clean" / "cnn1").iterdir():
        path.unlink()


def remove_natural(run: Path) -> None:
    shutil.rmtree(run / "audio" / "reference")


def remove_table(run: Path) -> None:
    (run / "utterances.csv").unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove_audio, "kept no audio; run again with evaluation.keep_audio null"),
        (remove_layer, "clean/cnn1: holds no audio of the test utterances"),
        (remove_natural, "reference/clean/natural: holds no audio"),
        (remove_table, "holds no utterances.csv; give the folder of `otoscope run`"),
    ],
)
def test_a_run_without_audio_is_refused(
    heard_run, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    run = heard_run(tmp_path / "run", speakers=2, each=2)
    damage(run)
    with pytest.raises(UserError) as error:
        find_audio(run)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_unknown_names_are_told_apart(shared_run: Path) -> None:
    with pytest.raises(UserError, match="--model: no audio of 'x'; there is audio of robust"):
        find_audio(shared_run, model="x")
    with pytest.raises(UserError, match="--condition: no audio of robust in 'snr0', but in clean"):
        find_audio(shared_run, condition="snr0")


def test_a_test_that_was_tampered_with_is_refused(test: ListeningTest) -> None:
    table = test.folder / "triplets.csv"
    content = table.read_text()
    table.write_text(content.replace(",female,", ",male,", 1))
    with pytest.raises(UserError, match=r"triplets.csv: was changed since it was built"):
        load_test(test.folder)
    table.write_text(content.replace("blstm1,2", "blstm1,x", 1))
    with pytest.raises(UserError, match=r"line 6: .*; put it back or build another test"):
        load_test(test.folder)
    table.write_text(content)
    asked = test.triplets[3]
    heard = test.sound(asked.sound_x).read_bytes()
    for wrong in (heard[:-1], test.sound(asked.sound_a).read_bytes()):
        test.sound(asked.sound_x).write_bytes(wrong)
        with pytest.raises(UserError, match=rf"{asked.sound_x}\.flac: was changed since it was"):
            load_test(test.folder)
    test.sound(asked.sound_x).write_bytes(heard)
    assert load_test(test.folder) == test
    test.sound(test.check).unlink()
    with pytest.raises(UserError, match="is missing, with 0 more; build another test"):
        load_test(test.folder)


@pytest.mark.parametrize("name", ["seed", "salt", "layers", "volume_check", "settings_sha256"])
@pytest.mark.parametrize("change", ["other", "gone"])
def test_settings_that_were_changed_or_lost_are_refused(
    test: ListeningTest, shared_run: Path, name: str, change: str
) -> None:
    """Another seed or salt would change, in the middle of a test, who hears what when."""
    path = test.folder / "listen.json"
    settings = json.loads(path.read_text())
    settings[name] = 7
    if change == "gone":
        del settings[name]
    path.write_text(json.dumps(settings, indent=2))
    with pytest.raises(UserError) as refused:
        load_test(test.folder)
    assert str(refused.value).startswith(f"{path}: was changed since it was built")
    assert "put it back or build another test" in str(refused.value)
    assert str(path) in why_unheard(test.folder, shared_run)


def test_settings_written_in_another_hand_are_the_same(test: ListeningTest) -> None:
    path = test.folder / "listen.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert load_test(test.folder) == test


@pytest.mark.parametrize("content", ["", "[]", "{", '{"version": 99}', '{"version": 2}', "3"])
def test_a_folder_that_is_no_test_is_refused(test: ListeningTest, content: str) -> None:
    (test.folder / "listen.json").write_text(content)
    with pytest.raises(UserError, match=r"holds no listening test|another version"):
        load_test(test.folder)


def test_settings_say_how_it_was_made(shared_test: ListeningTest) -> None:
    settings = json.loads((shared_test.folder / "listen.json").read_text())
    assert settings["layers"] == {"natural": None, "cnn1": 1, "blstm1": 2}
    assert (settings["run"], settings["model"], settings["seed"]) == ("run", "robust", 0)
