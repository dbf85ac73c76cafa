"""States to tables on the embedded corpus: complete, repeatable, failures told, numbers right."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from acoustics.mel import LogMel
from corpora.datamodule import SpeechDataModule
from corpora.embedded import EmbeddedCorpus
from corpora.generated_noise import GeneratedNoise
from evaluation.records import ScoreRow, TrialScoreRow, UtteranceRow, read_rows
from evaluation.speaker_probe import AccuracyRow
from evaluation.state_scoring import score_states
from evaluation.summary import collect, summarise
from evaluation.trials import Trial, make_trials

LAYERS = ["cnn1", "blstm5"]
MEASURED = ["natural", *LAYERS]
CONDITIONS = ["clean", "snr10", "snr0"]
SIZES = {
    "n_train_speakers": 4,
    "n_dev_speakers": 1,
    "n_test_speakers": 2,
    "utterances_per_train_speaker": 4,
    "utterances_per_dev_speaker": 1,
    "utterances_per_test_speaker": 2,
}


def speech(cache: str | None = None, **settings: object) -> SpeechDataModule:
    noise = GeneratedNoise(n_music=1, n_noise=1)
    given = {"conditions": CONDITIONS, "batch_duration_s": 8.0, "noisy_fraction": 0.5} | settings
    return SpeechDataModule(EmbeddedCorpus(**SIZES, cache=cache), noise=noise, **given)


def facts(data: SpeechDataModule) -> tuple[list[UtteranceRow], list[Trial]]:
    data.prepare_data()
    rows = [
        UtteranceRow(c.id, c.supervisions[0].speaker, "", c.duration, 1, 1, c.supervisions[0].text)
        for c in data.cuts("test")
    ]
    return rows, make_trials(rows)[0]


class Run(NamedTuple):
    folder: Path
    utterances: list[UtteranceRow]
    trials: list[Trial]
    accuracies: list[AccuracyRow]

    @property
    def scores(self) -> list[ScoreRow]:
        return list(read_rows(self.folder / "scores.csv", ScoreRow))

    @property
    def trial_scores(self) -> list[TrialScoreRow]:
        return list(read_rows(self.folder / "trial_scores.csv", TrialScoreRow))


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_recogniser) -> Run:
    folder = tmp_path_factory.mktemp("states") / "baseline"
    data = speech()
    utterances, trials = facts(data)
    found = score_states(tiny_recogniser(), LAYERS, data, data, trials, folder, per_speaker=3)
    return Run(folder, utterances, trials, found)


def test_every_utterance_has_a_distance_in_every_noisy_condition(run) -> None:
    counts = Counter((r.condition, r.layer, r.utterance) for r in run.scores)
    names = [row.utterance for row in run.utterances]
    noisy = [(c, y, u) for c in CONDITIONS[1:] for y in MEASURED for u in names]
    assert counts == dict.fromkeys(noisy, 1)
    assert {(r.model, r.metric, r.scorer) for r in run.scores} == {
        ("baseline", "state_distance", "")
    }
    assert all(r.value > 0 and r.noise and r.speaker for r in run.scores)


def test_more_noise_moves_the_states_further(run) -> None:
    for layer in MEASURED:
        quiet, loud = (
            np.mean([r.value for r in run.scores if (r.condition, r.layer) == (c, layer)])
            for c in CONDITIONS[1:]
        )
        assert quiet < loud


def test_the_distance_of_log_mels_from_the_corpus_itself(run) -> None:
    """`natural` at 0 dB, measured again utterance by utterance, without batches."""
    log_mel, moved, mels, speakers = LogMel(), {}, [], []
    for batch in speech().condition_dataloader("snr0"):
        for i, length in enumerate(batch.lengths.tolist()):
            pair = [w[i : i + 1, :length] for w in (batch.waveform, batch.clean)]
            noisy, clean = (log_mel(w, torch.tensor([length]))[0][0].double() for w in pair)
            moved[batch.ids[i]] = float((noisy - clean).norm(dim=1).mean())
            mels.append(clean)
            speakers.append(batch.speakers[i])
    between = []
    for i, mel in enumerate(mels):
        others = [j for j in range(i) if speakers[j] != speakers[i]]
        if others:
            n = min(len(mel), len(mels[others[-1]]))
            between.append(float((mel[:n] - mels[others[-1]][:n]).norm(dim=1).mean()))
    for row in run.scores:
        if (row.condition, row.layer) == ("snr0", "natural"):
            assert row.value == pytest.approx(moved[row.utterance] / np.mean(between), rel=1e-3)


def test_every_trial_has_a_score_for_every_layer(run) -> None:
    counts = Counter((r.condition, r.layer, r.trial) for r in run.trial_scores)
    wanted = [(c, y, t.trial) for c in CONDITIONS for y in MEASURED for t in run.trials]
    assert counts == dict.fromkeys(wanted, 1)
    assert {(r.model, r.scorer) for r in run.trial_scores} == {("baseline", "states")}
    assert all(-1.0001 <= r.score <= 1.0001 for r in run.trial_scores)


def test_the_tables_join_the_summary(run) -> None:
    results = collect(run.scores, run.trial_scores, run.trials, run.utterances, 20)
    found = {(r.condition, r.layer, r.metric, r.scorer) for r in summarise(results, {})}
    assert ("snr0", "blstm5", "state_distance", "") in found
    assert ("clean", "cnn1", "eer", "states") in found


def test_accuracies_of_training_speakers(run) -> None:
    assert list(read_rows(run.folder / "accuracy.csv", AccuracyRow)) == run.accuracies
    assert [row.layer for row in run.accuracies] == MEASURED
    for row in run.accuracies:
        assert (row.n_speakers, row.n_fitted, row.n_held_out) == (4, 8, 4)
        assert 0 <= row.accuracy <= 100


def test_other_batches_give_the_same_tables(run, tiny_recogniser, tmp_path) -> None:
    """One utterance at a time; without the references the layers' rows stay what they were."""
    data, told = speech(batch_duration_s=0.1), []
    score_states(
        tiny_recogniser(), LAYERS, data, data, run.trials, tmp_path, references=False,
        per_speaker=3, report=lambda fraction, text: told.append((fraction, text)),
    )  # fmt: skip
    again = Run(tmp_path, run.utterances, run.trials, [])
    kept = {(r.condition, r.layer, r.utterance): r.value for r in run.scores}
    assert {r.layer for r in again.scores} == set(LAYERS)
    for row in again.scores:
        where = row.condition, row.layer, row.utterance
        assert row.value == pytest.approx(kept[where], rel=1e-3)
    scores = {(r.condition, r.layer, r.trial): r.score for r in run.trial_scores}
    for row in again.trial_scores:
        assert row.score == pytest.approx(scores[row.condition, row.layer, row.trial], abs=5e-3)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions) and "snr0" in told[-1][1]


def test_a_broken_file_is_a_failure_with_its_reason(tiny_recogniser, tmp_path) -> None:
    data = speech(cache=str(tmp_path / "cache"), conditions=["clean", "snr0"])
    utterances, trials = facts(data)
    victim = trials[0].enrol
    (file,) = (tmp_path / "cache").rglob(f"{victim}.wav")
    file.write_bytes(file.read_bytes()[:5000])
    score_states(tiny_recogniser(), LAYERS, data, data, trials, tmp_path / "states", per_speaker=3)
    found = Run(tmp_path / "states", utterances, trials, [])
    lost = [row for row in found.scores if row.utterance == victim]
    assert {(r.condition, r.layer) for r in lost} == {("snr0", layer) for layer in MEASURED}
    assert all(r.value is None and "truncated" in r.failure and r.speaker for r in lost)
    assert not [r for r in found.scores if r.failure and r.utterance != victim]
    sides = {t.trial: (t.enrol, t.test) for t in trials}
    assert len(found.trial_scores) == 2 * len(MEASURED) * len(trials)
    for row in found.trial_scores:
        assert bool(row.failure) == (victim in sides[row.trial])
        assert not row.failure or "truncated" in row.failure
    assert ("test", victim) in {entry[:2] for entry in data.unusable}
