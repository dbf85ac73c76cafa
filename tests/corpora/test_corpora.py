"""Corpora from folders and manifests, and what they say when something is missing or broken."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet
from lhotse.supervision import AlignmentItem

from acoustics.errors import UserError
from corpora.datamodule import SpeechDataModule
from corpora.embedded import EmbeddedCorpus
from corpora.joined import JoinedCorpus
from corpora.librispeech import LibriSpeechCorpus
from corpora.manifests import ManifestCorpus
from corpora.musan import MusanNoise
from corpora.textgrid import read_textgrid, with_words_of


def tiny(root: Path, cache: str, **settings: object) -> LibriSpeechCorpus:
    return LibriSpeechCorpus(
        str(root),
        ["train-tiny"],
        [],
        ["test-tiny"],
        cache=cache,
        **settings,  # type: ignore[arg-type]
    )


def speakers_of(cuts: CutSet) -> dict[str, str]:
    return {c.supervisions[0].speaker: c.supervisions[0].gender for c in cuts}


@pytest.mark.parametrize("inside", [True, False])
def test_librispeech_layout(librispeech: Path, cache: str, inside: bool) -> None:
    corpus = tiny(librispeech if inside else librispeech.parent, cache)
    corpus.prepare()
    train = corpus.load("train")
    assert speakers_of(train) == {"11": "female", "12": "male", "13": "female", "14": "male"}
    assert speakers_of(corpus.load("test")) == {"21": "female", "22": "male"}
    assert len(corpus.load("dev")) == 0
    first = next(iter(train))
    assert (first.id, first.supervisions[0].text) == ("11-7-0000", "GOOD DAY TO YOU")
    assert first.load_audio().shape == (1, 16000)


def test_librispeech_alignments(librispeech: Path, cache: str) -> None:
    grids = librispeech.parents[1] / "grids"
    cuts = {c.id: c for c in tiny(librispeech, cache, alignments=str(grids)).load("train")}
    alignment = cuts["11-7-0000"].supervisions[0].alignment
    assert [(i.symbol, i.start, i.duration) for i in alignment["word"]] == [
        ("good", 0.25, 0.25),
        ("day", 0.5, 0.5),
    ]
    assert [i.symbol for i in alignment["phone"]] == ["G", "EY1"]
    assert not cuts["12-7-0000"].supervisions[0].alignment


def test_textgrid_without_tiers(tmp_path: Path) -> None:
    (tmp_path / "x.TextGrid").write_text("nothing")
    with pytest.raises(ValueError, match="no tier called words"):
        read_textgrid(tmp_path / "x.TextGrid")


def test_words_the_aligner_did_not_know() -> None:
    tiers = {"word": [AlignmentItem("<unk>", 0.0, 0.5), AlignmentItem("day", 0.5, 0.5)]}
    found = with_words_of("GOOD DAY", tiers)["word"]
    assert found == [AlignmentItem("good", 0.0, 0.5), AlignmentItem("day", 0.5, 0.5)]
    assert with_words_of("DAY", tiers) == tiers


def test_librispeech_dev_speakers_are_held_out(librispeech: Path, cache: str) -> None:
    corpus = tiny(librispeech, cache, dev_speakers=2)
    dev, train = (speakers_of(corpus.load(split)) for split in ("dev", "train"))
    assert sorted(dev.values()) == ["female", "male"]
    assert not set(dev) & set(train) and len(train) == 2
    assert speakers_of(tiny(librispeech, cache, dev_speakers=2).load("dev")) == dev
    with pytest.raises(UserError, match="leaves no speaker"):
        tiny(librispeech, cache, dev_speakers=4).prepare()


def test_librispeech_notices_a_changed_folder(librispeech: Path, cache: str) -> None:
    before = tiny(librispeech, cache)
    before.prepare()
    (librispeech / "train-tiny" / "11" / "7" / "11-7-0002.flac").unlink()
    after = tiny(librispeech, cache)
    assert after.fingerprint() != before.fingerprint()
    assert len(after.load("train")) == 11


def test_librispeech_missing(librispeech: Path, cache: str) -> None:
    with pytest.raises(UserError, match=r"there is no folder .*nowhere/train-tiny"):
        tiny(librispeech / "nowhere", cache).prepare()
    with pytest.raises(UserError, match="there is no alignments folder"):
        tiny(librispeech, cache, alignments=str(librispeech / "nowhere")).prepare()
    for path in (librispeech / "test-tiny").rglob("*.flac"):
        path.unlink()
    with pytest.raises(UserError, match="test-tiny holds no usable audio"):
        tiny(librispeech, cache).prepare()


def test_a_download_without_network_says_what_is_missing(
    tmp_path: Path, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("lhotse.recipes.download_librispeech", no_network)
    corpus = LibriSpeechCorpus(
        str(tmp_path),
        ["train-clean-5"],
        ["dev-clean-2"],
        ["test-clean"],
        download=True,
        cache=cache,
    )
    with pytest.raises(UserError) as caught:
        corpus.prepare()
    message = str(caught.value)
    assert "\n" not in message
    assert "Name or service not known" in message
    assert f"/31/dev-clean-2.tar.gz | tar xz -C {tmp_path} && curl -L " in (message)


def test_broken_files_are_reported_one_by_one(librispeech: Path, cache: str) -> None:
    folder = librispeech / "train-tiny" / "11" / "7"
    (folder / "11-7-0000.flac").write_bytes(b"")
    (folder / "11-7-0001.flac").write_bytes(b"fLaC and then nothing")
    soundfile.write(folder / "11-7-0009.flac", np.full(16000, 0.1), 16000)
    corpus = tiny(librispeech, cache)
    assert len(corpus.load("train")) == 10
    problems = dict(corpus.problems("train"))
    assert problems["11-7-0000"] == "empty file"
    assert problems["11-7-0001"].startswith("unreadable")
    assert problems["11-7-0009"] == "no transcript in 11-7.trans.txt"
    data = SpeechDataModule(corpus)
    assert {name for _, name, _ in data_unusable(data)} == set(problems)


def data_unusable(data: SpeechDataModule) -> list[tuple[str, str, str]]:
    data.prepare_data()
    data.cuts("train")
    return data.unusable


def test_manifests(corpus: EmbeddedCorpus, tmp_path: Path) -> None:
    paths = {}
    for split in ("train", "dev", "test"):
        cuts = corpus.load(split)
        for cut in cuts:
            cut.supervisions[0].gender = cut.supervisions[0].gender[0].upper()
        paths[split] = str(tmp_path / f"{split}.jsonl.gz")
        cuts.to_file(paths[split])
    found = ManifestCorpus(**paths)
    found.prepare()
    assert {len(found.load(split)) for split in ("train", "dev", "test")} == {48, 4, 12}
    assert speakers_of(found.load("test")) == speakers_of(corpus.load("test"))
    assert len(ManifestCorpus(paths["train"], paths["test"]).load("dev")) == 0
    with pytest.raises(UserError, match="split the corpus by speaker"):
        ManifestCorpus(paths["train"], paths["train"]).prepare()
    with pytest.raises(UserError, match="there is no train manifest"):
        ManifestCorpus(paths["train"] + "x", paths["test"]).prepare()
    with pytest.raises(UserError, match="no train manifest"):
        ManifestCorpus(paths["train"] + "x", paths["test"]).fingerprint()
    with pytest.raises(UserError, match="split the corpus by speaker"):
        ManifestCorpus(paths["train"], paths["test"], dev=paths["test"]).prepare()
    Path(paths["dev"]).write_text("rubbish")
    with pytest.raises(UserError, match="cannot read the cut manifest"):
        found.load("dev")


def test_a_manifest_without_speakers_is_refused(corpus: EmbeddedCorpus, tmp_path: Path) -> None:
    cuts = list(corpus.load("test"))
    cuts[1].supervisions[0].speaker = None
    CutSet.from_cuts(cuts).to_file(tmp_path / "test.jsonl.gz")
    corpus.load("train").to_file(tmp_path / "train.jsonl.gz")
    found = ManifestCorpus(str(tmp_path / "train.jsonl.gz"), str(tmp_path / "test.jsonl.gz"))
    with pytest.raises(UserError, match=f"utterance {cuts[1].id} has no speaker"):
        found.prepare()


def test_a_manifest_notices_audio_that_was_replaced(corpus: EmbeddedCorpus, tmp_path: Path) -> None:
    cut = next(iter(corpus.load("test")))
    cut.save_audio(str(tmp_path / "a.wav"))
    cuts = CutSet.from_cuts([cut.save_audio(str(tmp_path / "a.wav"))])
    path = str(tmp_path / "all.jsonl.gz")
    cuts.to_file(path)
    before = ManifestCorpus(path, path).fingerprint()
    assert ManifestCorpus(path, path).fingerprint() == before
    os.utime(tmp_path / "a.wav", (1, 1))
    assert ManifestCorpus(path, path).fingerprint() != before


def test_joined(corpus: EmbeddedCorpus, librispeech: Path, cache: str) -> None:
    joined = JoinedCorpus([tiny(librispeech, cache), corpus])
    joined.prepare()
    assert len(joined.load("train")) == 12 + 48
    assert len(joined.load("test")) == 6
    assert joined.fingerprint() != JoinedCorpus([tiny(librispeech, cache)]).fingerprint()
    with pytest.raises(UserError, match="is in two corpora"):
        JoinedCorpus([corpus, corpus]).load("train")


def test_an_index_can_be_reused_for_a_moved_corpus(librispeech: Path, cache: str) -> None:
    before = tiny(librispeech, cache)
    before.prepare()
    moved = librispeech.parents[1] / "moved"
    shutil.move(librispeech, moved)
    after = tiny(moved, cache)
    assert after.fingerprint() == before.fingerprint()
    assert next(iter(after.load("train"))).load_audio().shape == (1, 16000)


def test_real_speech(real_speech: Path, cache: str) -> None:
    corpus = LibriSpeechCorpus(
        str(real_speech),
        ["train-clean-100"],
        [],
        ["test-other"],
        alignments=str(real_speech / "LibriSpeech-alignments"),
        dev_speakers=2,
        cache=cache,
    )
    splits = {split: corpus.load(split) for split in ("train", "dev", "test")}
    assert sum(map(len, splits.values())) == 520
    sexes = list(speakers_of(splits["test"]).values())
    assert sexes.count("female") == sexes.count("male") == 5
    aligned = [c for s in splits.values() for c in s if c.supervisions[0].alignment]
    assert len(aligned) == 240
    for cut in aligned[:50]:
        words = [item.symbol for item in cut.supervisions[0].alignment["word"]]
        assert words == cut.supervisions[0].text.lower().split()
    noise = MusanNoise(str(real_speech / "musan"))
    data = SpeechDataModule(corpus, noise, conditions=["clean", "snr0"])
    batches = [next(iter(loader)) for loader in data.test_dataloader()]
    assert batches[0].ids == batches[1].ids and not batches[1].failures
