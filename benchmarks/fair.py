"""What the benchmarks share: speech to work on, and a clock that is fair on a busy machine."""

import os
import time
from collections.abc import Callable, Mapping

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from corpora.batch import SpeechBatch
from corpora.datamodule import SpeechDataModule
from corpora.embedded import EmbeddedCorpus

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def fastest(sides: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Shortest time of each side in seconds; the sides take turns, so that load hits all alike."""
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(repeats):
        for name, work in sides.items():
            start = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def cheapest(
    sides: Mapping[str, Callable[[], object]], repeats: int, device: str = "cpu"
) -> dict[str, np.ndarray]:
    """Fewest seconds of each side, on the clock and of the processor; the sides take turns."""
    best = {name: np.full(2, np.inf) for name in sides}
    for _ in range(repeats):
        for name, work in sides.items():
            start = now(device)
            work()
            best[name] = np.minimum(best[name], now(device) - start)
    return best


def now(device: str = "cpu") -> np.ndarray:
    """Seconds on the clock and of the processor, when the device has done all it was given."""
    if device != "cpu":
        torch.cuda.synchronize(device)
    return np.array([time.perf_counter(), time.process_time()])


def speech(duration_s: float, count: int) -> list[SpeechBatch]:
    """`count` batches of the embedded corpus of about `duration_s` seconds each."""
    speakers = max(2, int(count * duration_s / 40))
    corpus = EmbeddedCorpus(
        n_train_speakers=speakers,
        n_dev_speakers=1,
        n_test_speakers=1,
        utterances_per_train_speaker=24,
        utterances_per_dev_speaker=1,
        utterances_per_test_speaker=1,
    )
    data = SpeechDataModule(corpus, batch_duration_s=duration_s, num_buckets=1)
    data.prepare_data()
    data.setup("fit")
    return [batch for batch, _ in zip(data.train_dataloader(), range(count), strict=False)]


def load() -> str:
    """How busy the machine is."""
    return f"{os.cpu_count()} cores, {torch.get_num_threads()} used, load {os.getloadavg()[0]:.1f}"
