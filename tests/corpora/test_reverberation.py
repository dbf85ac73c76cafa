"""Rooms: what they do to speech and what they leave as it was, and which utterance gets one."""

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet
from scipy.signal import correlate

from acoustics.errors import UserError
from corpora.audio import load_waveform
from corpora.augmentation import SNR_RANGES_DB, training_recipe
from corpora.augmentation import test_recipe as fixed_recipe
from corpora.datamodule import SpeechDataModule
from corpora.dataset import SpeechDataset, hear
from corpora.embedded import EmbeddedCorpus
from corpora.generated_noise import GeneratedNoise
from corpora.impulse_responses import ImpulseResponseFolder
from corpora.mixing import MixingError, active, mean_power
from corpora.noise_bank import NoiseBank
from corpora.noise_choice import TrainingNoise
from corpora.reverberation import SimulatedRooms
from corpora.room_acoustics import direct_path, reverberate, reverberation_time_s

RANGE_S = (0.25, 0.6)
Vowels = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def rooms(cache: str) -> SimulatedRooms:
    found = SimulatedRooms(count=8, rt60_s=RANGE_S, cache=cache)
    found.prepare()
    return found


def responses(rooms: SimulatedRooms) -> list[np.ndarray]:
    return [load_waveform(cut)[0] for cut in rooms.load()]


def decaying(rt60_s: float, delay: int = 0, seed: int = 0) -> np.ndarray:
    """A click, then noise that falls by 60 dB in `rt60_s`."""
    count = int(1.5 * rt60_s * 16000)
    tail = np.random.default_rng(seed).standard_normal(count)
    tail *= 0.3 * 10 ** (-3 * np.arange(count) / (rt60_s * 16000))
    tail[0] = 3.0
    return np.concatenate([np.zeros(delay), tail]).astype(np.float32)


@pytest.mark.parametrize("rt60_s", [0.2, 0.5, 1.0])
def test_the_reverberation_time_is_that_of_the_decay(rt60_s: float) -> None:
    for seed in range(3):
        found = reverberation_time_s(decaying(rt60_s, delay=500, seed=seed))
        assert found == pytest.approx(rt60_s, rel=0.1)
    assert reverberation_time_s(np.eye(1, 100, 7, dtype=np.float32)[0]) == 0.0


def test_a_room_with_nothing_in_it_returns_the_speech_undelayed(vowels: Vowels) -> None:
    speech, click = vowels(16000), np.zeros(900, np.float32)
    click[700] = -0.02  # later and fainter than it will be heard
    heard = reverberate(speech, click)
    np.testing.assert_allclose(heard.waveform, -speech, atol=1e-6)
    assert (heard.gain, heard.scale) == (pytest.approx(50.0, rel=1e-4), 1.0)


def test_an_echo_stands_where_it_belongs(vowels: Vowels) -> None:
    speech, response = vowels(16000), np.zeros(4000, np.float32)
    response[[300, 2700]] = 0.5, 0.4
    heard = reverberate(speech, response)
    echo = np.concatenate([np.zeros(2400), speech[:-2400]])
    np.testing.assert_allclose(heard.waveform, heard.gain * (0.5 * speech + 0.4 * echo), atol=1e-5)


def test_the_direct_path_comes_first_even_where_a_reflection_is_louder() -> None:
    response = decaying(0.3, delay=1000)
    response[1400] = 2 * response[1000]
    assert direct_path(response) == 1000
    with pytest.raises(MixingError, match="impulse response is silent"):
        direct_path(np.zeros(100, np.float32))


def test_length_time_and_power_stay_as_they_were(rooms: SimulatedRooms) -> None:
    for number, response in enumerate(responses(rooms)):
        noise = np.random.default_rng(number).standard_normal(16000 + 37 * number)
        speech = (0.1 * noise * (np.arange(len(noise)) % 4000 < 2500)).astype(np.float32)
        heard = reverberate(speech, response)
        assert heard.waveform.shape == speech.shape and heard.waveform.dtype == np.float32
        where = active(speech)
        ratio = mean_power(heard.waveform[where]) / mean_power(heard.clean[where])
        assert ratio == pytest.approx(1.0, rel=1e-3)
        likeness = correlate(heard.waveform, speech)
        assert abs(int(np.argmax(np.abs(likeness))) - (len(speech) - 1)) < 16  # 1 ms
        assert mean_power(heard.waveform - heard.clean) > 1e-2 * mean_power(heard.clean)


