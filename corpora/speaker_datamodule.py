"""The LightningDataModule of verifier training."""

from lhotse import CutSet
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from corpora.batch import SpeechBatch
from corpora.corpus import Corpus
from corpora.dataset import SpeechDataset
from corpora.samplers import BatchSampler
from corpora.screening import cut_problem
from corpora.speaker_batches import SpeakerBatch, SpeakerBatches, by_speaker, spread
from corpora.text import DEFAULT_ALPHABET


class SpeakerDataModule(LightningDataModule):
    """Speaker-balanced training batches, and the whole utterances of held-out speakers.

    Args:
        corpus: Where the speech comes from.
        batches_per_epoch: Training batches in an epoch; every epoch repeats them.
        speakers_per_batch: Distinct speakers in a batch.
        utterances_per_speaker: Utterances of each speaker in a batch.
        crop_s: Shortest and longest crop, in seconds.
        batch_duration_s: Summed duration of the utterances of a held-out batch, in seconds.
        num_workers: Loading processes.
        seed: Seed of the choice of speakers, utterances and crops.
        utterances_per_dev_speaker: At most that many utterances of each held-out speaker, spread
            over all of them: their EER is over every pair. None for all.

    Attributes:
        unusable: ``(split, utterance id, reason)`` found so far, as batches go by.
    """

    def __init__(
        self,
        corpus: Corpus,
        batches_per_epoch: int = 1000,
        speakers_per_batch: int = 16,
        utterances_per_speaker: int = 4,
        crop_s: tuple[float, float] = (1.4, 1.8),
        batch_duration_s: float = 60.0,
        num_workers: int = 0,
        seed: int = 0,
        utterances_per_dev_speaker: int | None = 20,
    ) -> None:
        super().__init__()
        self.corpus = corpus
        self.batch_duration_s = batch_duration_s
        self.batches_per_epoch, self.num_workers = batches_per_epoch, num_workers
        self.speakers_per_batch = speakers_per_batch
        self.utterances_per_speaker = utterances_per_speaker
        self.crop_s, self.seed = crop_s, seed
        self.utterances_per_dev_speaker = utterances_per_dev_speaker
        self.unusable: list[tuple[str, str, str]] = []
        self._batches: SpeakerBatches | None = None

    def prepare_data(self) -> None:
        """Synthesise, index or download what is missing."""
        self.corpus.prepare()

    def on_before_batch_transfer(
        self, batch: SpeakerBatch | SpeechBatch, dataloader_idx: int
    ) -> SpeakerBatch | SpeechBatch:
        """Note what the batch says about utterances that could not be used."""
        split = "train" if isinstance(batch, SpeakerBatch) else "dev"
        new = [(split, name, reason) for name, reason in batch.failures]
        self.unusable += [entry for entry in new if entry not in self.unusable]
        return batch

    def batches(self) -> SpeakerBatches:
        """The training batches; ``names`` are the speakers a verifier learns from."""
        if self._batches is None:
            self._batches = SpeakerBatches(
                self.corpus.load("train"),
                self.batches_per_epoch,
                self.speakers_per_batch,
                self.utterances_per_speaker,
                self.crop_s,
                self.seed,
            )
        return self._batches

    def train_dataloader(self) -> DataLoader[SpeakerBatch]:
        """Speaker-balanced crops."""
        return DataLoader(self.batches(), batch_size=None, num_workers=self.num_workers)

    def val_dataloader(self) -> list[DataLoader[SpeechBatch]]:
        """Whole utterances of the dev speakers, transcribed or not; [] where there are none."""
        cuts = self.corpus.load("dev")
        usable = cuts.filter(lambda cut: not cut_problem(cut, DEFAULT_ALPHABET, needs_text=False))
        kept = list(usable)
        if (most := self.utterances_per_dev_speaker) is not None:
            own = by_speaker(kept, least=1).values()
            kept = [cut for found in own for cut in spread(found, most)]
        if not kept:
            return []
        sampler = BatchSampler(CutSet.from_cuts(kept), self.batch_duration_s, shuffle=False)
        loader = DataLoader(
            SpeechDataset(), sampler=sampler, batch_size=None, num_workers=self.num_workers
        )
        return [loader]
