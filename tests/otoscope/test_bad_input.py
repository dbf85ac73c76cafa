"""Mistakes of the user's: a line that says what is wrong, status 2, and nothing lost."""

import csv
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from lhotse import CutSet

from corpora.embedded import EmbeddedCorpus
from corpora.musan import MusanNoise

# A name, what is typed behind `otoscope` (with folders of the fixture), and words of the answer.
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "unknown command": ("sing", ("unknown command 'sing'",)),
    "misspelt option": ("run {tiny} --output {new} --sed 3", ("--sed",)),
    "misspelt nested option": (
        "run {tiny} --output {new} --evaluation.qualty [stoi]",
        ("--evaluation.qualty",),
    ),
    "abbreviated option": (
        "run {tiny} --output {new} --evaluation.bootstrap 3",
        ("--evaluation.bootstrap",),
    ),
    "misspelt key in YAML": (
        "run {tiny} -c {misspelt} --output {new}",
        ("evaluation", "conditons"),
    ),
    "value of another type": ("run {tiny} --output {new} --seed many", ("seed", "many")),
    "no such config": ("run -c {folder}/nowhere.yaml --output {new}", ("nowhere.yaml",)),
    "output is a file": ("run {tiny} --output {file}", ("{file}", "cannot be written")),
    "output below a file": ("run {tiny} --output {file}/run", ("{file}/run", "cannot be written")),
    "unknown layer": (
        "run {tiny} --output {new} --probe.layers [cnn1,lstm9]",
        ("'lstm9'", "cnn1, cnn2", "blstm5"),
    ),
    "unknown condition": (
        "run {tiny} --output {new} --evaluation.conditions [clean,loud]",
        ("'loud'", "snr0"),
    ),
    "unknown metric": (
        "run {tiny} --output {new} --evaluation.quality [mos]",
        ("evaluation.quality", "'mos'", "pesq_wb"),
    ),
    "report of what is no run": ("report {folder}", ("{folder}", "nothing of a run")),
    "report of nothing": ("report {folder}/nowhere", ("{folder}/nowhere", "no such run folder")),
    "layers of what is no recogniser": ("layers {folder}", ("{folder}", "not a saved recogniser")),
    "unknown verb": ("asr learn", ("'learn'", "fit, validate, test")),
    "misspelt key of asr": ("asr fit --model.learning_rat 1", ("--model.learning_rat",)),
    "probe of no recogniser": ("probe fit", ("model.recogniser",)),
    "no corpus folder": (
        "run {tiny} -c {librispeech} --output {new}-1",
        ("LibriSpeech: there is no folder", "download: true"),
    ),
    "download without a network": (
        "run {tiny} -c {librispeech} --corpus.init_args.download true --output {new}-2",
        (
            "LibriSpeech: cannot download train-clean-5",
            "curl -L https://www.openslr.org/resources/31/train-clean-5.tar.gz",
        ),
    ),
    "corpus without audio": (
        "run {tiny} -c {librispeech} --corpus.init_args.root {silence} --output {new}-3",
        ("train-clean-5", "holds no usable audio"),
    ),
}
CHATTY = {"download without a network"}  # shows a bar on the standard error, too
IN_PROCESSES = {"unknown command", "misspelt key in YAML", "misspelt key of asr"}
# of their own, where imports might say something, too; the others are typed into the entry point


def subsets(root: Path, **more: object) -> dict[str, object]:
    """A LibriSpeech corpus in `root` as a setting."""
    splits = {"train": ["train-clean-5"], "dev": ["dev-clean"], "test": ["test-clean"]}
    arguments = {"root": str(root), **splits, **more}
    return {"class_path": "corpora.librispeech.LibriSpeechCorpus", "init_args": arguments}


@pytest.fixture(scope="module")
def places(tiny, tmp_path_factory) -> dict[str, str]:
    """What the names in braces stand for."""
    folder = tmp_path_factory.mktemp("bad")
    places = {"tiny": " ".join(tiny), "folder": str(folder), "new": str(folder / "new" / "run")}
    for name in ("file", "misspelt", "librispeech", "silence"):
        places[name] = str(folder / name)
    (folder / "file").write_text("in the way")
    (folder / "misspelt").write_text("evaluation: {conditons: [clean]}\n")
    for subset in ("train-clean-5", "dev-clean", "test-clean"):
        (folder / "silence" / subset / "1" / "2").mkdir(parents=True)
    (folder / "librispeech").write_text(yaml.safe_dump({"corpus": subsets(folder / "nothing")}))
    return places


