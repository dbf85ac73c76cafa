"""LibriSpeech from a folder in its own layout."""

from pathlib import Path

from lhotse import CutSet
from lhotse.cut import Cut
from lhotse.supervision import AlignmentItem

from acoustics.errors import UserError
from corpora.cache import cache_root, made_once
from corpora.corpus import Corpus, Progress, Split
from corpora.folders import listing_hash, stored_cuts
from corpora.indexed import file_cut, hold_out, read_problems, write_index
from corpora.textgrid import read_textgrid, with_words_of

_FORMAT = 2
_MINI = ("train-clean-5", "dev-clean-2")  # lie elsewhere
_SPLITS: tuple[Split, ...] = ("train", "dev", "test")


class LibriSpeechCorpus(Corpus):
    """LibriSpeech (Panayotov et al. 2015), or any corpus in its layout.

    The layout is ``<root>/<subset>/<speaker>/<chapter>/<speaker>-<chapter>-<number>.flac`` with the
    transcripts in ``<speaker>-<chapter>.trans.txt``; ``SPEAKERS.TXT`` gives the sex.

    Args:
        root: The folder ``LibriSpeech``, or the one that contains it.
        train: Subsets for training, such as "train-clean-100".
        dev: Subsets for development; may be empty.
        test: Subsets for testing.
        alignments: Folder of TextGrids by the Montreal Forced Aligner,
            ``<alignments>/<subset>/<speaker>/<chapter>/*.TextGrid``; None when there are none.
        dev_speakers: Speakers held out of training as the development split where ``dev`` is
            empty, women and men in turn.
        seed: Seed of the choice of these speakers.
        download: Whether subsets that are missing are downloaded.
        cache: Cache folder; by default ``$OTOSCOPE_CACHE`` or ``~/.cache/otoscope``.
    """

    def __init__(
        self,
        root: str,
        train: list[str],
        dev: list[str],
        test: list[str],
        alignments: str | None = None,
        dev_speakers: int = 0,
        seed: int = 0,
        download: bool = False,
        cache: str | None = None,
    ) -> None:
        self.root = root
        self.subsets: dict[Split, list[str]] = {"train": train, "dev": dev, "test": test}
        self.alignments = alignments
        self.dev_speakers = dev_speakers
        self.seed = seed
        self.download = download
        self.cache = cache
        self._fingerprint: str | None = None

    @property
    def folder(self) -> Path:
        """The folder that holds the subsets."""
        root = Path(self.root).expanduser()
        return root / "LibriSpeech" if (root / "LibriSpeech").is_dir() else root

    def fingerprint(self) -> str:
        """A hash of the arguments and of the names, sizes and times of all files."""
        if self._fingerprint is None:
            roots = [self.folder / s for split in _SPLITS for s in self.subsets[split]]
            roots += [Path(self.alignments)] if self.alignments else []
            choice = (_FORMAT, self.subsets, self.dev_speakers, self.seed, self._sexes())
            self._fingerprint = listing_hash(roots, *choice)
        return self._fingerprint

    def fetch(self) -> None:
        """Download missing subsets where `download` is set."""
        if self.download:
            self._find_subsets()

    def prepare(self, progress: Progress | None = None) -> None:
        """Index the corpus once into the cache, after a download where one was asked for.

        Raises:
            UserError: When a folder is missing or holds no audio, or a download fails.
        """
        self._find_subsets()
        made_once(self._index_folder(), lambda folder: self._index(folder, progress))

    def load(self, split: Split) -> CutSet:
        """The cuts of a split, with alignments (ARPABET with stress) where TextGrids were given."""
        self.prepare()
        return stored_cuts(self._index_folder() / f"{split}.jsonl.gz", self.folder.resolve())

    def problems(self, split: Split) -> list[tuple[str, str]]:
        """Files whose header cannot be read, and files without a transcript."""
        self.prepare()
        return read_problems(self._index_folder(), split)

    def _index_folder(self) -> Path:
        return cache_root(self.cache) / f"librispeech-{self.fingerprint()}"

    def _find_subsets(self) -> None:
        wanted = [subset for split in _SPLITS for subset in self.subsets[split]]
        missing = [subset for subset in wanted if not (self.folder / subset).is_dir()]
        if missing and self.download:
            download(Path(self.root).expanduser(), missing)
            self._fingerprint = None
            missing = [subset for subset in wanted if not (self.folder / subset).is_dir()]
        if missing:
            raise UserError(
                f"LibriSpeech: there is no folder {self.folder / missing[0]}; set root to where "
                "the corpus lies, or download: true to get it"
            )
        if len(set(wanted)) < len(wanted):
            raise UserError(f"LibriSpeech: a subset is named twice in {', '.join(wanted)}")
        if self.alignments is not None and not Path(self.alignments).is_dir():
            raise UserError(f"LibriSpeech: there is no alignments folder {self.alignments}")

    def _sexes(self) -> dict[str, str]:
        path = self.folder / "SPEAKERS.TXT"
        return read_sexes(path) if path.is_file() else {}

    def _index(self, folder: Path, progress: Progress | None) -> None:
        sexes = self._sexes()
        cuts: dict[Split, list[Cut]] = {split: [] for split in _SPLITS}
        problems: dict[Split, list[tuple[str, str]]] = {split: [] for split in _SPLITS}
        subsets = [(split, subset) for split in _SPLITS for subset in self.subsets[split]]
        for number, (split, subset) in enumerate(subsets):
            if progress is not None:
                progress(number / len(subsets), f"indexing {subset}")
            before = len(cuts[split])
            for chapter in sorted({p.parent for p in (self.folder / subset).rglob("*.flac")}):
                found = self._chapter(chapter, subset, sexes)
                cuts[split] += [cut for cut in found if not isinstance(cut, tuple)]
                problems[split] += [problem for problem in found if isinstance(problem, tuple)]
            if len(cuts[split]) == before:
                raise UserError(
                    f"LibriSpeech: {self.folder / subset} holds no usable audio (*.flac)"
                )
        if not self.subsets["dev"] and self.dev_speakers:
            hold_out(cuts, self.dev_speakers, self.seed, f"LibriSpeech: {self.folder}")
        write_index(folder, cuts, problems)

    def _chapter(
        self, folder: Path, subset: str, sexes: dict[str, str]
    ) -> list[Cut | tuple[str, str]]:
        """The cuts of a chapter; in the place of a bad file its name and what is wrong with it."""
        speaker, chapter = folder.parts[-2:]
        transcripts = read_transcripts(folder / f"{speaker}-{chapter}.trans.txt")
        found: list[Cut | tuple[str, str]] = []
        for path in sorted(folder.glob("*.flac")):
            name = path.stem
            try:
                if name not in transcripts:
                    raise ValueError(f"no transcript in {speaker}-{chapter}.trans.txt")
                text, sex = transcripts[name], sexes.get(speaker)
                cut = file_cut(path, self.folder, name, speaker, sex, text, "English")
                grid = Path(subset, speaker, chapter, f"{name}.TextGrid")
                cut.supervisions[0].alignment = self._alignment(grid, text)
                found.append(cut)
            except ValueError as error:
                found.append((name, str(error)))
        return found

    def _alignment(self, grid: Path, text: str) -> dict[str, list[AlignmentItem]] | None:
        if self.alignments is None:
            return None
        path = Path(self.alignments) / grid
        return with_words_of(text, read_textgrid(path)) if path.is_file() else None