def test_it_is_scaled_as_a_whole_never_clipped(vowels: Vowels) -> None:
    speech = 0.9 * np.sign(vowels(16000))  # nothing is louder for its peak
    response = decaying(0.4)
    heard, quiet = reverberate(speech, response), reverberate(0.1 * speech, response)
    assert quiet.scale == 1.0 > heard.scale
    assert np.abs(heard.waveform).max() == pytest.approx(0.99, abs=1e-6)
    np.testing.assert_allclose(heard.clean, heard.scale * speech, rtol=1e-5)
    np.testing.assert_allclose(heard.waveform, 10 * heard.scale * quiet.waveform, atol=1e-5)


def test_nothing_is_heard_of_silence() -> None:
    with pytest.raises(MixingError, match="silent speech"):
        reverberate(np.zeros(1600, np.float32), decaying(0.2))
    with pytest.raises(MixingError, match="empty speech"):
        reverberate(np.zeros(0, np.float32), decaying(0.2))


def test_simulated_rooms_sound_as_long_as_asked(rooms: SimulatedRooms) -> None:
    found = responses(rooms)
    assert len({response.tobytes() for response in found}) == len(found) == 8
    times = [reverberation_time_s(response) for response in found]
    assert all(RANGE_S[0] - 0.01 <= time <= RANGE_S[1] + 0.01 for time in times)
    assert max(times) - min(times) > 0.1
    for response in found:
        assert direct_path(response) == np.abs(response).argmax()
        tail = response[direct_path(response) :]
        energies = [float(np.square(part).sum()) for part in np.array_split(tail, 4)]
        assert energies == sorted(energies, reverse=True)
        assert energies[-1] < 1e-2 * energies[0]


def test_simulated_rooms_are_deterministic(rooms: SimulatedRooms, tmp_path: Path) -> None:
    again = SimulatedRooms(count=8, rt60_s=RANGE_S, cache=str(tmp_path))
    assert again.fingerprint() == rooms.fingerprint()
    for one, other in zip(responses(rooms), responses(again), strict=True):
        np.testing.assert_array_equal(one, other)
    other_arguments = [{"count": 9}, {"rt60_s": (0.2, 0.6)}, {"seed": 1}]
    prints = {SimulatedRooms(**({"rt60_s": RANGE_S} | a)).fingerprint() for a in other_arguments}
    assert len(prints | {rooms.fingerprint()}) == 4


