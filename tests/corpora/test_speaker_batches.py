"""Batches and corpora for verifier training."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from lhotse import CutSet

from acoustics.errors import UserError
from corpora.embedded_speakers import EmbeddedSpeakers
from corpora.folders import recording_from_file
from corpora.speaker_batches import SpeakerBatches, spread
from corpora.speaker_datamodule import SpeakerDataModule
from corpora.voices import corpus_speakers, other_speakers
from corpora.voxceleb import VoxCelebCorpus, read_speakers


def voice(path: Path, seconds: float, level: float = 0.3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).uniform(-level, level, int(16000 * seconds))
    soundfile.write(path, samples, 16000)


def voxceleb(root: Path, speakers: int = 4, utterances: int = 3) -> Path:
    for s in range(speakers):
        for u in range(utterances):
            voice(root / "wav" / f"id{s:05d}" / "video" / f"{u:05d}.wav", 1.0 + 0.1 * u)
    rows = [f"id{s:05d}\tx\t{'fm'[s % 2]}\tUK\t{'dev' if s else 'test'}" for s in range(speakers)]
    header = "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet"
    (root / "vox1_meta.csv").write_text("\n".join([header, *rows]) + "\n")
    return root


def cuts_of(root: Path) -> CutSet:
    return VoxCelebCorpus(str(root), dev_speakers=1, cache=str(root.parent / "c")).load("train")


def test_a_batch_has_one_length_and_all_its_speakers_utterances(tmp_path: Path) -> None:
    batches = SpeakerBatches(cuts_of(voxceleb(tmp_path / "vox", 6)), 5, 3, 2, (0.5, 0.9), seed=3)
    assert len(batches) == 5
    for i in range(5):
        batch = batches[i]
        assert batch.utterances == 2 and len(set(batch.speakers.tolist())) == 3
        count = int(batch.lengths[0])
        assert batch.lengths.tolist() == [count] * 6 and 8000 <= count <= 14400
        assert batch.waveform.shape == (6, count) and not batch.failures
    again = SpeakerBatches(cuts_of(tmp_path / "vox"), 5, 3, 2, (0.5, 0.9), seed=3)
    assert torch.equal(again[4].waveform, batches[4].waveform)
    assert not torch.equal(batches[0].speakers, batches[1].speakers) or (
        batches[0].waveform.shape != batches[1].waveform.shape
    )


def test_a_crop_longer_than_an_utterance_is_the_utterance(tmp_path: Path) -> None:
    batch = SpeakerBatches(cuts_of(voxceleb(tmp_path / "vox")), 1, 2, 3, (2.0, 2.0))[0]
    assert sorted(batch.lengths.tolist()) == [16000, 16000, 17600, 17600, 19200, 19200]
    assert (batch.waveform[0, int(batch.lengths[0]) :] == 0).all()


def test_a_bad_file_is_replaced_and_reported(tmp_path: Path) -> None:
    root = voxceleb(tmp_path / "vox", 4, 3)
    bad = root / "wav" / "id00001" / "video" / "00000.wav"
    soundfile.write(bad, np.zeros(16000), 16000)
    corpus = VoxCelebCorpus(str(root), dev_speakers=1, cache=str(tmp_path / "c"))
    batches = SpeakerBatches(corpus.load("train"), 8, 2, 3, (0.5, 0.5))
    found = [batches[i] for i in range(8)]
    assert all(len(batch.waveform) == 6 for batch in found)
    if "id00001" in batches.names:
        reasons = {entry for batch in found for entry in batch.failures}
        assert reasons == {("id00001-video-00000", "silent")}


def test_one_speaker_is_not_enough(tmp_path: Path) -> None:
    voice(tmp_path / "a.wav", 1.0)
    cut = recording_from_file(tmp_path / "a.wav", "a").to_cut()
    cut.supervisions = []
    with pytest.raises(UserError, match="two speakers with two utterances"):
        SpeakerBatches(CutSet.from_cuts([]), 1)


def test_voxceleb_takes_sex_and_subset_from_its_list(tmp_path: Path) -> None:
    corpus = VoxCelebCorpus(
        str(voxceleb(tmp_path / "vox")), dev_speakers=1, cache=str(tmp_path / "c")
    )
    speakers = {
        split: {cut.supervisions[0].speaker for cut in corpus.load(split)}
        for split in ("train", "dev", "test")
    }
    assert speakers["test"] == {"id00000"} and len(speakers["dev"]) == 1
    assert not speakers["train"] & (speakers["dev"] | speakers["test"])
    sexes = {c.supervisions[0].speaker: c.supervisions[0].gender for c in corpus.load("test")}
    assert sexes == {"id00000": "female"}


def test_both_lists_of_voxceleb_are_read(tmp_path: Path) -> None:
    path = tmp_path / "vox2_meta.csv"
    path.write_text("VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012 ,n000012 ,m ,dev \n")
    listed = read_speakers(path)["id00012"]
    assert (listed.sex, listed.subset) == ("male", "dev")
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="not its list"):
        read_speakers(path)


def test_what_is_wrong_with_a_voxceleb_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        VoxCelebCorpus(str(tmp_path / "no")).prepare()
    root = voxceleb(tmp_path / "vox")
    listing = (root / "vox1_meta.csv").read_text()
    (root / "vox1_meta.csv").unlink()
    with pytest.raises(UserError, match=r"no speaker list vox1_meta\.csv"):
        VoxCelebCorpus(str(root), cache=str(tmp_path / "c")).prepare()
    (root / "vox1_meta.csv").write_text(listing)
    with pytest.raises(
        UserError, match=rf"VoxCeleb: {root}: 3 speakers were .* is 40, which.*lower"
    ):
        VoxCelebCorpus(str(root), dev_speakers=40, cache=str(tmp_path / "c")).prepare()
    (root / "vox1_meta.csv").write_bytes(listing.replace("UK", "Åland").encode("latin-1"))
    with pytest.raises(UserError, match=r"vox1_meta\.csv cannot be read \(it is no UTF-8 table"):
        VoxCelebCorpus(str(root), cache=str(tmp_path / "c")).prepare()
    (root / "vox1_meta.csv").write_text(listing.replace("id0", "xx0"))
    with pytest.raises(UserError, match=r"no usable audio.*not in the speaker list"):
        VoxCelebCorpus(str(root), cache=str(tmp_path / "c")).prepare()


def test_other_speakers_share_no_voice_with_test_speakers() -> None:
    tested = {speaker.voice for speaker in corpus_speakers(32)}
    others = other_speakers(344)
    assert not tested & {speaker.voice for speaker in others}
    assert len({(s.voice, s.pitch, s.rate) for s in others}) == 344
    assert len({s.name for s in others} | {s.name for s in corpus_speakers(64)}) == 408
    assert {s.sex for s in others[:2]} == {"female", "male"}
    with pytest.raises(ValueError, match="told apart"):
        other_speakers(2000)


def test_the_data_module_trains_on_speakers_and_validates_on_others(tmp_path: Path) -> None:
    corpus = EmbeddedSpeakers(3, 2, 2, cache=str(tmp_path))
    data = SpeakerDataModule(corpus, 2, speakers_per_batch=2, utterances_per_speaker=2)
    data.prepare_data()
    batch = next(iter(data.train_dataloader()))
    assert len(batch.speakers) == 2 and len(batch.waveform) == 4
    held_out = [name for b in data.val_dataloader()[0] for name in b.speakers]
    assert len(set(held_out)) == 2 and not set(held_out) & set(data.batches().names)


def test_no_held_out_speaker_is_heard_more_often_than_asked_for(tmp_path: Path) -> None:
    root = voxceleb(tmp_path / "vox", 6, 7)
    corpus = VoxCelebCorpus(str(root), dev_speakers=3, cache=str(tmp_path / "c"))

    def heard(most: int | None) -> list[str]:
        data = SpeakerDataModule(corpus, 1, utterances_per_dev_speaker=most)
        return sorted(name for batch in data.val_dataloader()[0] for name in batch.ids)

    assert len(heard(None)) == len(heard(20)) == 21
    assert [name[-5:] for name in heard(3)] == 3 * ["00000", "00002", "00004"], "not the first"
    assert SpeakerDataModule(corpus).utterances_per_dev_speaker == 20
    cuts = list(corpus.load("train"))
    assert [len(spread(cuts[:n], 4)) for n in (0, 3, 4, 5, 14)] == [0, 3, 4, 4, 4]
