"""The rows every curve is read against: `natural`, `copy-synthesis` and `mean-mel`."""

from collections.abc import Mapping
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from acoustics.mel import LogMel
from corpora.batch import SpeechBatch
from probes.bank import ProbeBank


class Rebuilt(NamedTuple):
    """What there is to hear of a batch, by layer.

    Attributes:
        mels: log-mels to be rendered.
        losses: `mel_l1` of each utterance, for those that a probe or the floor made.
        sounds: waveforms that need no vocoder.
    """

    mels: dict[str, Float[Tensor, "batch frame mel"]]
    losses: dict[str, Float[Tensor, " batch"]]
    sounds: dict[str, Float[Tensor, "batch sample"]]


def reference_sounds(batch: SpeechBatch) -> dict[str, Float[Tensor, "batch sample"]]:
    """`natural`: what was fed in, as it is."""
    return {"natural": batch.waveform}


def reference_mels(
    batch: SpeechBatch, log_mel: LogMel, constant: Float[Tensor, " mel"]
) -> dict[str, Float[Tensor, "batch frame mel"]]:
    """`copy-synthesis`: the true mel of what was fed in; `mean-mel`: the best constant.

    Both go through the same vocoder as the layers: the ceiling and the floor of a probe.
    """
    mel, _ = log_mel(batch.waveform, batch.lengths)
    return {"copy-synthesis": mel, "mean-mel": constant.expand_as(mel)}


def rebuilt(
    bank: ProbeBank, batch: SpeechBatch, found: Mapping[str, dict[str, Tensor]], references: bool
) -> Rebuilt:
    """What `ProbeBank.test_step` found, with the references before it where they are wanted."""
    if not references:
        return Rebuilt(found["mels"], found["losses"], {})
    mels = reference_mels(batch, bank.log_mel, bank.constant)
    floor = bank.utterance_losses(batch, {"mean-mel": mels["mean-mel"]})
    return Rebuilt(mels | found["mels"], floor | found["losses"], reference_sounds(batch))
