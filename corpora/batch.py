"""What a data loader hands to a recogniser, a probe bank or a scorer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


@dataclass
class SpeechBatch:
    """Utterances at 16 kHz, zero-padded to the longest; not frozen, because Lightning moves it.

    Attributes:
        waveform: ``(batch, sample)`` float32, the signal that is fed in (clean or a mixture).
        lengths: ``(batch,)`` int64, samples of each utterance; everything beyond is zero.
        clean: ``(batch, sample)`` the clean speech under it, at the scale it has in the mixture.
        ids: Utterance ids.
        speakers: Speaker ids.
        texts: Normalised transcripts, "" where there is none.
        noises: Id of the noise recording(s), joined by "+", or of the room; "" when clean.
        snr_db: Signal-to-noise ratio in dB; ``inf`` where no noise was added.
        sexes: "female", "male" or "".
        failures: ``(utterance id, reason)`` of the utterances of this batch that could not be used.
            When nothing could be used, the batch has size 0 and its consumer skips it.
        warnings: ``(utterance id, remark)`` of utterances that were used all the same (clipped,
            resampled, mixed down).
    """

    waveform: Tensor
    lengths: Tensor
    clean: Tensor
    ids: list[str]
    speakers: list[str]
    texts: list[str]
    noises: list[str]
    snr_db: list[float]
    sexes: list[str]
    failures: list[tuple[str, str]]
    warnings: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of usable utterances."""
        return len(self.ids)

    def select(self, rows: list[int]) -> "SpeechBatch":
        """The utterances of these rows, as long as they were padded; failures stay."""
        return SpeechBatch(
            waveform=self.waveform[rows],
            lengths=self.lengths[rows],
            clean=self.clean[rows],
            ids=[self.ids[i] for i in rows],
            speakers=[self.speakers[i] for i in rows],
            texts=[self.texts[i] for i in rows],
            noises=[self.noises[i] for i in rows],
            snr_db=[self.snr_db[i] for i in rows],
            sexes=[self.sexes[i] for i in rows],
            failures=self.failures,
            warnings=self.warnings,
        )

    def single(self, row: int) -> "SpeechBatch":
        """One utterance as a batch of its own, unpadded, on the CPU; without failures."""
        one, samples = self.select([row]), int(self.lengths[row])
        one.waveform, one.clean = one.waveform[:, :samples].cpu(), one.clean[:, :samples].cpu()
        one.lengths, one.failures, one.warnings = one.lengths.cpu(), [], []
        return one


def joined(batches: Sequence[SpeechBatch]) -> SpeechBatch:
    """The utterances of several batches, at least one, padded anew; failures and warnings too."""

    def padded(sounds: Sequence[Tensor]) -> Tensor:
        pairs = zip(sounds, batches, strict=True)
        rows = [w[:n] for sound, b in pairs for w, n in zip(sound, b.lengths.tolist(), strict=True)]
        return pad_sequence(rows, batch_first=True)

    return SpeechBatch(
        waveform=padded([batch.waveform for batch in batches]),
        lengths=torch.cat([batch.lengths for batch in batches]),
        clean=padded([batch.clean for batch in batches]),
        ids=[name for batch in batches for name in batch.ids],
        speakers=[name for batch in batches for name in batch.speakers],
        texts=[text for batch in batches for text in batch.texts],
        noises=[noise for batch in batches for noise in batch.noises],
        snr_db=[snr for batch in batches for snr in batch.snr_db],
        sexes=[sex for batch in batches for sex in batch.sexes],
        failures=[failure for batch in batches for failure in batch.failures],
        warnings=[warning for batch in batches for warning in batch.warnings],
    )
