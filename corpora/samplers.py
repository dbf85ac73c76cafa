"""Batches of similar durations, shuffled anew in every epoch, shared out among processes."""

import warnings
from collections.abc import Iterable, Iterator

from lhotse import CutSet
from lhotse.cut import Cut
from lhotse.dataset.sampling import DynamicBucketingSampler, DynamicCutSampler
from torch.utils.data import Sampler


class OnceSampler(Sampler[tuple[int, CutSet]]):
    """Yields ``(0, cuts of a batch)`` in the order given; every utterance in exactly one process.

    `BatchSampler` lets a process hear a batch again so that all have equally many. What is counted
    or ranked must be heard once; processes may differ by one batch here.

    Args:
        cuts: The utterances in the order in which they are heard.
        batch_duration_s: Summed duration of the utterances of a batch, in seconds.
        rank: Number of this process.
        world_size: Number of processes.
    """

    def __init__(
        self, cuts: Iterable[Cut], batch_duration_s: float, rank: int = 0, world_size: int = 1
    ) -> None:
        batches: list[list[Cut]] = []
        total = 0.0
        for cut in cuts:
            if not batches or total + cut.duration > batch_duration_s:
                batches.append([])
                total = 0.0
            batches[-1].append(cut)
            total += cut.duration
        self.batches = batches[rank::world_size]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[int, CutSet]]:
        for batch in self.batches:
            yield 0, CutSet.from_cuts(batch)


class BatchSampler(Sampler[tuple[int, CutSet]]):
    """Yields ``(epoch, cuts of a batch)`` of this process.

    Training batches come from lhotse's dynamic buckets; with several processes every one gets
    equally many. Evaluation batches come in order of duration, to pad little, then of id: the same
    whatever is done to the utterances.

    Args:
        cuts: The utterances.
        batch_duration_s: Summed duration of the utterances of a batch, in seconds.
        shuffle: True for training, False for evaluation.
        num_buckets: Buckets of similar duration, fewer where there are few utterances.
        seed: Seed of the shuffling.
        rank: Number of this process.
        world_size: Number of processes.
    """

    def __init__(
        self,
        cuts: CutSet,
        batch_duration_s: float,
        shuffle: bool,
        num_buckets: int = 10,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        ordered = sorted(cuts, key=lambda cut: (cut.duration, str(cut.id)))
        self.cuts = CutSet.from_cuts(ordered)
        self.batch_duration_s = batch_duration_s
        self.shuffle = shuffle
        self.num_buckets = min(num_buckets, len(ordered) // 4)
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning at the beginning of an epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, CutSet]]:
        if len(self.cuts) == 0:
            return
        # A sampler of lhotse's remembers how far it got; a new one for every epoch does not.
        for batch in self._epoch_sampler():
            yield self.epoch, batch

    def _epoch_sampler(self) -> DynamicBucketingSampler | DynamicCutSampler:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*eagerly read CutSet.*")
            if self.shuffle and self.num_buckets > 1:
                sampler: DynamicBucketingSampler | DynamicCutSampler = DynamicBucketingSampler(
                    self.cuts,
                    max_duration=self.batch_duration_s,
                    shuffle=True,
                    num_buckets=self.num_buckets,
                    seed=self.seed,
                    rank=self.rank,
                    world_size=self.world_size,
                )
            else:
                sampler = DynamicCutSampler(
                    self.cuts,
                    max_duration=self.batch_duration_s,
                    shuffle=self.shuffle,
                    seed=self.seed,
                    rank=self.rank,
                    world_size=self.world_size,
                )
        sampler.set_epoch(self.epoch)
        return sampler
