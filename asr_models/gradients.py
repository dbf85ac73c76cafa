"""Gradients at the input of a frozen recogniser."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn

from acoustics.errors import UserError


def ordinary_buffers(module: nn.Module) -> None:
    """Replaces buffers that were made in inference mode; to be called outside of it.

    Gradients cannot pass a product with one of those.
    """
    for part in module.modules():
        for name, value in part.named_buffers(recurse=False):
            if value.is_inference():
                setattr(part, name, value.clone())


@contextmanager
def differentiable(recogniser: nn.Module) -> Iterator[None]:
    """Inside, the recogniser is in eval mode and can be differentiated with respect to its input.

    Lightning tests in inference mode, which `enable_grad` does not undo; and cuDNN differentiates
    recurrent layers in training mode only, where all that changes for them is dropout, here off.

    Raises:
        UserError: the recogniser was built in inference mode.
    """
    if any(value.is_inference() for value in chain(recogniser.parameters(), recogniser.buffers())):
        raise UserError(
            "the recogniser was built in inference mode and has no gradients; load it outside of it"
        )
    before = [(module, module.training) for module in recogniser.modules()]
    recurrent = [m for m in recogniser.modules() if isinstance(m, nn.RNNBase)]
    dropouts = [m.dropout for m in recurrent]
    try:
        recogniser.eval()
        for lstm in recurrent:
            lstm.training, lstm.dropout = True, 0.0
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for module, training in before:
            module.training = training
        for lstm, dropout in zip(recurrent, dropouts, strict=True):
            lstm.dropout = dropout
