"""Where CTC training starts: at the output that ignores its input.

From random weights the first steps all push towards blanks and frequent letters. Adam makes that
one common direction large, it goes through every layer, and a deep stack of BLSTM may need hundreds
of steps to recover. Starting from the best constant output, the first gradient that the layers
see is about the speech.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from asr_models.decoding import encode_batch
from asr_models.recogniser import Recogniser

STEPS, LEARNING_RATE, DECAY, HEAD_SCALE = 24, 0.3, 0.9, 0.3


def fit_prior(recogniser: Recogniser, batches: Sequence[tuple[Tensor, list[str]]]) -> float:
    """Set the bias of a recogniser's head to the best constant output, and quieten its weights.

    Args:
        recogniser: untrained; its `head` is changed in place.
        batches: `(lengths, texts)` of some training batches, lengths in samples.

    Returns:
        The CTC loss of that constant output on the last batch.
    """
    head, ctc = recogniser.head, nn.CTCLoss(zero_infinity=True)
    last = list(recogniser.layers)[-1]
    steps_each = recogniser.tokens_per_state
    bias = torch.zeros(len(head.bias) // steps_each, requires_grad=True)
    optimizer = torch.optim.Adam([bias], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, DECAY)
    loss = torch.zeros(())
    for step in range(STEPS):
        lengths, texts = batches[step % len(batches)]
        steps = recogniser.state_lengths(last, lengths) * steps_each
        tokens, counts = encode_batch(texts, recogniser.alphabet)
        constant = bias.log_softmax(-1).expand(int(steps.max()), len(texts), -1)
        loss = ctc(constant, tokens, steps, counts)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        head.bias.copy_(bias.repeat(steps_each))
        head.weight.mul_(HEAD_SCALE)
    return float(loss.detach())
