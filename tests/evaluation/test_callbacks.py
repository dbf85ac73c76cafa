"""The callbacks in a real `Trainer.test` on the embedded corpus: nothing dropped or made up."""

import csv
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
import torch
from pystoi import stoi

from acoustics.errors import UserError
from asr_models.checkpoint import save_recogniser
from corpora.datamodule import SpeechDataModule
from corpora.embedded import EmbeddedCorpus
from corpora.generated_noise import GeneratedNoise
from evaluation.callbacks import ListeningSamples, ScoreSpeech
from evaluation.listening import audio_path, read_samples
from evaluation.quality import QUALITY_METRICS
from evaluation.records import ScoreRow, TrialScoreRow, UtteranceRow, read_rows
from evaluation.trials import Trial, make_trials, save_trials
from evaluation.watching import CurveRecorder, StepProgress
from probes.bank import ProbeBank
from probes.targets import utterance_l1

LAYERS = ["cnn1", "blstm5"]
HEARD = ["natural", "copy-synthesis", "mean-mel", *LAYERS]
CONDITIONS = ["clean", "snr0"]
SIZES = {
    "n_train_speakers": 2,
    "n_dev_speakers": 1,
    "n_test_speakers": 2,
    "utterances_per_train_speaker": 2,
    "utterances_per_dev_speaker": 1,
    "utterances_per_test_speaker": 2,
}


def speech(conditions: list[str], cache: str | None = None) -> SpeechDataModule:
    noise = GeneratedNoise(n_music=1, n_noise=1)
    corpus = EmbeddedCorpus(**SIZES, cache=cache)
    return SpeechDataModule(corpus, noise=noise, conditions=conditions, batch_duration_s=8.0)


def write_trials(data: SpeechDataModule, folder: Path) -> list[Trial]:
    data.prepare_data()
    rows = [
        UtteranceRow(c.id, c.supervisions[0].speaker, "", c.duration, 1, 1, c.supervisions[0].text)
        for c in data.cuts("test")
    ]
    trials, _ = make_trials(rows)
    save_trials(folder / "trials.csv", trials)
    return trials


def new_bank(recogniser, folder: Path) -> ProbeBank:
    save_recogniser(recogniser, folder / "recogniser")
    bank = ProbeBank(str(folder / "recogniser"), layers=LAYERS, hidden=16)
    for name in LAYERS:
        bank.probe(name).mean -= 4.0  # a log-mel that can be heard
    bank.constant -= 4.0
    return bank


class Run(NamedTuple):
    folder: Path
    trials: list[Trial]
    bank: ProbeBank

    @property
    def scores(self) -> list[ScoreRow]:
        return list(read_rows(self.folder / "scores.csv", ScoreRow))


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_recogniser, quiet_trainer) -> Run:
    """Two speakers with two utterances each, clean and at 0 dB, scored by everything there is."""
    folder = tmp_path_factory.mktemp("scored")
    data = speech(CONDITIONS)
    trials, bank = write_trials(data, folder), new_bank(tiny_recogniser(), folder)
    callbacks = [
        ScoreSpeech(
            str(folder),
            recognisers={"baseline": str(folder / "recogniser")},
            quality_per_speaker=1,
            n_iter=2,
        ),
        ListeningSamples(str(folder), speakers=2),
    ]
    quiet_trainer(folder, callbacks=callbacks).test(bank, datamodule=data, verbose=False)
    return Run(folder, trials, bank)


def utterances(run: Run) -> set[str]:
    return {name for trial in run.trials for name in (trial.enrol, trial.test)}


def test_every_utterance_has_every_score_once(run) -> None:
    assert len(utterances(run)) == 4
    counts = Counter((r.condition, r.layer, r.utterance, r.metric, r.scorer) for r in run.scores)
    assert set(counts.values()) == {1}
    for metric, scorer in (("wer", "baseline"), ("cer", "baseline")):
        found = {key[:3] for key in counts if key[3:] == (metric, scorer)}
        assert found == {(c, y, u) for c in CONDITIONS for y in HEARD for u in utterances(run)}
    for metric in QUALITY_METRICS:
        per_layer = Counter(key[:2] for key in counts if key[3] == metric)
        assert per_layer == {(c, y): 2 for c in CONDITIONS for y in HEARD}  # one per speaker
    measured = {key[1] for key in counts if key[3] == "mel_l1"}
    assert measured == {"mean-mel", *LAYERS}
    assert {r.model for r in run.scores} == {"baseline"}
    assert all((r.noise != "") == (r.condition == "snr0") for r in run.scores if not r.failure)


