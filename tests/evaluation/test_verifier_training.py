"""Verifiers that are trained here: learning, saving, scoring behind the common interface."""

import shlex

import numpy as np
import pytest
import torch
from lightning import Trainer

from acoustics.errors import UserError
from asr_models.checkpoint import load_recogniser
from corpora.embedded_speakers import EmbeddedSpeakers
from corpora.speaker_datamodule import SpeakerDataModule
from evaluation.verifiers.ge2e import GE2ELSTM
from evaluation.verifiers.speechbrain import WEIGHTS, SpeechbrainVerifier
from evaluation.verifiers.thin_resnet import ThinResNet
from evaluation.verifiers.trained import TrainedVerifier, load_encoder, save_encoder
from evaluation.verifiers.training import VerifierModule, all_pairs_eer
from evaluation.verifiers.verifier import sorted_batches


def speech_like(seconds: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.3, 0.3, int(16000 * seconds)).astype(np.float32)


def small_encoder() -> GE2ELSTM:
    torch.manual_seed(0)
    return GE2ELSTM(hidden=16, projection=0, width=8, n_mels=20)


@pytest.mark.parametrize("loss", ["ge2e", "margin"])
def test_training_learns_to_tell_its_speakers_apart(loss, tmp_path) -> None:
    torch.manual_seed(0)
    module = VerifierModule(small_encoder(), loss, learning_rate=1e-2)
    corpus = EmbeddedSpeakers(4, 2, 3, cache=str(tmp_path))
    data = SpeakerDataModule(corpus, 30, 4, 2, (0.8, 1.0))
    losses: list[float] = []
    module.log = lambda name, value, **_: losses.append(float(value))  # type: ignore[method-assign]
    trainer = Trainer(
        accelerator="cpu",
        max_steps=30,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        limit_val_batches=0,
        default_root_dir=str(tmp_path),
    )
    trainer.fit(module, datamodule=data)
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_eer_over_all_pairs() -> None:
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert all_pairs_eer(vectors, ("a", "a", "b", "b")) == 0.0
    assert all_pairs_eer(vectors, ("a", "b", "a", "b")) == pytest.approx(2 / 3)


def test_a_saved_encoder_scores_like_the_one_that_was_saved(tmp_path) -> None:
    encoder = small_encoder().eval()
    save_encoder(encoder, tmp_path)
    verifier = TrainedVerifier(tmp_path, batch_duration_s=3.0)
    assert verifier.name == "ge2e_lstm" and verifier.width == 8
    waveforms = [speech_like(seconds, i) for i, seconds in enumerate((1.0, 2.5, 0.3, 1.1))]
    found = verifier.embed([*waveforms, np.zeros(16000, np.float32)])
    assert found.failures == ["", "", "", "", "silent"]
    for waveform, vector in zip(waveforms, found.vectors, strict=False):
        with torch.no_grad():
            alone = encoder.embed(torch.from_numpy(waveform)[None], torch.tensor([len(waveform)]))
        np.testing.assert_allclose(vector, alone[0].numpy(), atol=1e-5)


def test_batches_are_sorted_and_bounded_with_their_padding() -> None:
    assert sorted_batches([5, 30, 4, 6, 100], 12) == [[2, 0], [3], [1], [4]]
    assert sorted_batches([], 12) == []


def test_what_is_no_verifier_is_refused(tmp_path, tiny_recogniser) -> None:
    with pytest.raises(UserError, match=r"verifier.json is missing.*otoscope verifier fit"):
        load_encoder(tmp_path)
    save_encoder(ThinResNet((2, 2, 2, 2, 4), width=4), tmp_path)
    card = (tmp_path / "verifier.json").read_text()
    (tmp_path / "verifier.json").write_text(card.replace('"width": 4', '"width": 6'))
    with pytest.raises(UserError, match=r"unreadable verifier \(.+\); train one with"):
        load_encoder(tmp_path)
    with pytest.raises(UserError, match="not a saved recogniser"):
        load_recogniser(tmp_path)
    foreign = card.replace("evaluation.verifiers.thin_resnet.ThinResNet", "torch.nn.Linear")
    (tmp_path / "verifier.json").write_text(foreign)
    with pytest.raises(UserError, match="not a SpeakerEncoder"):
        load_encoder(tmp_path)


def test_missing_downloads_name_what_is_missing_and_how_to_get_it(tmp_path) -> None:
    folder = tmp_path / "my weights"
    with pytest.raises(UserError) as missing:
        SpeechbrainVerifier("ecapa", folder=str(folder))
    told, command = str(missing.value).split(" or run: ")
    assert f"{folder / WEIGHTS} is missing; where there is a network" in told
    assert "\n" not in told + command
    words = shlex.split(command)  # as a shell reads it
    assert words == [
        "hf", "download", "speechbrain/spkrec-ecapa-voxceleb", WEIGHTS, "--local-dir", str(folder),
    ]  # fmt: skip


@pytest.mark.parametrize("model", ["ecapa", "xvector"])
def test_speechbrains_networks_load_plain_weights(model, tmp_path) -> None:
    """Random weights of the published shape: the real ones cannot be had without a network."""
    import importlib

    from evaluation.verifiers.speechbrain import RECIPES

    recipe = RECIPES[model]
    torch.manual_seed(0)
    network = getattr(importlib.import_module(recipe.module), recipe.kind)(**recipe.arguments)
    torch.save(network.state_dict(), tmp_path / WEIGHTS)
    verifier = SpeechbrainVerifier(model, folder=str(tmp_path))
    waveforms = [speech_like(seconds, i) for i, seconds in enumerate((1.0, 1.7))]
    together = verifier.embed(waveforms).vectors
    assert together.shape == (2, recipe.width)
    for waveform, vector in zip(waveforms, together, strict=True):
        assert float(verifier.embed([waveform]).vectors[0] @ vector) > 0.999
    torch.save({"foreign": torch.zeros(1)}, tmp_path / WEIGHTS)
    with pytest.raises(UserError, match=f"not the weights of {recipe.source}"):
        SpeechbrainVerifier(model, folder=str(tmp_path))
