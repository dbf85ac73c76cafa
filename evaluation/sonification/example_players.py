"""Examples to listen to: of each layer a few features, of each feature its best segments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from evaluation.reading import Row, by_depth, number
from evaluation.sonification.examples import ExampleRow
from evaluation.sonification.section_sounds import Sound
from evaluation.sonification.study_folder import StudyFolder


@dataclass
class Segment:
    """One of the best segments of a feature."""

    rank: int
    words: str
    phones: str
    speaker: str
    sex: str
    where: str
    sound: Sound


@dataclass
class Example:
    """A feature; `agreement` is in words, empty where there is none."""

    feature: str
    agreement: str
    segments: list[Segment] = field(default_factory=list)


@dataclass
class Examples:
    """The examples of one model, by layer in order of depth; `unit` is that of search."""

    unit: str
    layers: dict[str, list[Example]]

    def sounds(self) -> Iterator[tuple[int, Sound]]:
        """Rank and sound of every segment."""
        for examples in self.layers.values():
            for example in examples:
                for segment in example.segments:
                    yield segment.rank, segment.sound


def examples_of(folder: StudyFolder) -> Examples | None:
    """Reads the examples of one model; None where there are none."""
    rows = by_depth(folder.rows("examples", ExampleRow))
    if not rows:
        return None
    found: dict[str, dict[str, Example]] = {}
    for row in rows:
        layer = found.setdefault(str(row["layer"]), {})
        feature = str(row["feature"])
        agreement = number(row["agreement"])
        text = "" if agreement is None else f"{100 * agreement:.0f} %"
        layer.setdefault(feature, Example(feature, text)).segments.append(_segment(folder, row))
    return Examples(
        str(rows[0]["unit"]), {name: list(layer.values()) for name, layer in found.items()}
    )


def _segment(folder: StudyFolder, row: Row) -> Segment:
    start, end = number(row["start_s"]), number(row["end_s"])
    span = "" if start is None or end is None else f", {start:.2f} to {end:.2f} s"
    words, phones, speaker, sex = (str(row[name]) for name in ("words", "phones", "speaker", "sex"))
    where = f"{row['utterance']}{span}"
    sound = Sound.of(folder, row["clip"])
    return Segment(int(number(row["rank"]) or 0), words, phones, speaker, sex, where, sound)
