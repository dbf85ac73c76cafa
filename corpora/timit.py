"""TIMIT from its folder, as the Linguistic Data Consortium publishes it (LDC93S1)."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from lhotse import CutSet
from lhotse.cut import Cut

from acoustics.errors import UserError
from corpora.cache import cache_root, made_once
from corpora.corpus import Corpus, Progress, Split
from corpora.folders import listing_hash, stored_cuts
from corpora.indexed import file_cut, hold_out, read_problems, write_index
from corpora.sphere import sphere_problem
from corpora.timit_files import (
    TimitSpeaker,
    read_labels,
    read_speakers,
    read_transcript,
    speaker_of,
    spelled,
)
from corpora.timit_layout import CORE_TEST, PARTS, Part, below, holder, sentences, speaker_folders
from corpora.timit_phones import PAUSES, PHONES_39, PHONES_61, SILENCE, folded

_FORMAT = 1
_DIALECTS = {
    **{"DR1": "New England", "DR2": "Northern", "DR3": "North Midland", "DR4": "South Midland"},
    **{"DR5": "Southern", "DR6": "New York City", "DR7": "Western", "DR8": "Army Brat"},
}


class TimitCorpus(Corpus):
    """TIMIT (Garofolo et al. 1993), or any corpus in its layout; names in upper or lower case.

    The layout is ``<root>/{TRAIN,TEST}/DR<1-8>/<speaker>/<sentence>.{WAV,TXT,WRD,PHN}``, with
    ``DOC/SPKRINFO.TXT`` for age and height. Audio is NIST SPHERE, or RIFF called ``.WAV`` or
    ``.WAV.wav``. Ids are in upper case (``FCJF0-SX127``). A supervision's ``custom`` has the
    ``dialect`` and, where known, ``age_years`` and ``height_cm``.

    TEST is the test split; no speaker and, but for the dialect sentences, no text of TRAIN is in
    it. Sentences of development speakers, who are held out of TRAIN, are said in training too.

    Args:
        root: The folder with TRAIN and TEST in it, or in a folder ``TIMIT`` or ``data`` below it.
        core_test: Whether the test split is the core test set of 24 speakers alone.
        dialect_sentences: Whether the two sentences that everybody says (SA) are in.
        phones: 61, the transcribers' symbols; or the 39 classes of Lee and Hon (1989).
        dev_speakers: Speakers of TRAIN that are held out, women and men in turn.
        seed: Seed of their choice.
        cache: Cache folder; by default ``$OTOSCOPE_CACHE`` or ``~/.cache/otoscope``.
    """

    def __init__(
        self,
        root: str,
        core_test: bool = False,
        dialect_sentences: bool = False,
        phones: Literal[61, 39] = 61,
        dev_speakers: int = 24,
        seed: int = 0,
        cache: str | None = None,
    ) -> None:
        self.root, self.core_test, self.dialect_sentences = root, core_test, dialect_sentences
        self.phones, self.dev_speakers, self.seed, self.cache = phones, dev_speakers, seed, cache
        self.phone_set = PHONES_61 if phones == 61 else PHONES_39
        self.pauses = frozenset(PAUSES if phones == 61 else (SILENCE,))  # closures too, as folded
        self._fingerprint: str | None = None

    @cached_property
    def folder(self) -> Path:
        """The folder that holds TRAIN and TEST."""
        root = Path(self.root).expanduser()
        return holder(root) or root

    def fingerprint(self) -> str:
        """A hash of the arguments and of the names, sizes and times of all files."""
        if self._fingerprint is None:
            parts = [below(self.folder, part) for part in PARTS]
            settings = (self.core_test, self.dialect_sentences, self.phones)
            choice = (_FORMAT, settings, self.dev_speakers, self.seed, self._table())
            self._fingerprint = listing_hash([part for part in parts if part], *choice)
        return self._fingerprint

    def prepare(self, progress: Progress | None = None) -> None:
        """Index the corpus once into the cache.

        Raises:
            UserError: When a folder is missing or holds no usable audio.
        """
        if holder(self.folder) is None:
            raise UserError(
                f"TIMIT: there are no folders TRAIN and TEST in {self.root}; set root to where the "
                "corpus lies (LDC93S1 of the Linguistic Data Consortium)"
            )
        made_once(self._index_folder(), lambda folder: self._index(folder, progress))

    def load(self, split: Split) -> CutSet:
        """The cuts of a split, with the alignments that there are files of."""
        self.prepare()
        return stored_cuts(self._index_folder() / f"{split}.jsonl.gz", self.folder.resolve())

    def problems(self, split: Split) -> list[tuple[str, str]]:
        """Files that cannot be read, are compressed or truncated, or have no text or audio."""
        self.prepare()
        return read_problems(self._index_folder(), split)

    def _index_folder(self) -> Path:
        return cache_root(self.cache) / f"timit-{self.fingerprint()}"

    def _table(self) -> dict[str, TimitSpeaker]:
        for place in (self.folder, self.folder.parent):
            for path in (below(place, "doc", "spkrinfo.txt"), below(place, "spkrinfo.txt")):
                if path is not None:
                    return read_speakers(path)
        return {}

    def _index(self, folder: Path, progress: Progress | None) -> None:
        cuts: dict[Split, list[Cut]] = {"train": [], "dev": [], "test": []}
        problems: dict[Split, list[tuple[str, str]]] = {"train": [], "dev": [], "test": []}
        places, table = self._places(), self._table()
        if self.core_test:
            absent = sorted(CORE_TEST - {place.name.upper() for place in places["test"]})
            problems["test"] += [
                (name, "of the core test set, but has no folder") for name in absent
            ]
        done, total = 0, sum(map(len, places.values()))
        for part, speakers in places.items():
            for place in speakers:
                if progress is not None and done % 20 == 0:
                    progress(done / total, f"indexing {done} of {total} speakers")
                done += 1
                for found in self._speaker(place, table):
                    if isinstance(found, tuple):
                        problems[part].append(found)
                    else:
                        cuts[part].append(found)
            if not cuts[part]:
                raise UserError(
                    f"TIMIT: {below(self.folder, part)} holds no usable audio (*.WAV)"
                    + (" of the core test set" if part == "test" and self.core_test else "")
                    + (f", e.g. {': '.join(problems[part][-1])}" if problems[part] else "")
                )
        if self.dev_speakers:
            hold_out(cuts, self.dev_speakers, self.seed, f"TIMIT: {self.folder}")
        write_index(folder, cuts, problems)

    def _places(self) -> dict[Part, list[Path]]:
        """The folders of the speakers of both parts that are wanted."""
        found = {part: speaker_folders(self.folder, part) for part in PARTS}
        train, test = ({place.name.upper() for place in found[part]} for part in PARTS)
        if both := sorted(train & test):
            raise UserError(f"TIMIT: speaker {both[0]} is in both TRAIN and TEST of {self.folder}")
        if self.core_test:
            found["test"] = [place for place in found["test"] if place.name.upper() in CORE_TEST]
        return found

    def _speaker(self, place: Path, table: dict[str, TimitSpeaker]) -> list[Cut | tuple[str, str]]:
        """The cuts of a speaker; in the place of a bad file its id and what is wrong with it."""
        speaker = place.name.upper()
        known = table.get(speaker) or speaker_of(speaker)
        found: list[Cut | tuple[str, str]] = []
        for sentence, files in sentences(place).items():
            if sentence.startswith("SA") and not self.dialect_sentences:
                continue
            try:
                found.append(self._sentence(f"{speaker}-{sentence}", speaker, known, files))
            except ValueError as error:
                found.append((f"{speaker}-{sentence}", str(error)))
        return found

    def _sentence(
        self, name: str, speaker: str, known: TimitSpeaker, files: dict[str, Path]
    ) -> Cut:
        # Some copies have the converted file beside the original, which may be compressed.
        path = files.get("WAV.WAV") or files.get("WAV")
        if path is None:
            raise ValueError("has labels but no audio (.WAV)")
        if (problem := sphere_problem(path)) is not None:
            raise ValueError(problem)
        ends = {"word": "WRD", "phone": "PHN"}
        tiers = {tier: read_labels(files[end]) for tier, end in ends.items() if end in files}
        if "TXT" in files:
            text = read_transcript(files["TXT"])
        elif "word" in tiers:
            text = spelled(" ".join(item.symbol for item in tiers["word"]))
        else:
            raise ValueError("no transcript (.TXT or .WRD)")
        if self.phones == 39 and "phone" in tiers:
            tiers["phone"] = folded(tiers["phone"])
        cut = file_cut(path, self.folder, name, speaker, known.sex, text, "English")
        region = path.parent.parent.name.upper()
        custom = {"dialect": _DIALECTS.get(region, region), **_numbers(known)}
        cut.supervisions[0].custom, cut.supervisions[0].alignment = custom, tiers or None
        return cut


def _numbers(speaker: TimitSpeaker) -> dict[str, float]:
    given = {"age_years": speaker.age_years, "height_cm": speaker.height_cm}
    return {name: value for name, value in given.items() if value is not None}
