"""Best segments as sounds: cut from the corpus, or as a study has written them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lhotse.cut import Cut

from corpora.corpus import SAMPLE_RATE
from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.sounds import Span, cut_clips, sound_of
from evaluation.sonification.study_folder import ROOT, StudyFolder


@dataclass(frozen=True)
class Segment:
    """A part of an utterance that drives a feature.

    Attributes:
        utterance: where it is.
        start_s: where it begins, in seconds.
        end_s: where it ends.
        clip: where the study would have put its sound.
    """

    utterance: str
    start_s: float
    end_s: float
    clip: str

    @property
    def span(self) -> Span:
        """In samples."""
        ends = round(self.start_s * SAMPLE_RATE), round(self.end_s * SAMPLE_RATE)
        return Span(self.utterance, *ends)


def segment_sounds(atlas: Atlas, wanted: Iterable[tuple[StudyFolder, Segment]]) -> dict[Span, str]:
    """The ways to the sounds of segments, those that there are.

    Where the corpus is not here, those serve that a study has written.

    Args:
        atlas: where to; it opens the corpus when something has to be cut.
        wanted: the most important first.
    """
    owners: dict[Span, Path | None] = {}
    for study, segment in wanted:
        if owners.get(segment.span) is None:
            owners[segment.span] = study.file(segment.clip) if segment.clip else None
    opened: list[Mapping[str, Cut]] = []

    def corpus() -> Mapping[str, Cut]:
        opened.append(atlas.corpus)
        return atlas.corpus

    found = cut_clips(atlas.site, owners, corpus, corpus_of(atlas), atlas.report)
    for span, path in owners.items() if opened and not opened[0] else ():
        sound = sound_of(atlas.site, path) if path and span not in found else None
        if sound:
            found[span] = sound
            atlas.site.absent -= 1  # it was counted when the corpus lacked it
    return found


def corpus_of(atlas: Atlas) -> str:
    """Tells the corpus of this run from others with the same utterances."""
    found = re.search(r"^corpus:.*\n(?:[ -].*\n?)*", atlas.folder.config, re.MULTILINE)
    text = found[0] if found else ""
    record = atlas.run / ROOT / "corpus.json"  # of `otoscope sonify`, which may search another one
    if record.is_file():
        text += record.read_text(encoding="utf-8", errors="replace")
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
