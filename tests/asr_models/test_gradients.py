"""Gradients at the input of a frozen recogniser, whatever is around."""

import pytest
import torch
from torch import nn

from acoustics.errors import UserError
from asr_models.gradients import differentiable, ordinary_buffers


def test_inside_there_are_gradients_in_inference_mode_too(tiny_recogniser, make_batch) -> None:
    recogniser, batch = tiny_recogniser().freeze(), make_batch([4000])
    with torch.inference_mode(), differentiable(recogniser):
        given = batch.waveform.clone().requires_grad_()
        recogniser(given, batch.lengths)[0][..., 1].sum().backward()
        assert (given.grad != 0).any()
    assert all(parameter.grad is None for parameter in recogniser.parameters())


def test_recurrent_layers_train_without_dropout_and_nothing_else_does() -> None:
    """What cuDNN wants; and all is as before afterwards, after an exception too."""
    network = nn.Sequential(nn.Dropout(0.5), nn.LSTM(3, 3, num_layers=2, dropout=0.5)).train()
    network[0].eval()
    sound = torch.randn(5, 2, 3)
    with pytest.raises(KeyboardInterrupt), differentiable(network):
        assert [network[0].training, network[1].training, network[1].dropout] == [False, True, 0]
        assert network(sound)[0].equal(network(sound)[0])
        raise KeyboardInterrupt
    assert [network[0].training, network[1].training, network[1].dropout] == [False, True, 0.5]


def test_a_recogniser_of_inference_mode_is_refused() -> None:
    with torch.inference_mode():
        built = nn.Linear(2, 2)
    with (
        pytest.raises(UserError, match="was built in inference mode and has no gradients"),
        differentiable(built),
    ):
        pass


def test_buffers_of_inference_mode_become_ordinary_ones() -> None:
    with torch.inference_mode():
        built = nn.BatchNorm1d(2, affine=False).eval()
    given = torch.randn(3, 2, requires_grad=True)
    ordinary_buffers(built)
    built(given).sum().backward()
    torch.testing.assert_close(given.grad, torch.ones(3, 2), rtol=1e-4, atol=0)
