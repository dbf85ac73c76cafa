"""Several corpora for training, one of them for everything else."""

import hashlib

from lhotse import CutSet

from acoustics.errors import UserError
from corpora.corpus import Corpus, Progress, Split


class JoinedCorpus(Corpus):
    """Trains on several corpora; dev and test are those of the first.

    Args:
        corpora: At least one corpus; utterance ids must differ between them.
    """

    def __init__(self, corpora: list[Corpus]) -> None:
        self.corpora = corpora

    def fetch(self) -> None:
        """Download what is missing in any of them."""
        for corpus in self.corpora:
            corpus.fetch()

    def prepare(self, progress: Progress | None = None) -> None:
        """Prepare all of them, one after the other."""
        for corpus in self.corpora:
            corpus.prepare(progress)

    def load(self, split: Split) -> CutSet:
        """The cuts of a split.

        Raises:
            UserError: When two corpora have an utterance id in common.
        """
        if split != "train":
            return self.corpora[0].load(split)
        cuts = [cut for corpus in self.corpora for cut in corpus.load("train")]
        seen: set[str] = set()
        for cut in cuts:
            if cut.id in seen:
                raise UserError(
                    f"JoinedCorpus: utterance id {cut.id} is in two corpora; rename one"
                )
            seen.add(cut.id)
        return CutSet.from_cuts(cuts)

    def fingerprint(self) -> str:
        """A hash of the fingerprints of all of them."""
        content = "joined " + " ".join(corpus.fingerprint() for corpus in self.corpora)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def problems(self, split: Split) -> list[tuple[str, str]]:
        """What could not be listed, in the corpora that the split comes from."""
        corpora = self.corpora if split == "train" else self.corpora[:1]
        return [problem for corpus in corpora for problem in corpus.problems(split)]
