"""The embedded corpus: espeak-ng reads sentences of a grammar in many voices."""

import hashlib
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import numpy as np
from lhotse import AudioSource, CutSet, MonoCut, Recording, SupervisionSegment
from numpy.typing import NDArray

from acoustics.errors import UserError
from corpora.alignment import alignments
from corpora.audio import resample, write_wav
from corpora.cache import cache_root, made_once
from corpora.corpus import SAMPLE_RATE, Corpus, Progress, Split
from corpora.espeak import ESPEAK_RATE, Spoken, Utterance, speak
from corpora.folders import stored_cuts
from corpora.grammar import sentences
from corpora.seeding import generator
from corpora.voices import Speaker, corpus_speakers

_FORMAT = 2  # raise it when what is written changes while the requests stay the same
_MARGIN_S = 0.05
_SPLITS: tuple[Split, ...] = ("test", "dev", "train")


class EmbeddedCorpus(Corpus):
    """A spoken corpus that needs no download: women and men in turn, speaker-disjoint splits.

    It is synthesised once into ``<cache>/embedded-<fingerprint>`` as 16 kHz 16-bit WAV, about one
    second per ten minutes of speech. The test speakers are the same whatever the size of the other
    splits, and no sentence is said twice.

    Args:
        n_train_speakers: Speakers of the training split.
        n_dev_speakers: Speakers of the development split.
        n_test_speakers: Speakers of the test split.
        utterances_per_train_speaker: Utterances of each training speaker, 2.3 s on average.
        utterances_per_dev_speaker: Utterances of each development speaker.
        utterances_per_test_speaker: Utterances of each test speaker.
        seed: Seed of the sentences.
        cache: Cache folder; by default ``$OTOSCOPE_CACHE`` or ``~/.cache/otoscope``.
    """

    def __init__(
        self,
        n_train_speakers: int = 44,
        n_dev_speakers: int = 4,
        n_test_speakers: int = 16,
        utterances_per_train_speaker: int = 80,
        utterances_per_dev_speaker: int = 12,
        utterances_per_test_speaker: int = 8,
        seed: int = 0,
        cache: str | None = None,
    ) -> None:
        self.sizes: dict[Split, tuple[int, int]] = {
            "train": (n_train_speakers, utterances_per_train_speaker),
            "dev": (n_dev_speakers, utterances_per_dev_speaker),
            "test": (n_test_speakers, utterances_per_test_speaker),
        }
        self.seed = seed
        self.cache = cache

    @property
    def folder(self) -> Path:
        """Where the corpus lies once it is prepared."""
        return cache_root(self.cache) / f"embedded-{self.fingerprint()}"

    def fingerprint(self) -> str:
        """A hash of every sentence, of every voice and of the synthesiser's version."""
        content = repr([_FORMAT, version("espeakng-loader"), self._script()])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def prepare(self, progress: Progress | None = None) -> None:
        """Synthesise the corpus unless the cache holds it.

        Raises:
            UserError: When the cache cannot be written, or fewer voices exist than were asked for.
        """
        made_once(self.folder, lambda folder: self._synthesise(folder, progress))

    def load(self, split: Split) -> CutSet:
        """The cuts of a split, with word and phone alignments (phones in IPA, without stress).

        A supervision's ``custom`` has its voice: ``variant`` and ``accent`` by espeak-ng's names,
        ``rate`` in words per minute, and ``pitch`` from 0 to 99, the latter two as espeak-ng was
        told; what is heard also depends on the variant.
        """
        self.prepare()
        folder = self.folder
        cuts = stored_cuts(folder / f"{split}.jsonl.gz", folder)
        speakers = {speaker.name: speaker for _, speaker, _ in self._script()}
        for cut in cuts:  # not in the cache, which older versions wrote too
            supervision = cut.supervisions[0]
            supervision.custom = speakers[supervision.speaker].attributes
        return cuts

    def voices(self, split: Split) -> set[str]:
        """Who speaks in a split: espeak-ng's names of their voices, whatever rate and pitch."""
        return {speaker.voice for where, speaker, _ in self._script() if where == split}

    def _script(self) -> list[tuple[Split, Speaker, str]]:
        """Who says what, in the order in which it is spoken."""
        try:
            speakers = corpus_speakers(sum(count for count, _ in self.sizes.values()))
        except ValueError as error:
            raise UserError(f"EmbeddedCorpus: {error}; ask for fewer speakers") from error
        source = sentences(generator("embedded corpus", self.seed))
        voices = iter(speakers)
        return [
            (split, speaker, text)
            for split in _SPLITS
            for speaker in islice(voices, self.sizes[split][0])
            for text in islice(source, self.sizes[split][1])
        ]

    def _synthesise(self, folder: Path, progress: Progress | None) -> None:
        script = self._script()
        requests = [
            Utterance(speaker.voice, f"{text}.", speaker.rate, speaker.pitch)
            for _, speaker, text in script
        ]
        cuts: dict[Split, list[MonoCut]] = {split: [] for split in _SPLITS}
        counts: dict[str, int] = {}
        for number, ((split, speaker, text), spoken) in enumerate(
            zip(script, speak(requests), strict=True)
        ):
            counts[speaker.name] = counts.get(speaker.name, 0) + 1
            name = f"{speaker.name}-{counts[speaker.name]:03d}"
            path = Path(split) / speaker.name / f"{name}.wav"
            cuts[split].append(_write(folder, path, name, speaker, text, spoken))
            if progress is not None and number % 50 == 0:
                progress(number / len(script), f"speaking: {number} of {len(script)} utterances")
        for split, found in cuts.items():
            CutSet.from_cuts(found).to_file(folder / f"{split}.jsonl.gz")
        if progress is not None:
            progress(1.0, f"spoke {len(script)} utterances")


