"""The notebook's figures of a small DeepSpeech: what is drawn is what was learnt."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from acoustics.errors import UserError
from asr_models.deepspeech import DeepSpeech
from asr_models.recogniser import Recogniser
from evaluation.audiation.asked import hears_mfccs, mfccs_of, wants_learned_inputs
from evaluation.audiation.draws import Draws
from evaluation.audiation.learned_inputs import normal_frames
from evaluation.audiation.made import parameterisation
from evaluation.audiation.study import study
from evaluation.audiation.study_settings import AudiationSettings

SETTINGS = AudiationSettings(
    per_layer=1, most_layers=2, steps=20, held_out=1, controls=0, diverse=0, splits=["test"],
    lambdas=[0.0, 2.0], learning_rate=0.1,
)  # fmt: skip


@pytest.fixture(scope="module")
def recogniser() -> DeepSpeech:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return DeepSpeech(width=16).freeze()


@pytest.fixture(scope="module")
def folder(recogniser, speech, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("learned")
    study(recogniser, speech, folder, "deep", SETTINGS)
    return folder


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "learned_inputs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_recogniser_of_mfccs_has_the_three_figures(folder) -> None:
    names = {path.name for path in (folder / "learned_inputs").iterdir()}
    pictures = {"learned_inputs.png", "top_examples.png", "evolution-0.gif", "evolution-2.gif"}
    assert pictures <= names
    assert names - pictures == {
        f"{layer}-{weight}.flac" for layer in ("layer_1", "layer_6") for weight in (0, 2)
    }


def test_activation_rises_and_lambda_costs_total_variation(folder) -> None:
    found = rows(folder)
    ends: dict[tuple[str, str], tuple[float, float]] = {}
    for layer in ("layer_1", "layer_6"):
        for weight in ("0", "2"):
            mine = [r for r in found if (r["layer"], r["weight"]) == (layer, weight)]
            first, last = mine[0], mine[-1]
            assert (first["step"], last["step"]) == ("0", "20")
            values = [float(r["activation"]) - float(weight) * float(r["total_variation"])
                      for r in (first, last)]  # fmt: skip
            assert values[1] > values[0]
            ends[layer, weight] = float(last["activation"]), float(last["total_variation"])
        assert ends[layer, "2"][1] < ends[layer, "0"][1]
        assert ends[layer, "2"][0] < ends[layer, "0"][0]
    assert all(len(r["features"].split()) == 3 for r in found)


def test_the_animation_has_a_picture_for_every_step_that_was_measured(folder) -> None:
    steps = len({row["step"] for row in rows(folder)})
    with Image.open(folder / "learned_inputs" / "evolution-2.gif") as film:
        assert film.n_frames == steps == 21
        first = np.asarray(film.convert("RGB"), float)
        film.seek(film.n_frames - 1)
        assert np.abs(np.asarray(film.convert("RGB"), float) - first).mean() > 1
        assert film.info["duration"] > 1000 and film.info["loop"] == 0


def test_frames_are_drawn_as_the_recogniser_normalises_them(recogniser) -> None:
    mel = torch.randn(2, 50, 40)
    found = normal_frames(recogniser, mel)
    assert found.shape == (2, 50, 26)
    np.testing.assert_allclose(found.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(1), 1, atol=1e-3)


def test_who_gets_them(recogniser, tiny_recogniser, toy) -> None:
    other = tiny_recogniser()
    asked, refused = (replace(SETTINGS, learned_inputs=value) for value in (True, False))
    assert hears_mfccs(recogniser) and not hears_mfccs(other)
    assert wants_learned_inputs(recogniser, SETTINGS) and not wants_learned_inputs(other, SETTINGS)
    assert wants_learned_inputs(other, asked) and not wants_learned_inputs(recogniser, refused)
    assert not wants_learned_inputs(toy.recogniser(), SETTINGS)
    with pytest.raises(UserError, match="Matched hears waveforms and cannot be fed frames"):
        wants_learned_inputs(toy.recogniser(), asked)


def test_inputs_have_as_many_coefficients_as_the_recogniser_hears(tiny_recogniser) -> None:
    few, asked = DeepSpeech(width=8, n_mfcc=13), replace(SETTINGS, representation="mfcc")

    def start(recogniser: Recogniser) -> tuple[int, ...]:
        bands = torch.zeros(recogniser.log_mel.n_mels), torch.ones(recogniser.log_mel.n_mels)
        made = parameterisation(recogniser, asked, lambda: bands)
        return tuple(made.start(Draws([("a",)], "start")).shape)

    assert mfccs_of(few) == 13 and start(few)[2] == 13
    assert mfccs_of(tiny_recogniser()) == 0 and start(tiny_recogniser())[2] == 26


def test_log_mel_where_the_recogniser_hears_that(tiny_recogniser, speech, tmp_path) -> None:
    settings = replace(SETTINGS, learned_inputs=True, features={"cnn1": [0]}, steps=4)
    study(tiny_recogniser().freeze(), speech, tmp_path, "tiny", settings)
    assert (tmp_path / "learned_inputs" / "cnn1-2.flac").is_file()
    assert {row["layer"] for row in rows(tmp_path)} == {"cnn1"}
