import itertools
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse.supervision import AlignmentItem

from acoustics.errors import UserError
from corpora.alignment import alignments
from corpora.embedded import EmbeddedCorpus, trimmed
from corpora.espeak import ESPEAK_RATE, Event, Utterance, speak
from corpora.grammar import sentences, vocabulary
from corpora.text import DEFAULT_ALPHABET, normalise
from corpora.voices import MEN, NOISE_VARIANTS, WOMEN, corpus_speakers, noise_speakers

SPLITS = ("train", "dev", "test")


def speakers_of(corpus: EmbeddedCorpus, split: str) -> dict[str, str]:
    return {c.supervisions[0].speaker: c.supervisions[0].gender for c in corpus.load(split)}


def small(cache: Path | str, seed: int = 0) -> EmbeddedCorpus:
    return EmbeddedCorpus(2, 0, 2, 2, 0, 2, seed=seed, cache=str(cache))


def test_sizes_balance_and_disjoint_speakers(corpus: EmbeddedCorpus) -> None:
    assert [len(corpus.load(split)) for split in SPLITS] == [48, 4, 12]
    names = [set(speakers_of(corpus, split)) for split in SPLITS]
    assert [len(group) for group in names] == [6, 2, 4]
    assert len(set.union(*names)) == 12
    for split in SPLITS:
        sexes = list(speakers_of(corpus, split).values())
        assert sexes.count("female") == sexes.count("male") == len(sexes) / 2


def test_no_sentence_is_said_twice(corpus: EmbeddedCorpus) -> None:
    texts = [c.supervisions[0].text for split in SPLITS for c in corpus.load(split)]
    assert len(set(texts)) == len(texts)


def test_files_are_16_khz_16_bit_and_within_range(corpus: EmbeddedCorpus) -> None:
    for cut in corpus.load("test"):
        info = soundfile.info(cut.recording.sources[0].source)
        assert (info.samplerate, info.subtype, info.channels) == (16000, "PCM_16", 1)
        assert info.frames == cut.recording.num_samples
        waveform, _ = soundfile.read(cut.recording.sources[0].source)
        assert 0.02 < np.abs(waveform).max() <= 0.99 + 1 / 32768
        assert np.flatnonzero(np.abs(waveform) > 1e-3)[0] >= 0.045 * 16000


def test_alignments_are_monotone_inside_and_spell_the_text(corpus: EmbeddedCorpus) -> None:
    for cut in corpus.load("train"):
        supervision = cut.supervisions[0]
        words, phones = supervision.alignment["word"], supervision.alignment["phone"]
        assert [item.symbol for item in words] == supervision.text.split()
        for tier in (words, phones):
            assert all(item.duration > 0 for item in tier)
            assert tier[0].start >= 0 and tier[-1].end <= cut.duration + 1e-4
            pairs = itertools.pairwise(tier)
            assert all(later.start >= item.end - 1e-4 for item, later in pairs)
        assert len(phones) > len(words)


