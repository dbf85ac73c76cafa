"""Rooms for training speech whose impulse responses lie in a folder."""

from pathlib import Path

from lhotse import CutSet

from acoustics.errors import UserError
from corpora.audio import AudioError, load_waveform
from corpora.corpus import ImpulseResponses, Progress
from corpora.folders import listing_hash, recording_from_file
from corpora.room_acoustics import direct_path, room_cut
from corpora.seeding import derived_seed

_SUFFIXES = {".wav", ".flac"}
_OF_THE_RECIPE = ("smallroom", "mediumroom")


class ImpulseResponseFolder(ImpulseResponses):
    """Impulse responses from a folder of any depth, sample rate and number of channels.

    Of several channels the first is taken. In the layout of RIRS_NOISES (openslr.org/28) only the
    simulated small and medium rooms are, as in the x-vector recipe; anywhere else every audio file
    has to be an impulse response. Files that cannot be read, or are silent, are left out.

    Args:
        root: The folder.
        count: At most that many of them, drawn at random; None for all.
        seed: Seed of that choice.
    """

    def __init__(self, root: str, count: int | None = 1000, seed: int = 0) -> None:
        if count is not None and count < 1:
            raise UserError(f"reverberation: count {count} is not possible, it must be 1 or more")
        self.root, self.count, self.seed = root, count, seed
        self._problems: list[tuple[str, str]] = []

    def prepare(self, progress: Progress | None = None) -> None:
        """Check that the folder is there.

        Raises:
            UserError: When it does not exist or holds no audio.
        """
        if not self._folder().is_dir():
            raise UserError(
                f"there is no folder of impulse responses {self._folder()}: set root to one, "
                "such as RIRS_NOISES of openslr.org/28, or simulate rooms"
            )
        if not self._files():
            raise UserError(f"{self._folder()} holds no impulse response (.wav or .flac)")

    def load(self) -> CutSet:
        """The impulse responses, named by their paths.

        Raises:
            UserError: When none of them can be used.
        """
        self.prepare()
        cuts, self._problems = [], []
        for path in self._files():
            name = self._name(path)
            try:
                cut = room_cut(recording_from_file(path, name))
                direct_path(load_waveform(cut)[0])
                cuts.append(cut)
            except (ValueError, AudioError) as error:
                self._problems.append((name, str(error)))
        if not cuts:
            name, reason = self._problems[0]
            raise UserError(f"{self._folder()}: no impulse response can be used: {name}: {reason}")
        return CutSet.from_cuts(cuts)

    def problems(self) -> list[tuple[str, str]]:
        """``(recording, reason)`` of files that could not be used."""
        return self._problems

    def fingerprint(self) -> str:
        """A hash of the arguments and of the names, sizes and times of all files."""
        return listing_hash(self._roots(), self.count, self.seed)

    def _folder(self) -> Path:
        return Path(self.root).expanduser()

    def _roots(self) -> list[Path]:
        for place in ("RIRS_NOISES/simulated_rirs", "simulated_rirs", "."):
            found = [self._folder() / place / name for name in _OF_THE_RECIPE]
            if any(root.is_dir() for root in found):
                return [root for root in found if root.is_dir()]
        return [root for root in [self._folder()] if root.is_dir()]

    def _files(self) -> list[Path]:
        found = (path for root in self._roots() for path in root.rglob("*"))
        files = [path for path in found if path.suffix.lower() in _SUFFIXES]
        files.sort(key=lambda path: derived_seed("rooms", self.seed, self._name(path)))
        return sorted(files[: self.count])

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder()).as_posix()
