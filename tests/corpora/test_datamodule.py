"""The data module: what is in its batches, in which order, and what bad files do to it."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from lhotse import CutSet, MonoCut, Recording, SupervisionSegment
from lightning import LightningModule, Trainer

from acoustics.errors import UserError
from corpora.batch import SpeechBatch
from corpora.corpus import Corpus, Progress, Split
from corpora.datamodule import SpeechDataModule
from corpora.dataset import SpeechDataset
from corpora.embedded import EmbeddedCorpus
from corpora.generated_noise import GeneratedNoise
from corpora.mixing import active, mean_power
from corpora.noise_bank import NoiseBank
from corpora.noise_choice import TestNoise as FixedNoise
from corpora.samplers import BatchSampler, OnceSampler
from corpora.selection import mixture_rows, speaker_attributes, utterance_rows

CONDITIONS = ["clean", "snr10", "snr0"]


@pytest.fixture
def data(corpus: EmbeddedCorpus, noise: GeneratedNoise) -> SpeechDataModule:
    found = SpeechDataModule(
        corpus, noise, noisy_fraction=0.5, conditions=CONDITIONS, batch_duration_s=10.0
    )
    found.prepare_data()
    found.setup("fit")
    return found


def ids(batches: list[SpeechBatch]) -> list[str]:
    return [name for batch in batches for name in batch.ids]


def test_training_batches(data: SpeechDataModule) -> None:
    loader = data.train_dataloader()
    batches = list(loader)
    assert sorted(ids(batches)) == sorted(cut.id for cut in data.cuts("train"))
    for batch in batches:
        assert batch.waveform.dtype == batch.clean.dtype == torch.float32
        assert batch.lengths.dtype == torch.int64
        assert batch.waveform.shape == batch.clean.shape == (len(batch), int(batch.lengths.max()))
        assert batch.lengths.sum() <= 10.0 * 16000 or len(batch) == 1
        for row, length in zip(batch.waveform, batch.lengths, strict=True):
            assert not row[length:].any()
        assert batch.waveform.abs().max() <= 0.99 + 1e-6
        assert set(batch.sexes) <= {"female", "male"} and all(batch.texts)
    noisy = [snr != float("inf") for batch in batches for snr in batch.snr_db]
    assert 10 < sum(noisy) < 38
    clean = [bool(name) for batch in batches for name in batch.noises]
    assert clean == noisy


def test_epochs_differ_and_can_be_repeated(data: SpeechDataModule) -> None:
    def epoch(number: int) -> tuple[list[str], list[float]]:
        loader = data.train_dataloader()
        loader.sampler.set_epoch(number)
        batches = list(loader)
        return ids(batches), [float(batch.waveform.abs().sum()) for batch in batches]

    assert epoch(0) == epoch(0)
    assert epoch(0)[0] != epoch(1)[0]
    assert sorted(epoch(0)[0]) == sorted(epoch(1)[0])


def test_an_epoch_that_was_broken_off_starts_again(data: SpeechDataModule) -> None:
    loader = data.train_dataloader()
    first = next(iter(loader)).ids
    assert next(iter(loader)).ids == first


def test_conditions_share_utterances_order_and_noise(data: SpeechDataModule) -> None:
    clean, quiet, loud = (list(loader) for loader in data.test_dataloader())
    assert ids(clean) == ids(quiet) == ids(loud) and len(ids(clean)) == 12
    assert [b.noises for b in quiet] == [b.noises for b in loud]
    assert all(name == "" for batch in clean for name in batch.noises)
    for batch, snr_db in ((quiet[0], 10.0), (loud[0], 0.0)):
        assert batch.snr_db == [snr_db] * len(batch)
        for i, length in enumerate(batch.lengths):
            mixture, speech = batch.waveform[i, :length].numpy(), batch.clean[i, :length].numpy()
            where = active(speech)
            ratio = mean_power(speech[where]) / mean_power((mixture - speech)[where])
            assert 10 * np.log10(ratio) == pytest.approx(snr_db, abs=0.01)


def test_a_mixture_does_not_depend_on_its_batch(data: SpeechDataModule) -> None:
    bank = data.bank("test")
    dataset = SpeechDataset(FixedNoise(bank, "snr0", seed=0), bank)
    cuts = list(data.cuts("test"))
    together = dataset[0, CutSet.from_cuts(cuts)]
    for i in (5, 0, 3):
        alone = dataset[7, CutSet.from_cuts([cuts[i]])]
        length = int(together.lengths[i])
        torch.testing.assert_close(alone.waveform[0], together.waveform[i, :length], rtol=0, atol=0)


def test_without_a_dev_split_there_is_nothing_to_validate(cache: str) -> None:
    data = SpeechDataModule(EmbeddedCorpus(2, 0, 2, 2, 0, 2, cache=cache))
    assert data.val_dataloader() == []


def test_dev_noise_is_always_the_same(data: SpeechDataModule) -> None:
    (loader,) = data.val_dataloader()
    first = list(loader)
    loader.sampler.set_epoch(5)
    for one, other in zip(first, loader, strict=True):
        assert one.ids == other.ids
        torch.testing.assert_close(one.waveform, other.waveform, rtol=0, atol=0)


def test_first_training_utterances_are_noisy_and_always_the_same(data: SpeechDataModule) -> None:
    """The first of each speaker by id, with the share of noise that training has."""
    batches, again = (list(data.first_training_dataloader(6)) for _ in "ab")
    by_speaker: dict[str, list[str]] = {}
    for cut in data.cuts("train"):
        by_speaker.setdefault(cut.supervisions[0].speaker, []).append(cut.id)
    wanted = sorted(name for names in by_speaker.values() for name in sorted(names)[:6])
    assert sorted(ids(batches)) == wanted and len(wanted) == 36
    assert ids(batches) == ids(again)
    assert all(a.waveform.equal(b.waveform) for a, b in zip(batches, again, strict=True))
    noisy = sum(snr != float("inf") for batch in batches for snr in batch.snr_db)
    assert 6 < noisy < 30


def test_snr_ranges_can_be_overridden(corpus: EmbeddedCorpus, noise: GeneratedNoise) -> None:
    ranges = {"noise": (-3.0, -2.0)}
    data = SpeechDataModule(corpus, noise, noisy_fraction=1.0, snr_ranges_db=ranges)
    batch = next(iter(data.train_dataloader()))
    assert all(-3 <= snr <= -2 for snr in batch.snr_db)
    assert all("noise" in name for name in batch.noises)
    with pytest.raises(UserError, match="unknown kind 'rain'"):
        SpeechDataModule(corpus, noise, snr_ranges_db={"rain": (0.0, 1.0)})


def test_noise_is_asked_for_where_it_is_needed(corpus: EmbeddedCorpus) -> None:
    with pytest.raises(UserError, match="condition snr0 needs noise"):
        SpeechDataModule(corpus, conditions=["clean", "snr0"])
    with pytest.raises(UserError, match=r"noisy_fraction 0\.5 needs noise"):
        SpeechDataModule(corpus, noisy_fraction=0.5)


def test_utterances_per_test_speaker(corpus: EmbeddedCorpus) -> None:
    data = SpeechDataModule(corpus, utterances_per_test_speaker=2)
    names = [cut.id for cut in data.cuts("test")]
    assert len(names) == 8 and all(name.endswith(("-001", "-002")) for name in names)


def test_workers_give_the_same_batches(data: SpeechDataModule) -> None:
    expected = list(data.train_dataloader())
    data.num_workers = 1
    for one, other in zip(expected, data.train_dataloader(), strict=True):
        assert one.ids == other.ids
        torch.testing.assert_close(one.waveform, other.waveform, rtol=0, atol=0)


def test_the_dataset_can_be_pickled(data: SpeechDataModule) -> None:
    loader = data.test_dataloader()[2]
    index = next(iter(loader.sampler))
    copy = pickle.loads(pickle.dumps(loader.dataset))  # noqa: S301
    torch.testing.assert_close(copy[index].waveform, loader.dataset[index].waveform)


@pytest.mark.parametrize("shuffle", [True, False])
def test_two_ranks_share_an_epoch(corpus: EmbeddedCorpus, shuffle: bool) -> None:
    cuts = corpus.load("train")
    ranks = [
        [[c.id for c in batch] for _, batch in BatchSampler(cuts, 8.0, shuffle, 3, 0, rank, 2)]
        for rank in range(2)
    ]
    assert len(ranks[0]) == len(ranks[1])
    # lhotse adds "_dup0" to the id of a cut that a batch holds twice
    heard = [name.split("_dup")[0] for batches in ranks for batch in batches for name in batch]
    assert set(heard) == {cut.id for cut in cuts}
    assert len(heard) - len(set(heard)) <= 5  # at most one batch is heard twice, to be even


def test_more_buckets_than_utterances(corpus: EmbeddedCorpus) -> None:
    few = CutSet.from_cuts(list(corpus.load("train"))[:3])
    for count in (0, 1, 3):
        some = CutSet.from_cuts(list(few)[:count])
        batches = list(BatchSampler(some, 8.0, shuffle=True, num_buckets=10))
        assert sum(len(batch) for _, batch in batches) == count


def test_rows(data: SpeechDataModule) -> None:
    rows = utterance_rows(data.cuts("test"))
    assert len(rows) == 12
    columns = ["utterance", "speaker", "sex", "duration_s", "n_words", "n_chars", "text"]
    assert list(rows[0]) == columns
    text = str(rows[0]["text"])
    assert (rows[0]["n_words"], rows[0]["n_chars"]) == (len(text.split()), len(text))
    mixtures = mixture_rows(data.cuts("test"), CONDITIONS, data.bank("test"), data.seed)
    assert list(mixtures[0]) == ["condition", "utterance", "noise", "kind", "snr_db", "scale"]
    assert [row["condition"] for row in mixtures] == ["snr10"] * 12 + ["snr0"] * 12
    heard = {
        (name, snr): noise
        for loader in data.test_dataloader()
        for batch in loader
        for name, snr, noise in zip(batch.ids, batch.snr_db, batch.noises, strict=True)
    }
    assert all(heard[row["utterance"], row["snr_db"]] == row["noise"] for row in mixtures)
    assert all(0 < float(row["scale"]) <= 1 for row in mixtures)
    assert mixture_rows(data.cuts("test"), CONDITIONS, None, 0) == []


class Files(Corpus):
    """A corpus of given files, all in every split."""

    def __init__(self, cuts: list[MonoCut]) -> None:
        self.found = cuts

    def prepare(self, progress: Progress | None = None) -> None:
        pass

    def load(self, split: Split) -> CutSet:
        return CutSet.from_cuts(self.found)

    def fingerprint(self) -> str:
        return "files"


def cut_of(path: Path, text: str = "good day") -> MonoCut:
    cut = Recording.from_file(path, recording_id=path.stem).to_cut()
    cut.id = path.stem
    segment = SupervisionSegment(path.stem, path.stem, 0.0, cut.duration, cut.channel, text)
    segment.speaker = "someone"
    cut.supervisions = [segment]
    return cut


@pytest.fixture
def bad(tmp_path: Path) -> Files:
    """One good utterance among bad ones of every kind."""
    rng = np.random.default_rng(0)

    def write(name: str, samples: np.ndarray, rate: int = 16000, **how: str) -> Path:
        path = tmp_path / f"{name}.{how.pop('suffix', 'wav')}"
        soundfile.write(path, samples, rate, **how)
        return path

    def hiss(samples: int) -> np.ndarray:
        return rng.uniform(-0.5, 0.5, samples)

    files = [
        write("good", hiss(16000)),
        write("silent", np.zeros(16000)),
        write("short", hiss(1600)),
        write("clipped", np.clip(4 * hiss(16000), -1, 1)),
        write("narrow", hiss(8000), 8000),
        write("stereo", hiss(32000).reshape(-1, 2)),
        write("nan", np.where(np.arange(16000) == 5, np.nan, hiss(16000)), subtype="FLOAT"),
        write("vanished", hiss(16000)),
        write("emptied", hiss(16000)),
        write("truncated", hiss(64000), suffix="flac"),
    ]
    cuts = [cut_of(path) for path in files]
    cuts.append(cut_of(write("spelling", hiss(16000)), "route 66"))
    cuts.append(cut_of(write("wordless", hiss(16000)), ""))
    (tmp_path / "vanished.wav").unlink()
    (tmp_path / "emptied.wav").write_bytes(b"")
    whole = (tmp_path / "truncated.flac").read_bytes()
    (tmp_path / "truncated.flac").write_bytes(whole[: len(whole) // 2])
    return Files(cuts)


def test_bad_files_cost_themselves_only(bad: Files) -> None:
    data = SpeechDataModule(bad)
    batches = list(data.train_dataloader())
    assert sorted(ids(batches)) == ["clipped", "good", "narrow", "stereo"]
    assert all(row.abs().max() > 0.1 for batch in batches for row in batch.waveform)
    assert {int(n) for batch in batches for n in batch.lengths} == {16000}
    for batch in batches:
        data.note("train", batch)
        data.note("train", batch)
    reasons = {name: reason for split, name, reason in data.unusable if split == "train"}
    assert len(reasons) == len(data.unusable)
    for name, words in {
        "silent": "silent",
        "short": "too short (0.10 s",
        "nan": "NaN",
        "vanished": "unreadable",
        "emptied": "unreadable",
        "truncated": "",
        "spelling": "outside the alphabet: '6'",
        "wordless": "transcript is empty",
    }.items():
        assert words in reasons.pop(name), name
    assert not reasons
    remarks = {name: remark for _, name, remark in data.remarks}
    assert remarks["clipped"].startswith("clipped (")
    assert remarks["narrow"] == "resampled from 8000 Hz"
    assert remarks["stereo"] == "2 channels mixed down to one"


def test_a_test_utterance_is_kept_whatever_its_transcript(bad: Files) -> None:
    data = SpeechDataModule(bad)
    names = ids([batch for loader in data.test_dataloader() for batch in loader])
    assert {"spelling", "wordless"} <= set(names)
    assert ("test", "wordless", "transcript is empty") in data.remarks


def test_a_batch_of_failures_is_empty(bad: Files) -> None:
    batch = SpeechDataset()[0, CutSet.from_cuts([c for c in bad.found if c.id == "silent"])]
    assert len(batch) == 0 and batch.waveform.shape == batch.clean.shape == (0, 0)
    assert batch.lengths.shape == (0,) and batch.failures == [("silent", "silent")]


def test_a_corpus_without_usable_speech_is_a_user_error(bad: Files) -> None:
    data = SpeechDataModule(Files([c for c in bad.found if c.id == "short"]))
    with pytest.raises(UserError, match=r"no usable utterance in the train split .* too short"):
        data.train_dataloader()


class Counter(LightningModule):
    """Notes which utterances it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[int, list[str]]] = []

    def training_step(self, batch: SpeechBatch, index: int) -> torch.Tensor:
        self.seen.append((self.current_epoch, batch.ids))
        return self.weight * batch.waveform.mean()

    def validation_step(self, batch: SpeechBatch, index: int) -> None:
        self.log("dev", batch.waveform.mean(), batch_size=len(batch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


def test_fit_over_many_epochs(data: SpeechDataModule, trainer: Callable[..., Trainer]) -> None:
    per_epoch = len(list(data.train_dataloader()))
    module = Counter()
    steps = 2 * per_epoch + 2
    trainer(max_steps=steps, max_epochs=-1, use_distributed_sampler=False).fit(module, data)
    assert len(module.seen) == steps
    epochs = [[names for epoch, names in module.seen if epoch == number] for number in range(3)]
    assert len(epochs[0]) == per_epoch and len(epochs[2]) == 2
    assert epochs[0] != epochs[1]
    flat = [sorted(name for names in epoch for name in names) for epoch in epochs]
    assert flat[0] == flat[1]


def test_fit_notes_bad_files(bad: Files, trainer: Callable[..., Trainer]) -> None:
    data = SpeechDataModule(bad)
    run = trainer(max_epochs=1, use_distributed_sampler=False, limit_val_batches=0)
    run.fit(Counter(), data)
    assert ("train", "silent", "silent") in data.unusable


def test_noise_too_large_for_memory_is_read_each_time(
    noise: GeneratedNoise, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = NoiseBank(noise.load("test"))
    monkeypatch.setattr("corpora.noise_bank._IN_MEMORY_BYTES", 1000)
    read = NoiseBank(noise.load("test"))
    name = kept.kinds["music"][0]
    one, other = kept(name), read(name)
    np.testing.assert_allclose(one / np.abs(one).max(), other / np.abs(other).max(), atol=1e-3)
    assert not read._kept


def test_a_pass_over_the_corpus_is_clean_and_hears_everybody_once(data: SpeechDataModule) -> None:
    """Although the module has noise, whose recordings it does not even load."""
    cuts = {cut.id: cut for cut in data.corpus_cuts(("train", "dev", "test"))}
    batches = list(data.corpus_dataloader())
    assert len(ids(batches)) == 64 and set(ids(batches)) == set(cuts)
    assert len({name for batch in batches for name in batch.speakers}) == 12
    assert not any(noise for batch in batches for noise in batch.noises) and not data._banks
    assert all(torch.equal(batch.waveform, batch.clean) for batch in batches)
    assert [b.ids for b in data.corpus_dataloader()] == [b.ids for b in batches]
    durations = [cuts[name].duration for name in ids(batches)]
    assert durations == sorted(durations)
    assert all(sum(cuts[name].duration for name in b.ids) <= 10.0 or len(b) == 1 for b in batches)
    assert data.remarks == []


def test_a_pass_over_some_speakers_one_after_the_other(data: SpeechDataModule) -> None:
    loader = data.corpus_dataloader(("test", "train"), per_speaker=2, order="speaker")
    batches = list(loader)
    speakers = [name for batch in batches for name in batch.speakers]
    assert speakers == sorted(speakers) and len(speakers) == 2 * len(set(speakers)) == 20
    assert {name.rpartition("-")[2] for name in ids(batches)} == {"001", "002"}
    assert ids(batches) == sorted(ids(batches))


def test_a_pass_over_a_few_utterances_hears_no_others(data: SpeechDataModule) -> None:
    few = {cut.id for cut in data.corpus_cuts(("dev", "test"))[::3]}
    assert set(ids(list(data.corpus_dataloader(ids={*few, "unknown"})))) == few
    assert list(data.corpus_dataloader(ids=())) == []


@pytest.mark.parametrize("processes", [1, 2, 3, 7, 50])
def test_processes_share_a_pass_exactly(corpus: EmbeddedCorpus, processes: int) -> None:
    cuts = list(corpus.load("train"))
    samplers = [OnceSampler(cuts, 8.0, rank, processes) for rank in range(processes)]
    heard = [[[cut.id for cut in batch] for _, batch in sampler] for sampler in samplers]
    assert [len(batches) for batches in heard] == [len(sampler) for sampler in samplers]
    assert sorted(name for part in heard for batch in part for name in batch) == sorted(
        cut.id for cut in cuts
    )
    assert max(map(len, heard)) - min(map(len, heard)) <= 1
    in_turn = [heard[i % processes][i // processes] for i in range(sum(map(len, heard)))]
    assert [name for batch in in_turn for name in batch] == [cut.id for cut in cuts]


def test_what_a_pass_could_not_use_is_noted_with_its_split(bad: Files) -> None:
    class Parted(Files):
        def load(self, split: Split) -> CutSet:
            mine = [c for c in self.found if (c.id in ("silent", "good")) == (split == "train")]
            return CutSet.from_cuts([] if split == "dev" else mine)

    data = SpeechDataModule(Parted(bad.found))
    for batch in data.corpus_dataloader():
        data.note("test", batch)
    assert ("train", "silent", "silent") in data.unusable
    assert {split for split, name, _ in data.unusable if name != "silent"} == {"test"}
    with pytest.raises(UserError, match="utterance id clipped is in both train and test"):
        SpeechDataModule(bad).corpus_dataloader(("train", "test"))


def test_attributes_of_speakers(corpus: EmbeddedCorpus) -> None:
    cuts = list(corpus.load("test"))
    known = speaker_attributes(cuts)
    assert known["w00"] == {
        **{"accent": "en", "pitch": 42, "rate": 106, "sex": "female", "variant": "f1"},
    }
    assert len(known) == 4 and {own["sex"] for own in known.values()} == {"female", "male"}
    cuts[1].supervisions[0].custom = {**cuts[1].supervisions[0].custom, "rate": 0, "mood": "calm"}
    assert speaker_attributes(cuts)["w00"].keys() == {"accent", "pitch", "sex", "variant"}