def test_every_trial_has_a_score_for_every_layer(run) -> None:
    rows = list(read_rows(run.folder / "trial_scores.csv", TrialScoreRow))
    counts = Counter((r.condition, r.layer, r.trial) for r in rows)
    wanted = {(c, y, t.trial) for c in CONDITIONS for y in HEARD for t in run.trials}
    assert counts == dict.fromkeys(wanted, 1)
    assert {r.scorer for r in rows} == {"ge2e"}
    assert all(-1 <= r.score <= 1 for r in rows if r.score is not None)


def test_what_is_scored_is_what_is_written(run) -> None:
    """STOI measured again from the files, against the clean speech under the mixture."""
    lengths = {}
    checked = 0
    for row in run.scores:
        path = run.folder / audio_path("baseline", row.condition, row.layer, row.utterance)
        sound, rate = soundfile.read(path)
        assert rate == 16000
        assert soundfile.info(path).subtype == "PCM_16"
        assert lengths.setdefault(row.utterance, len(sound)) == len(sound)
        if row.metric == "stoi" and row.condition == "clean" and row.value is not None:
            natural = run.folder / audio_path("baseline", "clean", "natural", row.utterance)
            value = stoi(soundfile.read(natural)[0], sound, 16000)
            assert value == pytest.approx(row.value, abs=2e-4)
            checked += 1
    assert checked >= 2 * 3


def test_natural_speech_is_its_own_ceiling(run) -> None:
    for row in run.scores:
        if row.layer == "natural" and row.condition == "clean" and row.metric == "stoi":
            assert row.value == pytest.approx(1.0)
    losses = [r for r in run.scores if r.metric == "mel_l1" and r.layer == "mean-mel"]
    assert all(r.value > 0.1 for r in losses)


