"""Speech-like sound with words and phones, made anew from a number whenever it is asked for.

It needs no corpus: for machines that have only this repository.
"""

from collections.abc import Iterator

import fair  # noqa: F401 - limits the threads
import numpy as np
import torch
from lhotse import MonoCut, SupervisionSegment
from lhotse.supervision import AlignmentItem

from corpora.batch import SpeechBatch
from corpora.corpus import SAMPLE_RATE

PHONES, SPEAKERS = 40, 60
PHONE = (640, 1920)  # shortest and longest, in samples
UTTERANCE_S = (4.0, 16.0)


class MadeUpSpeech:
    """So many minutes of utterances, numbered from 0; nothing of them is kept but their lengths.

    Args:
        minutes: of all utterances together.
        words: of the language, the n-th said with a probability of 1 / n.
    """

    def __init__(self, minutes: float, words: int = 3000) -> None:
        rng = np.random.default_rng(0)
        self.lexicon = [rng.integers(PHONES, size=rng.integers(2, 6)) for _ in range(words)]
        chance = 1 / np.arange(1, words + 1)
        self.chance = chance / chance.sum()
        self.lengths: list[int] = []
        while sum(self.lengths) < minutes * 60 * SAMPLE_RATE:
            self.lengths.append(int(rng.uniform(*UTTERANCE_S) * SAMPLE_RATE))

    def _said(self, number: int) -> tuple[list[int], np.ndarray, np.ndarray]:
        """Words, phones, and where each phone begins and the last one ends."""
        rng = np.random.default_rng([1, number])
        words = rng.choice(len(self.chance), 100, p=self.chance).tolist()
        phones = np.concatenate([self.lexicon[word] for word in words])
        ends = np.cumsum(rng.integers(*PHONE, size=len(phones)))
        count = int((ends <= self.lengths[number]).sum())
        return words, phones[:count], np.concatenate([[0], ends[:count]])

    def cut(self, number: int) -> MonoCut:
        """An utterance with its alignment and without sound."""
        words, phones, bounds = self._said(number)
        at = bounds / SAMPLE_RATE
        tiers: dict[str, list[AlignmentItem]] = {"word": [], "phone": []}
        for phone, start, end in zip(phones, at, at[1:], strict=False):
            tiers["phone"].append(AlignmentItem(f"p{phone}", start, end - start))
        first = 0
        for word in words:
            last = first + len(self.lexicon[word])
            if last > len(phones):
                break
            tiers["word"].append(AlignmentItem(f"w{word}", at[first], at[last] - at[first]))
            first = last
        name, duration = f"u{number}", self.lengths[number] / SAMPLE_RATE
        said = SupervisionSegment(
            id=name, recording_id=name, start=0.0, duration=duration, alignment=tiers,
            speaker=f"s{number % SPEAKERS}", gender="female" if number % 2 else "male",
        )  # fmt: skip
        return MonoCut(id=name, start=0.0, duration=duration, channel=0, supervisions=[said])

    def cuts(self) -> Iterator[MonoCut]:
        """All utterances."""
        return (self.cut(number) for number in range(len(self.lengths)))

    def waveform(self, number: int) -> torch.Tensor:
        """Noise, and a tone for each phone."""
        _, phones, bounds = self._said(number)
        rng = np.random.default_rng([2, number])
        samples = 0.02 * rng.standard_normal(self.lengths[number], np.float32)
        spoken = np.repeat(200.0 + 90.0 * phones, np.diff(bounds))
        tone = np.sin(2 * np.pi * np.cumsum(spoken) / SAMPLE_RATE)
        samples[: len(tone)] += 0.1 * tone.astype(np.float32)
        return torch.from_numpy(samples)

    def batches(self, batch_s: float) -> Iterator[SpeechBatch]:
        """All utterances once, in batches of at most so many seconds of speech."""
        chosen: list[int] = []
        for number, length in enumerate(self.lengths):
            if chosen and sum(self.lengths[n] for n in chosen) + length > batch_s * SAMPLE_RATE:
                yield self._batch(chosen)
                chosen = []
            chosen.append(number)
        yield self._batch(chosen)

    def _batch(self, numbers: list[int]) -> SpeechBatch:
        rows = [self.waveform(number) for number in numbers]
        waveform = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        lengths = torch.tensor([len(row) for row in rows])
        names, nothing = [f"u{number}" for number in numbers], [""] * len(numbers)
        clean = [float("inf")] * len(numbers)
        return SpeechBatch(
            waveform, lengths, waveform, names, nothing, nothing, nothing, clean, nothing, []
        )
