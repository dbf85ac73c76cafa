"""The data of the page Layers: the numbers of the tables, and complexity counted again."""

import csv
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.atlas import layers
from evaluation.atlas.catalogue import Atlas, catalogue
from evaluation.atlas.layer_complexity import exemplars, feature_complexity
from evaluation.atlas.layer_curves import COLUMNS, curves_of
from evaluation.atlas.settings import AtlasSettings
from evaluation.atlas.site import Site
from evaluation.bootstrap import speaker_weights
from evaluation.reading import number, select
from evaluation.run_folder import read_run
from evaluation.sonification.layer_complexity import layer_complexity

PHONES = ["s iː", "m uː n"]
"""In the best words of feature 0 of cnn1."""


def shard(root: Path, name: str) -> Any:
    text = (root / "data" / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(text[text.index(",") + 1 : text.rindex(")")])


def built(run: Path, root: Path) -> Atlas:
    """Writes what the page wants into `root`."""
    site = Site(root, AtlasSettings())
    atlas = catalogue(read_run(run), site, None, None, lambda fraction, text: None)
    layers.context(atlas)
    return atlas


@pytest.fixture(scope="module")
def root(layered_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    built(layered_run, root)
    return root


def table(run: Path, name: str) -> list[dict[str, str]]:
    with (run / "sonification" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_curves_are_the_summary(layered_run: Path, root: Path) -> None:
    """Every row of the model is there once, with its number, interval and counts."""
    summary = read_run(layered_run).summary
    for m, model in enumerate(("baseline", "robust", "untrained")):
        seen = 0
        for block in shard(root, f"layers/{m}/curves"):
            rows = select(summary, model=model, metric=block["metric"], scorer=block["scorer"])
            for condition, found in block["conditions"].items():
                mine = select(rows, condition=condition)
                told = found["layers"] | found["references"]
                assert told == {r["layer"]: [number(r[n]) for n in COLUMNS] for r in mine}
                seen += len(told)
                control = select(summary, model="untrained", condition=condition,
                                 metric=block["metric"], scorer=block["scorer"])  # fmt: skip
                expected = {r["layer"]: number(r["mean"]) for r in control if r["depth"]}
                assert {name: cells[0] for name, cells in found["control"].items()} == (
                    {} if model == "untrained" else expected
                )
        assert seen == len(select(summary, model=model))


def test_a_run_with_strange_metrics_only_has_charts_of_them() -> None:
    row = {"model": "m", "condition": "clean", "layer": "a", "depth": 1, "metric": "glow"}
    row |= {"scorer": "", "mean": 1, "ci_low": "", "ci_high": "", "n_scored": 3, "n_failed": 0}
    (block,) = curves_of([row], "m")
    assert block["charted"] and block["label"] == "glow"
    assert block["conditions"]["clean"]["layers"]["a"] == [1.0, None, None, 3.0, 0.0]
    assert curves_of([row], "other") == []


def test_complexity_from_texts_is_that_of_the_study() -> None:
    """Against `layer_complexity`, which counts ids of segments, with features that have none."""
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 7, 40).astype(float)
    ids = np.stack([rng.permutation(40)[:6] for _ in range(12)])
    ids[3] = -1
    ids[5, 2:] = -1
    speaker = np.arange(40) % 5
    found = layer_complexity(ids, counts, speaker, speaker_weights(5, 50, 1))
    feature, rank = (ids >= 0).nonzero()
    segment = ids[feature, rank]
    texts = [" ".join(["ə"] * int(counts[i])) for i in segment]
    names, complexity, counted = feature_complexity(feature, texts, ["u"] * len(texts))
    known = np.isfinite(found.of_feature)
    assert names.tolist() == known.nonzero()[0].tolist()
    assert np.allclose(complexity, found.of_feature[known])
    assert complexity.mean() == pytest.approx(found.mean.value)
    assert counted.tolist() == [(ids[i] >= 0).sum() for i in names]


def test_segments_of_utterances_without_phones_are_not_known() -> None:
    names, complexity, counted = feature_complexity(
        np.array([0, 0, 1, 2]), ["a b", "", "", ""], ["u", "u", "v", "u"]
    )
    assert names.tolist() == [0, 2] and counted.tolist() == [2, 1]
    assert complexity.tolist() == [1.0, 0.0]  # a word of `u` in which no phone has its middle


def test_three_features_stand_for_all() -> None:
    features, values = np.array([2, 5, 7, 9, 11]), np.array([3.0, 1.0, 2.5, 6.0, 1.0])
    found = exemplars(features, values)  # their mean is 2.7
    assert [tuple(one) for one in found] == [
        ("least", 5, 1.0), ("mean", 7, 2.5), ("most", 9, 6.0)
    ]  # fmt: skip
    (alone,) = exemplars(features[:1], values[:1])
    assert alone.feature == 2
    assert exemplars(features[:0], values[:0]) == []


def test_a_shard_has_the_numbers_of_the_tables(layered_run: Path, root: Path) -> None:
    """Of cnn1 by hand: least `aɪ`, mean (2.5, 1, 3.5) and most; one of four features is dead."""
    found = shard(root, "layers/0/0")
    rows = [row for row in table(layered_run, "baseline/dominance") if row["layer"] == "cnn1"]
    for told, row in zip(found["dominance"], rows, strict=True):
        assert told["group"] == row["group"]
        assert all(math.isclose(told[n], float(row[n])) for n in ("share", "ci_high", "chance"))
    assert [told["control"]["share"] for told in found["dominance"]] == [0.75, 0.0]
    assert found["complexity"][0]["mean"] == 1.5 and found["complexity"][0]["excess"] == 0.5
    assert found["complexity"][0]["control"]["mean"] == 1.75
    assert [one["measure"] for one in found["activity_pattern"]][1] == "length_s"
    assert found["same_word"][0]["overlap"] == 0.2 and found["same_word"][0]["n_undefined"] == 3
    counts = [0] * 20
    counts[0] = counts[9] = counts[19] = 1  # 0, 0.49 and 1
    assert found["sonified"]["counts"] == counts
    assert found["sonified"]["dead"] == [[3, "never active"]]
    assert found["sonified"]["mean"] == pytest.approx(1.49 / 3, abs=1e-6)
    told = [(one["which"], one["feature"], one["phones"]) for one in found["examples"]]
    assert told == [("least", 1, 1.0), ("mean", 0, 2.5), ("most", 2, 3.5)]
    assert [one["counted"] for one in found["examples"]] == [2, 2, 2]
    assert found["sonified"]["thresholds"] == [0, 0]
    assert [one["phones"] for one in found["examples"][1]["segments"]] == PHONES
    assert found["picture"]["image"].endswith(".png")
    untrained = shard(root, "layers/2/0")
    assert untrained["dominance"][0]["share"] == 0.75
    assert untrained["dominance"][0]["control"] is None


def test_samples_stand_beside_natural_and_all_sounds_are_there(root: Path) -> None:
    found = shard(root, "layers/0/4")
    assert len(found["samples"]) == 2 and found["samples"][0]["text"].startswith("the old sailor")
    other = shard(root, "layers/1/4")
    pairs = zip(found["samples"], other["samples"], strict=True)
    assert all(a["natural"] == b["natural"] and a["sound"] != b["sound"] for a, b in pairs)
    sounds = [sample[key] for sample in found["samples"] for key in ("natural", "sound")]
    sounds += [one["sound"] for e in found["examples"] for one in e["segments"]]
    made = shard(root, "layers/0/0")["audiation"]["sounds"]
    assert [one["feature"] for one in made] == [1, 3] and made[1]["sound"] is None
    sounds += [made[0]["sound"], made[0]["segment"]]
    assert all((root / sound).is_file() for sound in sounds)


def test_what_is_missing_is_empty_and_the_rest_is_there(layered_run: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(layered_run, tmp_path / "run"))
    study = broken / "sonification/baseline"
    (study / "segments.parquet").write_bytes(b"PAR1 half")
    (study / "features.parquet").unlink()
    (study / "complexity.csv").write_text('"a"\n1\n')
    shutil.rmtree(broken / "sonification/untrained")
    (broken / "audiation/baseline/sounds/cnn1-1.flac").unlink()
    (broken / "samples.csv").unlink()
    atlas = built(broken, tmp_path / "site")
    found = shard(tmp_path / "site", "layers/0/0")
    assert found["samples"] == [] and found["examples"] == [] and found["complexity"] == []
    assert found["sonified"] is None
    assert found["dominance"][0]["share"] == 0.5 and found["dominance"][0]["control"] is None
    assert found["audiation"]["sounds"][0]["sound"] is None
    assert any("baseline/segments.parquet: cannot be read" in note for note in atlas.notes)


def test_paths_of_tables_do_not_climb_out(layered_run: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(layered_run, tmp_path / "run"))
    path = broken / "audiation/baseline/sounds.csv"
    path.write_text(path.read_text().replace("sounds/cnn1-1.flac", "../../audio/secret.flac"))
    shutil.copy(broken / "audiation/baseline/clips/c.flac", broken / "audio/secret.flac")
    built(broken, tmp_path / "site")
    found = shard(tmp_path / "site", "layers/0/0")
    assert found["audiation"]["sounds"][0]["sound"] is None


def test_texts_of_data_are_escaped_in_shards(root: Path) -> None:
    text = (root / "data/layers/0/0.js").read_text()
    assert "<" not in text
    (first, _) = shard(root, "layers/0/0")["examples"][0]["segments"]
    assert first["words"] == "word</script><img src=x onerror=alert(1)>"
