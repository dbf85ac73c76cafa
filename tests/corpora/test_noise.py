import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from acoustics.errors import UserError
from corpora.augmentation import (
    SNR_RANGES_DB,
    condition_snr_db,
    noise_signal,
    training_recipe,
)
from corpora.augmentation import test_recipe as fixed_recipe
from corpora.datamodule import SpeechDataModule
from corpora.embedded import EmbeddedCorpus
from corpora.generated_noise import GeneratedNoise
from corpora.mixing import MixingError, active, mean_power, mix_at_snr
from corpora.musan import MusanNoise
from corpora.noise_bank import NoiseBank
from corpora.noise_choice import TrainingNoise


def tone(seconds: float, level: float = 0.3, pause: float = 0.0) -> np.ndarray:
    speech = level * np.sin(np.arange(int(16000 * seconds)) / 5)
    silence = np.zeros(int(16000 * pause))
    return np.concatenate([silence, speech, silence]).astype(np.float32)


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 0.0, -5.0])
@pytest.mark.parametrize("level", [0.01, 0.9])
def test_snr_is_exact_on_the_active_part(snr_db: float, level: float) -> None:
    speech = tone(1.0, level, pause=1.0)
    noise = np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    mixture = mix_at_snr(speech, noise, snr_db)
    where = active(speech)
    assert 0.98 < where.sum() / 16000 < 1.05  # the pauses do not count
    added = mixture.waveform - mixture.clean
    ratio = mean_power(mixture.clean[where]) / mean_power(added[where])
    assert 10 * np.log10(ratio) == pytest.approx(snr_db, abs=0.01)


def test_a_mixture_is_scaled_never_clipped() -> None:
    speech = tone(1.0, 0.9)
    noise = np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    mixture = mix_at_snr(speech, noise, 0.0)
    assert np.abs(mixture.waveform).max() == pytest.approx(0.99, abs=1e-6)
    assert mixture.scale < 1
    np.testing.assert_allclose(mixture.clean, speech * mixture.scale, rtol=1e-5)
    expected = mixture.scale * (speech + mixture.gain * noise)
    np.testing.assert_allclose(mixture.waveform, expected, atol=1e-5)
    assert mix_at_snr(tone(1.0, 0.1), noise, 20.0).scale == 1.0


def test_silence_has_no_snr() -> None:
    speech, silence = tone(1.0), np.zeros(16000, np.float32)
    with pytest.raises(MixingError, match="silent speech"):
        mix_at_snr(silence, speech, 0.0)
    with pytest.raises(MixingError, match="noise is silent"):
        mix_at_snr(speech, silence, 0.0)
    with pytest.raises(ValueError, match="16000 samples"):
        mix_at_snr(speech, silence[:10], 0.0)


def test_generated_kinds_and_disjoint_splits(noise: GeneratedNoise) -> None:
    splits = {split: list(noise.load(split)) for split in ("train", "test")}
    for cuts in splits.values():
        kinds = [cut.custom["kind"] for cut in cuts]
        assert {kind: kinds.count(kind) for kind in set(kinds)} == {
            "babble": 12,
            "music": 2,
            "noise": 5,
        }
        assert all(cut.duration >= 8 for cut in cuts)
        assert all(np.std(cut.load_audio()) > 0.003 for cut in cuts)
    content = [cut.load_audio()[0, :16000].tobytes() for cut in splits["train"] + splits["test"]]
    assert len(set(content)) == len(content)


def test_generated_noise_is_deterministic(noise: GeneratedNoise, tmp_path: Path) -> None:
    again = GeneratedNoise(n_music=2, n_noise=5, cache=str(tmp_path))
    assert again.fingerprint() == noise.fingerprint()
    for one, other in zip(noise.load("test"), again.load("test"), strict=True):
        assert one.id == other.id
        np.testing.assert_array_equal(one.load_audio(), other.load_audio())


def test_training_recipes_follow_the_ranges(noise: GeneratedNoise) -> None:
    bank = NoiseBank(noise.load("train"))
    found = [training_recipe(bank, f"u{i}", 0, 0, 0.5) for i in range(400)]
    noisy = [recipe for recipe in found if recipe is not None]
    assert 0.4 < len(noisy) / 400 < 0.6
    assert {recipe.kind for recipe in noisy} == {"babble", "music", "noise"}
    for recipe in noisy:
        low, high = SNR_RANGES_DB[recipe.kind]
        assert low <= recipe.snr_db <= high
        voices = len(recipe.noises)
        assert 3 <= voices <= 7 if recipe.kind == "babble" else voices == 1
        assert len(set(recipe.noises)) == voices
    only = training_recipe(bank, "u", 0, 0, 1.0, {"music": (0.0, 0.0)})
    assert only is not None and (only.kind, only.snr_db) == ("music", 0.0)