def test_alignments_lie_where_the_sound_is(corpus: EmbeddedCorpus) -> None:
    """The fricative /s/ is brighter than the vowels around it, at the time the tier says."""
    bright = {"s": [], "vowel": []}
    for cut in corpus.load("train"):
        waveform = cut.load_audio()[0]
        for phone in cut.supervisions[0].alignment["phone"]:
            piece = waveform[int(phone.start * 16000) : int(phone.end * 16000)]
            kind = "s" if phone.symbol == "s" else "vowel" if phone.symbol in "aɛʌɒuː" else ""
            if kind and len(piece) > 400:
                power = np.abs(np.fft.rfft(piece)) ** 2
                bright[kind].append(power[len(power) // 3 :].sum() / power.sum())
    assert np.median(bright["s"]) > 0.7
    assert np.median(bright["vowel"]) < 0.3


def test_equal_seeds_give_equal_files_and_other_seeds_others(tmp_path: Path) -> None:
    first, second = small(tmp_path / "a"), small(tmp_path / "b")
    assert first.fingerprint() == second.fingerprint()
    assert first.fingerprint() != small(tmp_path, seed=1).fingerprint()
    assert len(first.load("dev")) == 0
    first.prepare()
    second.prepare()
    files = sorted(p.relative_to(first.folder) for p in first.folder.rglob("*.wav"))
    assert len(files) == 8
    for path in files:
        assert (first.folder / path).read_bytes() == (second.folder / path).read_bytes()
    cuts = [list(corpus.load("train")) for corpus in (first, second)]
    assert [c.supervisions for c in cuts[0]] == [c.supervisions for c in cuts[1]]


def test_the_cache_is_used_and_can_be_moved(tmp_path: Path) -> None:
    first = small(tmp_path / "a")
    first.prepare()
    stamp = first.folder.stat().st_mtime_ns
    first.prepare(lambda fraction, line: pytest.fail("synthesised again"))
    assert first.folder.stat().st_mtime_ns == stamp
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert next(iter(small(tmp_path / "b").load("test"))).load_audio().shape[1] > 8000


def test_an_interrupted_synthesis_leaves_no_corpus(tmp_path: Path) -> None:
    def interrupt(fraction: float, line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small(tmp_path).prepare(interrupt)
    assert list(tmp_path.iterdir()) == []


def test_progress_runs_to_one(tmp_path: Path) -> None:
    seen: list[float] = []
    small(tmp_path).prepare(lambda fraction, line: seen.append(fraction))
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_an_unwritable_cache_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write the cache folder"):
        small(tmp_path / "file").prepare()


def test_too_many_speakers_are_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fewer speakers"):
        EmbeddedCorpus(n_train_speakers=1000, cache=str(tmp_path)).prepare()


def test_grammar() -> None:
    assert len([word for word in vocabulary() if "'" not in word]) >= 1000
    found = list(itertools.islice(sentences(np.random.default_rng(0)), 2000))
    assert found == list(itertools.islice(sentences(np.random.default_rng(0)), 2000))
    assert all(4 <= len(sentence.split()) <= 9 for sentence in found)
    assert len(set(found)) == 2000
    many = itertools.islice(sentences(np.random.default_rng(0)), 4500)  # the rare words are dealt
    assert len({word for sentence in many for word in sentence.split()}) >= 1000
    assert all(normalise(sentence) == (sentence, "") for sentence in found)
    assert {c for sentence in found for c in sentence} == set(DEFAULT_ALPHABET)


def test_voices() -> None:
    speakers = corpus_speakers(64)
    assert corpus_speakers(20) == speakers[:20]
    assert len({(s.variant, s.accent) for s in speakers}) == 64
    babble = {split: noise_speakers(split) for split in ("train", "test")}
    variants = {split: {s.variant for s in found} for split, found in babble.items()}
    assert not variants["train"] & variants["test"]
    assert not set(NOISE_VARIANTS) & {*WOMEN, *MEN}


def test_sexes_are_those_of_the_variant_files() -> None:
    import espeakng_loader

    folder = Path(espeakng_loader.get_data_path()) / "voices" / "!v"
    for names, sex in ((WOMEN, "female"), (MEN, "male")):
        for name in names:
            lines = (folder / name).read_text(encoding="utf-8", errors="ignore").splitlines()
            gender = next(line.split()[1] for line in lines if line.startswith("gender"))
            assert gender.lower() == sex, name


def test_an_unknown_voice_is_named() -> None:
    with pytest.raises(RuntimeError, match="gmw/xx"):
        list(speak([Utterance("gmw/xx+f2", "hello.")]))


def test_stopping_early_leaves_no_process() -> None:
    spoken = speak([Utterance("gmw/en+f2", "hello.")] * 50)
    assert len(next(spoken).waveform) > 0
    spoken.close()


def test_the_synthesiser_does_not_need_torch() -> None:
    code = "import sys, corpora.espeak; sys.exit('torch' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_words_spoken_as_one_share_their_time() -> None:
    rate = ESPEAK_RATE
    events = [
        Event("word", 0, 0, ""),
        Event("phone", 0, 0, "ɪ"),
        Event("phone", rate, 0, "z"),
        Event("word", 2 * rate, 6, ""),
        Event("phone", 2 * rate, 6, "ˈa"),
        Event("phone", 3 * rate, 8, ""),
    ]
    tiers = alignments("it is ab", events, start_s=0.0, end_s=2.5)
    assert tiers["word"] == [
        AlignmentItem("it", 0.0, 1.0),
        AlignmentItem("is", 1.0, 1.0),
        AlignmentItem("ab", 2.0, 0.5),
    ]
    assert [item.symbol for item in tiers["phone"]] == ["ɪ", "z", "a"]


def test_trimming_keeps_50_ms() -> None:
    waveform = np.zeros(ESPEAK_RATE, np.int16)
    waveform[10000:12000] = 1000
    margin = round(0.05 * ESPEAK_RATE)
    kept, begin = trimmed(waveform)
    assert begin == 10000 - margin and len(kept) == 2000 + 2 * margin
    kept, begin = trimmed(waveform[10000:12000])
    assert begin == -margin and len(kept) == 2000 + 2 * margin


def test_normalise() -> None:
    assert normalise("  Café  DON\u2019T ") == ("cafe don't", "")
    assert normalise("Route 66!") == ("route 66!", "!6")
