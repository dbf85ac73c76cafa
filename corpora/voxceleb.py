"""VoxCeleb from a folder in its own layout, for training speaker verifiers."""

import csv
from dataclasses import dataclass
from pathlib import Path

from lhotse import CutSet
from lhotse.cut import Cut

from acoustics.errors import UserError
from corpora.cache import cache_root, made_once
from corpora.corpus import Corpus, Progress, Split
from corpora.folders import listing_hash, stored_cuts
from corpora.indexed import file_cut, hold_out, read_problems, write_index

_FORMAT = 1
_SPLITS: tuple[Split, ...] = ("train", "dev", "test")
_LISTS = ("vox1_meta.csv", "vox2_meta.csv")
_SUFFIXES = {".wav", ".flac"}
_SEXES = {"f": "female", "m": "male"}


@dataclass(frozen=True)
class Listed:
    """A speaker of the corpus's own list; ``subset`` is "dev" or "test"."""

    sex: str | None
    subset: str


class VoxCelebCorpus(Corpus):
    """VoxCeleb 1 or 2 (Nagrani et al. 2017, Chung et al. 2018), or any corpus in its layout.

    The layout is ``<root>/**/<speaker>/<video>/<number>.wav`` with a speaker list
    ``vox1_meta.csv`` or ``vox2_meta.csv`` in ``<root>``, which gives sex and subset. VoxCeleb 2
    comes as ``.m4a``: convert it to WAV or FLAC first. There are no transcripts.

    Args:
        root: The folder with the speaker list.
        dev_speakers: Speakers of the list's "dev" subset that are held out of training.
        seed: Seed of their choice.
        cache: Cache folder; by default ``$OTOSCOPE_CACHE`` or ``~/.cache/otoscope``.
    """

    def __init__(
        self, root: str, dev_speakers: int = 40, seed: int = 0, cache: str | None = None
    ) -> None:
        self.root, self.dev_speakers, self.seed, self.cache = root, dev_speakers, seed, cache
        self._fingerprint: str | None = None

    def fingerprint(self) -> str:
        """A hash of the arguments and of the names, sizes and times of all files."""
        if self._fingerprint is None:
            choice = (_FORMAT, self.dev_speakers, self.seed)
            self._fingerprint = listing_hash([self._folder()], *choice)
        return self._fingerprint

    def prepare(self, progress: Progress | None = None) -> None:
        """Index the corpus once into the cache.

        Raises:
            UserError: When the folder, its speaker list or its audio is missing.
        """
        if not self._folder().is_dir():
            raise UserError(f"VoxCeleb: there is no folder {self.root}; set root to where it lies")
        self._speakers()
        made_once(self._index_folder(), lambda folder: self._index(folder, progress))

    def load(self, split: Split) -> CutSet:
        """The cuts of a split; their text is empty."""
        self.prepare()
        return stored_cuts(self._index_folder() / f"{split}.jsonl.gz", self._folder().resolve())

    def problems(self, split: Split) -> list[tuple[str, str]]:
        """Files whose header cannot be read, and speakers who are not in the list."""
        self.prepare()
        return read_problems(self._index_folder(), split)

    def _folder(self) -> Path:
        return Path(self.root).expanduser()

    def _index_folder(self) -> Path:
        return cache_root(self.cache) / f"voxceleb-{self.fingerprint()}"

    def _speakers(self) -> dict[str, Listed]:
        paths = [self._folder() / name for name in _LISTS if (self._folder() / name).is_file()]
        if not paths:
            raise UserError(
                f"VoxCeleb: there is no speaker list {' or '.join(_LISTS)} in {self.root}; "
                "it comes with the corpus and gives sex and subset"
            )
        found: dict[str, Listed] = {}
        for path in paths:
            found |= read_speakers(path)
        return found

    def _index(self, folder: Path, progress: Progress | None) -> None:
        listed = self._speakers()
        cuts: dict[Split, list[Cut]] = {split: [] for split in _SPLITS}
        problems: dict[Split, list[tuple[str, str]]] = {split: [] for split in _SPLITS}
        files = sorted(p for p in self._folder().rglob("*") if p.suffix.lower() in _SUFFIXES)
        for number, path in enumerate(files):
            if progress is not None and number % 1000 == 0:
                progress(number / len(files), f"indexing {number} of {len(files)} files")
            name = "-".join(path.with_suffix("").parts[-3:])
            speaker = path.parts[-3]
            split: Split = "train"
            try:
                if speaker not in listed:
                    raise ValueError(f"speaker {speaker} is not in the speaker list")
                split = "test" if listed[speaker].subset == "test" else "train"
                sex = listed[speaker].sex
                cuts[split].append(file_cut(path, self._folder(), name, speaker, sex))
            except ValueError as error:
                problems[split].append((name, str(error)))
        if not cuts["train"]:
            raise UserError(
                f"VoxCeleb: {self.root} holds no usable audio (*.wav, *.flac) of a listed speaker"
                + (f", e.g. {problems['train'][0][1]}" if problems["train"] else "")
                + ("; convert .m4a files first" if any(self._folder().rglob("*.m4a")) else "")
            )
        hold_out(cuts, self.dev_speakers, self.seed, f"VoxCeleb: {self.root}")
        write_index(folder, cuts, problems)


def read_speakers(path: Path) -> dict[str, Listed]:
    """From speaker id to sex and subset, by ``vox1_meta.csv`` (tabs) or ``vox2_meta.csv`` (commas).

    Raises:
        UserError: When it cannot be read, or has no column for the id or the subset.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(text.splitlines(), delimiter="\t" if "\t" in text else ","))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is no UTF-8 table: {error}"
        raise UserError(
            f"VoxCeleb: {path} cannot be read ({reason}); put the list there that comes with the "
            "corpus"
        ) from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    columns = {
        key: next((i for i, cell in enumerate(header) if cell.endswith(key)), None)
        for key in ("id", "gender", "set")
    }
    first, sex, subset = columns["id"], columns["gender"], columns["set"]
    if first is None or subset is None:
        raise UserError(f"VoxCeleb: {path} has no columns 'VoxCeleb ID' and 'Set': not its list")
    return {
        row[first].strip(): Listed(
            _SEXES.get(row[sex].strip().lower()) if sex is not None else None,
            row[subset].strip().lower(),
        )
        for row in rows[1:]
        if len(row) > max(first, subset, sex or 0)
    }
