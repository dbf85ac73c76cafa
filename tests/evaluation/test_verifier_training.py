"""Verifiers that are trained here: learning, saving, scoring behind the common interface."""

import shlex
import tracemalloc
from itertools import combinations

import numpy as np
import pytest
import torch
from lightning import Trainer

from acoustics.errors import UserError
from asr_models.checkpoint import load_recogniser
from corpora.embedded_speakers import EmbeddedSpeakers
from corpora.speaker_datamodule import SpeakerDataModule
from evaluation.verifiers.ge2e import GE2ELSTM
from evaluation.verifiers.margin import MarginLoss
from evaluation.verifiers.speechbrain import WEIGHTS, SpeechbrainVerifier
from evaluation.verifiers.thin_resnet import ThinResNet
from evaluation.verifiers.trained import TrainedVerifier, load_encoder, save_encoder
from evaluation.verifiers.training import VerifierModule, all_pairs, all_pairs_eer
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


def test_all_pairs_are_those_of_a_loop_and_take_little_memory() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((7000, 64)).astype(np.float32)
    speakers = tuple(f"s{i}" for i in rng.integers(40, size=7000))
    tracemalloc.start()
    scores, same = all_pairs(vectors, speakers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    pairs = 7000 * 6999 // 2
    assert len(scores) == len(same) == pairs
    assert peak < 24 * pairs, "two vectors for each pair would be 512 bytes a pair"

    few, who = vectors[:30], speakers[:30]
    scores, same = all_pairs(few, who)
    loop = list(combinations(range(30), 2))
    np.testing.assert_allclose(scores, [few[i] @ few[j] for i, j in loop], rtol=1e-4, atol=1e-4)
    assert same.tolist() == [who[i] == who[j] for i, j in loop]


def test_nothing_is_logged_where_no_held_out_speaker_spoke_twice() -> None:
    module = VerifierModule(small_encoder())
    logged: dict[str, float] = {}
    module.log = lambda name, value, **_: logged.update({name: value})  # type: ignore[method-assign]
    ann, bob = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    for heard in ([], [("ann", ann)], [("ann", ann), ("bob", bob)], [("ann", ann), ("ann", ann)]):
        module._heard = heard
        module.on_validation_epoch_end()
        assert logged == {} and module._heard == []
    module._heard = [("ann", ann), ("ann", ann), ("bob", bob)]
    module.on_validation_epoch_end()
    assert logged == {"val/eer": 0.0}


def test_a_checkpoint_of_another_training_is_refused() -> None:
    def module(encoder, speakers: int | None) -> VerifierModule:
        made = VerifierModule(encoder, "margin" if speakers else "ge2e")
        if speakers:
            made.loss = MarginLoss(speakers, encoder.width)
        return made

    checkpoint: dict[str, object] = {}
    module(small_encoder(), 4).on_save_checkpoint(checkpoint)
    module(small_encoder(), 4).on_load_checkpoint(checkpoint)
    thin = ThinResNet((2, 2, 2, 2, 4), width=4)
    for other, reason in (
        (module(thin, 4), r"another encoder: .*GE2ELSTM.*but model\.encoder is .*ThinResNet"),
        (module(small_encoder(), None), r"of the loss margin, but model\.loss is ge2e"),
        (module(small_encoder(), 5), r"learnt 4 speakers, but data\.corpus has 5"),
    ):
        with pytest.raises(UserError, match=reason):
            other.on_load_checkpoint(checkpoint)
    with pytest.raises(UserError, match="none of ours"):
        module(thin, None).on_load_checkpoint({"state_dict": {}})


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
    told, way_out = str(missing.value).split("; where there is a network, ")
    asked, command = way_out.split(" or run: ")
    assert "--download-verifiers" in asked
    assert told.endswith(f"{folder / WEIGHTS} is missing") and "\n" not in command
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
