"""Batches for training speaker verifiers: some speakers, some utterances of each, one crop each."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from lhotse import CutSet
from lhotse.cut import Cut
from torch import Tensor
from torch.utils.data import Dataset

from acoustics.errors import UserError
from corpora.corpus import SAMPLE_RATE
from corpora.dataset import UnusableError, hear
from corpora.seeding import generator

_ATTEMPTS = 8


@dataclass
class SpeakerBatch:
    """Crops of ``utterances`` utterances of each of some speakers, speaker by speaker.

    ``speakers`` are numbers in the sorted list of training speakers; ``failures`` are
    ``(utterance id, reason)`` of what was to be in it and could not be used.
    """

    waveform: Float[Tensor, "crop sample"]
    lengths: Int[Tensor, " crop"]
    speakers: Int[Tensor, " speaker"]
    utterances: int
    failures: list[tuple[str, str]]


def by_speaker(cuts: Iterable[Cut], least: int = 2) -> dict[str, list[Cut]]:
    """The utterances of each speaker who has ``least`` or more, by the speakers' names."""
    found: dict[str, list[Cut]] = {}
    for cut in sorted(cuts, key=lambda cut: str(cut.id)):
        found.setdefault(str(cut.supervisions[0].speaker), []).append(cut)
    return {name: found[name] for name in sorted(found) if len(found[name]) >= least}


def spread(cuts: list[Cut], count: int) -> list[Cut]:
    """At most ``count`` of them, evenly spread: the first would often be of one recording."""
    if len(cuts) <= count:
        return cuts
    return [cuts[i * len(cuts) // count] for i in range(count)]


class SpeakerBatches(Dataset[SpeakerBatch]):
    """Map-style: batch ``i`` depends on the seed and on ``i`` alone, and is cropped to one length.

    Args:
        cuts: The training utterances.
        count: Number of batches.
        speakers_per_batch: Distinct speakers in a batch.
        utterances_per_speaker: Utterances of each; some come twice, cropped elsewhere, where a
            speaker has fewer.
        crop_s: Shortest and longest crop, in seconds; each batch has one length.
        seed: Seed of the choice.

    Raises:
        UserError: When fewer than two speakers have two utterances.
    """

    def __init__(
        self,
        cuts: CutSet,
        count: int,
        speakers_per_batch: int = 16,
        utterances_per_speaker: int = 4,
        crop_s: tuple[float, float] = (1.4, 1.8),
        seed: int = 0,
    ) -> None:
        self.cuts = by_speaker(cuts)
        self.names = list(self.cuts)
        if len(self.names) < 2:
            raise UserError(
                f"a verifier needs two speakers with two utterances each to learn from, the train "
                f"split has {len(self.names)}: add speakers"
            )
        self.count, self.seed, self.crop_s = count, seed, crop_s
        self.speakers = min(speakers_per_batch, len(self.names))
        self.utterances = utterances_per_speaker

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> SpeakerBatch:
        rng = generator("speaker batch", self.seed, index)
        count = round(float(rng.uniform(*self.crop_s)) * SAMPLE_RATE)
        failures: list[tuple[str, str]] = []
        chosen: list[int] = []
        crops: list[np.ndarray] = []
        for speaker in rng.permutation(len(self.names)):
            found = self._crops(self.cuts[self.names[speaker]], count, rng, failures)
            if len(found) == self.utterances:
                chosen.append(int(speaker))
                crops += found
            if len(chosen) == self.speakers:
                break
        lengths = torch.tensor([len(crop) for crop in crops], dtype=torch.long)
        waveform = torch.zeros(len(crops), int(lengths.max()) if crops else 0)
        for row, crop in zip(waveform, crops, strict=True):
            row[: len(crop)] = torch.from_numpy(crop)
        return SpeakerBatch(waveform, lengths, torch.tensor(chosen), self.utterances, failures)

    def _crops(
        self,
        cuts: list[Cut],
        count: int,
        rng: np.random.Generator,
        failures: list[tuple[str, str]],
    ) -> list[np.ndarray]:
        """Crops of one speaker's utterances, as many as wanted where enough can be read."""
        order = np.concatenate([rng.permutation(len(cuts)) for _ in range(_ATTEMPTS)])
        found: list[np.ndarray] = []
        for i in order[: self.utterances + _ATTEMPTS]:
            try:
                found.append(_crop(cuts[i], count, float(rng.random())))
            except UnusableError as error:
                failures.append((str(cuts[i].id), str(error)))
            if len(found) == self.utterances:
                break
        return found


def _crop(cut: Cut, count: int, where: float) -> np.ndarray:
    """``count`` samples, or all there are, read from the file without the rest of it."""
    spare = cut.duration - count / SAMPLE_RATE
    if spare <= 0:
        return hear(cut).waveform
    span = cut.truncate(offset=where * spare, duration=count / SAMPLE_RATE)
    return hear(span).waveform[:count]
