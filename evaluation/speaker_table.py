"""Who speaks and what is said in files that others made: from their names, or from tables."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from acoustics.errors import UserError
from corpora.text import normalise
from evaluation.trials import Trial

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class Told:
    """What is known of an utterance besides its sound; "" where it is not."""

    speaker: str = ""
    sex: str = ""
    text: str = ""


def read_speakers(path: Path) -> dict[str, Told]:
    """Reads a CSV or TSV table with columns `utterance`, `speaker` and perhaps `sex` and `text`.

    `utterances.csv` of a run is one.

    Raises:
        UserError: it cannot be read, lacks a column, or has an utterance twice.
    """
    return {
        row["utterance"]: Told(
            row["speaker"] or "", row.get("sex") or "", normalise(row.get("text") or "")[0]
        )
        for row in _rows(path, "--speaker-from", ("utterance", "speaker"))
    }


def read_transcripts(path: Path) -> dict[str, str]:
    """Reads a table with columns `utterance` and `text`, or lines of a name and its words.

    The latter is how LibriSpeech's `.trans.txt` and Kaldi's `text` are written.

    Raises:
        UserError: it cannot be read, or has an utterance twice.
    """
    lines = _content(path, "--transcripts").split("\n")
    if {"utterance", "text"} <= set(re.split(r"[,\t]", lines[0].strip())):
        rows = _rows(path, "--transcripts", ("utterance", "text"))
        return {row["utterance"]: normalise(row["text"] or "")[0] for row in rows}
    texts: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        name, text = [*line.split(maxsplit=1), "", ""][:2]  # spaces or tabs between them
        if name in texts:
            raise UserError(f"--transcripts: {path}, line {number}: {name!r} is there twice")
        if name:
            texts[name] = normalise(text)[0]
    return texts


def speaker_expression(text: str) -> re.Pattern[str]:
    r"""Compiles a regular expression whose group `speaker`, or only group, is the speaker.

    Raises:
        UserError: it is no regular expression or leaves open which group is meant.
    """
    if text.lower().endswith(TABLE_SUFFIXES):
        raise UserError(f"--speaker-from: there is no table {text}; check the path")
    try:
        expression = re.compile(text)
    except re.error as error:
        raise UserError(
            f"--speaker-from: {text!r} is neither a table nor a regular expression ({error})"
        ) from error
    if "speaker" not in expression.groupindex and expression.groups != 1:
        raise UserError(
            f"--speaker-from: {text!r} has {expression.groups} groups; put one pair of brackets "
            "around what is the speaker, e.g. '^([^-]+)-', or name the group: (?P<speaker>...)"
        )
    return expression


def speakers_by_expression(
    expression: re.Pattern[str], utterances: Iterable[str]
) -> dict[str, Told]:
    """The speaker in each name; utterances whose name does not match are left out.

    Raises:
        UserError: no name matches.
    """
    group = "speaker" if "speaker" in expression.groupindex else 1
    names = list(utterances)
    found = {name: match for name in names if (match := expression.search(name))}
    if not found:
        raise UserError(
            f"--speaker-from: {expression.pattern!r} matches no file name; they are like "
            f"{min(names)!r}"
        )
    return {name: Told(match[group] or "") for name, match in found.items()}


def trial_speakers(trials: Iterable[Trial], told: Mapping[str, Told], path: Path) -> dict[str, str]:
    """Speaker of each utterance as a list of trials has it.

    Raises:
        UserError: an utterance has another speaker in `told`, or two in the list.
    """
    speakers: dict[str, str] = {}
    for trial in trials:
        for name, speaker in (
            (trial.enrol, trial.enrol_speaker),
            (trial.test, trial.test_speaker),
        ):
            known = told[name].speaker if name in told else ""
            before = known or speakers.setdefault(name, speaker)
            if before != speaker:
                raise UserError(
                    f"--trials: {path}, trial {trial.trial}: the speaker of {name!r} is "
                    f"{speaker!r} there and {before!r} elsewhere; give lists that agree"
                )
            speakers[name] = speaker
    return speakers


def _content(path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(f"{option}: {path} cannot be read ({reason}); give a text file") from None


def _rows(path: Path, option: str, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """The rows of a table, commas or tabs between its cells."""
    content = _content(path, option)
    tabs = "\t" in content.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(content), delimiter="\t" if tabs else ",")
    lacking = [name for name in columns if name not in (reader.fieldnames or ())]
    if lacking:
        raise UserError(
            f"{option}: {path} has no column {lacking[0]!r}; its first line must name "
            f"{', '.join(columns)}"
        )
    seen: set[str] = set()
    try:
        for row in reader:
            name = row["utterance"]
            if not name or name in seen:
                what = f"{name!r} is there twice" if name else "it names no utterance"
                raise UserError(f"{option}: {path}, line {reader.line_num}: {what}")
            seen.add(name)
            yield row
    except csv.Error as error:
        raise UserError(f"{option}: {path}, line {reader.line_num}: {error}") from error
