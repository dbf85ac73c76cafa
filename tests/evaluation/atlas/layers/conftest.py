"""A run with all that the pages Layers and Network show, two layers of it sonified."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.audiation.study_rows import LayerRow, SoundRow, layer_rows
from evaluation.listening import write_audio
from evaluation.sonification.activity_claims import ActivityRow
from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.export import SCHEMAS, write_records, write_table
from evaluation.sonification.same_word import SameWordRow

PHONES = {
    "cnn1": [["s iː", "m uː n"], ["aɪ", "aɪ"], ["s t ɒ p t", "s iː"], []],
    "blstm1": [["aɪ", "s iː"], ["b a n ɑː n ə", "s t ɒ p t"], ["m uː n", "aɪ"]],
}
"""Of the best words of every feature; the last feature of cnn1 is dead."""

LAYERS = ("cnn1", "cnn2", "cnn3", "cnn4", "blstm1", "blstm2", "blstm3", "blstm4", "blstm5")
DENSITY = {"cnn1": [0.0, 0.49, 1.0, np.nan], "blstm1": [0.1, 0.12, 0.13]}
EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def layered_run(whole_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three models scored, two of them sonified, one with audiations: read only."""
    run = Path(shutil.copytree(whole_run, tmp_path_factory.mktemp("layers") / "run"))
    for model, share in (("baseline", 0.5), ("untrained", 0.75)):
        sonify(run, model, share)
        write_layers(run / "recognisers" / model, [*LAYERS])
    audiate(run, "baseline")
    samples = run / "samples.csv"
    first, *rows = samples.read_text().splitlines()
    samples.write_text("\n".join([first, *(row for row in rows if ",f02-0001," in row)]) + "\n")
    return run


def write_layers(folder: Path, names: list[str]) -> None:
    """layers.json of a stack."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"name": name, "depth": i + 1, "kind": "convolution", "stride": 160, "offset": 80.0,
         "width": 64, "features": 16, "inputs": names[i - 1 : i] if i else []}
        for i, name in enumerate(names)
    ]  # fmt: skip
    (folder / "layers.json").write_text(json.dumps(rows))


def sonify(run: Path, model: str, share: float) -> None:
    """A study of two layers; women dominate `share` of cnn1, half as much of blstm1."""
    folder = run / "sonification" / model
    places = {"cnn1": 1, "blstm1": 5}
    features, segments = [], []
    for layer, depth in places.items():
        count = len(PHONES[layer])
        dead = ["" if phones else "never active" for phones in PHONES[layer]]
        cells = {"layer": layer, "depth": depth, "feature": range(count), "dead": dead}
        cells |= {"density": DENSITY[layer], "broken": 0}
        features.append(_table("features", count, cells))
        rows = [(f, r, text) for f, told in enumerate(PHONES[layer]) for r, text in enumerate(told)]
        told = [text for *_, text in rows]
        start = [0.1 * r for _, r, _ in rows]
        clips = [f"clips/u{f}-{round(16000 * s)}-{round(16000 * s + 3200)}.flac"
                 for (f, *_), s in zip(rows, start, strict=True)]  # fmt: skip
        cells = {"unit": "words", "layer": layer, "depth": depth, "clip": clips, "phones": told}
        cells |= {"feature": [f for f, *_ in rows], "rank": [r + 1 for _, r, _ in rows]}
        cells |= {"utterance": [f"u{f}" for f, *_ in rows], "start_s": start}
        cells |= {"end_s": [s + 0.2 for s in start], "words": [f"word{EVIL}" for _ in rows]}
        segments.append(_table("segments", len(rows), cells | {"speaker": "w01", "sex": "female"}))
        for i, clip in enumerate(clips):
            tone = 0.3 * np.sin(np.arange(16000) * 0.02 * (i + 1 + depth))
            write_audio(folder / clip, tone.astype(np.float32), 16000)
    write_table(folder, "features", features)
    write_table(folder, "segments", segments)
    write_records(folder, "dominance", DominanceRow, [
        DominanceRow(model, layer, depth, "segments", "sex", group, 30, 4, 0, 1, value / depth, 0.0,
                     0.5, 0.01, 0.0, 0.1, 0.02, 1)
        for layer, depth in places.items() for group, value in (("female", share), ("male", 0.0))
    ])  # fmt: skip
    write_records(folder, "complexity", ComplexityRow, [
        ComplexityRow(model, layer, depth, "words", 4, 1, 1.0, share + depth, 1.2, 5.0, 6.0, 3.9,
                      2.0, 0.5, 0.1, 0.9)
        for layer, depth in places.items()
    ])  # fmt: skip
    write_records(folder, "activity_pattern", ActivityRow, [
        ActivityRow(model, layer, depth, measure, 4, 1, 0.5, 0.4, 0.6)
        for layer, depth in places.items() for measure in ("active_share", "length_s", "spikiness")
    ])  # fmt: skip
    write_records(folder, "same_word", SameWordRow, [
        SameWordRow(model, layer, depth, 500, 3, 1, 0.1, 0.1, 0.2, 0.1, 0.3, 0.05, 0.4, 0.3, 0.5,
                    0.2, 0.0, 0.4)
        for layer, depth in places.items()
    ])  # fmt: skip
    (folder / "figures").mkdir()
    for name in ("grid-cnn1", "heat_map"):
        Image.new("RGB", (40, 30), "green").save(folder / "figures" / f"{name}.png")


def _table(table: str, count: int, cells: dict[str, object]) -> dict[str, np.ndarray]:
    kinds = SCHEMAS[table].items()
    found = {name: np.array("" if kind == "string" else 0) for name, kind in kinds}
    found |= {name: np.array(value) for name, value in cells.items()}
    return {name: np.broadcast_to(values, count) for name, values in found.items()}


def audiate(run: Path, model: str) -> None:
    """Sounds for two features of cnn1, the first of which is reached."""
    folder = run / "audiation" / model
    rows = [
        SoundRow(model, "as asked", "cnn1", 1, feature, 0, problem, 0.5, reached, 2.0, 1, 2.5, 2.0,
                 1, 4, None, None, "u1", 0.0, 0.2, "sea", "s iː", f"sounds/cnn1-{feature}.flac", "",
                 "clips/c.flac")
        for feature, problem, reached in ((1, "", 3.0), (3, "dead", None))
    ]  # fmt: skip
    write_records(folder, "sounds", SoundRow, rows)
    write_records(folder, "layers", LayerRow, list(layer_rows(rows)))
    for name in ("sounds/cnn1-1", "clips/c"):
        tone = 0.3 * np.sin(np.arange(16000) * 0.1 * len(name))
        write_audio(folder / f"{name}.flac", tone.astype(np.float32), 16000)