def test_listening_samples_show_every_layer_of_a_few_speakers(run) -> None:
    samples = read_samples(run.folder)
    assert Counter((s.condition, s.layer) for s in samples) == {
        (c, y): 2 for c in CONDITIONS for y in HEARD
    }
    for sample in samples:
        mel = np.load(run.folder / sample.mel)
        assert mel.dtype == np.float16
        length = soundfile.info(run.folder / sample.audio).frames
        assert mel.shape == (length // 160 + 1, 80)
        assert (run.folder / sample.picture).stat().st_size > 100


def test_progress_rises_to_one_and_names_the_condition(run, quiet_trainer, tmp_path) -> None:
    told: list[tuple[float, str]] = []
    watch = StepProgress(lambda fraction, text: told.append((fraction, text)))
    trainer = quiet_trainer(tmp_path, callbacks=[watch])
    trainer.test(run.bank, datamodule=speech(CONDITIONS), verbose=False)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {text.partition(",")[0] for _, text in told} == set(CONDITIONS)


def test_a_loss_is_measured_once_and_is_what_the_table_says(
    run, quiet_trainer, tmp_path, monkeypatch
) -> None:
    measured: list[torch.Tensor] = []

    def counted(*signals: torch.Tensor) -> torch.Tensor:
        measured.append(utterance_l1(*signals))
        return measured[-1]

    monkeypatch.setattr("probes.bank.utterance_l1", counted)
    shutil.copy(run.folder / "trials.csv", tmp_path)
    score = ScoreSpeech(str(tmp_path), verifiers=[], quality=[], n_iter=1)
    trainer = quiet_trainer(tmp_path, callbacks=[score])
    trainer.test(run.bank, datamodule=speech(["clean"]), verbose=False)
    rows = read_rows(tmp_path / "scores.csv", ScoreRow)
    told = sorted(row.value for row in rows if row.metric == "mel_l1")
    assert len(told) == len(utterances(run)) * (1 + len(LAYERS))  # of mean-mel and of each layer
    assert told == pytest.approx(sorted(torch.cat(measured).tolist()), abs=1e-4)


def test_the_same_seed_gives_the_same_tables(run, quiet_trainer, tmp_path) -> None:
    shutil.copytree(run.folder / "recogniser", tmp_path / "recogniser")
    shutil.copy(run.folder / "trials.csv", tmp_path)
    again = ScoreSpeech(str(tmp_path), quality=[], keep_audio=1, n_iter=2)
    trainer = quiet_trainer(tmp_path, callbacks=[again])
    trainer.test(run.bank, datamodule=speech(["clean"]), verbose=False)

    def rows(folder: Path) -> set[TrialScoreRow]:
        found = read_rows(folder / "trial_scores.csv", TrialScoreRow)
        return {row for row in found if row.condition == "clean"}

    assert rows(tmp_path) == rows(run.folder)
    files = list((tmp_path / "audio").rglob("*.flac"))
    assert len(files) == 2 * len(HEARD)  # one of each speaker
    for file in files:
        assert file.read_bytes() == (run.folder / file.relative_to(tmp_path)).read_bytes()


@pytest.fixture
def broken(tmp_path) -> tuple[SpeechDataModule, list[Trial], str]:
    """Data with one truncated test file, the trials, and the utterance it belongs to."""
    data = speech(["clean"], cache=str(tmp_path / "cache"))
    trials = write_trials(data, tmp_path)
    victim = trials[0].enrol
    (file,) = (tmp_path / "cache").rglob(f"{victim}.wav")
    file.write_bytes(file.read_bytes()[:5000])
    return data, trials, victim


def test_a_broken_file_costs_its_utterance_and_is_told_everywhere(
    broken, tiny_recogniser, quiet_trainer, tmp_path
) -> None:
    data, trials, victim = broken
    bank = new_bank(tiny_recogniser(), tmp_path)
    score = ScoreSpeech(
        str(tmp_path),
        recognisers={"baseline": str(tmp_path / "recogniser")},
        quality=["stoi"],
        n_iter=1,
    )
    quiet_trainer(tmp_path, callbacks=[score]).test(bank, datamodule=data, verbose=False)
    rows = [r for r in read_rows(tmp_path / "scores.csv", ScoreRow) if r.utterance == victim]
    wanted = {(y, m) for y in HEARD for m in ("stoi", "wer", "cer")}
    assert {(r.layer, r.metric) for r in rows} >= wanted
    assert all(r.value is None and "truncated" in r.failure for r in rows)
    for row in read_rows(tmp_path / "trial_scores.csv", TrialScoreRow):
        trial = next(t for t in trials if t.trial == row.trial)
        assert bool(row.failure) == (victim in (trial.enrol, trial.test))


def test_an_exception_leaves_no_half_table(tiny_recogniser, quiet_trainer, tmp_path) -> None:
    data = speech(["clean"])
    write_trials(data, tmp_path)
    bank = new_bank(tiny_recogniser(), tmp_path)
    score = ScoreSpeech(str(tmp_path), quality=["stoi"], n_iter=1)
    seen = []

    def fail(*_: object) -> None:
        seen.append(1)
        if len(seen) == 2:
            raise RuntimeError("the second batch is one too many")

    bank.on_test_batch_start = fail
    with pytest.raises(RuntimeError, match="one too many"):
        quiet_trainer(tmp_path, callbacks=[score]).test(bank, datamodule=data, verbose=False)
    assert not list(tmp_path.glob("*scores.csv*"))


def test_missing_trials_are_said_before_the_work(tiny_recogniser, quiet_trainer, tmp_path) -> None:
    bank = new_bank(tiny_recogniser(), tmp_path)
    trainer = quiet_trainer(tmp_path, callbacks=[ScoreSpeech(str(tmp_path))])
    with pytest.raises(UserError, match=r"trials.csv: cannot be read"):
        trainer.test(bank, datamodule=speech(["clean"]), verbose=False)


def test_curves_are_written_step_by_step(
    tiny_recogniser, quiet_trainer, list_data, make_batch, tmp_path
) -> None:
    bank = new_bank(tiny_recogniser(), tmp_path)
    steps: list[float] = []
    trainer = quiet_trainer(
        tmp_path,
        max_steps=4,
        max_epochs=-1,
        val_check_interval=2,
        check_val_every_n_epoch=None,
        log_every_n_steps=1,
        callbacks=[
            CurveRecorder(str(tmp_path / "curves.csv"), ("step", "split", "layer", "mel_l1")),
            StepProgress(lambda fraction, text: steps.append(fraction)),
        ],
    )
    trainer.fit(bank, datamodule=list_data([make_batch([4000, 3000])] * 4))
    with (tmp_path / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    train = [(int(r["step"]), r["layer"]) for r in rows if r["split"] == "train"]
    assert train == [(step, layer) for step in (1, 2, 3, 4) for layer in LAYERS]
    assert {(r["step"], r["layer"]) for r in rows if r["split"] == "dev"} == {
        (step, layer) for step in ("2", "4") for layer in LAYERS
    }
    assert all(float(r["mel_l1"]) > 0 for r in rows)
    assert steps == [0.25, 0.5, 0.75, 1.0]
    assert torch.is_grad_enabled()