def test_training_noise_is_that_of_the_x_vector_recipe(noise: GeneratedNoise) -> None:
    """Snyder et al. 2018: three to seven voices at 13-20 dB, music at 5-15, noise at 0-15."""
    bank = NoiseBank(noise.load("train"))
    data = SpeechDataModule(EmbeddedCorpus(), noise, noisy_fraction=1.0)
    found = [training_recipe(bank, f"u{i}", 0, 0, 1.0, data.snr_ranges_db) for i in range(3000)]
    recipes = [recipe for recipe in found if recipe is not None]
    assert len(recipes) == 3000
    for kind, low, high in (("babble", 13, 20), ("music", 5, 15), ("noise", 0, 15)):
        snrs = [recipe.snr_db for recipe in recipes if recipe.kind == kind]
        assert 900 < len(snrs) < 1100  # equally likely
        assert low <= min(snrs) < low + 0.2 and high - 0.2 < max(snrs) <= high
        assert np.mean(snrs) == pytest.approx((low + high) / 2, abs=0.5)
    voices = Counter(len(recipe.noises) for recipe in recipes if recipe.kind == "babble")
    assert set(voices) == {3, 4, 5, 6, 7}
    babble = next(recipe for recipe in recipes if len(recipe.noises) == 7)
    together = noise_signal(bank, babble, 48000)
    alone = [
        noise_signal(bank, replace(babble, noises=(name,), offsets=(offsets,)), 48000)
        for name, offsets in zip(babble.noises, babble.offsets, strict=True)
    ]
    np.testing.assert_allclose(together, np.sum(alone, axis=0), atol=1e-4)
    assert all(mean_power(voice) == pytest.approx(1.0, rel=1e-3) for voice in alone)


def test_training_recipes_change_with_the_epoch_and_nothing_else(noise: GeneratedNoise) -> None:
    bank = NoiseBank(noise.load("train"))
    recipes = [training_recipe(bank, "u", epoch, 0, 1.0) for epoch in range(5)]
    assert len({str(recipe) for recipe in recipes}) == 5
    assert recipes[3] == training_recipe(NoiseBank(noise.load("train")), "u", 3, 0, 1.0)
    assert recipes[3] != training_recipe(bank, "u", 3, 1, 1.0)


def test_the_first_epochs_may_be_clean(noise: GeneratedNoise) -> None:
    bank = NoiseBank(noise.load("train"))
    choose = TrainingNoise(bank, 0, 1.0, SNR_RANGES_DB, clean_epochs=2)
    assert [choose("u", epoch) is None for epoch in range(4)] == [True, True, False, False]
    assert choose("u", 2) == TrainingNoise(bank, 0, 1.0, SNR_RANGES_DB)("u", 2)
    held_out = TrainingNoise(bank, 0, 1.0, SNR_RANGES_DB, fixed_epoch=-1, clean_epochs=2)
    assert held_out("u", 0) is not None  # dev speech is always treated alike


def test_conditions_of_an_utterance_share_their_noise(noise: GeneratedNoise) -> None:
    bank = NoiseBank(noise.load("test"))
    assert fixed_recipe(bank, "clean", "u", 0) is None
    quiet, loud = (fixed_recipe(bank, c, "u", 0) for c in ("snr20", "snr0"))
    assert quiet is not None and loud is not None
    assert (quiet.snr_db, loud.snr_db) == (20.0, 0.0)
    assert quiet.noises == loud.noises
    np.testing.assert_array_equal(
        noise_signal(bank, quiet, 40000), noise_signal(NoiseBank(noise.load("test")), loud, 40000)
    )


def test_conditions() -> None:
    assert condition_snr_db("clean") is None
    assert [condition_snr_db(c) for c in ("snr20", "snr0", "snr-5")] == [20.0, 0.0, -5.0]
    with pytest.raises(UserError, match="unknown condition 'noisy'"):
        condition_snr_db("noisy")


