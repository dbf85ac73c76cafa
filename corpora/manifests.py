"""Any corpus that lhotse has cut manifests for."""

import hashlib
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
        test: Cut manifest for testing; none of its speakers may be among the training speakers.
        dev: Cut manifest for development; None when there is none.
        prefix: Folder that relative audio paths in the manifests refer to.
    """

    def __init__(
        self, train: str, test: str, dev: str | None = None, prefix: str | None = None
    ) -> None:
        self.manifests: dict[Split, str | None] = {"train": train, "dev": dev, "test": test}
        self.prefix = prefix

    def prepare(self, progress: Progress | None = None) -> None:
        """Check the manifests.

        Raises:
            UserError: When one is missing, or test speakers are among the training speakers.
        """
        for split, manifest in self.manifests.items():
            if manifest is not None and not Path(manifest).is_file():
                raise UserError(f"there is no {split} manifest {manifest}")
        speakers = {
            split: {str(cut.supervisions[0].speaker) for cut in self.load(split)}
            for split in ("train", "test")
        }
        common = sorted(speakers["train"] & speakers["test"])
        if common:
            raise UserError(
                f"speaker {common[0]} is in both {self.manifests['train']} and "
                f"{self.manifests['test']}: split the corpus by speaker"
            )

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
        """A hash of the manifests' content."""
        digest = hashlib.sha256(repr(self.prefix).encode())
        for split, manifest in self.manifests.items():
            digest.update(split.encode() + (Path(manifest).read_bytes() if manifest else b""))
        return digest.hexdigest()[:16]
