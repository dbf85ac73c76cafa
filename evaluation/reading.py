"""How the rows of the tables are read: names, units and digits of the metrics, cells, colours.

A row is what `csv.DictReader` gives for `summary.csv` or `curves.csv`; numbers may be text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from evaluation.listening import REFERENCE_LAYERS

Row = Mapping[str, Any]


class Metric(NamedTuple):
    """How a metric is named and read."""

    label: str
    unit: str
    digits: int
    title: str
    reading: str


METRICS: dict[str, Metric] = {
    "eer": Metric(
        "EER",
        "%",
        1,
        "Who is speaking?",
        "Equal error rate of speaker verification. Near the natural line the layer still carries"
        " the speaker; near 50 % a verifier can only guess.",
    ),
    "stoi": Metric(
        "STOI", "", 3, "How intelligible is it?", "Against the clean speech; 1 is perfect."
    ),
    "pesq_wb": Metric(
        "PESQ wide-band", "", 2, "How good does it sound?", "Against the clean speech, 1 to 4.64."
    ),
    "pesq_nb": Metric(
        "PESQ narrow-band",
        "",
        2,
        "How good, over a telephone?",
        "Against the clean speech, 1 to 4.55. Steadier than wide-band on Griffin-Lim audio.",
    ),
    "estoi": Metric(
        "ESTOI", "", 3, "How intelligible, in modulated noise?", "Against the clean speech."
    ),
    "wer": Metric(
        "WER", "%", 1, "Which words survive?", "Word errors of a recogniser on the rendered speech."
    ),
    "cer": Metric("CER", "%", 1, "Which letters survive?", "Character errors, likewise."),
    "mel_l1": Metric(
        "mel L1",
        "",
        3,
        "How well can a probe rebuild the mel?",
        "Mean absolute error of the probe's log-mel, in nepers.",
    ),
    "state_distance": Metric(
        "state distance",
        "",
        3,
        "How far does noise move the states?",
        "Distance between the states of an utterance and of its noisy version, in units of the"
        " distance between two utterances of different speakers. 0: the noise is gone.",
    ),
    "min_dcf": Metric(
        "minDCF", "", 3, "Who is speaking, at the strictest threshold?", "Lower: more speaker left."
    ),
}

MODEL_COLOURS = {
    "baseline": ("#0f6cb4", "#62b3f5"),
    "robust": ("#c8501e", "#f79663"),
    "untrained": ("#85878c", "#9b9ea6"),
}
CONDITION_COLOURS = {
    "clean": ("#197a5d", "#56c9a2"),
    "snr20": ("#7a9a1f", "#b4d455"),
    "snr10": ("#c08a00", "#f0c04a"),
    "snr0": ("#b53a4b", "#f28391"),
}
SPARE_COLOURS = (("#7b4fb3", "#bb96ee"), ("#00808a", "#4fc7d1"), ("#b13a86", "#ee86c7"))
CONTROL = "untrained"
MODEL_ORDER = ("baseline", "robust", CONTROL)
CONDITION_ORDER = ("clean", "snr20", "snr10", "snr0")
REFERENCE_COLOUR = ("#3c3e44", "#d4d6db")
REFERENCE_DASHES = {"natural": "solid", "copy-synthesis": "dash", "mean-mel": "dot"}


def colour_of(name: str, names: Sequence[str]) -> tuple[str, str]:
    """Colour of a model or a condition on light and on dark paper."""
    known = {**MODEL_COLOURS, **CONDITION_COLOURS}
    if name in known:
        return known[name]
    others = [other for other in names if other not in known]
    return SPARE_COLOURS[others.index(name) % len(SPARE_COLOURS)]


def number(cell: object) -> float | None:
    """A finite number, or None for what is empty, not a number or infinite."""
    try:
        value = float(str(cell))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def distinct(rows: Iterable[Row], column: str) -> list[str]:
    """The values of a column in order of appearance."""
    return list(dict.fromkeys(str(row[column]) for row in rows))


def ordered(names: Iterable[str], first: Sequence[str]) -> list[str]:
    """Names without repetition: the known ones in the order of the house, then the others."""
    found = list(dict.fromkeys(names))
    return [name for name in first if name in found] + [n for n in found if n not in first]


def metric_of(name: str) -> Metric:
    """How to read a metric; one that is not ours is shown under its own name."""
    return METRICS.get(name, Metric(name, "", 3, name, ""))


def spell(value: object, metric: str) -> str:
    """A number as it is printed for this metric; a dash when there is none."""
    figure = number(value)
    how = metric_of(metric)
    if figure is None:
        return "–"
    return f"{figure:.{how.digits}f}" + (f" {how.unit}" if how.unit else "")


def select(rows: Iterable[Row], **wanted: str) -> list[Row]:
    """The rows whose columns have these values."""
    return [row for row in rows if all(str(row[name]) == value for name, value in wanted.items())]


def by_depth(rows: Iterable[Row]) -> list[Row]:
    """The rows of tapped layers in order of depth; references, which have none, are left out."""
    tapped = [row for row in rows if row["layer"] not in REFERENCE_LAYERS]
    placed = [row for row in tapped if number(row["depth"]) is not None]
    return sorted(placed, key=lambda row: number(row["depth"]) or 0.0)


def value_range(rows: Sequence[Row], metric: str) -> tuple[float, float]:
    """One range for all panels of a metric, intervals and references included."""
    cells = [number(row[name]) for row in rows for name in ("mean", "ci_low", "ci_high")]
    values = [cell for cell in cells if cell is not None] or [0.0, 1.0]
    low, high = min(values), max(values)
    if metric in ("eer", "wer", "cer", "min_dcf", "mel_l1", "state_distance"):
        low = 0.0
    margin = 0.06 * (high - low) or 0.1
    return (low if low == 0.0 else low - margin), high + margin
