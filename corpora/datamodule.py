"""The one LightningDataModule: a corpus, noise, and the batches of every stage."""

from collections.abc import Collection, Iterator, Sequence

from lhotse import CutSet
from lhotse.cut import Cut
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from acoustics.errors import UserError
from corpora.augmentation import SNR_RANGES_DB, babble_remark, condition_snr_db
from corpora.batch import SpeechBatch
from corpora.corpus import NOISE_KINDS, Corpus, ImpulseResponses, NoiseSource, NoiseSplit, Split
from corpora.dataset import ChooseNoise, SpeechDataset
from corpora.noise_bank import NoiseBank
from corpora.noise_choice import TestNoise, TrainingNoise
from corpora.samplers import BatchSampler, OnceSampler
from corpora.screening import screened
from corpora.selection import Order, first_of_each_speaker, in_order, merged
from corpora.text import DEFAULT_ALPHABET
from corpora.tiers import alignment_remarks

_VALIDATION_EPOCH = -1


class SpeechDataModule(LightningDataModule):
    """Speech in batches of a given duration, clean and noisy, in train, dev and test splits.

    Use it with ``Trainer(use_distributed_sampler=False)``: its samplers share out the batches
    among processes themselves.

    Args:
        corpus: Where the speech comes from.
        noise: Where the noise comes from; None when everything stays clean.
        noisy_fraction: Fraction of the training and dev utterances that get noise, or a room;
            which ones, and what, changes from epoch to epoch in training and never in dev.
        clean_epochs: So many epochs at the beginning of training have no noise: what letters sound
            like is learnt sooner from clean speech.
        snr_ranges_db: Lowest and highest SNR by kind of noise ("babble", "music", "noise"); kinds
            that are left out are not used. By default the ranges of the x-vector recipe.
        conditions: Test conditions: "clean", "snr20", "snr10", "snr0", ...
        batch_duration_s: Summed duration of the utterances of a batch, in seconds.
        num_buckets: Buckets of similar duration, from which training batches are drawn.
        num_workers: Loading processes.
        seed: Seed of shuffling and of training and test noise.
        utterances_per_test_speaker: At most that many utterances of each test speaker (the first
            by id); None for all.
        reverberation: Rooms for training and dev speech, a kind beside those of ``noise`` and as
            likely; None for none. Test conditions have no rooms.
        alphabet: The characters a recogniser can spell. Training and dev utterances with others
            are left out and reported; test utterances are kept and remarked on.

    Attributes:
        unusable: ``(split, utterance id, reason)`` found so far: by the manifests at ``setup``, by
            the audio as batches go by.
        unusable_noise: ``(split, recording, reason)`` of noise and rooms that were left out.
        remarks: ``(split, utterance id, remark)`` of utterances that were used all the same, and of
            "noise babble" that is of too few voices.
    """

    def __init__(
        self,
        corpus: Corpus,
        noise: NoiseSource | None = None,
        noisy_fraction: float = 0.0,
        clean_epochs: int = 0,
        snr_ranges_db: dict[str, tuple[float, float]] | None = None,
        conditions: Sequence[str] = ("clean",),
        batch_duration_s: float = 40.0,
        num_buckets: int = 10,
        num_workers: int = 0,
        seed: int = 0,
        utterances_per_test_speaker: int | None = None,
        reverberation: ImpulseResponses | None = None,
        alphabet: str = DEFAULT_ALPHABET,
    ) -> None:
        super().__init__()
        self.corpus = corpus
        self.noise = noise
        self.noisy_fraction = noisy_fraction
        self.clean_epochs = clean_epochs
        self.snr_ranges_db = snr_ranges_db or SNR_RANGES_DB
        self.conditions = list(conditions)
        self.batch_duration_s = batch_duration_s
        self.num_buckets = num_buckets
        self.num_workers = num_workers
        self.seed = seed
        self.utterances_per_test_speaker = utterances_per_test_speaker
        self.reverberation = reverberation
        self.alphabet = alphabet
        self.unusable: list[tuple[str, str, str]] = []
        self.unusable_noise: list[tuple[str, str, str]] = []
        self.remarks: list[tuple[str, str, str]] = []
        self._cuts: dict[Split, CutSet] = {}
        self._origin: dict[str, Split] = {}
        self._banks: dict[NoiseSplit, NoiseBank] = {}
        self._check()

    def _check(self) -> None:
        noisy = [c for c in self.conditions if condition_snr_db(c) is not None]
        mixes = self.noisy_fraction > 0 and self.reverberation is None
        if self.noise is None and (noisy or mixes):
            what = f"condition {noisy[0]}" if noisy else f"noisy_fraction {self.noisy_fraction}"
            raise UserError(f"{what} needs noise recordings: set noise to a noise source")
        unknown = sorted(set(self.snr_ranges_db) - set(NOISE_KINDS))
        if unknown:
            raise UserError(
                f"snr_ranges_db: unknown kind {unknown[0]!r}, known are {', '.join(NOISE_KINDS)}"
            )

    def prepare_data(self) -> None:
        """Synthesise, index or download what is missing."""
        self.corpus.prepare()
        if self.noise is not None:
            self.noise.prepare()
        if self.reverberation is not None:
            self.reverberation.prepare()

    def setup(self, stage: str | None = None) -> None:
        """Nothing: splits and noise are loaded and screened when they are first asked for."""

    def cuts(self, split: Split) -> CutSet:
        """The usable utterances of a split, as far as the manifests tell; in order of their ids."""
        if split not in self._cuts:
            self._cuts[split] = self._screened(split)
        return self._cuts[split]

    def bank(self, split: NoiseSplit) -> NoiseBank | None:
        """The noise recordings of a split, for training the rooms too; None without a source."""
        if split not in self._banks:
            cuts: list[Cut] = []
            problems: list[tuple[str, str]] = []
            if self.noise is not None:
                cuts += list(self.noise.load(split))
                problems += self.noise.problems(split)
            if self.reverberation is not None and split == "train":
                cuts += list(self.reverberation.load())
                problems += self.reverberation.problems()
            self.unusable_noise += [(split, name, reason) for name, reason in problems]
            if self.noise is None and not cuts:
                return None
            self._banks[split] = NoiseBank(CutSet.from_cuts(cuts))
        return self._banks[split]

    def train_dataloader(self) -> DataLoader[SpeechBatch]:
        """Shuffled anew, and with other noise, in every epoch."""
        return self._loader("train", self._training_noise(None), shuffle=True)

    def val_dataloader(self) -> list[DataLoader[SpeechBatch]]:
        """The dev split, treated like the training data but always the same; [] if it is empty."""
        if len(self.cuts("dev")) == 0:
            return []
        return [self._loader("dev", self._training_noise(_VALIDATION_EPOCH))]

    def first_training_dataloader(self, per_speaker: int) -> DataLoader[SpeechBatch]:
        """The first utterances of each training speaker, noisy as in training, always the same."""
        first = CutSet.from_cuts(first_of_each_speaker(self.cuts("train"), per_speaker))
        return self._loader("train", self._training_noise(_VALIDATION_EPOCH), cuts=first)

    def test_dataloader(self) -> list[DataLoader[SpeechBatch]]:
        """One loader per condition, with the same utterances in the same order."""
        return [self.condition_dataloader(condition) for condition in self.conditions]

    def condition_dataloader(self, condition: str) -> DataLoader[SpeechBatch]:
        """The test split in one condition."""
        return self._loader("test", self._test_noise(condition))

    def corpus_cuts(self, splits: Sequence[Split], per_speaker: int | None = None) -> list[Cut]:
        """The utterances of several splits as `cuts` has them, or the first of each speaker by id.

        Raises:
            UserError: When two splits have an utterance id in common.
        """
        found = merged({split: self.cuts(split) for split in splits}, per_speaker)
        self._origin |= {cut.id: split for split, cut in found}
        return [cut for _, cut in found]

    def split_of(self, utterance: str) -> Split | None:
        """The split of an utterance that `corpus_cuts` gave."""
        return self._origin.get(utterance)

    def corpus_dataloader(
        self,
        splits: Sequence[Split] = ("train", "dev", "test"),
        per_speaker: int | None = None,
        order: Order = "duration",
        ids: Collection[str] | None = None,
    ) -> DataLoader[SpeechBatch]:
        """All of `corpus_cuts`, clean and always the same, each heard by exactly one process.

        ``order`` is "duration", which pads least, or "speaker", one after the other; ``ids`` are
        the only utterances that are wanted. What is wrong with alignments is added to ``remarks``.
        """
        cuts = self.corpus_cuts(splits, per_speaker)
        cuts = cuts if ids is None else [cut for cut in cuts if cut.id in ids]
        for name, remark in alignment_remarks(cuts, self.corpus.phone_set):
            self.remarks.append((self._origin[name], name, remark))
        self.remarks[:] = dict.fromkeys(self.remarks)  # a second pass says the same
        sampler = OnceSampler(in_order(cuts, order), self.batch_duration_s, *self._process())
        return self._batches(sampler)

    def on_before_batch_transfer(self, batch: SpeechBatch, dataloader_idx: int) -> SpeechBatch:
        """Note what the batch says about utterances that could not be used."""
        state = self.trainer.state.stage if self.trainer is not None else None
        split = {"train": "train", "test": "test"}.get(state.value if state else "", "dev")
        self.note(split, batch)
        return batch

    def note(self, split: str, batch: SpeechBatch) -> None:
        """Add the failures and warnings of a batch to ``unusable`` and ``remarks``, once each."""
        for found, known in ((batch.failures, self.unusable), (batch.warnings, self.remarks)):
            new = [(self._origin.get(name, split), name, reason) for name, reason in found]
            known += [entry for entry in new if entry not in known]

    def noted(self, split: Split, loader: DataLoader[SpeechBatch]) -> Iterator[SpeechBatch]:
        """The batches of a loader that no Trainer goes through, each noted."""
        for batch in loader:
            self.note(split, batch)
            yield batch

    def _screened(self, split: Split) -> CutSet:
        kept, problems, remarks = screened(
            self.corpus.load(split), self.alphabet, needs_text=split != "test"
        )
        problems = self.corpus.problems(split) + problems
        self.unusable += [(split, name, reason) for name, reason in problems]
        self.remarks += [(split, name, remark) for name, remark in remarks]
        if split == "test" and self.utterances_per_test_speaker is not None:
            kept = first_of_each_speaker(kept, self.utterances_per_test_speaker)
        if not kept and split != "dev":
            raise UserError(
                f"no usable utterance in the {split} split of {type(self.corpus).__name__}"
                + (f": e.g. {self.unusable[-1][1]} {self.unusable[-1][2]}" if self.unusable else "")
            )
        return CutSet.from_cuts(kept)

    def _training_noise(self, epoch: int | None) -> ChooseNoise | None:
        bank = self.bank("train")
        if bank is None or self.noisy_fraction <= 0:
            return None
        if "babble" in self.snr_ranges_db:
            self._remark_babble("train", bank)
        return TrainingNoise(
            bank, self.seed, self.noisy_fraction, self.snr_ranges_db, epoch, self.clean_epochs
        )

    def _test_noise(self, condition: str) -> ChooseNoise | None:
        bank = self.bank("test")
        if bank is not None and condition_snr_db(condition) is not None:
            self._remark_babble("test", bank)
        return TestNoise(bank, condition, self.seed) if bank is not None else None

    def _remark_babble(self, split: NoiseSplit, bank: NoiseBank) -> None:
        remark = babble_remark(bank)
        entry = (split, "noise babble", remark or "")
        if remark is not None and entry not in self.remarks:
            self.remarks.append(entry)

    def _loader(
        self,
        split: Split,
        choose: ChooseNoise | None,
        shuffle: bool = False,
        cuts: CutSet | None = None,
    ) -> DataLoader[SpeechBatch]:
        rank, world_size = self._process()
        sampler = BatchSampler(
            self.cuts(split) if cuts is None else cuts,
            self.batch_duration_s,
            shuffle,
            num_buckets=self.num_buckets,
            seed=self.seed,
            rank=rank,
            world_size=world_size,
        )
        bank = self.bank("test" if split == "test" else "train")
        return self._batches(sampler, choose, bank)

    def _process(self) -> tuple[int, int]:
        """Number of this process, and how many there are."""
        trainer = self.trainer
        return (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)

    def _batches(
        self,
        sampler: BatchSampler | OnceSampler,
        choose: ChooseNoise | None = None,
        bank: NoiseBank | None = None,
    ) -> DataLoader[SpeechBatch]:
        return DataLoader(
            SpeechDataset(choose, bank, self.alphabet),
            sampler=sampler,
            batch_size=None,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )
