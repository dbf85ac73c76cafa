"""Noise for the embedded corpus: babbling voices, music of sorts, and noise of many colours."""

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import numpy as np
from lhotse import CutSet, MonoCut
from numpy.typing import NDArray

from corpora.audio import write_wav
from corpora.cache import cache_root, made_once
from corpora.corpus import SAMPLE_RATE, NoiseSource, NoiseSplit, Progress
from corpora.embedded import at_16_khz, recording_of, trimmed
from corpora.espeak import Utterance, speak
from corpora.folders import stored_cuts
from corpora.grammar import sentences
from corpora.noise_sounds import NOISES, melody
from corpora.seeding import generator
from corpora.voices import noise_speakers

_FORMAT = 2
_SENTENCES_PER_VOICE = 6
_SPLITS: tuple[NoiseSplit, ...] = ("train", "test")


class GeneratedNoise(NoiseSource):
    """Babble, music and noise that need no download, made once into the cache.

    Per split: twelve voices of 10 to 20 s that no corpus speaker has (training and test voices
    have different variants), ``n_music`` sequences of chords and ``n_noise`` recordings of
    coloured, modulated and impulsive noise, of 10 to 20 s each.

    Args:
        n_music: Pieces of music in each split.
        n_noise: Recordings of noise in each split.
        seed: Seed of all of them.
        cache: Cache folder; by default ``$OTOSCOPE_CACHE`` or ``~/.cache/otoscope``.
    """

    def __init__(
        self, n_music: int = 12, n_noise: int = 16, seed: int = 0, cache: str | None = None
    ) -> None:
        self.n_music = n_music
        self.n_noise = n_noise
        self.seed = seed
        self.cache = cache

    @property
    def folder(self) -> Path:
        """Where the recordings lie once they are prepared."""
        return cache_root(self.cache) / f"noise-{self.fingerprint()}"

    def fingerprint(self) -> str:
        """A hash of the arguments, of what the voices say and of the synthesiser's version."""
        spoken = [self._requests(split) for split in _SPLITS]
        content = [_FORMAT, version("espeakng-loader"), spoken, self.n_music, self.n_noise]
        return hashlib.sha256(repr([*content, self.seed]).encode()).hexdigest()[:16]

    def prepare(self, progress: Progress | None = None) -> None:
        """Generate the recordings unless the cache holds them.

        Raises:
            UserError: When the cache cannot be written.
        """
        made_once(self.folder, lambda folder: self._generate(folder, progress))

    def load(self, split: NoiseSplit) -> CutSet:
        """The recordings of a split."""
        self.prepare()
        folder = self.folder
        return stored_cuts(folder / f"{split}.jsonl.gz", folder)

    def _generate(self, folder: Path, progress: Progress | None) -> None:
        for number, split in enumerate(_SPLITS):
            if progress is not None:
                progress(number / len(_SPLITS), f"generating {split} noise")
            (folder / split).mkdir()
            cuts = self._voices(folder, split)
            for kind, count in (("music", self.n_music), ("noise", self.n_noise)):
                makers: list[Callable[..., NDArray[np.float32]]]
                makers = [melody] if kind == "music" else NOISES
                for i in range(count):
                    rng = generator("generated noise", self.seed, split, kind, i)
                    samples = int(rng.integers(100, 200)) * SAMPLE_RATE // 10
                    waveform = makers[i % len(makers)](rng, samples)
                    cuts.append(_write(folder, split, f"{split}-{kind}{i:02d}", kind, waveform))
            CutSet.from_cuts(cuts).to_file(folder / f"{split}.jsonl.gz")
        if progress is not None:
            progress(1.0, "generated noise")

    def _requests(self, split: NoiseSplit) -> list[Utterance]:
        source = sentences(generator("noise voices", self.seed, split))
        return [
            Utterance(speaker.voice, f"{text}.", speaker.rate, speaker.pitch)
            for speaker in noise_speakers(split)
            for text in islice(source, _SENTENCES_PER_VOICE)
        ]

    def _voices(self, folder: Path, split: NoiseSplit) -> list[MonoCut]:
        spoken = speak(self._requests(split))
        cuts = []
        for speaker in noise_speakers(split):
            raw = [s.waveform for s in islice(spoken, _SENTENCES_PER_VOICE)]
            waveform = at_16_khz(np.concatenate([trimmed(w)[0] for w in raw]))
            cuts.append(_write(folder, split, speaker.name, "babble", waveform))
        return cuts


def _write(
    folder: Path, split: NoiseSplit, name: str, kind: str, waveform: NDArray[np.float32]
) -> MonoCut:
    path = Path(split) / f"{name}.wav"
    write_wav(folder / path, waveform)
    return MonoCut(
        id=name,
        start=0.0,
        duration=len(waveform) / SAMPLE_RATE,
        channel=0,
        recording=recording_of(name, path, len(waveform)),
        custom={"kind": kind},
    )
