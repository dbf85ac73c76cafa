"""Noise from a folder in MUSAN's layout."""

from pathlib import Path

from lhotse import CutSet
from lhotse.cut import Cut

from acoustics.errors import UserError
from corpora.corpus import NOISE_KINDS, NoiseSource, NoiseSplit, Progress
from corpora.folders import listing_hash, recording_from_file
from corpora.seeding import derived_seed

_FOLDERS = {"babble": "speech", "music": "music", "noise": "noise"}
_SUFFIXES = {".wav", ".flac", ".ogg"}


class MusanNoise(NoiseSource):
    """MUSAN (Snyder et al. 2015), or any folder with ``music``, ``noise`` and ``speech`` in it.

    Sub-folders may be of any depth, files of any sample rate; ``ANNOTATIONS`` are not needed. A
    kind whose folder is missing is left out. Files that cannot be read are left out too. Babble
    wants three recordings of ``speech`` in each split; fewer are used, and remarked on.

    Args:
        root: The folder ``musan``.
        test_fraction: Fraction of the recordings of each kind that are kept for testing.
        seed: Seed of that choice.
    """

    def __init__(self, root: str, test_fraction: float = 0.3, seed: int = 0) -> None:
        self.root = root
        self.test_fraction = test_fraction
        self.seed = seed
        self._problems: dict[NoiseSplit, list[tuple[str, str]]] = {}

    def prepare(self, progress: Progress | None = None) -> None:
        """Check that the folder is there.

        Raises:
            UserError: When it does not exist or holds no audio.
        """
        root = self._folder()
        if not root.is_dir():
            raise UserError(f"there is no noise folder {root}: set root to a folder like MUSAN's")
        if not any(self._files(kind) for kind in NOISE_KINDS):
            raise UserError(f"{root} holds no audio in music/, noise/ or speech/")
        for split in ("train", "test"):
            if not any(self._share(kind, split) for kind in NOISE_KINDS):
                raise UserError(
                    f"{root}: no recording is left for the {split} split; training and test noise "
                    "must differ, so one kind needs at least two recordings"
                )

    def load(self, split: NoiseSplit) -> CutSet:
        """The recordings of a split."""
        self.prepare()
        cuts, problems = [], []
        for kind in NOISE_KINDS:
            for path in self._share(kind, split):
                try:
                    cuts.append(self._cut(kind, path))
                except ValueError as error:
                    problems.append((self._name(path), str(error)))
        self._problems[split] = problems
        return CutSet.from_cuts(cuts)

    def problems(self, split: NoiseSplit) -> list[tuple[str, str]]:
        """``(recording, reason)`` of files that could not be read."""
        return self._problems.get(split, [])

    def fingerprint(self) -> str:
        """A hash of the arguments and of the names, sizes and times of all files."""
        roots = [self._folder() / name for name in _FOLDERS.values()]
        return listing_hash([r for r in roots if r.is_dir()], self.test_fraction, self.seed)

    def _folder(self) -> Path:
        return Path(self.root).expanduser()

    def _files(self, kind: str) -> list[Path]:
        found = (self._folder() / _FOLDERS[kind]).rglob("*")
        return sorted(path for path in found if path.suffix.lower() in _SUFFIXES)

    def _share(self, kind: str, split: NoiseSplit) -> list[Path]:
        files = self._files(kind)
        files.sort(key=lambda path: derived_seed("musan", self.seed, self._name(path)))
        held_out = round(self.test_fraction * len(files))
        if len(files) > 1:
            held_out = min(max(held_out, 1), len(files) - 1)
        return files[:held_out] if split == "test" else files[held_out:]

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder()).with_suffix("").as_posix()

    def _cut(self, kind: str, path: Path) -> Cut:
        name = self._name(path)
        cut = recording_from_file(path, name).to_cut()
        cut.id = name
        cut.custom = {"kind": kind}
        return cut
