"""Which claims of the article hold, in the recognisers that learnt and in the one that did not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.paper.verdicts import OPEN, tally_text
from evaluation.reading import CONTROL, Row, distinct, select
from evaluation.sonification.depth_trend import Claim
from evaluation.sonification.study_folder import StudyFolder

TITLES = {
    "dominance": "Features that one sex dominates become fewer with depth",
    "complexity": "What drives a feature becomes longer with depth",
    "same word": "A word's features become alike between the sexes with depth",
    "activity": "Shallow layers are dense and spiky, deep ones sparse and long",
    "blocks": "A block's last layer is active like its first",
}


def claims_of(studies: Mapping[str, StudyFolder], overview: StudyFolder) -> list[dict[str, Any]]:
    """Claims with their rows from all models; where the overview has a row too, that one stands.

    Only what was trained is evidence: the tally is of those rows. The rows of the control are apart
    (`control`), and a row whose verdict the control gives too is marked (`unlearnt`).
    """
    rows: dict[tuple[str, ...], Row] = {}
    for folder in (*studies.values(), overview):
        for row in folder.rows("claims", Claim):
            rows[tuple(str(row[name]) for name in ("claim", "model", "unit", "quantity"))] = row
    kept = [row for row in rows.values() if row["model"] in studies]
    return [
        _judged(claim, select(kept, claim=claim))
        for claim in sorted(distinct(kept, "claim"), key=_place)
    ]


def _judged(claim: str, rows: Sequence[Row]) -> dict[str, Any]:
    control = select(rows, model=CONTROL)
    shown = {_subject(row): row["verdict"] for row in control if row["verdict"] != OPEN}
    learnt = [
        {**_row(row), "unlearnt": shown.get(_subject(row)) == row["verdict"]}
        for row in rows
        if row["model"] != CONTROL
    ]
    return {
        "title": TITLES.get(claim, claim),
        "tally": tally_text(str(row["verdict"]) for row in learnt),
        "unlearnt": sum(row["unlearnt"] for row in learnt),
        "rows": learnt,
        "control": [_row(row) for row in control],
        "control_tally": tally_text(str(row["verdict"]) for row in control),
    }


def _row(row: Row) -> Row:
    """Without an interval of Spearman's, which older tables have.

    It decides nothing, and lies below the number itself where layers lie close together.
    """
    sentence = re.sub(r"(Spearman -?[0-9.]+) \[[^]]*\]", r"\1", str(row["sentence"]))
    return {**row, "sentence": sentence}


def _subject(row: Row) -> tuple[str, str]:
    """What is measured, whatever the model."""
    return str(row["unit"]), str(row["quantity"])


def _place(claim: str) -> int:
    return list(TITLES).index(claim) if claim in TITLES else len(TITLES)
