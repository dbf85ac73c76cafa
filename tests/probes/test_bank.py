"""The bank: equal to banks of one, deaf to padding, harmless to the recogniser."""

import pytest
import torch

from acoustics.errors import UserError
from asr_models.jasper import Jasper
from probes.bank import ProbeBank
from probes.checkpoint import load_bank_weights, save_bank
from probes.targets import gather_frames

LAYERS = ["cnn1", "cnn3", "blstm1", "blstm5"]


@pytest.fixture
def data(list_data, make_batch):
    return list_data([make_batch([6000, 4800], seed=2 * i) for i in range(4)])


def test_a_bank_equals_banks_of_one(make_bank, data, trainer) -> None:
    """Six steps through a Trainer, gradients clipped hard: the weights agree bit for bit."""
    bank = make_bank(layers=LAYERS, clip=0.05)
    trainer(max_steps=6, max_epochs=-1).fit(bank, datamodule=data)
    for name in LAYERS:
        alone = make_bank(layers=[name], clip=0.05)
        untouched = {k: v.clone() for k, v in alone.probe(name).state_dict().items()}
        trainer(max_steps=6, max_epochs=-1).fit(alone, datamodule=data)
        for key, value in alone.probe(name).state_dict().items():
            assert value.equal(bank.probe(name).state_dict()[key]), (name, key)
            assert not value.equal(untouched[key]), (name, key)


def test_one_probes_spike_does_not_slow_another(make_bank, data) -> None:
    batch, norms = data.batches[0], []
    for factor in (1.0, 1e3):
        bank = make_bank(layers=["cnn1", "blstm1"], clip=0.1)
        losses = bank.losses(batch)
        (factor * losses["cnn1"] + losses["blstm1"]).backward()
        bank.configure_gradient_clipping(None)
        grads = [p.grad for p in bank.probe("blstm1").parameters()]
        norms.append(torch.stack([g.norm() for g in grads]))
    assert norms[0].equal(norms[1])
    assert norms[0].norm() <= 0.1001


def test_probes_learn(make_bank, data, trainer) -> None:
    bank, run = make_bank(layers=["cnn1"], learning_rate=1e-2), trainer(max_steps=40, max_epochs=-1)
    run.fit(bank, datamodule=data)
    batch = data.batches[0]
    mel, _ = bank.target(batch)
    floor = bank.utterance_losses(batch, {"mean-mel": bank.constant.expand_as(mel)})["mean-mel"]
    learnt = bank.utterance_losses(batch, bank.reconstruct(batch))["cnn1"]
    assert (learnt < 0.6 * floor).all()


def test_the_recogniser_stays_in_eval_mode_without_gradient_and_unchanged(
    make_bank, data, trainer
) -> None:
    bank = make_bank(layers=["cnn1", "blstm1"])
    before = bank.recogniser.weight_hash()
    trainer(max_steps=2, max_epochs=-1).fit(bank, datamodule=data)
    bank.train()
    assert not any(module.training for module in bank.recogniser.modules())
    assert all(p.grad is None and not p.requires_grad for p in bank.recogniser.parameters())
    assert bank.recogniser.weight_hash() == before


def test_statistics_are_those_of_the_training_frames(make_bank, data, trainer) -> None:
    bank = make_bank(layers=["cnn1"])
    trainer(max_steps=1, max_epochs=-1).fit(bank, datamodule=data)
    frames = torch.cat([gather_frames(*bank.target(batch)) for batch in data.batches])
    assert bank.constant.equal(frames.median(0).values)
    torch.testing.assert_close(bank.probe("cnn1").mean, frames.mean(0))


def test_the_target_is_what_was_fed_in_not_the_clean_speech_under_it(make_bank, data) -> None:
    bank, batch = make_bank(layers=["cnn1"]), data.batches[0]
    batch.waveform = batch.waveform + 0.1 * torch.randn_like(batch.waveform)
    mel, _ = bank.target(batch)
    assert mel.equal(bank.log_mel(batch.waveform, batch.lengths)[0])
    assert not mel.equal(bank.log_mel(batch.clean, batch.lengths)[0])


def test_a_reconstruction_does_not_depend_on_batch_mates(make_bank, make_batch) -> None:
    bank = make_bank()
    together = bank.reconstruct(make_batch([8000, 4321], seed=6))
    alone = bank.reconstruct(make_batch([4321], seed=7))
    for name, mel in alone.items():
        assert together[name].shape == (2, 51, 80)
        assert mel.shape == (1, 4321 // 160 + 1, 80)
        torch.testing.assert_close(together[name][1:, : mel.shape[1]], mel, rtol=1e-4, atol=1e-4)


def test_a_batch_without_speech_is_skipped(make_bank, list_data, make_batch, trainer) -> None:
    nothing = make_batch([160])
    nothing.ids, nothing.waveform, nothing.lengths = [], torch.zeros(0, 0), torch.zeros(0).long()
    data = list_data([nothing, make_batch([4000])])
    run = trainer(max_epochs=1)
    run.fit(make_bank(layers=["cnn1"]), datamodule=data)
    run.test(make_bank(layers=["cnn1"]), datamodule=data, verbose=False)


def test_globs_choose_layers_and_an_unknown_one_raises(make_bank) -> None:
    assert list(make_bank(layers=["blstm*", "cnn4"]).probes) == [
        "cnn4",
        "blstm1",
        "blstm2",
        "blstm3",
        "blstm4",
        "blstm5",
    ]
    assert len(make_bank().probes) == 9
    with pytest.raises(UserError, match="layer 'lstm1' is unknown; this recogniser has cnn1"):
        make_bank(layers=["lstm1"])


def test_layers_with_a_dot_in_their_name_are_probed_and_saved(data, trainer, tmp_path) -> None:
    jasper = Jasper(widths=(4, 4, 4, 4), kernels=(3, 3, 3, 1), sub_blocks=2)
    layers = ["block1.sub1", "block1.sub2"]
    bank, again = (ProbeBank(jasper, layers=layers, hidden=4, seed=i) for i in (0, 1))
    trainer(max_steps=1, max_epochs=-1).fit(bank, datamodule=data)
    assert list(bank.reconstruct(data.batches[0])) == layers
    save_bank(bank, tmp_path)
    load_bank_weights(again, tmp_path)
    for name in layers:
        for mine, saved in zip(
            again.probe(name).parameters(), bank.probe(name).parameters(), strict=True
        ):
            assert mine.equal(saved)


def test_a_bank_takes_a_saved_recogniser_by_its_folder(tiny_recogniser, tmp_path) -> None:
    from asr_models.checkpoint import save_recogniser

    save_recogniser(tiny_recogniser(), tmp_path)
    bank = ProbeBank(str(tmp_path), layers=["cnn1"])
    assert bank.recogniser.weight_hash() == tiny_recogniser().weight_hash()
    assert bank.recogniser.frozen
