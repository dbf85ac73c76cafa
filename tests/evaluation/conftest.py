"""A run folder made up for the tests of report, listening and loggers: plausible, small, quick."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from evaluation.listening import REFERENCE, Sample, save_samples, write_sample

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
