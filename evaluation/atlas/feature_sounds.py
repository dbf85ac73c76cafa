"""The sounds of the page Features: segments of the corpus, the strongest of all features first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from corpora.corpus import SAMPLE_RATE
from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.feature_study import FeatureStudy, Rows, read_rows
from evaluation.atlas.packing import packed
from evaluation.atlas.segment_sounds import segment_sounds
from evaluation.atlas.sounds import Span
from evaluation.sonification.unit_names import phones_in

OTHER_CLIPS, NGRAM_CLIPS = 5, 0
"""Of each feature's segments of the other units, and of runs of several phones among them: these
are long and nearly all different, so they would take most of the room."""

Sounds = Mapping[Span, str]


def cut_segments(atlas: Atlas, studies: Sequence[FeatureStudy]) -> Sounds:
    """Segments of all features as sounds, each once, whichever features share it.

    What is strongest comes first, of the unit that is shown first: so the bound of the site cuts
    off what is heard least. Where the corpus is not here, those serve that the study has written.

    Args:
        atlas: where to, and the corpus.
        studies: of all models.
    """
    owners = ranked_spans(studies, atlas.site.settings.clips)
    return segment_sounds(atlas, {span: study.folder for span, study in owners.items()})


def ranked_spans(studies: Sequence[FeatureStudy], clips: int) -> dict[Span, FeatureStudy]:
    """What is to be heard, the most important first, and whose it is.

    Args:
        studies: of all models.
        clips: of each feature.
    """
    turns: dict[tuple[bool, int], list[tuple[FeatureStudy, list[Span]]]] = {}
    for study in studies:
        for unit in study.units:
            for rank, spans in _by_rank(study, unit, _most(study, unit, clips)):
                turns.setdefault((unit != study.unit, rank), []).append((study, spans))
    found: dict[Span, FeatureStudy] = {}
    for _, parts in sorted(turns.items(), key=lambda turn: turn[0]):
        for study, spans in parts:
            for span in spans:
                found.setdefault(span, study)
    return found


def _most(study: FeatureStudy, unit: str, clips: int) -> int:
    if unit == study.unit:
        return clips
    return min(clips, NGRAM_CLIPS if (phones_in(unit) or 1) > 1 else OTHER_CLIPS)


def _by_rank(study: FeatureStudy, unit: str, most: int) -> Iterator[tuple[int, list[Span]]]:
    """The segments of a unit by the best rank that any feature gives them, up to the last one."""
    numbers = ["feature", "rank", "segment", "start_s", "end_s"]
    rows = read_rows(study.folder, "segments", ["utterance"], numbers, unit=unit)
    if rows is None:
        return
    rank = rows.columns["rank"]
    order = np.lexsort((rank, rows.columns["segment"]))
    order = order[(rank[order] >= 1) & (rank[order] <= most)]
    _, first = np.unique(rows.columns["segment"][order], return_index=True)
    best = order[first]
    for level in range(1, most + 1):
        at = best[rank[best] == level]
        if len(at):
            yield level, spans_of(rows, at)


def spans_of(rows: Rows, at: np.ndarray) -> list[Span]:
    """The segments of some rows."""
    ends = [
        np.nan_to_num(rows.columns[name][at] * SAMPLE_RATE).round().astype(np.int64).tolist()
        for name in ("start_s", "end_s")
    ]
    names = rows.names["utterance"][rows.columns["utterance"][at]].tolist()
    return [Span(*span) for span in zip(names, *ends, strict=True)]


def sound_column(spans: Sequence[Span | None], sounds: Sounds) -> dict[str, object]:
    """Which sound each segment has, from 1; 0 is none."""
    names = [sounds.get(span, "") if span else "" for span in spans]
    used = {name: i for i, name in enumerate(dict.fromkeys(filter(None, names)), start=1)}
    ids = np.array([used.get(name, 0) for name in names], np.int64)
    return {**_shortened(list(used)), "ids": packed(ids)}


def _shortened(names: Sequence[str]) -> dict[str, str]:
    """Names of sounds without the folder and the suffix that they share."""
    folder, suffix = ("sounds/", "." + names[0].rpartition(".")[2]) if names else ("", "")
    stems = (name.removeprefix(folder).removesuffix(suffix) for name in names)
    return {"folder": folder, "suffix": suffix, "stems": " ".join(stems)}
