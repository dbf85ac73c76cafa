"""Two sides of files through the scorer: pairs of one length, failures with reasons."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from evaluation.folder_scoring import FolderScoring, Remark, utterance_rows
from evaluation.quality import score_quality
from evaluation.records import ScoreRow, TrialScoreRow, read_rows
from evaluation.rendered import pair_folders
from evaluation.sounds import SoundScorer
from evaluation.speaker_table import Told
from evaluation.trials import Trial
from evaluation.verifiers.verifier import Verifier

RATE = 16000
STATM = Path("/proc/self/statm")


class Loudness(Verifier):
    """A verifier that costs nothing: the levels of four stretches."""

    name, sample_rate, width, min_samples = "loudness", RATE, 4, 4

    def embed_valid(self, waveforms: list[np.ndarray]) -> np.ndarray:
        return np.stack([[np.abs(p).mean() for p in np.array_split(w, 4)] for w in waveforms])


def write(path: Path, samples: np.ndarray, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="PCM_16")


def scored(
    root: Path, trials: Sequence[Trial] = (), quality: Sequence[str] = ("stoi",), workers: int = 1
) -> tuple[list[ScoreRow], list[TrialScoreRow], list[Remark]]:
    """Rows of both tables and all remarks for `root/clean` and `root/rendered`."""
    folders = pair_folders(root / "clean", root / "rendered")
    told = {name: Told(speaker=name[0]) for name in folders.utterances}
    rows = utterance_rows(folders, told, trials)
    remarks: list[Remark] = []
    with SoundScorer(
        root / "out", "rendered", RATE, trials, [Loudness()], {}, quality, workers=workers
    ) as scorer:
        FolderScoring(folders, rows, scorer, "clean", remarks.append).run(lambda *_: None)
    tables = root / "out"
    return (
        list(read_rows(tables / "scores.csv", ScoreRow)),
        list(read_rows(tables / "trial_scores.csv", TrialScoreRow)),
        remarks,
    )


@pytest.fixture(scope="module")
def speech(vowels: Callable[..., np.ndarray]) -> dict[str, np.ndarray]:
    """16-bit speech of a few utterances, of different lengths."""
    lengths = {"a1": 20000, "a2": 24000, "b1": 16000, "b2": 21000, "c1": 18000}
    return {
        name: np.round(20000 * vowels(length, seed)).astype(np.int16)
        for seed, (name, length) in enumerate(lengths.items())
    }


def test_scores_are_those_of_the_signals_cut_to_the_shorter(speech, tmp_path) -> None:
    for name, samples in speech.items():
        write(tmp_path / "clean" / f"{name}.wav", samples)
    noisy = {k: (v + np.random.default_rng(1).normal(0, 300, len(v))).astype(np.int16)
             for k, v in speech.items()}  # fmt: skip
    longer = np.concatenate([noisy["a2"], noisy["a2"][:999]])
    write(tmp_path / "rendered" / "cnn1" / "a1.flac", noisy["a1"][:-500])
    write(tmp_path / "rendered" / "cnn1" / "a2.flac", longer)
    write(tmp_path / "rendered" / "cnn2" / "a1.flac", noisy["a1"])
    rows, _, remarks = scored(tmp_path, quality=["stoi", "pesq_nb"])
    found = {(row.layer, row.utterance, row.metric): row.value for row in rows if row.value}
    for layer, name, length in (
        ("cnn1", "a1", 19500),
        ("cnn1", "a2", 24000),
        ("cnn2", "a1", 20000),
    ):
        pair = speech[name][:length], noisy[name][:length]
        for metric, score in score_quality(*pair, RATE, ["stoi", "pesq_nb"]).items():
            assert found[layer, name, metric] == pytest.approx(score.value, abs=1e-4)
    assert {key[1] for key in found if key[0] == "natural"} == set(speech)
    cuts = {r.utterance: r.reason for r in remarks if r.kind == "cut"}
    assert cuts == {
        "a1": "reference file cut by 500 samples to the 19500 of the rendered one",
        "a2": "rendered file cut by 999 samples to the 24000 of the reference one",
    }


def test_what_cannot_be_scored_fails_with_its_reason_and_alone(speech, tmp_path) -> None:
    clean, heard = tmp_path / "clean", tmp_path / "rendered"
    for name in ("a1", "a2", "b1", "b2"):
        write(clean / f"{name}.wav", speech[name])
    (clean / "c1.wav").write_text("not audio at all")
    write(heard / "a1.wav", speech["a1"])
    write(heard / "a2.wav", 0 * speech["a2"])
    write(heard / "b1.wav", speech["b1"][:200])
    write(heard / "c1.wav", speech["c1"])
    write(heard / "stray.wav", speech["c1"])
    trials = [Trial("t0", "a1", "a2", "a", "a", True), Trial("t1", "a1", "z9", "a", "z", False)]
    rows, trial_rows, remarks = scored(tmp_path, trials)

    reasons = {row.utterance: row.failure for row in rows if row.layer == "rendered"}
    assert reasons == {
        "a1": "",
        "a2": "silent",
        "b1": "too short (0.01 s, at least 0.25 s are needed)",
        "b2": "no rendered file of this name",
        "c1": "reference: unreadable: Format not recognised.",
        "stray": "no reference file of this name",
    }
    assert Counter(row.layer for row in rows) == {"rendered": 6, "natural": 6}, "no row is dropped"
    assert [(r.trial, r.failure) for r in trial_rows if r.layer == "rendered"] == [
        ("t0", "a2: silent"),
        ("t1", "z9: the utterance was never rendered"),
    ]
    listed = {(r.kind, r.layer, r.utterance) for r in remarks}
    assert listed == {
        ("unusable", "rendered", "a2"),
        ("unusable", "rendered", "b1"),
        ("unpaired", "rendered", "b2"),
        ("unusable", "reference", "c1"),
        ("unpaired", "rendered", "stray"),
    }
    assert not any(remark.used for remark in remarks)


def test_a_stretch_that_is_silent_once_cut_is_a_failure(speech, tmp_path) -> None:
    write(tmp_path / "clean" / "a1.wav", speech["a1"])
    start_silent = np.concatenate([np.zeros(20000, np.int16), speech["b1"]])
    write(tmp_path / "rendered" / "a1.wav", start_silent)
    rows, _, _ = scored(tmp_path)
    (row,) = [row for row in rows if row.layer == "rendered"]
    assert row.failure == "silent once cut from 36000 to 20000 samples"


def test_the_same_call_gives_the_same_bytes_whichever_worker_is_first(speech, tmp_path) -> None:
    for name, samples in speech.items():
        write(tmp_path / "clean" / f"{name}.wav", samples)
        for layer in ("cnn1", "cnn2"):
            write(tmp_path / "rendered" / layer / f"{name}.wav", samples // 2)
    tables = [
        (scored(tmp_path, workers=2), (tmp_path / "out" / "scores.csv").read_bytes())
        for _ in range(2)
    ]
    assert tables[0] == tables[1]


@pytest.mark.skipif(not STATM.exists(), reason="resident memory is read from Linux's /proc")
def test_memory_does_not_grow_with_the_number_of_files(speech, tmp_path) -> None:
    """Two hundred files of ten seconds on either side would be 128 MB, were they collected."""
    long = np.tile(speech["a1"], 8)
    write(tmp_path / "one.wav", long)
    for side in ("clean", "rendered"):
        (tmp_path / side).mkdir()
        for i in range(200):
            (tmp_path / side / f"u{i}.wav").symlink_to(tmp_path / "one.wav")
    held: list[float] = []
    folders = pair_folders(tmp_path / "clean", tmp_path / "rendered")
    rows = utterance_rows(folders, {})
    with SoundScorer(tmp_path, "rendered", RATE, [], [Loudness()], {}, []) as scorer:
        FolderScoring(folders, rows, scorer, "clean", lambda remark: None).run(
            lambda fraction, text: held.append(int(STATM.read_text().split()[1]) * 4096 / 1e6)
        )
    assert len(held) > 20
    assert max(held) - held[5] < 30