def musan_tree(root: Path) -> Path:
    rng = np.random.default_rng(0)
    shapes = [("music/a/b", 44100, 3), ("noise", 8000, 5), ("speech/x", 16000, 8)]
    for name, rate, count in shapes:
        (root / name).mkdir(parents=True)
        for i in range(count):
            samples = rng.uniform(-0.5, 0.5, (rate, 1 + i % 2))
            soundfile.write(root / name / f"{i}.wav", samples, rate)
    (root / "noise" / "ANNOTATIONS").write_text("not audio")
    (root / "noise" / "broken.wav").write_bytes(b"RIFF")
    return root


def test_musan_layout_of_any_depth_and_rate(tmp_path: Path) -> None:
    source = MusanNoise(str(musan_tree(tmp_path)))
    splits = {split: list(source.load(split)) for split in ("train", "test")}
    for kind, total in (("music", 3), ("noise", 5), ("babble", 8)):
        ids = [{cut.id for cut in cuts if cut.custom["kind"] == kind} for cuts in splits.values()]
        assert not ids[0] & ids[1] and len(ids[0] | ids[1]) == total and all(ids)
    left_out = [entry for split in splits for entry in source.problems(split)]
    assert [name for name, _ in left_out] == ["noise/broken"]
    bank = NoiseBank(source.load("train"))
    for name in itertools.chain(*bank.kinds.values()):
        assert bank(name).shape == (16000,) and bank(name).dtype == np.float32
    recipe = fixed_recipe(bank, "snr0", "u", 0)
    assert recipe is not None and len(noise_signal(bank, recipe, 50000)) == 50000


def test_babble_of_too_few_voices_is_remarked_on_where_it_is_heard(
    corpus: EmbeddedCorpus, tmp_path: Path
) -> None:
    """Of eight recordings of speech, six are for training and two for testing."""
    musan = MusanNoise(str(musan_tree(tmp_path)))
    data = SpeechDataModule(corpus, musan, noisy_fraction=0.5, conditions=["clean", "snr0"])
    data.train_dataloader()
    data.condition_dataloader("clean")
    assert data.remarks == []
    data.condition_dataloader("snr0")
    data.condition_dataloader("snr0")
    (split, name, remark), *others = data.remarks
    assert (split, name, others) == ("test", "noise babble", [])
    assert remark.startswith("babble is 2 voices instead of 3 to 7")
    for path in sorted((tmp_path / "speech" / "x").iterdir())[3:]:
        path.unlink()
    data = SpeechDataModule(corpus, musan, noisy_fraction=0.5, conditions=["snr0"])
    data.train_dataloader()
    data.test_dataloader()
    told = {split: remark[:23] for split, _, remark in data.remarks}
    assert told == {"train": "babble is 2 voices inst", "test": "babble is 1 voice inste"}
    only_music = SpeechDataModule(
        corpus, musan, noisy_fraction=0.5, snr_ranges_db={"music": (5.0, 15.0)}
    )
    only_music.train_dataloader()
    assert only_music.remarks == []


def test_musan_folder_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no noise folder"):
        MusanNoise(str(tmp_path / "nowhere")).prepare()
    with pytest.raises(UserError, match="holds no audio"):
        MusanNoise(str(tmp_path)).prepare()


def test_mostly_silent_noise_is_entered_where_it_sounds(tmp_path: Path) -> None:
    (tmp_path / "noise").mkdir()
    samples = np.zeros(160000)
    samples[:40000] = np.random.default_rng(0).uniform(-0.5, 0.5, 40000)
    soundfile.write(tmp_path / "noise" / "bark.wav", samples, 16000)
    soundfile.write(tmp_path / "noise" / "bark2.wav", samples, 16000)
    bank = NoiseBank(MusanNoise(str(tmp_path)).load("test"))
    for i in range(20):
        recipe = fixed_recipe(bank, "snr0", f"u{i}", 0)
        assert recipe is not None
        assert mean_power(noise_signal(bank, recipe, 8000)) == pytest.approx(1.0, rel=1e-3)


def test_noise_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    data = SpeechDataModule(EmbeddedCorpus(), noise=MusanNoise(str(musan_tree(tmp_path))))
    for split in ("train", "test", "train"):
        data.bank(split)
    assert not data.unusable  # which is about utterances
    assert [(name, reason[:10]) for _, name, reason in data.unusable_noise] == [
        ("noise/broken", "unreadable")
    ]
