"""The recogniser of the notebooks: it has learnt its sentences, and its probes something."""

import pytest
import torch

from corpora.datamodule import SpeechDataModule
from corpora.loose_files import batches_of
from evaluation.sonification.feature_view import feature_view
from evaluation.sonification.units import build_units
from otoscope.first_steps import first_probes, first_recogniser


@pytest.mark.slow
def test_it_spells_what_it_has_learnt_and_probes_beat_the_floor() -> None:
    before = torch.random.get_rng_state()
    recogniser, data = first_recogniser()
    assert isinstance(data, SpeechDataModule) and recogniser.frozen
    (batch,) = batches_of(data.corpus_cuts(["train"]), batch_duration_s=60.0)
    spelt = recogniser.spelt(*recogniser(batch.waveform, batch.lengths))
    words = sum(len(text.split()) for text in batch.texts)
    pairs = zip(spelt, batch.texts, strict=True)
    right = [set(said.split()) & set(text.split()) for said, text in pairs]
    assert len(batch) == 6 and sum(map(len, right)) > 0.8 * words

    bank = first_probes(recogniser, data, steps=20)
    assert torch.equal(torch.random.get_rng_state(), before) and not bank.training
    with torch.inference_mode():
        mels = bank.reconstruct(batch)
        mels["mean-mel"] = bank.constant.expand_as(bank.target(batch)[0])
        losses = bank.utterance_losses(batch, mels)
    floor = losses.pop("mean-mel").mean()
    assert list(losses) == list(recogniser.layers)
    assert losses["cnn1"].mean() < losses["blstm2"].mean() < floor

    cut = data.corpus_cuts(["train"])[0]
    units = build_units([cut], ["words"])
    view = feature_view(recogniser, cut, {"cnn1": 0, "blstm2": 5}, units)
    assert [panel.get_title("left") for panel in view.axes[:2]] == [
        "cnn1, feature 0",
        "blstm2, feature 5",
    ]
    said = {text.get_text() for panel in view.axes for text in panel.texts}
    assert set(cut.supervisions[0].text.lower().split()) <= said