def trimmed(waveform: NDArray[np.int16]) -> tuple[NDArray[np.int16], int]:
    """Leave exactly 50 ms of silence on either side of what sounds.

    Returns:
        ``(sample,)``, and the sample of the input at which it begins; negative where silence was
        added, because espeak-ng begins a vowel at once.
    """
    sounding = np.flatnonzero(np.abs(waveform.astype(np.int32)) > 3)
    margin = round(_MARGIN_S * ESPEAK_RATE)
    first, last = (int(sounding[0]), int(sounding[-1])) if len(sounding) else (0, -1)
    return np.pad(waveform[first : last + 1], margin), first - margin


def at_16_khz(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
    """Resample espeak-ng's output to 16 kHz; scaled down where the peak would pass 0.99."""
    signal = resample(waveform.astype(np.float32) / np.float32(32768), ESPEAK_RATE)
    peak = float(np.abs(signal).max(initial=1e-9))
    return signal * np.float32(min(1.0, 0.99 / peak))


def recording_of(name: str, path: Path, samples: int) -> Recording:
    """A recording at 16 kHz; its path stays relative, so that a cache can be moved."""
    return Recording(
        id=name,
        sources=[AudioSource(type="file", channels=[0], source=path.as_posix())],
        sampling_rate=SAMPLE_RATE,
        num_samples=samples,
        duration=samples / SAMPLE_RATE,
    )


def _write(
    folder: Path, path: Path, name: str, speaker: Speaker, text: str, spoken: Spoken
) -> MonoCut:
    sounding, begin = trimmed(spoken.waveform)
    waveform = at_16_khz(sounding)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    write_wav(folder / path, waveform)
    duration = len(waveform) / SAMPLE_RATE
    start_s = begin / ESPEAK_RATE
    supervision = SupervisionSegment(
        id=name,
        recording_id=name,
        start=0.0,
        duration=duration,
        text=text,
        language="English",
        speaker=speaker.name,
        gender=speaker.sex,
        alignment=alignments(text, spoken.events, start_s, start_s + duration),
    )
    return MonoCut(
        id=name,
        start=0.0,
        duration=duration,
        channel=0,
        supervisions=[supervision],
        recording=recording_of(name, path, len(waveform)),
    )
