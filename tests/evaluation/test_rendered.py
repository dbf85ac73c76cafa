"""Folders that others made: what pairs with what, which sub-folders are layers, who speaks."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from acoustics.errors import UserError
from evaluation.listening import audio_path
from evaluation.rendered import Folders, layer_depths, natural_order, pair_folders
from evaluation.speaker_table import (
    Told,
    read_speakers,
    read_transcripts,
    speaker_expression,
    speakers_by_expression,
    trial_speakers,
)
from evaluation.trials import Trial


def touch(root: Path, names: Iterable[str]) -> Path:
    """Files of these names; pairing looks at nothing else."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return touch(tmp_path / "clean", ["a.wav", "b.flac", "c.wav"])


def names(folders: Folders) -> dict[str, list[str]]:
    return {layer: sorted(files) for layer, files in folders.layers.items()}


def test_a_flat_folder_is_one_layer_whatever_its_extensions_and_its_depth(tmp_path, clean) -> None:
    rendered = touch(tmp_path / "enhanced", ["a.FLAC", "deep/er/b.ogg", ".c.wav", "c.txt", "d.mp3"])
    folders = pair_folders(clean, rendered)
    assert names(folders) == {"enhanced": ["a", "b", "d"]}
    assert folders.utterances == ["a", "b", "c", "d"]
    assert folders.paired == {"a", "b"}


def test_sub_folders_that_repeat_names_are_layers_in_natural_order(tmp_path, clean) -> None:
    kept = [f"{layer}/{name}.wav" for layer in ("cnn10", "cnn2", "natural") for name in "abc"]
    rendered = touch(tmp_path / "curve", [*kept, "pictures/z.wav", "notes/readme.md"])
    folders = pair_folders(clean, rendered)
    assert list(folders.layers) == ["cnn2", "cnn10", "natural"]
    assert folders.left_out == ["pictures"]


def test_one_sub_folder_is_a_layer_unless_the_reference_has_it_too(tmp_path, clean) -> None:
    rendered = touch(tmp_path / "curve", ["cnn1/a.wav", "cnn1/b.wav"])
    assert list(pair_folders(clean, rendered).layers) == ["cnn1"]
    nested = touch(tmp_path / "nested", ["cnn1/a.wav", "cnn1/b.wav"])
    assert list(pair_folders(nested, rendered).layers) == ["curve"]


def test_a_folder_for_each_speaker_is_one_layer(tmp_path, clean) -> None:
    rendered = touch(tmp_path / "enhanced", ["ann/a.wav", "bob/b.wav", "bob/c.wav"])
    assert names(pair_folders(clean, rendered)) == {"enhanced": ["a", "b", "c"]}


def test_layers_can_be_chosen_and_ordered(tmp_path, clean) -> None:
    rendered = touch(tmp_path / "curve", ["one/a.wav", "two/b.wav", "three/a.wav"])
    assert list(pair_folders(clean, rendered, ["two", "one"]).layers) == ["two", "one"]
    with pytest.raises(UserError, match=r"--layers: .*four is no folder"):
        pair_folders(clean, rendered, ["four"])


def test_names_that_a_run_escaped_are_known_by_their_utterance(tmp_path) -> None:
    written = Path(audio_path("baseline", "clean", "cnn1", "a/b:c"))
    reference = touch(tmp_path / "clean", [written.name])
    rendered = touch(tmp_path / "curve", [f"cnn1/{written.name}"])
    assert names(pair_folders(reference, rendered, known=["a/b:c", ""])) == {"cnn1": ["a/b:c"]}


def test_mistakes_name_the_folder_and_the_files(tmp_path, clean) -> None:
    with pytest.raises(UserError, match=r"--reference: .*nowhere is no folder"):
        pair_folders(tmp_path / "nowhere", clean)
    with pytest.raises(UserError, match=r"--rendered: .*nowhere is no folder"):
        pair_folders(clean, tmp_path / "nowhere")
    empty = touch(tmp_path / "empty", ["readme.txt"])
    with pytest.raises(UserError, match=r"--rendered: .*empty holds no audio file"):
        pair_folders(clean, empty)
    twice = touch(tmp_path / "twice", ["x/a.wav", "y/a.flac"])
    with pytest.raises(UserError, match=r"--reference: .*'a', .*x/a\.wav and .*y/a\.flac"):
        pair_folders(twice, clean)
    with pytest.raises(UserError, match=r"--rendered: .*'a', .*x/a\.wav and .*y/a\.flac"):
        pair_folders(clean, touch(twice, ["b.wav"]))
    for strange in (["p.wav", "q.wav"], ["one/p.wav", "two/p.wav"]):
        other = touch(tmp_path / f"other{len(strange[0])}", strange)
        with pytest.raises(UserError, match=r"nothing in common .* like 'p' here, like 'a' there"):
            pair_folders(clean, other)