def read_sexes(path: Path) -> dict[str, str]:
    """From speaker id to "female" or "male", by the corpus's table ``SPEAKERS.TXT``."""
    names = {"F": "female", "M": "male"}
    rows = [line.split("|") for line in path.read_text(encoding="utf-8").splitlines()]
    return {
        row[0].strip(): names[row[1].strip()]
        for row in rows
        if len(row) >= 3 and row[1].strip() in names and not row[0].startswith(";")
    }


def read_transcripts(path: Path) -> dict[str, str]:
    """From utterance id to text; empty when there is no such file."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: text for name, _, text in (line.partition(" ") for line in lines) if name}


def download(root: Path, subsets: list[str]) -> None:
    """Download subsets through lhotse's recipe into ``<root>/LibriSpeech``.

    Raises:
        UserError: When that fails, e.g. without a network; it says how to get them by hand.
    """
    from lhotse.recipes import download_librispeech  # slow to import, and seldom needed

    target = root.parent if root.name == "LibriSpeech" else root
    try:
        download_librispeech(target, dataset_parts=subsets)
    except Exception as error:  # urllib, tarfile and OS errors alike
        commands = " && ".join(
            f"curl -L https://www.openslr.org/resources/{31 if part in _MINI else 12}/{part}.tar.gz"
            f" | tar xz -C {target}"
            for part in subsets
        )
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"LibriSpeech: cannot download {', '.join(subsets)} ({reason}); where there is a "
            f"network, run: {commands}"
        ) from error