@pytest.fixture(scope="module")
def answers(terminal, places):
    """The outcome of every case that gets a process of its own."""
    names = sorted(IN_PROCESSES)
    typed = [CASES[name][0].format(**places).split() for name in names]
    return dict(zip(names, terminal.together(typed), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_costs_one_line_and_status_2(
    case: str, answers, places, here, monkeypatch
) -> None:
    for name in ("http_proxy", "https_proxy"):  # no way out, whatever network there is
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    typed, words = CASES[case]
    call = answers[case] if case in answers else here(*typed.format(**places).split())
    line = call.complaint()
    assert all(word.format(**places) in line for word in words), line
    if case not in CHATTY:
        assert len(call.err.splitlines()) == 1, call.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for many bytes but only a few files more than a finished run has."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400m,nr_inodes=20", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def resize(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


@pytest.mark.slow
def test_a_disk_that_fills_up_loses_nothing(
    small_disk, finished, terminal, tiny, forget, tables
) -> None:
    """It is full when the tables are written, then there is room again."""
    resize(small_disk, "nr_inodes=100k")
    run = shutil.copytree(finished[0], small_disk / "run", symlinks=True)
    forget(run, "tables", "report")
    free = int(subprocess.check_output(["df", "--output=iused", str(small_disk)]).split()[-1])
    resize(small_disk, f"nr_inodes={free + 3}")
    command = ("run", *tiny, "--loggers", "[]", "--output", run)
    line = terminal(*command).complaint()
    assert "No space left on device" in line
    assert "free" in line
    assert tables(run) == tables(finished[0]), "the older tables are still whole"
    resize(small_disk, "nr_inodes=100k")
    again = terminal(*command).ok()
    assert again.done == ["tables", "report"]
    assert tables(run) == tables(finished[0])


def test_too_little_room_is_said_before_the_work(small_disk, terminal, tiny) -> None:
    resize(small_disk, "size=50m")
    line = terminal("run", *tiny, "--output", small_disk / "run").complaint()
    assert "200 MB" in line


def write_corpus(root: Path) -> dict[str, str]:
    """Speech in LibriSpeech's layout, with a bad utterance of every kind.

    Returns:
        What must be said of each bad utterance.
    """
    counts = {"n_train_speakers": 4, "n_dev_speakers": 2, "n_test_speakers": 3}
    each = {"train": 5, "dev": 2, "test": 2}
    corpus = EmbeddedCorpus(
        **counts, **{f"utterances_per_{split}_speaker": n for split, n in each.items()}
    )
    corpus.prepare()
    texts: dict[Path, dict[str, str]] = {}

    def write(subset: str, speaker: str, number: int, sound: np.ndarray, text: str, rate=16000):
        name = f"{speaker}-1-{number:04d}"
        folder = root / subset / speaker / "1"
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{name}.flac", sound, rate, subtype="PCM_16")
        texts.setdefault(folder, {})[name] = text
        return folder / f"{name}.flac"

    def speech(cuts: CutSet) -> dict[str, list[tuple[np.ndarray, str]]]:
        found: dict[str, list[tuple[np.ndarray, str]]] = {}
        for cut in cuts:
            said = cut.supervisions[0]
            found.setdefault(said.speaker, []).append((cut.load_audio()[0], said.text.upper()))
        return found

    names = iter(range(100, 200))
    kept: dict[str, dict[str, list[tuple[np.ndarray, str]]]] = {}
    for split, subset in (("train", "train-clean-5"), ("dev", "dev-clean"), ("test", "test-clean")):
        kept[split] = {str(next(names)): said for said in speech(corpus.load(split)).values()}
        for speaker, said in kept[split].items():
            for number, (sound, text) in enumerate(said):
                write(subset, speaker, number, sound, text)
    reasons: dict[str, str] = {}
    for split, subset in (("train", "train-clean-5"), ("test", "test-clean")):
        speaker, said = next(iter(kept[split].items()))
        sound, text = said[0]
        bad = {
            50: (sound, "unreadable|truncated"),
            51: (sound, "empty"),
            52: (np.zeros_like(sound), "silent"),
            53: (sound[:1600], "too short"),
            54: (np.clip(40 * sound, -1, 1), "clipped"),
            55: (sound, "outside the alphabet"),
            56: (np.stack([sound, sound], axis=1), "mixed down"),
            57: (sound[::2], "resampled from 8000 Hz"),
        }
        for number, (samples, reason) in bad.items():
            spoken = "SEVEN 7 \u00b5" if number == 55 else text
            rate = 8000 if number == 57 else 16000
            path = write(subset, speaker, number, samples, spoken, rate)
            reasons[path.stem] = reason
            if number == 50:
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            if number == 51:
                path.write_bytes(b"")
    write("test-clean", "300", 0, *next(iter(kept["test"].values()))[1])
    for folder, said in texts.items():
        lines = [f"{name} {text}" for name, text in sorted(said.items())]
        path = folder / f"{folder.parent.name}-{folder.name}.trans.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    speakers = sorted(path.name for path in root.glob("*/*"))
    rows = [f"{name} | {'FM'[i % 2]} | x | 1.0 | N. N." for i, name in enumerate(speakers)]
    (root / "SPEAKERS.TXT").write_text("; ID | SEX | ...\n" + "\n".join(rows) + "\n")
    return reasons


def write_noise(root: Path) -> str:
    """A folder in MUSAN's layout with a file that cannot be read among those for testing."""
    (root / "noise").mkdir(parents=True)
    for i in range(6):
        samples = np.random.default_rng(i).uniform(-0.3, 0.3, 8000)
        soundfile.write(root / "noise" / f"{i}.wav", samples, 16000)
    broken = next(iter(MusanNoise(str(root)).load("test"))).id
    (root / f"{broken}.wav").write_bytes(b"RIFF")
    return f"noise {broken}"


def test_bad_utterances_are_reported_and_nothing_else_is_lost(terminal, tiny, tmp_path) -> None:
    root, run = tmp_path / "LibriSpeech", tmp_path / "run"
    reasons = write_corpus(root)
    config = tmp_path / "corpus.yaml"
    musan = tmp_path / "musan"
    broken_noise = write_noise(musan)
    noise = {"class_path": "corpora.musan.MusanNoise", "init_args": {"root": str(musan)}}
    config.write_text(yaml.safe_dump({"corpus": subsets(root), "noise": noise}))
    less = ["--models", "[baseline]", "--probe.layers", "[cnn1]", "--loggers", "[]"]
    less += ["--evaluation.utterances_per_speaker", "null", "--evaluation.quality", "[stoi]"]
    less += ["--evaluation.quality_per_speaker", "null", "--evaluation.conditions", "[clean]"]
    less += ["--probe.training.max_steps", "30"]  # more than an epoch: every file is opened
    call = terminal("run", *tiny, "-c", config, *less, "--output", run).ok()
    assert "Traceback" not in call.err

    told: dict[str, str] = {}
    with (run / "failures.csv").open() as file:
        for row in csv.DictReader(file):
            told[row["utterance"]] = f"{told.get(row['utterance'], '')} {row['reason']}"
    for utterance, reason in reasons.items():
        assert any(words in told[utterance] for words in reason.split("|")), told[utterance]
    assert "unreadable" in told[broken_noise]
    assert set(told) == {*reasons, broken_noise, ""}
    assert "speaker 300 has a single utterance" in told[""]

    with (run / "scores.csv").open() as file:
        scores = [row for row in csv.DictReader(file) if row["layer"] == "cnn1"]
    test = {path.stem for path in root.glob("test-clean/*/*/*.flac")}
    assert {row["utterance"] for row in scores} == test, "no utterance is missing from the tables"
    failed = {(row["utterance"], row["metric"]): row["failure"] for row in scores if row["failure"]}
    speaker = min(path.name for path in (root / "test-clean").iterdir())
    for number in (50, 51, 52, 53):
        name = f"{speaker}-1-{number:04d}"
        for metric in ("stoi", "wer", "cer", "mel_l1"):
            assert any(w in failed[name, metric] for w in reasons[name].split("|"))
    foreign = f"{speaker}-1-0055"
    assert {metric for name, metric in failed if name == foreign} == {"wer", "cer"}
    assert {name[-2:] for name, _ in failed} == {"50", "51", "52", "53", "55"}
    with (run / "summary.csv").open() as file:
        counts = {
            row["metric"]: (int(row["n_scored"]), int(row["n_failed"]))
            for row in csv.DictReader(file)
            if row["layer"] == "cnn1"
        }
    assert counts["stoi"] == (len(test) - 4, 4)
    assert counts["wer"] == (len(test) - 5, 5)