def test_depth_is_that_of_the_recogniser_that_has_the_layers_else_the_order() -> None:
    layers = ["blstm5", "cnn1", "natural", "mean-mel"]
    known = [{"cnn1": 1, "lstm": 2}, {"cnn1": 1, "cnn2": 2, "blstm5": 9}]
    assert layer_depths(layers, known) == {"blstm5": 9, "cnn1": 1}
    assert layer_depths(layers, known[:1]) == {"blstm5": 1, "cnn1": 2}
    assert sorted(["b10", "b9.2", "b9.10", "a"], key=natural_order) == ["a", "b9.2", "b9.10", "b10"]


def test_speakers_come_from_names_or_tables(tmp_path) -> None:
    for text in (r"^(\w+)-", r"(?P<speaker>[a-z]+)-(\d)"):
        found = speakers_by_expression(speaker_expression(text), ["ann-1", "bob-2", "x"])
        assert found == {"ann-1": Told("ann"), "bob-2": Told("bob")}
    table = tmp_path / "table.tsv"
    table.write_text("\ufeffspeaker\tutterance\ttext\nann\tu1\tHé Said,  SO\nbob\tu2\t\n")
    assert read_speakers(table) == {"u1": Told("ann", "", "he said, so"), "u2": Told("bob")}
    table.write_text('utterance,speaker,sex,more\nu1,ann,female,"a, b"\n')
    assert read_speakers(table) == {"u1": Told("ann", "female")}


def test_transcripts_come_as_table_or_lines(tmp_path) -> None:
    path = tmp_path / "said.txt"
    path.write_text("utterance,text\nu1,Hello There\n")
    assert read_transcripts(path) == {"u1": "hello there"}
    path.write_text("u1 HELLO THERE\n\nu2\n")
    assert read_transcripts(path) == {"u1": "hello there", "u2": ""}
    path.write_text("u1\tHELLO THERE\n \nu2 \t so\n")
    assert read_transcripts(path) == {"u1": "hello there", "u2": "so"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("utterance,name\nu,a\n", "has no column 'speaker'"),
        ("", "has no column 'utterance'"),
        ("utterance,speaker\nu,a\nu,b\n", "line 3: 'u' is there twice"),
        ("utterance,speaker\n,a\n", "line 2: it names no utterance"),
        ("utterance,speaker\nu,\xe9\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_broken_table_is_a_mistake(tmp_path, content: str | bytes, reason: str) -> None:
    table = tmp_path / "table.csv"
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=f"--speaker-from: .*table.csv.*{reason}"):
        read_speakers(table)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(", "neither a table nor a regular expression"),
        (r"\d+", "0 groups"),
        (r"(\d)(\d)", "2 groups"),
        ("gone/table.csv", "there is no table gone/table.csv"),
    ],
)
def test_an_expression_must_say_what_the_speaker_is(text: str, reason: str) -> None:
    with pytest.raises(UserError, match=f"--speaker-from: .*{reason}"):
        speaker_expression(text)
    with pytest.raises(UserError, match="matches no file name; they are like 'a'"):
        speakers_by_expression(speaker_expression(r"(\d)"), ["b", "a"])


def test_trials_and_speakers_must_agree() -> None:
    trials = [Trial("t0", "u1", "u2", "ann", "bob", False)]
    path = Path("trials.csv")
    assert trial_speakers(trials, {"u1": Told("ann")}, path) == {"u1": "ann", "u2": "bob"}
    with pytest.raises(UserError, match=r"t0: the speaker of 'u2' is 'bob' there and 'eve'"):
        trial_speakers(trials, {"u2": Told("eve")}, path)
    twice = [*trials, Trial("t1", "u2", "u1", "eve", "ann", False)]
    with pytest.raises(UserError, match="t1: the speaker of 'u2' is 'eve' there and 'bob'"):
        trial_speakers(twice, {}, path)
