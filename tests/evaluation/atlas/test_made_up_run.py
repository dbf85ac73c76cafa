"""The run that the atlas is tried on: every reader of the project takes it for a finished one."""

import hashlib
import json

import numpy as np
import pytest
import soundfile
import yaml
from made_up_corpus import HOSTILE

from corpora.manifests import ManifestCorpus
from evaluation.run_folder import read_run
from evaluation.sonification.clips import clip
from evaluation.sonification.study_folder import study_folders
from evaluation.sonification.trace_files import read_traces

SEGMENT = ("layer", "feature", "rank", "score", "utterance", "start_s", "end_s", "words", "clip")


LAYERS = ["prologue", "block1.sub1", "block1.sub2", "block2.sub1", "block2.sub2"]
LAYERS += ["epilogue1", "epilogue2"]


@pytest.fixture(scope="module")
def plain(make_run):
    return make_run()


@pytest.fixture(scope="module")
def hostile(make_run):
    return make_run(evil=True)


@pytest.fixture(params=["plain", "hostile"])
def run(request):
    return request.getfixturevalue(request.param)


def test_nothing_is_missing_in_it(run) -> None:
    found = read_run(run.path)
    assert found.notes == []
    assert len(found.samples) == 2 * 4 * (3 + 3 * 3)  # utterances, conditions, references, layers
    assert {row["layer"] for row in found.summary} > set(run.layers)
    for sample in found.samples:
        assert soundfile.info(run.path / sample.audio).duration == 2.0
        assert (run.path / sample.picture).is_file()


def test_its_network_is_a_jasper_with_as_many_features_as_asked(run) -> None:
    for name, meant in zip(run.layers, LAYERS, strict=True):
        assert name.startswith(meant)
    assert sum(layer.features for layer in run.layers.values()) == 60
    for path in ("recognisers/baseline", "sonification/baseline"):
        cards = json.loads((run.path / path / "layers.json").read_text())
        assert [card["name"] for card in cards] == list(run.layers)
        place = {card["name"]: i for i, card in enumerate(cards)}
        inputs = [[place[name] for name in card["inputs"]] for card in cards]
        assert inputs == [[], [0], [0, 1], [2], [0, 2, 3], [4], [5]]


def test_segments_fall_by_rank_and_are_clips_of_the_corpus(run) -> None:
    (folder,) = study_folders(run.path, []).values()
    rows = folder.columns("segments", SEGMENT)
    assert len(rows["rank"]) % 20 == 0
    score = rows["score"].reshape(-1, 20)
    assert (np.diff(score) <= 0).all()
    for i in (0, 777):
        cut = run.cuts()[rows["utterance"][i]]
        start, end = (round(16000 * rows[name][i]) for name in ("start_s", "end_s"))
        assert len(clip(cut, start, end)) == 8000
        assert str(rows["clip"][i]).endswith(f"-{start}-{end}.flac")


def test_traces_have_what_features_have_segments(run) -> None:
    (folder,) = study_folders(run.path, []).values()
    traces = read_traces(folder)
    assert set(traces) == set(run.layers)
    dead = folder.columns("features", ["layer", "dead"])
    for layer, own in traces.items():
        alive = dead["dead"][dead["layer"] == layer] == ""
        assert np.array_equal(own.count > 0, alive)
        assert np.array_equal(own.utterance >= 0, alive)


def test_its_configuration_names_its_corpus(run) -> None:
    named = yaml.safe_load((run.path / "config.yaml").read_text())["corpus"]
    corpus = ManifestCorpus(**named["init_args"])
    corpus.prepare()
    found = {cut.id for split in ("train", "test") for cut in corpus.load(split)}
    assert found == set(run.cuts())


@pytest.mark.slow
def test_the_same_seed_makes_the_same_files_and_another_one_others(plain, make_run) -> None:
    def digests(run) -> dict[str, str]:
        files = [path for path in run.path.rglob("*") if path.is_file()]
        named = {path.relative_to(run.path).as_posix(): path.read_bytes() for path in files}
        del named["config.yaml"]  # says where the corpus lies
        return {name: hashlib.sha256(content).hexdigest() for name, content in named.items()}

    first, again, other = digests(plain), digests(make_run()), digests(make_run(seed=1))
    assert first == again
    for table in ("segments", "features", "word_features"):
        name = f"sonification/baseline/{table}.parquet"
        assert first[name] != other[name]


def test_everything_that_comes_from_data_can_be_hostile(hostile) -> None:
    (folder,) = study_folders(hostile.path, []).values()
    names = ("layer", "utterance", "speaker", "words", "phones")
    for name, values in folder.columns("segments", names).items():
        assert any(bad in value for bad in HOSTILE for value in values), name
    said = " ".join(read_run(hostile.path).texts.values())
    assert all(bad in said for bad in HOSTILE)
