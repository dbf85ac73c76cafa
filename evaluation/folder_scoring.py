"""Scores folders of rendered speech against clean speech, a batch of utterances at a time.

A batch holds utterances of similar length; its clean speech is read once, then layer after layer is
read, cut to it and scored. What was scored is forgotten.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from corpora.audio import AudioError
from corpora.corpus import SAMPLE_RATE, Progress
from evaluation.records import UtteranceRow
from evaluation.rendered import Files, Folders
from evaluation.sound_files import announced_length, pcm_problem, read_pcm
from evaluation.sounds import Sounds, SoundScorer
from evaluation.speaker_table import Told
from evaluation.trials import Trial
from evaluation.verifiers.verifier import sorted_batches

NATURAL = "natural"
UNKNOWN = "(unknown)"
"""Stands for the speaker of utterances without one where intervals are drawn over speakers."""


@dataclass(frozen=True)
class Remark:
    """What is odd about a file, and whether it was scored all the same.

    `layer` is "reference" for clean speech; `kind` is what the console counts.
    """

    kind: Literal["cut", "converted", "unpaired", "unusable"]
    layer: str
    utterance: str
    reason: str

    @property
    def used(self) -> bool:
        """Whether the utterance was scored."""
        return self.kind in ("cut", "converted")


Remember = Callable[[Remark], None]


def utterance_rows(
    folders: Folders, told: Mapping[str, Told], trials: Sequence[Trial] = ()
) -> list[UtteranceRow]:
    """A row for every utterance of either side, and for those that only the trials name."""
    names = dict.fromkeys(folders.utterances, "")
    for trial in trials:
        names.setdefault(trial.enrol, trial.enrol_speaker)
        names.setdefault(trial.test, trial.test_speaker)
    rows = []
    for name, speaker in names.items():
        known, path = told.get(name, Told(speaker)), folders.reference.get(name)
        seconds = announced_length(path) / SAMPLE_RATE if path else 0.0
        counts = len(known.text.split()), len(known.text)
        rows.append(UtteranceRow(name, known.speaker, known.sex, seconds, *counts, known.text))
    return rows


class FolderScoring:
    """Feeds two sides of files to a `SoundScorer`, which is open.

    The clean speech is scored as `natural` where no layer has that name.

    Args:
        folders: the files.
        utterances: a row for each utterance of either side.
        scorer: scores and writes.
        condition: name in the tables.
        remember: takes what is odd, file by file.
        batch_duration_s: seconds of clean speech, padding included, that are held at once.
    """

    def __init__(
        self,
        folders: Folders,
        utterances: Sequence[UtteranceRow],
        scorer: SoundScorer,
        condition: str,
        remember: Remember,
        batch_duration_s: float = 40.0,
    ) -> None:
        self.folders, self.scorer, self.condition = folders, scorer, condition
        self.remember, self._most = remember, int(batch_duration_s * SAMPLE_RATE)
        self.rows = {row.utterance: row for row in utterances}
        own = {} if NATURAL in folders.layers else {NATURAL: folders.reference}
        self.layers: dict[str, Files] = {**own, **folders.layers}

    def run(self, report: Progress) -> None:
        """Score everything; `report` is told the fraction done and the utterances."""
        names = self.folders.utterances
        strays = [name for name in names if name not in self.folders.reference]
        for name in strays:
            self._stray(name)
        kept = [name for name in names if name in self.folders.reference]
        lengths = [max(1, round(self.rows[name].duration_s * SAMPLE_RATE)) for name in kept]
        done = len(strays)
        for indices in sorted_batches(lengths, self._most):
            self._batch([kept[i] for i in indices])
            done += len(indices)
            report(done / len(names), f"{done} of {len(names)} utterances")

    def _stray(self, name: str) -> None:
        """Rendered, but nothing clean to hold against it."""
        for layer, files in self.layers.items():
            self._fail(layer, name, "no reference file of this name")
            if name in files:
                self.remember(Remark("unpaired", layer, name, "no reference file of this name"))

    def _batch(self, names: list[str]) -> None:
        clean: dict[str, np.ndarray] = {}
        broken: dict[str, str] = {}
        for name in names:
            found = self._read("reference", name, self.folders.reference[name])
            if isinstance(found, str):
                broken[name] = f"reference: {found}"
            else:
                clean[name] = found
        for layer, files in self.layers.items():
            for name, reason in broken.items():
                self._fail(layer, name, reason)
            own = files is self.folders.reference
            pairs = {
                name: (sound, sound) if own else self._pair(layer, name, files, sound)
                for name, sound in clean.items()
            }
            self._score(layer, {name: pair for name, pair in pairs.items() if pair is not None})

    def _score(self, layer: str, pairs: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
        if pairs:
            rows = [self.rows[name] for name in pairs]
            pcm, clean = (list(side) for side in zip(*pairs.values(), strict=True))
            speakers, texts = [row.speaker for row in rows], [row.text for row in rows]
            whose = list(pairs), speakers, texts, [""] * len(rows)
            self.scorer.add(Sounds(self.condition, layer, *whose, pcm, clean))

    def _pair(
        self, layer: str, name: str, files: Files, clean: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Rendered and clean speech of one length; None where there is no such pair."""
        if name not in files:
            self._lose("unpaired", layer, name, "no rendered file of this name")
            return None
        heard = self._read(layer, name, files[name])
        if isinstance(heard, str):
            self._fail(layer, name, heard)
            return None
        if len(heard) == len(clean):
            return heard, clean
        length = min(len(heard), len(clean))
        problem = pcm_problem(heard[:length]) or pcm_problem(clean[:length])
        if problem is not None:
            what = f"{problem} once cut from {max(len(heard), len(clean))} to {length} samples"
            self._lose("unusable", layer, name, what)
            return None
        sides = ("rendered", "reference") if len(heard) > length else ("reference", "rendered")
        extra = abs(len(heard) - len(clean))
        what = f"{sides[0]} file cut by {extra} samples to the {length} of the {sides[1]} one"
        self.remember(Remark("cut", layer, name, what))
        return heard[:length], clean[:length]

    def _read(self, layer: str, name: str, path: Path) -> np.ndarray | str:
        """Samples, or the reason why there are none."""
        try:
            pcm, remarks = read_pcm(path)
        except AudioError as error:
            self.remember(Remark("unusable", layer, name, str(error)))
            return str(error)
        for remark in remarks:
            self.remember(Remark("converted", layer, name, remark))
        return pcm

    def _lose(
        self, kind: Literal["unpaired", "unusable"], layer: str, name: str, reason: str
    ) -> None:
        self.remember(Remark(kind, layer, name, reason))
        self._fail(layer, name, reason)

    def _fail(self, layer: str, name: str, reason: str) -> None:
        self.scorer.fail(self.condition, layer, name, self.rows[name].speaker, reason)
