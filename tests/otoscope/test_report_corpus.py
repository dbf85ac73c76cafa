"""The corpus that a folder of results is of: found again, or refused in one line."""

import json
from pathlib import Path

import pytest
import yaml

from acoustics.errors import UserError
from corpora.embedded import EmbeddedCorpus
from otoscope.report_corpus import corpus_cuts

SIZES = {
    "n_train_speakers": 2, "n_dev_speakers": 1, "n_test_speakers": 1,
    "utterances_per_train_speaker": 2, "utterances_per_dev_speaker": 1,
    "utterances_per_test_speaker": 2,
}  # fmt: skip
NAMED = {"class_path": "corpora.embedded.EmbeddedCorpus", "init_args": SIZES}


def write(path: Path, **values: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(values) if path.suffix == ".yaml" else json.dumps(values))


def test_the_cuts_of_a_run_are_those_of_all_splits_of_its_corpus(tmp_path) -> None:
    write(tmp_path / "config.yaml", corpus=NAMED, no_such_key_by_now=1)
    opened = corpus_cuts(tmp_path)
    assert opened is not None
    cuts, corpus = opened(), EmbeddedCorpus(**SIZES)
    expected = {cut.id for split in ("train", "dev", "test") for cut in corpus.load(split)}
    assert set(cuts) == expected and len(cuts) == 7
    assert all(cut.id == name and cut.has_recording for name, cut in cuts.items())
    assert opened() is cuts  # opened once


def test_nothing_is_opened_before_it_is_wanted(tmp_path) -> None:
    write(tmp_path / "config.yaml", corpus={"class_path": "nowhere.Corpus"})
    opened = corpus_cuts(tmp_path)
    assert opened is not None
    with pytest.raises(UserError, match=r"nowhere\.Corpus"):
        opened()


def test_without_a_configuration_there_is_none(tmp_path) -> None:
    assert corpus_cuts(tmp_path) is None
    assert corpus_cuts(tmp_path / "missing") is None


@pytest.mark.parametrize("of", ["call", "run around it", "run it names"])
def test_the_corpus_of_a_call_is_named_or_that_of_its_run(tmp_path, of) -> None:
    corpus, named = EmbeddedCorpus(**SIZES), NAMED if of == "call" else None
    run = tmp_path / ("found" if of == "run around it" else "run")
    (run / "recognisers" / "baseline").mkdir(parents=True)
    if of != "call":
        write(run / "config.yaml", **yaml.safe_load(whole_run()))
    place = tmp_path / "found" / "sonification"
    write(place / "config.yaml", corpus=named, recogniser=str(run / "recognisers" / "baseline"))
    write(place / "corpus.json", fingerprint=corpus.fingerprint())
    opened = corpus_cuts(tmp_path / "found")
    assert opened is not None and len(opened()) == 7


def whole_run() -> str:
    """A configuration as a run writes it."""
    from otoscope.configuration import experiment_parser

    parser = experiment_parser()
    sizes = [f"--corpus.init_args.{name}={count}" for name, count in SIZES.items()]
    options = parser.parse_args(["--corpus=corpora.embedded.EmbeddedCorpus", *sizes])
    return parser.dump(options, skip_none=False)


def test_another_corpus_than_was_searched_is_refused(tmp_path) -> None:
    write(tmp_path / "sonification" / "config.yaml", corpus=NAMED, recogniser="gone")
    write(tmp_path / "sonification" / "corpus.json", fingerprint="0123")
    opened = corpus_cuts(tmp_path)
    assert opened is not None
    with pytest.raises(UserError, match="0123 was heard, but EmbeddedCorpus is") as told:
        opened()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("corpus: [", "config.yaml: unreadable"),
        ("[1, 2]", "config.yaml: names no corpus"),
        ("recogniser: {class_path: a.B}", "config.yaml: names no corpus"),
        ("corpus: {class_path: corpora.embedded.EmbeddedCorpus, init_args: {sed: 1}}", "sed"),
    ],
)
def test_a_configuration_that_names_none_is_said_in_one_line(tmp_path, config, complaint) -> None:
    (tmp_path / "config.yaml").write_text(config)
    opened = corpus_cuts(tmp_path)
    assert opened is not None
    with pytest.raises(UserError, match=complaint) as told:
        opened()
    assert "\n" not in str(told.value)


def test_a_broken_record_is_said_in_one_line(tmp_path) -> None:
    write(tmp_path / "sonification" / "config.yaml", corpus=NAMED)
    (tmp_path / "sonification" / "corpus.json").write_text("{")
    opened = corpus_cuts(tmp_path)
    assert opened is not None
    with pytest.raises(UserError, match=r"corpus.json: unreadable"):
        opened()


def test_a_corpus_that_is_not_here_is_not_downloaded(tmp_path) -> None:
    given = {"root": str(tmp_path / "away"), "download": True}
    given |= {split: [f"{split}-clean"] for split in ("train", "dev", "test")}
    named = {"class_path": "corpora.librispeech.LibriSpeechCorpus", "init_args": given}
    write(tmp_path / "config.yaml", corpus=named)
    opened = corpus_cuts(tmp_path)
    assert opened is not None
    with pytest.raises(UserError, match="LibriSpeech: there is no folder"):
        opened()
