"""Hundreds of embedded speakers, for training speaker verifiers."""

from itertools import islice

from acoustics.errors import UserError
from corpora.corpus import Split
from corpora.embedded import EmbeddedCorpus
from corpora.grammar import sentences
from corpora.seeding import generator
from corpora.voices import Speaker, other_speakers


class EmbeddedSpeakers(EmbeddedCorpus):
    """Many voices that say little each; none of them is a test speaker of the embedded corpus.

    There is no test split: a verifier is tested on the speakers of the corpus under study. Those
    have the variants of some training speakers, in another accent; development speakers have even
    the accent, at another pitch, so their EER flatters and serves to watch the training only.

    Args:
        n_train_speakers: Speakers to train on.
        n_dev_speakers: Speakers of the development split.
        utterances_per_speaker: Utterances of each speaker, 2.3 s on average.
        seed: Seed of the sentences.
        cache: Cache folder; by default ``$OTOSCOPE_CACHE`` or ``~/.cache/otoscope``.
    """

    def __init__(
        self,
        n_train_speakers: int = 320,
        n_dev_speakers: int = 24,
        utterances_per_speaker: int = 10,
        seed: int = 0,
        cache: str | None = None,
    ) -> None:
        count = utterances_per_speaker
        super().__init__(n_train_speakers, n_dev_speakers, 0, count, count, 0, seed, cache)

    def _script(self) -> list[tuple[Split, Speaker, str]]:
        splits: tuple[Split, ...] = ("dev", "train")
        try:
            voices = iter(other_speakers(sum(self.sizes[split][0] for split in splits)))
        except ValueError as error:
            raise UserError(f"EmbeddedSpeakers: {error}; ask for fewer speakers") from error
        source = sentences(generator("embedded speakers", self.seed))
        return [
            (split, speaker, text)
            for split in splits
            for speaker in islice(voices, self.sizes[split][0])
            for text in islice(source, self.sizes[split][1])
        ]
