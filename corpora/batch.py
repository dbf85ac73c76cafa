"""What a data loader hands to a recogniser, a probe bank or a scorer."""

from dataclasses import dataclass, field

from torch import Tensor


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
