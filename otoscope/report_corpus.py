"""The corpus behind a folder of results, for sounds that are cut from it long after."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, get_args

import yaml
from jsonargparse import ArgumentError, ArgumentParser
from lhotse.cut import Cut

from acoustics.errors import UserError, reason_of
from corpora.corpus import Corpus, Split
from corpora.selection import merged
from evaluation.run_folder import CORPUS, RECORD
from evaluation.sonification.study_folder import ROOT
from otoscope.configuration import CONFIG, one_line
from otoscope.study_command import corpus_of

Cuts = dict[str, Cut]


def corpus_cuts(run: Path) -> Callable[[], Cuts] | None:
    """Opens the corpus of a run, or of a folder of `otoscope sonify`, when it is called.

    Where `otoscope sonify` has written into a run, its corpus is the one that was searched.

    Args:
        run: the folder.

    Returns:
        None where nothing says what the corpus was; else what gives all its cuts by id, and
        raises a UserError where the corpus is not here or is another one by now. It downloads
        nothing, and opens the corpus once.
    """
    study = run / ROOT
    written = study if (study / CONFIG).is_file() else run
    if not (written / CONFIG).is_file():
        return None

    @cache
    def cuts() -> Cuts:
        corpus = _corpus(written / CONFIG)
        corpus.prepare()
        _check(corpus, (study if written == study else run / CORPUS) / RECORD)
        return {str(cut.id): cut for _, cut in merged({s: corpus.load(s) for s in get_args(Split)})}

    return cuts


def _corpus(config: Path) -> Corpus:
    """The corpus that a configuration names; of a call that named none, the one it then took."""
    try:
        values = yaml.safe_load(config.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{config}: unreadable ({reason_of(error)}); run it again") from error
    values = values if isinstance(values, dict) else {}
    named: Any = values.get("corpus")
    try:
        return _of_call(config, values.get("recogniser")) if named is None else _made(named)
    except (ArgumentError, ValueError, TypeError) as error:
        raise one_line(error) from error


def _of_call(config: Path, recogniser: Any) -> Corpus:
    """The corpus of the run that the results lie in, else that of the run they are of."""
    around = config.parent.parent / CONFIG
    if around.is_file():
        return _corpus(around)
    if not isinstance(recogniser, str):
        raise UserError(f"{config}: names no corpus; add one under 'corpus'")
    return corpus_of(recogniser)


def _made(named: Any) -> Corpus:
    if isinstance(named, dict) and "download" in (named.get("init_args") or {}):
        named = {**named, "init_args": {**named["init_args"], "download": False}}
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Corpus, "corpus", required=True)
    made: Corpus = parser.instantiate_classes(parser.parse_object({"corpus": named})).corpus
    return made


def _check(corpus: Corpus, record: Path) -> None:
    """Refuse a corpus that is not the one that was heard, where that was recorded."""
    if not record.is_file():
        return
    try:
        searched = json.loads(record.read_text())["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{record}: unreadable ({reason_of(error)}); run it again") from error
    found = corpus.fingerprint()
    if found != searched:
        raise UserError(
            f"{record}: {searched} was heard, but {type(corpus).__name__} is {found} by now; "
            "names, sizes or times of its files have changed; restore it, or, if it is the same "
            "speech, remove this record"
        )
