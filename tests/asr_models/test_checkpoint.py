"""Recognisers on disk, and the batch norms of one that was never trained."""

import json

import pytest
import torch

from acoustics.errors import UserError
from asr_models.checkpoint import calibrate, load_recogniser, save_recogniser
from asr_models.storage import copy_weights
from asr_models.vgg_lstm import VGGLSTM

WEIGHTS, CARD = "recogniser.safetensors", "recogniser.json"


def test_a_saved_recogniser_comes_back_the_same_and_frozen(
    tiny_recogniser, make_batch, tmp_path
) -> None:
    recogniser, batch = tiny_recogniser(), make_batch([4000])
    save_recogniser(recogniser, tmp_path)
    again = load_recogniser(tmp_path)
    assert again.config == recogniser.config
    assert again.weight_hash() == recogniser.weight_hash()
    heard = recogniser.eval()(batch.waveform, batch.lengths)[0]
    assert again(batch.waveform, batch.lengths)[0].equal(heard)
    assert not again.train().training
    assert not any(p.requires_grad for p in again.parameters())


def test_the_hash_sees_every_weight_and_statistic(tiny_recogniser) -> None:
    assert tiny_recogniser(0).weight_hash() == tiny_recogniser(0).weight_hash()
    assert tiny_recogniser(0).weight_hash() != tiny_recogniser(1).weight_hash()
    moved = tiny_recogniser(0)
    moved.cnn[0].norm.running_mean += 1e-3
    assert moved.weight_hash() != tiny_recogniser(0).weight_hash()


def test_weights_of_another_recogniser_are_refused(tiny_recogniser, tmp_path) -> None:
    for seed in (0, 1):
        save_recogniser(tiny_recogniser(seed), tmp_path / str(seed))
    (tmp_path / "1" / WEIGHTS).replace(tmp_path / "0" / WEIGHTS)
    with pytest.raises(UserError, match="0: the weights are not those the card was written for"):
        load_recogniser(tmp_path / "0")


def test_weights_go_into_a_module_of_the_same_class_and_size_only(tiny_recogniser) -> None:
    saved, module = tiny_recogniser(0), tiny_recogniser(1)
    copy_weights(saved, module, "here", "recogniser")
    assert module.weight_hash() == saved.weight_hash()
    for other in (VGGLSTM(channels=(4, 4, 6, 6), hidden=6), torch.nn.Linear(2, 2)):
        if isinstance(other, torch.nn.Linear):
            other.config = saved.config
        untouched = {name: value.clone() for name, value in other.state_dict().items()}
        with pytest.raises(UserError, match=r"here is of another recogniser.*; make them equal"):
            copy_weights(saved, other, "here", "recogniser")
        assert all(value.equal(untouched[name]) for name, value in other.state_dict().items())


def test_a_folder_without_a_recogniser_says_what_is_missing(tmp_path) -> None:
    with pytest.raises(UserError, match=rf"{tmp_path}: {CARD} is missing.*otoscope asr fit"):
        load_recogniser(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"class_path": "asr_models.vgg_lstm.Nothing"}, "Nothing"),
        ({"class_path": "torch.nn.Linear"}, "is not a Recogniser"),
        ({"init_args": {"hidden": 9}}, "size mismatch|Error"),
        ({"init_args": 3}, "must be a mapping"),
    ],
)
def test_a_damaged_card_is_one_line(change, reason, tiny_recogniser, tmp_path) -> None:
    save_recogniser(tiny_recogniser(), tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    (tmp_path / CARD).write_text(json.dumps(card | change))
    with pytest.raises(UserError, match=reason) as error:
        load_recogniser(tmp_path)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("; train one with 'otoscope asr fit' or 'otoscope run'")


@pytest.mark.parametrize("lost", [("weight_hash",), ("class_path", "init_args"), "all"])
def test_a_card_that_lacks_something_says_what(lost, tiny_recogniser, tmp_path) -> None:
    save_recogniser(tiny_recogniser(), tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    kept = [] if lost == "all" else {key: card[key] for key in card if key not in lost}
    (tmp_path / CARD).write_text(json.dumps(kept))
    named = "class_path, init_args, weight_hash" if lost == "all" else ", ".join(lost)
    with pytest.raises(UserError) as error:
        load_recogniser(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: unreadable recogniser ({CARD} lacks {named}); "
        "train one with 'otoscope asr fit' or 'otoscope run'"
    )


def test_truncated_weights_are_one_line(tiny_recogniser, tmp_path) -> None:
    save_recogniser(tiny_recogniser(), tmp_path)
    weights = (tmp_path / WEIGHTS).read_bytes()
    (tmp_path / WEIGHTS).write_bytes(weights[: len(weights) // 2])
    with pytest.raises(UserError, match=r"unreadable recogniser \(.+\); train one with"):
        load_recogniser(tmp_path)


def test_calibration_gives_batch_norms_the_statistics_of_speech(make_batch) -> None:
    torch.manual_seed(0)
    recogniser = VGGLSTM(channels=(4, 4, 6, 6), hidden=8)
    batches = [make_batch([6400, 6400], seed=seed) for seed in (0, 2)]
    calibrate(recogniser, [(batch.waveform, batch.lengths) for batch in batches])
    assert not recogniser.training
    inputs = torch.cat([recogniser.frontend(b.waveform, b.lengths)[0] for b in batches])
    normed = recogniser.cnn[0].norm(recogniser.cnn[0].conv(inputs))
    torch.testing.assert_close(normed.mean((0, 2, 3)), torch.zeros(4), rtol=0, atol=1e-3)
    torch.testing.assert_close(normed.std((0, 2, 3)), torch.ones(4), rtol=0, atol=0.05)
    once = recogniser.weight_hash()
    calibrate(recogniser, [(batch.waveform, batch.lengths) for batch in batches])
    assert recogniser.weight_hash() == once  # starts afresh, forgets what was there
