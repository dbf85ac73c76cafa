"""TensorBoard: what was logged is read back from the event file."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from evaluation.audiation.logged import read_audiations
from evaluation.listening import Sample, read_samples
from evaluation.sonification.logged import read_studies
from evaluation.tensorboard_samples import (
    log_audiation,
    log_curves,
    log_samples,
    log_sonification,
)


def test_samples_and_curves_are_read_back(whole_run: Path, tmp_path: Path) -> None:
    samples = [s for s in read_samples(whole_run) if s.layer in ("natural", "blstm5")][:4]
    gone = Sample("robust", "clean", "cnn2", "lost", "m01", "audio/none.flac", "x.png", "x.npy")
    with (whole_run / "summary.csv").open(newline="") as file:
        summary = [row for row in csv.DictReader(file) if row["metric"] in ("eer", "stoi")]
    with SummaryWriter(str(tmp_path)) as writer:
        log_samples(writer, [*samples, gone], whole_run)
        log_curves(writer, summary)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert len(events.Tags()["audio"]) == len(events.Tags()["images"]) == len(samples)
    for sample in samples:
        tag = f"{sample.condition}/{sample.utterance}/{sample.model}/{sample.layer}"
        sound = events.Audio(f"listening/{tag}")[0]
        heard, rate = soundfile.read(io.BytesIO(sound.encoded_audio_string))
        written, _ = soundfile.read(whole_run / sample.audio)
        assert rate == 16000 and np.abs(heard - written).max() <= 2 / 32768
        picture = Image.open(io.BytesIO(events.Images(f"mel/{tag}")[0].encoded_image_string))
        assert picture.size == Image.open(whole_run / sample.picture).size
    robust = [r for r in summary if (r["model"], r["condition"]) == ("robust", "clean")]
    means = [float(r["mean"]) for r in robust if r["metric"] == "eer" and r["depth"]]
    scalars = events.Scalars("eer.ge2e/clean/robust")
    assert [event.step for event in scalars] == list(range(1, 10))
    assert [event.value for event in scalars] == pytest.approx(means)
    assert events.Scalars("stoi/clean/robust/natural")[0].step == 0


def test_sonification_is_read_back(sonified_run: Path, tmp_path: Path) -> None:
    (sonified_run / "sonification/robust/clips/best1.flac").unlink()
    with SummaryWriter(str(tmp_path / "log")) as writer:
        log_sonification(writer, read_studies(sonified_run))
    events = EventAccumulator(str(tmp_path / "log")).Reload()
    tags = events.Tags()
    best = {
        f"baseline/{layer}/2/{rank}" for layer in ("conv1", "conv2", "lstm1") for rank in (1, 2)
    }
    best |= {f"robust/{layer}/2/1" for layer in ("conv1", "conv2", "lstm1")}
    assert set(tags["audio"]) == {f"sonification/{name}" for name in best}
    curve = events.Scalars("sonification/curves/dominance/segments/robust, male")
    assert [(event.step, event.value) for event in curve] == [
        (depth, pytest.approx(0.25 / depth)) for depth in (1, 2, 3)
    ]
    means = events.Scalars("sonification/curves/complexity/words/baseline")
    assert [event.value for event in means] == [2.5, 3.5, 4.5]
    assert "sonification/figures/robust/same_word" in tags["images"]
    assert len(tags["images"]) == 2 * 3


def test_a_run_without_studies_logs_nothing_of_them(tmp_path: Path) -> None:
    studies = read_studies(tmp_path)
    assert not (studies.examples or studies.curves or studies.figures)


def test_audiations_are_read_back(audiated_run: Path, tmp_path: Path) -> None:
    """Of an animation the last picture; of a dead feature nothing."""
    with SummaryWriter(str(tmp_path / "log")) as writer:
        log_audiation(writer, read_audiations(audiated_run))
    events = EventAccumulator(str(tmp_path / "log")).Reload()
    names = ("conv1-3", "lstm1-0")
    assert set(events.Tags()["audio"]) == {f"audiation/robust/{name}" for name in names}
    figures = {f"audiation/figures/robust/{name}" for name in ("reached", "evolution-3")}
    pictures = {f"audiation/pictures/robust/{name}" for name in names}
    assert set(events.Tags()["images"]) == figures | pictures
    film = events.Images("audiation/figures/robust/evolution-3")[0].encoded_image_string
    red, _, blue = np.asarray(Image.open(io.BytesIO(film)).convert("RGB"))[8, 8]
    assert blue > 200 > 50 > red
