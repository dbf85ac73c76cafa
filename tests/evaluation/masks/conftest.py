"""A recogniser whose answer depends on a planted region of its frames, and on nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from acoustics.frames import Timing
from acoustics.mel import LogMel
from asr_models.frontend import NormalisedBands
from asr_models.layer import Layer
from asr_models.recogniser import FrameRecogniser
from corpora.batch import SpeechBatch
from corpora.text import DEFAULT_ALPHABET
from evaluation.masks.subjects import Subjects

TOKENS = len(DEFAULT_ALPHABET) + 1


class Planted(FrameRecogniser):
    """Says a letter in a frame as long as every planted entry of it is as it was, or nothing.

    A frame is worth its planted entries times what they were; short of half of one entry it is
    worth too little. Frames without planted entries say nothing whatever they hold.
    """

    def __init__(self, bands: int = 12) -> None:
        super().__init__()
        self.config = {"bands": bands}
        self.log_mel = LogMel(n_mels=bands)
        self.frontend = NormalisedBands(self.log_mel)
        self.head = nn.Linear(1, TOKENS)
        self.layers = {"sum": Layer("sum", "head", 1, Timing(160), 1, 1)}
        self.alphabet = DEFAULT_ALPHABET
        self.what, self.token = torch.zeros(0, bands), torch.zeros(0, dtype=torch.long)
        self.passes = 0

    def plant(self, normal: Tensor, region: Tensor, token: Tensor) -> None:
        """Frames `(frame, band)`, the region of them that matters, the token of each frame."""
        self.what, self.token = normal * region, token

    def from_frames(self, normal: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        self.passes += 1
        frames = normal.shape[1]
        what, token = self.what[:frames], self.token[:frames]
        power = what.square()
        least = power.masked_fill(power == 0, torch.inf).amin(1)
        planted = torch.isfinite(least)
        worth = (normal * what).sum(2) - power.sum(1) + torch.where(planted, least, 0.0) / 2
        scores = normal.new_zeros(*normal.shape[:2], TOKENS)
        letter = nn.functional.one_hot(token, TOKENS) * planted[:, None]
        quiet = (~planted).to(normal.dtype)
        scores = scores + letter * worth[..., None] - 5 * (1 - letter)
        blank = nn.functional.one_hot(torch.zeros_like(token), TOKENS)
        scores = torch.where(blank.bool(), quiet[:, None], scores)
        return scores.log_softmax(-1), counts


@dataclass
class Toy:
    """Subjects of the planted recogniser, and what a mask of them has to keep."""

    recogniser: Planted
    subjects: Subjects
    region: Tensor


def toy_of(frames: int = 20, bands: int = 12, rows: int = 1, name: str = "u") -> Toy:
    """Entries of size 0.5 and more, a region of 3 + 4 + 2 of them in frames 5, 6 and 12."""
    generator = torch.Generator().manual_seed(1)
    signs = torch.where(torch.rand(frames, bands, generator=generator) < 0.5, -1.0, 1.0)
    normal = signs * (0.5 + torch.rand(frames, bands, generator=generator))
    region = torch.zeros(frames, bands, dtype=torch.bool)
    region[5, 2:5], region[6, 2:6], region[12, 8:10] = True, True, True
    token = torch.zeros(frames, dtype=torch.long)
    token[5], token[6], token[12] = 1, 1, 2  # "a" twice is one, then "b"
    recogniser = Planted(bands)
    recogniser.plant(normal, region, token)
    recogniser.freeze()
    counts = torch.full((rows,), frames)
    batch = SpeechBatch(
        waveform=torch.zeros(rows, (frames - 1) * 160),
        lengths=(counts - 1) * 160,
        clean=torch.zeros(rows, (frames - 1) * 160),
        ids=[f"{name}{i}" for i in range(rows)],
        speakers=["s"] * rows,
        texts=["ab"] * rows,
        noises=[""] * rows,
        snr_db=[float("inf")] * rows,
        sexes=[""] * rows,
        failures=[],
    )
    stacked = normal.expand(rows, -1, -1).clone()
    log_probs, steps = recogniser.from_frames(stacked, counts)
    return Toy(recogniser, Subjects(recogniser, batch, stacked, counts, log_probs, steps), region)


@pytest.fixture
def toy() -> Callable[..., Toy]:
    """Maker of toys."""
    return toy_of
