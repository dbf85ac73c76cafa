"""Noise recordings and impulse responses by kind, in memory where they are small."""

import numpy as np
from jaxtyping import Float
from lhotse import CutSet
from lhotse.cut import Cut

from corpora.audio import load_waveform
from corpora.corpus import NOISE_KINDS, REVERB, SAMPLE_RATE

_IN_MEMORY_BYTES = 512 * 2**20


class NoiseBank:
    """Random access to the noise recordings of one split, and to rooms where there are some.

    Args:
        cuts: Cuts whose ``custom["kind"]`` is one of ``NOISE_KINDS``, or "reverb".
    """

    def __init__(self, cuts: CutSet) -> None:
        ordered = sorted(cuts, key=lambda cut: str(cut.id))
        self.cuts: dict[str, Cut] = {cut.id: cut for cut in ordered}
        self.kinds: dict[str, list[str]] = {
            kind: [cut.id for cut in ordered if cut.custom["kind"] == kind]
            for kind in (*NOISE_KINDS, REVERB)
        }
        total = sum(cut.duration for cut in ordered) * SAMPLE_RATE * 2
        self._keep = total <= _IN_MEMORY_BYTES
        self._kept: dict[str, np.ndarray] = {}

    def __call__(self, recording_id: str) -> Float[np.ndarray, " sample"]:
        """``(sample,)`` of a recording at 16 kHz, mixed down to one channel.

        Raises:
            AudioError: When the recording cannot be read.
        """
        if recording_id not in self._kept:
            waveform, _ = load_waveform(self.cuts[recording_id])
            if not self._keep:
                return waveform
            peak = max(float(np.abs(waveform).max(initial=0.0)), 1e-9)  # the level is set later
            self._kept[recording_id] = np.round(waveform * (32767 / peak)).astype(np.int16)
        return self._kept[recording_id].astype(np.float32) / np.float32(32767)
