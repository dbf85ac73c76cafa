"""Best segments as sounds: the clips that a study has written, the others cut from the corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from corpora.corpus import SAMPLE_RATE
from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.sounds import Span, cut_clips, sound_of
from evaluation.sonification.study_folder import StudyFolder


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

    Args:
        atlas: where to; it opens the corpus when something has to be cut.
        wanted: the most important first.
    """
    found: dict[Span, str] = {}
    absent: dict[Span, None] = {}
    for study, segment in wanted:
        if segment.span in found or segment.span in absent:
            continue
        path = study.file(segment.clip) if segment.clip else None
        sound = sound_of(atlas.site, path) if path else None
        if sound:
            found[segment.span] = sound
        else:
            absent[segment.span] = None
    cut = cut_clips(atlas.site, absent, lambda: atlas.corpus, corpus_of(atlas), atlas.report)
    return found | cut


def corpus_of(atlas: Atlas) -> str:
    """Tells the corpus of a run from others: a digest of its part of the configuration."""
    lines = atlas.folder.config.splitlines()
    start = lines.index("corpus:") if "corpus:" in lines else len(lines)
    inside = []
    for line in lines[start + 1 :]:
        if line and not line[0].isspace():
            break
        inside.append(line)
    return hashlib.blake2b("\n".join(inside).encode(), digest_size=8).hexdigest()
