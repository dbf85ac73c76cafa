"""The rows every curve is read against: `natural`, `copy-synthesis` and `mean-mel`."""

from jaxtyping import Float
from torch import Tensor

from acoustics.mel import LogMel
from corpora.batch import SpeechBatch


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