def test_rooms_that_cannot_be_are_named() -> None:
    with pytest.raises(UserError, match="count 0 is not possible"):
        SimulatedRooms(count=0)
    for wrong in ((0.5, 0.5), (0.0, 0.3), (0.3, 9.0)):
        with pytest.raises(UserError, match=r"rt60_s .* is not possible"):
            SimulatedRooms(rt60_s=wrong)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Impulse responses of every sort, and two files that are none."""
    root = tmp_path / "rirs"
    for name, rate, channels in (("a/b/one", 16000, 1), ("a/two", 48000, 1), ("three", 8000, 4)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        clicks = np.zeros((rate // 2, channels))
        for channel in range(channels):
            clicks[rate // 10 - rate // 50 * channel :: rate // 5, channel] = 0.5
        soundfile.write(root / f"{name}.{'flac' if channels == 1 else 'wav'}", clicks, rate)
    (root / "broken.wav").write_bytes(b"RIFF")
    soundfile.write(root / "silent.wav", np.zeros(1600), 16000)
    (root / "rir_list").write_text("not audio")
    return root


def test_a_folder_of_any_depth_rate_and_channels(folder: Path, vowels: Vowels) -> None:
    source = ImpulseResponseFolder(str(folder))
    bank = NoiseBank(source.load())
    assert bank.kinds["reverb"] == ["a/b/one.flac", "a/two.flac", "three.wav"]
    problems = dict(source.problems())
    assert problems.pop("broken.wav").startswith("unreadable")
    assert problems == {"silent.wav": "the impulse response is silent"}
    for name in bank.kinds["reverb"]:
        response = bank(name)
        assert len(response) == 8000
        assert abs(direct_path(response) - 1600) <= 1  # of the first channel
        assert reverberate(vowels(8000), response).waveform.shape == (8000,)


def test_few_are_drawn_of_many(folder: Path) -> None:
    both = [ImpulseResponseFolder(str(folder), count=4, seed=seed) for seed in (0, 0)]
    assert [cut.id for cut in both[0].load()] == [cut.id for cut in both[1].load()]
    assert len(list(both[0].load())) + len(both[0].problems()) == 4
    assert both[0].fingerprint() == both[1].fingerprint()
    assert both[0].fingerprint() != ImpulseResponseFolder(str(folder), 4, seed=1).fingerprint()


@pytest.mark.parametrize("base", [".", "simulated_rirs", "RIRS_NOISES/simulated_rirs"])
def test_of_rirs_noises_the_recipes_rooms_are_taken(tmp_path: Path, base: str) -> None:
    for name in ("smallroom/Room001", "mediumroom/Room002", "largeroom/Room003", "pointsource"):
        (tmp_path / base / name).mkdir(parents=True)
        soundfile.write(tmp_path / base / name / "x.wav", decaying(0.2), 16000)
    names = [cut.id.split("/")[-3] for cut in ImpulseResponseFolder(str(tmp_path)).load()]
    assert sorted(names) == ["mediumroom", "smallroom"]


def test_folders_without_rooms_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder of impulse responses"):
        ImpulseResponseFolder(str(tmp_path / "nowhere")).prepare()
    with pytest.raises(UserError, match="holds no impulse response"):
        ImpulseResponseFolder(str(tmp_path)).prepare()
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(UserError, match=r"no impulse response can be used: broken.wav: unreadable"):
        ImpulseResponseFolder(str(tmp_path)).load()


def joined(noise: GeneratedNoise, rooms: SimulatedRooms) -> NoiseBank:
    return NoiseBank(CutSet.from_cuts([*noise.load("train"), *rooms.load()]))


def test_a_room_is_as_likely_as_each_kind_of_noise(
    noise: GeneratedNoise, rooms: SimulatedRooms
) -> None:
    bank = joined(noise, rooms)
    found = [training_recipe(bank, f"u{i}", 0, 0, 1.0) for i in range(1200)]
    kinds = Counter(recipe.kind for recipe in found if recipe is not None)
    assert set(kinds) == {"babble", "music", "noise", "reverb"}
    assert all(250 < count < 350 for count in kinds.values())  # 300 +- 3.3 deviations
    heard = Counter(r.noise_id for r in found if r is not None and r.kind == "reverb")
    assert set(heard) == set(bank.kinds["reverb"])
    assert all(r.snr_db == np.inf for r in found if r is not None and r.kind == "reverb")
    narrowed = [training_recipe(bank, f"u{i}", 0, 0, 1.0, {"noise": (0, 9)}) for i in range(60)]
    assert {recipe.kind for recipe in narrowed if recipe is not None} == {"noise", "reverb"}


def test_rooms_change_with_the_epoch_and_nothing_else(
    noise: GeneratedNoise, rooms: SimulatedRooms
) -> None:
    choose = TrainingNoise(joined(noise, rooms), 0, 1.0, SNR_RANGES_DB)
    names = [f"u{i}" for i in range(40)]
    first = {name: choose(name, 3) for name in names}
    again = TrainingNoise(joined(noise, rooms), 0, 1.0, SNR_RANGES_DB)
    assert {name: again(name, 3) for name in reversed(names)} == first
    assert {name: choose(name, 4) for name in names} != first


RECIPES = "146dd95c994700a5"


def test_without_rooms_recipes_are_those_of_the_first_release(noise: GeneratedNoise) -> None:
    """Digest taken before there were rooms: runs made then go on with the same noise."""
    bank = NoiseBank(noise.load("train"))
    found = [training_recipe(bank, f"u{i}", i % 3, 7, 0.8) for i in range(200)]
    found += [fixed_recipe(bank, "snr10", f"u{i}", 7) for i in range(100)]
    assert hashlib.sha256(repr(found).encode()).hexdigest()[:16] == RECIPES


def test_test_conditions_have_no_rooms(noise: GeneratedNoise, rooms: SimulatedRooms) -> None:
    bank, alone = joined(noise, rooms), NoiseBank(noise.load("train"))
    for i in range(50):
        assert fixed_recipe(bank, "snr0", f"u{i}", 0) == fixed_recipe(alone, "snr0", f"u{i}", 0)


@pytest.fixture
def data(corpus: EmbeddedCorpus, noise: GeneratedNoise, rooms: SimulatedRooms) -> SpeechDataModule:
    return SpeechDataModule(
        corpus, noise, noisy_fraction=1.0, conditions=["clean", "snr0"], reverberation=rooms
    )


def test_training_batches_hold_speech_in_rooms(data: SpeechDataModule) -> None:
    found = 0
    for batch in data.train_dataloader():
        for i, name in enumerate(batch.noises):
            if not name.startswith("room"):
                assert np.isfinite(batch.snr_db[i])
                continue
            found += 1
            assert batch.snr_db[i] == np.inf
            length = int(batch.lengths[i])
            wet, dry = batch.waveform[i, :length].numpy(), batch.clean[i, :length].numpy()
            where = active(dry)
            assert mean_power(wet[where]) == pytest.approx(mean_power(dry[where]), rel=1e-3)
            assert mean_power(wet - dry) > 1e-2 * mean_power(dry)
            assert np.abs(wet).max() <= 0.99 + 1e-6
    assert 4 <= found <= 24  # of 48, a quarter
    tested = [name for loader in data.test_dataloader() for b in loader for name in b.noises]
    assert not [name for name in tested if name.startswith("room")]


def test_a_room_does_not_depend_on_the_batch(data: SpeechDataModule) -> None:
    bank = data.bank("train")
    assert bank is not None
    dataset = SpeechDataset(TrainingNoise(bank, 0, 1.0, {}), bank)  # rooms only
    cuts = list(data.cuts("train"))[:6]
    together = dataset[2, CutSet.from_cuts(cuts)]
    assert all(name.startswith("room") for name in together.noises)
    for i in (5, 0, 3):
        alone = dataset[2, CutSet.from_cuts([cuts[i]])]
        length = int(together.lengths[i])
        assert alone.noises == [together.noises[i]]
        assert alone.waveform[0].equal(together.waveform[i, :length])


def test_the_scale_is_told(data: SpeechDataModule) -> None:
    bank = data.bank("train")
    assert bank is not None
    cut = next(iter(data.cuts("train")))
    recipe = training_recipe(bank, cut.id, 0, 0, 1.0, {})
    heard, dry = hear(cut, recipe, bank), hear(cut)
    np.testing.assert_allclose(heard.clean, heard.scale * dry.clean, rtol=1e-6)


def test_rooms_do_without_noise(corpus: EmbeddedCorpus, rooms: SimulatedRooms) -> None:
    data = SpeechDataModule(corpus, noisy_fraction=0.5, reverberation=rooms)
    names = [name for batch in data.train_dataloader() for name in batch.noises]
    assert {bool(name) for name in names} == {True, False}
    with pytest.raises(UserError, match="condition snr0 needs noise"):
        SpeechDataModule(corpus, conditions=["snr0"], reverberation=rooms)


def test_rooms_that_cannot_be_read_are_reported(corpus: EmbeddedCorpus, folder: Path) -> None:
    source = ImpulseResponseFolder(str(folder))
    data = SpeechDataModule(corpus, noisy_fraction=1.0, reverberation=source)
    batches = list(data.train_dataloader())
    assert not [failure for batch in batches for failure in batch.failures]
    told = {(split, name) for split, name, _ in data.unusable_noise}
    assert told == {("train", "broken.wav"), ("train", "silent.wav")}
