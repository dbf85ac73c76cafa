"""Best segments as sounds: cut from the corpus, or as a study has written them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from lhotse.cut import Cut

from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.sounds import Span, cut_clips, sound_of, span_key
from evaluation.listening import safe_name
from evaluation.run_folder import CORPUS, RECORD
from evaluation.sonification.clips import clip_name
from evaluation.sonification.study_folder import ROOT, StudyFolder


def segment_sounds(atlas: Atlas, owners: Mapping[Span, StudyFolder]) -> dict[Span, str]:
    """The ways to the sounds of segments, those that there are.

    Where the corpus is not here, those serve that the study has written.

    Args:
        atlas: where to, and the corpus.
        owners: of which study each segment is, the most important first.
    """
    opened: list[Mapping[str, Cut]] = []

    def corpus() -> Mapping[str, Cut]:
        opened.append(atlas.corpus)
        return atlas.corpus

    found = cut_clips(atlas.site, owners, corpus, origin_of(atlas), atlas.report)
    if opened and not opened[0]:
        lacking = {span: owner for span, owner in owners.items() if span not in found}
        found |= _written(atlas, lacking)
    return found


def _written(atlas: Atlas, owners: Mapping[Span, StudyFolder]) -> dict[Span, str]:
    """Those that a study has written itself."""
    found = {}
    for span, study in owners.items():
        name = safe_name(span.utterance) if span.utterance else ""
        path = study.file(clip_name(name, span.start, span.end))
        sound = sound_of(atlas.site, path) if path else None
        if sound:
            found[span] = sound
        elif not path:
            atlas.site.lack(f"clip {span_key(span)}")
    return found


def origin_of(atlas: Atlas) -> str:
    """Tells the corpus of this run from others with the same utterances."""
    found = re.search(r"^corpus:.*\n(?:[ -].*\n?)*", atlas.folder.config, re.MULTILINE)
    text = found[0] if found else ""
    for folder in (CORPUS, ROOT):  # `otoscope sonify` may search another one
        record = atlas.run / folder / RECORD
        if record.is_file():
            text += record.read_text(encoding="utf-8", errors="replace")
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
