"""Any corpus that lhotse has cut manifests for."""

import hashlib
from itertools import combinations
from pathlib import Path

from lhotse import CutSet

from acoustics.errors import UserError
from corpora.corpus import Corpus, Progress, Split

_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}


class ManifestCorpus(Corpus):
    """A corpus from lhotse cut manifests (``*.jsonl`` or ``*.jsonl.gz``).

    Cuts with several supervisions are cut at them; "F" and "M" become "female" and "male".

    Args:
        train: Cut manifest for training.
        test: Cut manifest for testing.
        dev: Cut manifest for development; None when there is none. No two share a speaker.
        prefix: Folder that relative audio paths in the manifests refer to.
    """

    def __init__(
        self, train: str, test: str, dev: str | None = None, prefix: str | None = None
    ) -> None:
        self.manifests: dict[Split, str | None] = {"train": train, "dev": dev, "test": test}
        self.prefix = prefix
        self._fingerprint: str | None = None

    def prepare(self, progress: Progress | None = None) -> None:
        """Check the manifests.

        Raises:
            UserError: When one is missing, an utterance has no speaker, or two of them share one.
        """
        self._find()
        speakers = {split: self._speakers(split) for split in self.manifests}
        for one, other in combinations(speakers, 2):
            common = sorted(speakers[one] & speakers[other])
            if common:
                raise UserError(
                    f"speaker {common[0]} is in both {self.manifests[one]} and "
                    f"{self.manifests[other]}: split the corpus by speaker"
                )

    def _find(self) -> None:
        for split, manifest in self.manifests.items():
            if manifest is not None and not Path(manifest).is_file():
                raise UserError(f"there is no {split} manifest {manifest}")

    def _speakers(self, split: Split) -> set[str]:
        found = set()
        for cut in self.load(split):
            if not cut.supervisions[0].speaker:
                raise UserError(
                    f"{self.manifests[split]}: utterance {cut.id} has no speaker; "
                    "give every supervision one"
                )
            found.add(str(cut.supervisions[0].speaker))
        return found

    def load(self, split: Split) -> CutSet:
        """The cuts of a split.

        Raises:
            UserError: When the manifest cannot be read.
        """
        manifest = self.manifests[split]
        if manifest is None:
            return CutSet.from_cuts([])
        try:
            cuts = (
                CutSet.from_file(manifest).to_eager().trim_to_supervisions(keep_overlapping=False)
            )
            if self.prefix is not None:
                cuts = cuts.with_recording_path_prefix(self.prefix)
            cuts = cuts.to_eager()
        except Exception as error:  # JSON, gzip, key and type errors alike
            raise UserError(f"cannot read the cut manifest {manifest}: {error}") from error
        for cut in cuts:
            gender = str(cut.supervisions[0].gender or "").lower()
            cut.supervisions[0].gender = _SEXES.get(gender)
        return cuts

    def fingerprint(self) -> str:
        """A hash of the manifests' content, and of the sizes and times of their audio files."""
        if self._fingerprint is None:
            self._fingerprint = self._digest()
        return self._fingerprint

    def _digest(self) -> str:
        self._find()
        digest = hashlib.sha256(repr(self.prefix).encode())
        for split, manifest in self.manifests.items():
            digest.update(split.encode() + (Path(manifest).read_bytes() if manifest else b""))
            for cut in self.load(split):
                for source in cut.recording.sources if cut.has_recording else ():
                    path = Path(str(source.source))
                    if source.type == "file" and path.is_file():
                        status = path.stat()
                        digest.update(repr((status.st_size, status.st_mtime_ns)).encode())
        return digest.hexdigest()[:16]
