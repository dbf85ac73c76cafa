"""The output that ignores its input: found, and lower than any start from random weights."""

import torch
from torch import nn

from asr_models.decoding import encode_batch
from asr_models.prior import HEAD_SCALE, fit_prior
from asr_models.vgg_lstm import VGGLSTM


def make_recogniser() -> VGGLSTM:
    torch.manual_seed(0)
    return VGGLSTM(channels=(2, 2, 2, 2), hidden=4, alphabet="ab ")


def test_letters_come_out_as_often_as_they_are_written() -> None:
    recogniser = make_recogniser()
    batches = [(torch.tensor([16000, 12800]), ["aaab aab", "aab aaa"])] * 3
    fit_prior(recogniser, batches)
    blank, a, b, space = recogniser.head.bias.softmax(-1).tolist()
    assert a > 2 * b and a > 2 * space and blank > b


def test_the_constant_output_is_better_than_random_weights() -> None:
    recogniser = make_recogniser()
    lengths, texts = torch.tensor([16000, 16000]), ["ab ba", "ba ab"]
    states = recogniser.state_lengths("blstm5", lengths)
    tokens, counts = encode_batch(texts, "ab ")

    def loss(bias: torch.Tensor) -> float:
        constant = bias.log_softmax(-1).expand(int(states.max()), 2, -1)
        return float(nn.CTCLoss()(constant, tokens, states, counts))

    before, weight = loss(torch.zeros(4)), recogniser.head.weight.clone()
    assert fit_prior(recogniser, [(lengths, texts)]) < before
    assert loss(recogniser.head.bias.detach()) < before
    assert torch.allclose(recogniser.head.weight, weight * HEAD_SCALE)
