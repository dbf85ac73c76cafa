"""On what speech a run was made: corpus, splits, trials, conditions, as far as files tell."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from acoustics.errors import UserError
from corpora.augmentation import condition_snr_db
from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.studied import class_name
from evaluation.patient_tables import whole_rows
from evaluation.reading import number
from evaluation.run_folder import RECORD

CORPORA = {
    "EmbeddedCorpus": "embedded corpus (synthetic speech, spoken by espeak-ng)",
    "LibriSpeechCorpus": "LibriSpeech",
    "TimitCorpus": "TIMIT",
}
"""Names of our corpora; another one goes by that of its class."""

UNTOLD = ("seed", "cache", "root", "download")
"""Arguments of a corpus that do not say what speech it is; nor do paths."""


def corpus_named(atlas: Atlas, config: Mapping[str, Any]) -> str:
    """Which corpus it was, and with what arguments; empty where nothing says it."""
    named = config.get("corpus")
    name = class_name(named) or _searched_class(atlas)
    arguments = named.get("init_args") if isinstance(named, dict) else None
    told = [
        f"{key.removeprefix('n_').replace('_', ' ')} {_listed(value)}"
        for key, value in (arguments.items() if isinstance(arguments, dict) else ())
        if key not in UNTOLD and value not in (None, []) and "/" not in str(value)
    ]
    return ": ".join(text for text in (CORPORA.get(name, name), ", ".join(told)) if text)


def _listed(value: object) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def _searched_class(atlas: Atlas) -> str:
    """Of `otoscope sonify`, `audiate` or `mask`, which write the corpus down beside their work."""
    for path in sorted(atlas.run.glob(f"*/{RECORD}")):
        try:
            return str(json.loads(path.read_text("utf-8"))["class"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return ""


def speech_told(atlas: Atlas) -> list[dict[str, str]]:
    """A row per use of the corpus and split: speakers, utterances and minutes, counted in tables.

    The training speech of recognisers and probes is in no table, so it is not here.
    """
    wanted = ["speaker", "sex", "duration_s"]
    scored = list(whole_rows(atlas.run, "utterances.csv", atlas.notes, wanted))
    rows = []
    if scored:
        columns = [[row[name] for row in scored] for name in wanted]
        rows.append(_counted("rendered and scored", "test", *columns))
    searched: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for model, study in atlas.studies.items():
        found = study.columns("utterances", ["split", "heard", *wanted])
        if found is None:
            continue
        heard = found["heard"].astype(str) != "no"
        for split in dict.fromkeys(found["split"][heard].tolist()):
            mine = heard & (found["split"] == split)
            line = _counted("searched", split or "–", *(found[n][mine].tolist() for n in wanted))
            searched.setdefault(tuple(line.items()), []).append(model)
    for counted, models in searched.items():
        line = dict(counted)
        if models != list(atlas.studies):
            line["use"] += f" in {', '.join(models)}"
        rows.append(line)
    return rows


def _counted(
    use: str, split: str, speakers: Sequence[Any], sexes: Sequence[Any], durations: Sequence[Any]
) -> dict[str, str]:
    of_speaker = dict(zip(map(str, speakers), map(str, sexes), strict=True))
    named = [f"{count} {sex}" for sex, count in sorted(Counter(of_speaker.values()).items()) if sex]
    seconds = sum(number(duration) or 0.0 for duration in durations)
    return {
        "use": use, "split": split, "speakers": f"{len(of_speaker):,}", "sexes": ", ".join(named),
        "utterances": f"{len(durations):,}", "minutes": f"{seconds / 60:,.1f}",
    }  # fmt: skip


def trials_told(atlas: Atlas) -> str:
    """As in `192 trials: 96 of one speaker, 96 of two`; empty where there are none."""
    rows = whole_rows(atlas.run, "trials.csv", atlas.notes, ["target"])
    counts = Counter(row["target"] == "1" for row in rows)
    if not counts:
        return ""
    return f"{counts.total():,}: {counts[True]:,} of one speaker, {counts[False]:,} of two"


def conditions_told(atlas: Atlas) -> list[str]:
    """As in `snr0: noise at 0 dB SNR (babble 8, music 31, noise 25)`, counted in mixtures."""
    columns = ["condition", "kind", "snr_db"]
    kinds: dict[str, Counter[str]] = {}
    levels: dict[str, set[str]] = {}
    for row in whole_rows(atlas.run, "mixtures.csv", atlas.notes, columns):
        kinds.setdefault(row["condition"], Counter())[row["kind"]] += 1
        levels.setdefault(row["condition"], set()).add(row["snr_db"])
    return [
        _condition(name, levels.get(name, set()), kinds.get(name, Counter()))
        for name in atlas.conditions
    ]


def _condition(name: str, levels: set[str], kinds: Counter[str]) -> str:
    try:
        asked = condition_snr_db(name)
    except UserError:
        asked = None
    told = sorted(level for text in levels if (level := number(text)) is not None)
    told = told or ([] if asked is None else [asked])
    if not told:
        return name
    span = f"{told[0]:g}" if told[0] == told[-1] else f"{told[0]:g} to {told[-1]:g}"
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    return f"{name}: noise at {span} dB SNR" + (f" ({counts})" if counts else "")
