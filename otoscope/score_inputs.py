"""What `otoscope score` is to listen to: files, speakers, transcripts and trials, checked first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from acoustics.errors import UserError
from evaluation.folder_scoring import utterance_rows
from evaluation.records import UtteranceRow
from evaluation.rendered import Folders, pair_folders
from evaluation.speaker_table import (
    Told,
    read_speakers,
    read_transcripts,
    speaker_expression,
    speakers_by_expression,
    trial_speakers,
)
from evaluation.trials import Trial, load_trials, make_trials
from otoscope.configuration import CONFIG
from otoscope.runner import RECORDS


@dataclass
class Call:
    """One call of `otoscope score`, ready to be listened to.

    Attributes:
        output: folder of the tables.
        options: of the command line, resolved.
        folders: the files of both sides.
        trials: to verify; none where no speakers are known.
        utterances: what is known of each.
        notes: why there is no EER, and what is odd about the trials.
    """

    output: Path
    options: dict[str, Any]
    folders: Folders
    trials: list[Trial]
    utterances: list[UtteranceRow]
    notes: list[str]


def prepare(options: dict[str, Any]) -> Call:
    """Finds the files, their speakers, what is said and the trials, before anything is heard.

    Raises:
        UserError: names the option and what to mend.
    """
    rendered, reference = Path(options["rendered"]), Path(options["reference"])
    output = Path(options["output"] or Path("scores", rendered.resolve().name))
    options |= {"output": str(output)}
    _check_output(output, options)
    given = _given_trials(options["trials"])
    source = options["speaker_from"]
    table = read_speakers(Path(source)) if source and _is_file(source) else None
    expression = speaker_expression(source) if source and table is None else None
    texts = read_transcripts(Path(options["transcripts"])) if options["transcripts"] else {}
    named = [name for trial in given for name in (trial.enrol, trial.test)]
    folders = pair_folders(reference, rendered, options["layers"], [*(table or ()), *texts, *named])
    told = dict(table or {})
    if expression is not None:
        told = speakers_by_expression(expression, folders.utterances)
    elif table is not None:
        _check_common("--speaker-from", source, table, folders)
    if options["trials"]:
        _check_common("--trials", options["trials"], named, folders)
        for name, speaker in trial_speakers(given, told, Path(options["trials"])).items():
            told[name] = replace(told.get(name, Told()), speaker=speaker)
    if options["transcripts"]:
        _check_common("--transcripts", options["transcripts"], texts, folders)
    for name, text in texts.items():
        told[name] = replace(told.get(name, Told()), text=text)
    _check_transcripts(options, told, folders)
    utterances = utterance_rows(folders, told, given)
    trials, notes = (given, []) if options["trials"] else _drawn(options, folders, utterances)
    nobody = [u.utterance for u in utterances if u.utterance in folders.paired and not u.speaker]
    if trials and nobody:
        notes.append(f"no speaker is known, and no trial drawn, of {len(nobody)}: {nobody[0]}, ...")
    return Call(output, options, folders, trials, utterances, notes)


def _check_output(output: Path, options: Mapping[str, Any]) -> None:
    """Refuse to write over a run, or over what was scored from something else."""
    if (output / RECORDS).exists():
        raise UserError(f"--output: {output} is a run, whose tables would go; choose another")
    path = output / CONFIG
    if not path.is_file():
        return
    try:
        earlier = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        earlier = None
    known = earlier if isinstance(earlier, dict) else {}
    for name in ("rendered", "reference", "condition"):
        before, now = str(known.get(name, "")), options[name]
        same = before == now if name == "condition" else _resolved(before) == _resolved(now)
        if not before or not same:
            what = f"scores of --{name} {before}" if before else f"a {CONFIG} of something else"
            raise UserError(
                f"--output: {output} holds {what}; choose another --output, or remove that folder"
            )


def _resolved(folder: str) -> Path:
    return Path(folder).resolve()


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except OSError:  # a long expression is no file name
        return False


def _given_trials(path: str | None) -> list[Trial]:
    if path is None:
        return []
    try:
        trials = load_trials(Path(path))
    except UserError as error:
        reason = str(error).rpartition(";")[0]
        raise UserError(f"--trials: {reason}; give a table like trials.csv of a run") from error
    for trial in trials:
        _check_trial(path, trial)
    kinds = {trial.target for trial in trials}
    if len(kinds) < 2:
        raise UserError(
            f"--trials: {path} needs trials of one speaker (target 1) and of two (target 0)"
        )
    if len({trial.trial for trial in trials}) < len(trials):
        raise UserError(f"--trials: {path} gives two trials one name; number them")
    return trials


def _check_trial(path: str, trial: Trial) -> None:
    where = f"--trials: {path}, trial {trial.trial!r}"
    for column in ("trial", "enrol", "test", "enrol_speaker", "test_speaker"):
        if not getattr(trial, column):
            raise UserError(f"{where}: its {column} is empty; fill it in, or leave the trial out")
    if trial.target != (trial.enrol_speaker == trial.test_speaker):
        raise UserError(
            f"{where}: target is {trial.target:d}, but {trial.enrol_speaker!r} and "
            f"{trial.test_speaker!r} speak; it is 1 for one speaker and 0 for two"
        )


def _check_common(option: str, path: str, names: Iterable[str], folders: Folders) -> None:
    listed = set(names)
    if not listed & set(folders.utterances):
        example = f"names are like {min(listed)!r} there, " if listed else "it is empty; "
        raise UserError(
            f"{option}: {path} names none of the files: {example}"
            f"files are like {min(folders.utterances)!r}"
        )


def _check_transcripts(
    options: Mapping[str, Any], told: Mapping[str, Told], folders: Folders
) -> None:
    if options["recogniser"] and not any(told[n].text for n in folders.paired & set(told)):
        raise UserError(
            "--recogniser: WER needs to know what is said: give --transcripts, or --speaker-from "
            "with a table that has a column text, with the names of these files"
        )


def _drawn(
    options: Mapping[str, Any], folders: Folders, utterances: list[UtteranceRow]
) -> tuple[list[Trial], list[str]]:
    """Trials over the utterances that exist; none, and the reason, where that is impossible."""
    known = [row for row in utterances if row.speaker and row.utterance in folders.paired]
    if not known:
        what = "no EER, and no intervals" if options["verifiers"] else "no intervals"
        return [], [
            f"{what}, which are drawn over speakers: no speaker is known; give --speaker-from"
        ]
    if not options["verifiers"]:
        return [], []
    try:
        return make_trials(known, options["seed"], options["n_positive"])
    except UserError as error:
        return [], [f"no EER: {error}"]
