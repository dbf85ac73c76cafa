"""Probe checkpoints hold probes only, and refuse what they were not trained for."""

import pytest
import torch
from safetensors.torch import load_file

from acoustics.errors import UserError
from probes.bank import ProbeBank
from probes.checkpoint import CARD, WEIGHTS, load_bank_weights, save_bank
from probes.loading import load_bank

MISMATCHES = [
    ({"recogniser": 1}, "another recogniser: weights [0-9a-f]{16}, but this recogniser has"),
    ({"layers": ["cnn1"]}, r"another layers: layers \['cnn1', 'blstm1'\], but here it is"),
    ({"n_mels": 40}, "another mel"),
    ({"hidden": 8}, "another probe"),
    ({"body": "linear"}, "another probe"),
]
SETTINGS = {"layers": ["cnn1", "blstm1"]}


@pytest.fixture
def other(make_bank, tiny_recogniser):
    """Makes a bank that differs from the saved one."""

    def make(change: dict[str, object]) -> ProbeBank:
        if "recogniser" in change:
            change = {"recogniser": tiny_recogniser(change["recogniser"])}
        return make_bank(**(SETTINGS | change))

    return make


def same(one: ProbeBank, two: ProbeBank) -> bool:
    states = one.state_dict(), two.state_dict()
    return all(value.equal(states[1][key]) for key, value in states[0].items())


def test_a_saved_bank_comes_back_the_same(make_bank, tmp_path) -> None:
    bank = make_bank(**SETTINGS, seed=3)
    bank.constant += 1
    save_bank(bank, tmp_path)
    again = make_bank(**SETTINGS)
    assert not same(bank, again)
    load_bank_weights(again, tmp_path)
    assert same(bank, again)


@pytest.mark.parametrize(("change", "message"), MISMATCHES)
def test_a_folder_refuses_another_bank(change, message, make_bank, other, tmp_path) -> None:
    save_bank(make_bank(**SETTINGS), tmp_path)
    with pytest.raises(UserError, match=f"trained for {message}"):
        load_bank_weights(other(change), tmp_path)


def test_a_folder_without_probes_says_so(make_bank, tmp_path) -> None:
    with pytest.raises(UserError, match="no saved probes here"):
        load_bank_weights(make_bank(**SETTINGS), tmp_path)
    save_bank(make_bank(**SETTINGS), tmp_path)
    (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:100])
    with pytest.raises(UserError, match="no saved probes here"):
        load_bank_weights(make_bank(**SETTINGS), tmp_path)
    (tmp_path / CARD).write_text("{")
    with pytest.raises(UserError, match="no saved probes here"):
        load_bank_weights(make_bank(**SETTINGS), tmp_path)


@pytest.fixture
def saved(make_bank, list_data, make_batch, trainer, tmp_path):
    """A bank trained for two steps, its data, and its Lightning checkpoint."""
    bank = make_bank(**SETTINGS)
    data = list_data([make_batch([4000, 3000], seed=i) for i in range(2)])
    run = trainer(max_steps=2, max_epochs=-1)
    run.fit(bank, datamodule=data)
    run.save_checkpoint(tmp_path / "bank.ckpt")
    return bank, data, tmp_path / "bank.ckpt"


def test_checkpoints_hold_no_weight_of_the_recogniser(saved, tmp_path) -> None:
    bank, _, path = saved
    save_bank(bank, tmp_path / "folder")
    keys = set(torch.load(path, weights_only=False)["state_dict"])
    assert keys == set(load_file(tmp_path / "folder" / WEIGHTS)) == set(bank.state_dict())
    assert {key.partition(".")[0] for key in keys} == {"probes", "constant"}


def test_training_resumes_from_a_lightning_checkpoint(saved, make_bank, trainer) -> None:
    bank, data, path = saved
    again = make_bank(**SETTINGS, seed=9)
    trainer(max_steps=2, max_epochs=-1).fit(again, datamodule=data, ckpt_path=path)
    assert same(bank, again)


@pytest.mark.parametrize(("change", "message"), MISMATCHES)
def test_a_lightning_checkpoint_refuses_another_bank(
    change, message, saved, other, trainer
) -> None:
    _, data, path = saved
    run = trainer(max_steps=4, max_epochs=-1)
    with pytest.raises(UserError, match=f"trained for {message}"):
        run.test(other(change), datamodule=data, ckpt_path=path, verbose=False)


def test_a_bank_is_rebuilt_from_its_folder_alone(make_bank, tmp_path) -> None:
    bank = make_bank(layers=["blstm1"], body="linear", hidden=8, highway_layers=2, n_mels=40)
    bank.constant += 1
    save_bank(bank, tmp_path)
    again = load_bank(tmp_path, bank.recogniser)
    assert same(bank, again) and again.tap.names == ["blstm1"] and not again.training


@pytest.mark.parametrize("card", [None, "", "[]", '{"probe": {}}'])
def test_a_folder_without_a_card_is_no_bank(card, make_bank, tmp_path) -> None:
    if card is not None:
        (tmp_path / CARD).write_text(card)
    with pytest.raises(UserError, match="no saved probes here"):
        load_bank(tmp_path, make_bank(**SETTINGS).recogniser)


def test_a_folder_of_another_recognisers_probes_is_refused(
    make_bank, tiny_recogniser, tmp_path
) -> None:
    save_bank(make_bank(**SETTINGS), tmp_path)
    with pytest.raises(UserError, match="another recogniser"):
        load_bank(tmp_path, tiny_recogniser(1))
