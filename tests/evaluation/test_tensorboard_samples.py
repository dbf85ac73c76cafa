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

from evaluation.listening import Sample, read_samples
from evaluation.tensorboard_samples import log_curves, log_samples


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
