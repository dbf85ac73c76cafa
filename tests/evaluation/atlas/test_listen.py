"""The page Listen: every layer can be heard, equally loud, and what cannot is counted."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torchaudio.functional import loudness

from evaluation.atlas.catalogue import catalogue
from evaluation.atlas.listen import context
from evaluation.atlas.settings import AtlasSettings
from evaluation.atlas.site import Site
from evaluation.listening import REFERENCE, REFERENCE_LAYERS, save_samples
from evaluation.pictures import mel_levels, mel_picture
from evaluation.run_folder import read_run


def made(
    run: Path, models: list[str] | None = None, **settings: Any
) -> tuple[dict[str, Any], list[dict[str, Any]], Site]:
    """What the template reads, the shards of the utterances, and the site."""
    site = Site(run / "report", AtlasSettings(**settings))
    atlas = catalogue(read_run(run, models), site, models, None, lambda fraction, text: None)
    found = context(atlas)
    count = len(found["utterances"])
    return found, [shard(site.folder, f"listen/{i}") for i in range(count)], site


def shard(folder: Path, name: str) -> dict[str, Any]:
    text = (folder / f"data/{name}.js").read_text(encoding="utf-8")
    return dict(json.loads(text[text.index(",") + 1 : text.rindex(")")]))


@pytest.fixture
def few(run_folder: Path) -> Path:
    """A run of 42 sounds, to break: of the first and the last layer of two models."""
    layers = (*REFERENCE_LAYERS, "cnn1", "blstm5")
    samples = read_run(run_folder).samples
    kept = [one for one in samples if one.model != "untrained" and one.layer in layers]
    (run_folder / "samples.csv").unlink()
    save_samples(run_folder, kept[::-1])
    return run_folder


def test_all_that_was_rendered_can_be_heard(few: Path) -> None:
    found, shards, site = made(few)
    assert [one["utterance"] for one in shards] == ["m03-0002", "m01-0007", "f02-0001"]
    assert found["missing"] == [] and found["conditions"] == ["clean", "snr0"]
    assert found["references"] == list(REFERENCE_LAYERS)
    for one in shards:
        assert one["text"] == "the old sailor sings at noon" and one["sex"] == "male"
        assert one["seconds"] == pytest.approx(0.4)
        keys = [(cell["condition"], cell["model"], cell["layer"]) for cell in one["cells"]]
        assert len(set(keys)) == len(keys) == 2 * (3 + 2 * 2)
        assert keys[:4] == [("clean", REFERENCE, layer) for layer in REFERENCE_LAYERS] + [
            ("clean", "baseline", "cnn1")
        ]
        for cell in one["cells"]:
            assert (site.folder / cell["sound"]).is_file() and cell["gone"] == ""
            assert (site.folder / cell["picture"]).is_file()


def test_pictures_share_the_scale_of_the_natural_mel(few: Path) -> None:
    _, shards, site = made(few)
    samples = {sample.key: sample for sample in read_run(few).samples}
    utterance = shards[1]["utterance"]
    natural = np.load(few / samples[REFERENCE, "snr0", "natural", utterance].mel)
    deep = np.load(few / samples["robust", "snr0", "blstm5", utterance].mel)
    cell = next(cell for cell in shards[1]["cells"]
                if list(cell.values())[:3] == ["snr0", "robust", "blstm5"])  # fmt: skip
    expected = mel_picture(deep, levels=mel_levels(natural), axis=False, scale=1)
    assert (site.folder / cell["picture"]).read_bytes() == expected


def test_a_layer_has_its_scores_and_references_have_them_once(few: Path) -> None:
    found, _, site = made(few)
    index = shard(site.folder, "listen")
    assert index["layers"] == ["cnn1", "blstm5"]
    scores = {(s["condition"], s["model"], s["layer"]): s["scores"] for s in index["scores"]}
    assert len(scores) == len(index["scores"]) == 2 * (3 + 3 * 9)
    with (few / "summary.csv").open() as file:
        rows = {(r["condition"], r["model"], r["layer"], r["metric"], r["scorer"]): r["mean"]
                for r in csv.DictReader(file)}  # fmt: skip
    place = "snr0", "robust", "blstm2"
    assert [text for text, _ in scores[place]] == [
        f"EER {float(rows[*place, 'eer', 'ge2e']):.1f} %",
        f"STOI {float(rows[*place, 'stoi', '']):.3f}",
        f"WER {float(rows[*place, 'wer', 'baseline']):.1f} %",
    ]
    assert found["scorers"] == {"eer": "ge2e", "stoi": "", "wer": "baseline"}


def test_all_are_equally_loud_though_their_sources_are_not(few: Path) -> None:
    for sample in read_run(few).samples:
        if sample.layer in ("cnn1", "mean-mel"):
            wave, rate = soundfile.read(few / sample.audio)
            gain = 10 ** (-20 / 20) if sample.layer == "cnn1" else 0.98 / np.abs(wave).max()
            soundfile.write(few / sample.audio, gain * wave, rate)
    _, shards, site = made(few, models=["baseline"])
    levels = []
    for cell in shards[0]["cells"]:
        wave, rate = soundfile.read(site.folder / cell["sound"], dtype="float32")
        levels.append(float(loudness(torch.from_numpy(np.tile(wave, 3))[None], rate)))
        assert np.abs(wave).max() < 1.0
    assert max(levels) - min(levels) < 0.5


def test_absent_and_broken_sounds_are_counted_and_named(few: Path) -> None:
    samples = {sample.key: sample for sample in read_run(few).samples}
    gone = samples["baseline", "clean", "cnn1", "m03-0002"]
    (few / gone.audio).unlink()
    (few / samples["robust", "clean", "cnn1", "m03-0002"].audio).write_bytes(b"fLaC no")
    found, shards, site = made(few)
    assert found["missing"] == [
        "2 of 42 sounds are absent: their files under audio/ are missing or broken"
    ]
    without = [cell for cell in shards[0]["cells"] if not cell["sound"]]
    assert [(cell["model"], cell["layer"], cell["gone"]) for cell in without] == [
        ("baseline", "cnn1", "absent"), ("robust", "cnn1", "absent")
    ]  # fmt: skip
    assert site.absent == 2 and all(cell["picture"] is None for cell in without)


def test_a_sound_without_its_mel_still_plays(few: Path) -> None:
    for sample in read_run(few).samples:
        if sample.utterance == "m03-0002" and sample.layer in ("natural", "cnn1"):
            (few / sample.mel).unlink()
    found, shards, _ = made(few)
    bare = {cell["layer"] for cell in shards[0]["cells"] if not cell["picture"]}
    assert bare == {"natural", "cnn1"} and all(cell["sound"] for cell in shards[0]["cells"])
    assert found["missing"] == []


def test_the_last_utterances_go_where_there_is_no_room(few: Path) -> None:
    whole = made(few)[2].size / 1e6
    found, shards, site = made(few, max_megabytes=0.6 * whole)
    heard = [sum(cell["sound"] is not None for cell in one["cells"]) for one in shards]
    assert heard[0] == 14 > heard[1] >= heard[2] and sum(heard) < 42
    reasons = {cell["gone"] for one in shards for cell in one["cells"] if not cell["sound"]}
    assert reasons == {"no room"}
    assert found["missing"][0].startswith(f"{42 - sum(heard)} of 42 sounds have no room in")
    assert "--max_megabytes" in found["missing"][0] and site.absent == 0


def test_models_of_an_earlier_configuration_are_not_heard(few: Path) -> None:
    found, shards, _ = made(few, models=["baseline"])
    assert [model["name"] for model in found["models"]] == ["baseline"]
    assert {cell["model"] for cell in shards[0]["cells"]} == {REFERENCE, "baseline"}
