"""Rooms for training speech, simulated."""

import hashlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from lhotse import CutSet
from lhotse.augmentation.utils import FastRandomRIRGenerator
from numpy.typing import NDArray

from acoustics.errors import UserError
from corpora.audio import write_wav
from corpora.cache import cache_root, made_once
from corpora.corpus import SAMPLE_RATE, ImpulseResponses, Progress
from corpora.embedded import recording_of
from corpora.folders import stored_cuts
from corpora.room_acoustics import direct_path, reverberation_time_s, room_cut
from corpora.seeding import derived_seed

_FORMAT = 1
_MANIFEST = "rooms.jsonl.gz"
_ATTEMPTS = 200


class SimulatedRooms(ImpulseResponses):
    """Impulse responses of rooms that need no download, simulated once into the cache.

    By lhotse's approximation of the image method (Luo and Yu 2022, arXiv:2208.04101): rooms and
    distances are drawn until the reverberation time, measured on the result, lies in the range.

    Args:
        count: Rooms.
        rt60_s: Shortest and longest reverberation time, in seconds; by default those of the small
            and medium rooms of RIRS_NOISES.
        seed: Seed of all of them.
        cache: Cache folder; by default ``$OTOSCOPE_CACHE`` or ``~/.cache/otoscope``.

    Raises:
        UserError: When there can be no such rooms.
    """

    def __init__(
        self,
        count: int = 60,
        rt60_s: tuple[float, float] = (0.2, 0.8),
        seed: int = 0,
        cache: str | None = None,
    ) -> None:
        self.count, self.rt60_s, self.seed, self.cache = count, tuple(rt60_s), seed, cache
        if count < 1:
            raise UserError(f"reverberation: count {count} is not possible, it must be 1 or more")
        if not 0.1 <= rt60_s[0] < rt60_s[1] <= 2.0:
            raise UserError(
                f"reverberation: rt60_s {list(rt60_s)} is not possible; "
                "give a shortest and a longest time between 0.1 and 2 seconds"
            )

    @property
    def folder(self) -> Path:
        """Where the impulse responses lie once they are prepared."""
        return cache_root(self.cache) / f"rooms-{self.fingerprint()}"

    def fingerprint(self) -> str:
        """A hash of the arguments and of the versions of the simulator and its random numbers."""
        content = [
            _FORMAT,
            version("lhotse"),
            version("torch"),
            self.count,
            *map(float, self.rt60_s),
            self.seed,
        ]
        return hashlib.sha256(repr(content).encode()).hexdigest()[:16]

    def prepare(self, progress: Progress | None = None) -> None:
        """Simulate the rooms unless the cache holds them.

        Raises:
            UserError: When the cache cannot be written.
        """
        made_once(self.folder, lambda folder: self._simulate(folder, progress))

    def load(self) -> CutSet:
        """The impulse responses, named ``room000`` and so on."""
        self.prepare()
        return stored_cuts(self.folder / _MANIFEST, self.folder)

    def _simulate(self, folder: Path, progress: Progress | None) -> None:
        cuts = []
        for number in range(self.count):
            if progress is not None:
                progress(number / self.count, f"simulating room {number + 1}/{self.count}")
            response = self._room(number)
            name = f"room{number:03d}"
            path = Path(f"{name}.wav")
            write_wav(folder / path, 0.9 * response / np.abs(response).max())
            cuts.append(room_cut(recording_of(name, path, len(response))))
        CutSet.from_cuts(cuts).to_file(folder / _MANIFEST)

    def _room(self, number: int) -> NDArray[np.float32]:
        low, high = self.rt60_s
        for attempt in range(_ATTEMPTS):
            response = _simulated(high, derived_seed("room", self.seed, number, attempt))
            loudest = int(np.abs(response).argmax())
            if loudest == direct_path(response) and low <= reverberation_time_s(response) <= high:
                return response
        raise UserError(f"reverberation: no room found with rt60_s {list(self.rt60_s)}; widen it")


def _simulated(longest_s: float, seed: int) -> NDArray[np.float32]:
    """``(tap,)`` impulse response; lhotse draws from numpy's and from torch's generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        draw = FastRandomRIRGenerator(
            sr=SAMPLE_RATE,
            max_T60=longest_s,
            room_seed=derived_seed("room", seed),
            source_seed=derived_seed("source", seed),
        )
        response: NDArray[np.float32] = draw()[0]
    return response
