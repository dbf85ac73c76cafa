"""A run folder made up for the tests of report, listening and loggers: plausible, small, quick."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet, Recording, SupervisionSegment
from PIL import Image

from corpora.corpus import Corpus, Progress, Split
from corpora.datamodule import SpeechDataModule
from evaluation.audiation.study_rows import SoundRow
from evaluation.listening import REFERENCE, Sample, save_samples, write_audio, write_sample
from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.depth_trend import Claim
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.examples import ExampleRow
from evaluation.sonification.export import FINDINGS, SCHEMAS, write_records, write_table
from evaluation.sonification.word_pairs import WordFeatureRow, WordPairRow

LAYERS = ["cnn1", "cnn2", "cnn3", "cnn4", "blstm1", "blstm2", "blstm3", "blstm4", "blstm5"]
MODELS = ["baseline", "robust", "untrained"]
CONDITIONS = ["clean", "snr0"]
UTTERANCES = {"f02-0001": "f02", "m01-0007": "m01", "m03-0002": "m03"}
SCORERS = {
    "eer": ["ge2e"], "min_dcf": ["ge2e"], "stoi": [""], "estoi": [""], "pesq_wb": [""],
    "pesq_nb": [""], "wer": ["baseline", "robust"], "cer": ["baseline", "robust"], "mel_l1": [""],
}  # fmt: skip
ENDS = {
    "eer": (2.2, 48.0), "min_dcf": (0.2, 0.98), "stoi": (0.97, 0.56), "estoi": (0.93, 0.4),
    "pesq_wb": (3.1, 1.2), "pesq_nb": (3.6, 1.6), "wer": (14.0, 88.0), "cer": (5.0, 60.0),
    "mel_l1": (0.0, 1.6),
}  # fmt: skip


def loss(model: str, condition: str, depth: int) -> float:
    """How much is gone at a depth, 0 to 1."""
    rise = {"baseline": 0.9, "robust": 1.0, "untrained": 0.35}[model]
    gone = rise / (1 + np.exp(-(depth - 5.6) * (1.1 if model != "untrained" else 0.5)))
    return float(0.04 + 0.95 * gone if condition == "clean" else 0.42 + 0.55 * gone)


def summary_rows() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for condition in CONDITIONS:
        for model in MODELS:
            for metric, scorers in SCORERS.items():
                low, high = ENDS[metric]
                noise = 0.0 if condition == "clean" else 0.35
                levels = {"natural": noise, "copy-synthesis": noise + 0.02, "mean-mel": 1.0}
                levels |= {name: loss(model, condition, at + 1) for at, name in enumerate(LAYERS)}
                for scorer in scorers:
                    own = 0.03 if scorer == "robust" else 0.0
                    for layer, level in levels.items():
                        mean = low + (high - low) * min(level + own, 1.0)
                        depth = LAYERS.index(layer) + 1 if layer in LAYERS else ""
                        half = abs(high - low) * 0.05
                        failed = 2 if metric == "pesq_wb" and layer == "mean-mel" else 0
                        rows.append(
                            {
                                "model": model,
                                "condition": condition,
                                "layer": layer,
                                "depth": depth,
                                "metric": metric,
                                "scorer": scorer,
                                "mean": round(mean, 5),
                                "ci_low": round(max(mean - half, 0.0), 5),
                                "ci_high": round(mean + half, 5),
                                "n_scored": 120 - failed,
                                "n_failed": failed,
                            }
                        )
    return rows


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_curves(run: Path) -> None:
    rng = np.random.default_rng(1)
    for model in MODELS:
        rows: list[dict[str, object]] = []
        for at, layer in enumerate(LAYERS):
            for step in range(0, 1001, 20):
                value = 0.3 + 0.09 * at + 1.2 * np.exp(-step / 90)
                rows.append({"step": step, "split": "train", "layer": layer,
                             "mel_l1": value + rng.normal(0, 0.02)})  # fmt: skip
                if step % 100 == 0:
                    rows.append({"step": step, "split": "dev", "layer": layer,
                                 "mel_l1": value + 0.02})  # fmt: skip
        write_csv(run / "probes" / model / "curves.csv", rows)
    for model in MODELS[:2]:
        rows = []
        for step in range(0, 2001, 50):
            fall = float(np.exp(-step / 500))
            rows.append({"step": step, "split": "train", "metric": "loss", "value": 2.8 * fall})
            if step % 200 == 0:
                rows.append({"step": step, "split": "dev", "metric": "loss", "value": 2.9 * fall})
                rows.append({"step": step, "split": "dev", "metric": "wer", "value": 100 * fall})
        write_csv(run / "recognisers" / model / "curves.csv", rows)


def speech(seconds: float, seed: int, blur: float) -> tuple[np.ndarray, np.ndarray]:
    """A vowel-like sound and a mel-like picture `(frame, mel)`; `blur` 0 to 1 takes detail away."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(16000 * seconds)) / 16000
    pitch = 110 + 30 * (seed % 4) * (1 - blur) + 12 * np.sin(2 * np.pi * 3 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    wave = sum(np.sin(k * phase) / k for k in range(1, 12)) * (0.55 + 0.45 * np.sin(9 * time)) ** 2
    wave = 0.12 * wave + 0.02 * blur * rng.normal(size=time.size)
    frames, bands = np.arange(time.size // 160 + 1)[:, None], np.arange(80)[None]
    ripple = 1.6 * np.cos(bands / (1.1 + 0.02 * bands)) * (1 - blur)
    shape = -6 + 4 * np.exp(-(((bands - 22 - 9 * np.sin(frames / 11 + seed)) / 9.0) ** 2))
    shape = shape + 2.5 * np.exp(-(((bands - 50 - 6 * np.cos(frames / 15)) / 7.0) ** 2)) + ripple
    mel = shape * (0.8 + 0.2 * np.cos(frames / 13)) + rng.normal(0, 0.25, (len(frames), 80))
    return wave.astype(np.float32), mel.astype(np.float32)


def write_samples(run: Path, seconds: float = 1.0) -> None:
    samples: list[Sample] = []
    for seed, (utterance, speaker) in enumerate(UTTERANCES.items()):
        for condition in CONDITIONS:
            todo = [(REFERENCE, layer, 1.0 if layer == "mean-mel" else 0.0)
                    for layer in ("natural", "copy-synthesis", "mean-mel")]  # fmt: skip
            todo += [(model, layer, min(1.0, loss(model, condition, at + 1)))
                     for model in MODELS for at, layer in enumerate(LAYERS)]  # fmt: skip
            for model, layer, blur in todo:
                wave, mel = speech(seconds, seed, blur)
                samples.append(
                    write_sample(run, model=model, condition=condition, layer=layer,
                                 utterance=utterance, speaker=speaker, mel=mel, waveform=wave)
                )  # fmt: skip
    save_samples(run, samples)


def write_rest(run: Path) -> None:
    (run / "config.yaml").write_text("seed: 0\ncorpus:\n  class_path: corpora.embedded.X\n")
    names = ["corpus", "recognisers", "probes", "render", "score"]
    stages = [{"stage": name, "seconds": 12.5, "status": "done"} for name in names]
    (run / "stages.json").write_text(json.dumps(stages))
    environment = {"versions": {"torch": "2.11.0", "otoscope": "0.1.0"}, "seeds": {"test": 1234}}
    (run / "environment.json").write_text(json.dumps(environment))
    write_csv(run / "failures.csv", [{"split": "test", "utterance": "m09-0003",
                                      "reason": "0.10 s is shorter than 0.25 s"}])  # fmt: skip
    scores = [{"model": "baseline", "condition": "clean", "noise": "", "layer": "mean-mel",
               "utterance": utterance, "speaker": speaker, "metric": "pesq_wb", "scorer": "",
               "value": "", "failure": "no speech found in the reference"}
              for utterance, speaker in UTTERANCES.items()]  # fmt: skip
    write_csv(run / "scores.csv", [*scores[:2], {**scores[2], "value": 1.2, "failure": ""}])
    texts = [{"utterance": utterance, "speaker": speaker, "sex": "male", "duration_s": 1.0,
              "n_words": 5, "n_chars": 22, "text": "the old sailor sings at noon"}
             for utterance, speaker in UTTERANCES.items()]  # fmt: skip
    write_csv(run / "utterances.csv", texts)


def make_run(run: Path, seconds: float = 1.0) -> Path:
    """Write the whole folder and return it."""
    run.mkdir(parents=True)
    write_csv(run / "summary.csv", summary_rows())
    write_curves(run)
    write_samples(run, seconds)
    write_rest(run)
    return run


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, shared by the tests: read only."""
    return make_run(tmp_path_factory.mktemp("runs") / "embedded", seconds=0.4)


@pytest.fixture
def run_folder(whole_run: Path, tmp_path: Path) -> Path:
    """A finished run of one's own, to break."""
    return Path(shutil.copytree(whole_run, tmp_path / "run"))


SONIFIED = {"conv1": 1, "conv2": 2, "lstm1": 3}
WORDS = ("sea", "moon")
KINDS = {"sea": ["both", "male", "female", "neither"], "moon": ["both", "both", "male", "neither"]}
SEGMENT_S = 0.25


def write_study(run: Path, model: str) -> Path:
    """A study of three layers with four features each, the last of conv1 dead; return its folder.

    Every sound is of a pitch of its own, so no two are equal.
    """
    folder = run / "sonification" / model
    clips = [f"clips/{name}.flac" for name in ("w1", "m1", "w2", "m2", "best0", "best1")]
    for i, clip in enumerate(clips):
        tone = np.sin(np.arange(int(16000 * SEGMENT_S)) * 0.02 * (i + 1))
        write_audio(folder / clip, 0.3 * tone.astype(np.float32), 16000)
    _write_large(folder)
    write_records(folder, "dominance", DominanceRow, [
        DominanceRow(model, layer, depth, "segments", "sex", group, 30, 4, 0, 1, 0.25 / depth, 0.0,
                     0.5, 0.01, 0.0, 0.1, 0.02, 1)
        for layer, depth in SONIFIED.items() for group in ("female", "male")
    ])  # fmt: skip
    write_records(folder, "complexity", ComplexityRow, [
        ComplexityRow(model, layer, depth, "words", 4, 0, 1.0, 1.5 + depth, 1.2, 5.0, 6.0, 3.9)
        for layer, depth in SONIFIED.items()
    ])  # fmt: skip
    write_records(folder, "claims", Claim, [
        Claim("dominance", model, "segments", "holds", "slope", -2.0, -3.0, -1.0,
              f"It falls with depth in {model}."),
        Claim("same word", model, "words", "cannot be said", "slope", None, None, None, "Few."),
    ])  # fmt: skip
    write_records(folder, "examples", ExampleRow, [
        ExampleRow(model, "segments", layer, depth, 2, 0.4, rank, 0.5, "u-1", "w01", "female", 0.0,
                   0.25, "sea", "s iː", clips[3 + rank])
        for layer, depth in SONIFIED.items() for rank in (1, 2)
    ])  # fmt: skip
    write_records(folder, "word_features", WordFeatureRow, [
        WordFeatureRow(model, word, layer, depth, 3 * i, kind)
        for word in WORDS for layer, depth in SONIFIED.items()
        for i, kind in enumerate(KINDS[word])
    ])  # fmt: skip
    write_records(folder, "word_pairs", WordPairRow, [
        WordPairRow(model, word, "w01", "w01-1", 0.1, clips[2 * i], "m01", "m01-1", 0.2,
                    clips[2 * i + 1])
        for i, word in enumerate(WORDS)
    ])  # fmt: skip
    for name, colour in (("heat_map", "red"), ("same_word", "blue"), ("grid-lstm1", "green")):
        (folder / "figures").mkdir(exist_ok=True)
        Image.new("RGB", (40, 30), colour).save(folder / "figures" / f"{name}.png")
        (folder / "figures" / f"{name}.svg").write_text("<svg/>")
    return folder


def _write_large(folder: Path) -> None:
    """The tables that `write_sonification` writes layer by layer."""
    for name in ("features", "selectivity"):
        write_table(
            folder, name, [_columns(name, layer, depth) for layer, depth in SONIFIED.items()]
        )
    kinds = SCHEMAS["segments"].items()
    segments = {name: np.array([""] * 2 if kind == "string" else [0] * 2) for name, kind in kinds}
    names = {"speaker": np.array(["w01", "m01"]), "utterance": np.array(["u-1", "u-2"])}
    write_table(folder, "segments", [segments | names])
    write_table(folder, "remarks", [{"remark": np.array(["blstm9: one score is lost"])}])


def _columns(table: str, layer: str, depth: int) -> dict[str, np.ndarray]:
    """One layer of a table: men speak in 20, 95, 50 and 10 % of its features' segments."""
    lost = layer == "conv1"
    male = np.array([0.2, 0.95, 0.5, np.nan if lost else 0.1])
    names = (SCHEMAS | FINDINGS)[table]
    cells: dict[str, object] = dict.fromkeys(names, 0.0) | {"layer": layer, "depth": depth}
    cells |= {"feature": [*range(4)], "broken": 0, "dead": ["", "", "", "never" if lost else ""]}
    cells |= {"unit": "segments", "attribute": "sex", "group": "male", "favourite": False}
    cells |= {"share": male, "base": 0.4, "q": [0.3, 0.01, 0.9, 0.5]}
    return {name: np.broadcast_to(np.array(cells[name]), 4) for name in names}


@pytest.fixture
def sonified_run(tmp_path: Path) -> Path:
    """A run of which only two studies are there, of one's own, to break."""
    for model in ("robust", "baseline"):
        write_study(tmp_path / "run", model)
    return tmp_path / "run"


@pytest.fixture
def studied_run(tmp_path: Path) -> Path:
    """A run without samples, with a study of every model and of the control, of one's own."""
    for model in MODELS:
        write_study(tmp_path / "run", model)
    write_csv(tmp_path / "run" / "summary.csv", summary_rows())
    write_curves(tmp_path / "run")
    write_rest(tmp_path / "run")
    return tmp_path / "run"


AUDIATED = (("conv1", 3), ("lstm1", 0), ("lstm1", 7))


@pytest.fixture
def audiated_run(tmp_path: Path) -> Path:
    """A run with sounds made for three features of `robust`, the last of which is dead."""
    folder = tmp_path / "audiated" / "audiation" / "robust"
    rows = []
    for i, (layer, feature) in enumerate(AUDIATED):
        paths = (
            f"sounds/{layer}-{feature}.flac",
            f"pictures/{layer}-{feature}.png",
            "clips/c.flac",
        )
        tone = 0.3 * np.sin(np.arange(1600) * 0.02 * (i + 1))
        dead = layer == "lstm1" and feature == 7
        if not dead:
            write_audio(folder / paths[0], tone.astype(np.float32), 16000)
            (folder / "pictures").mkdir(exist_ok=True)
            Image.new("RGB", (20 + i, 10)).save(folder / paths[1])
        values = dict.fromkeys(("start", "reached", "strongest", "above", "held_out"))
        values |= dict.fromkeys(("lowest", "rank", "snr_db", "syllabic_share"))
        values |= {} if dead else {"start": 0.5, "reached": 3.0, "strongest": 2.0, "rank": 1}
        files = dict(zip(("audio", "picture", "clip"), paths, strict=True))
        rows.append(
            SoundRow(
                model="robust",
                variant="as asked",
                layer=layer,
                depth=1 + i,
                feature=feature,
                sample=0,
                problem="dead" if dead else "",
                features=8,
                utterance="u1",
                start_s=0.0,
                end_s=0.5,
                words="sea",
                phones="",
                **values,
                **files,
            )
        )
    write_records(folder, "sounds", SoundRow, rows)
    (folder / "figures").mkdir()
    Image.new("RGB", (30, 20)).save(folder / "figures" / "reached.png")
    (folder / "learned_inputs").mkdir()
    first, last = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    first.save(folder / "learned_inputs" / "evolution-3.gif", save_all=True, append_images=[last])
    return folder.parent.parent


class Vowels(Corpus):
    """Four utterances of two speakers on disk, all of them test speech; nobody knows the words."""

    phone_set = None

    def __init__(self, folder: Path, sounds: list[np.ndarray]) -> None:
        self.cuts = []
        for i, sound in enumerate(sounds):
            path = folder / f"v{i}.wav"
            soundfile.write(path, sound, 16000, subtype="PCM_16")
            cut = Recording.from_file(path, recording_id=f"v{i}").to_cut()
            cut.id = f"v{i}"
            said = {"speaker": f"s{i % 2}", "text": "a quiet river"}
            cut.supervisions = [SupervisionSegment(f"v{i}", f"v{i}", 0.0, cut.duration, **said)]
            self.cuts.append(cut)

    def prepare(self, progress: Progress | None = None) -> None:
        """Nothing."""

    def load(self, split: Split) -> CutSet:
        """All of it is test speech."""
        return CutSet.from_cuts(self.cuts if split == "test" else [])

    def fingerprint(self) -> str:
        """Not asked for."""
        return "vowels"


@pytest.fixture(name="speech", scope="session")
def vowel_speech(vowels, tmp_path_factory: pytest.TempPathFactory) -> SpeechDataModule:
    """Vowels as a data module."""
    sounds = [vowels(count, i) for i, count in enumerate((20000, 24000, 17600, 21000))]
    return SpeechDataModule(Vowels(tmp_path_factory.mktemp("vowels"), sounds), batch_duration_s=9)
