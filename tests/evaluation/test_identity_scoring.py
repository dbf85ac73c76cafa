"""Both other ways to verify, from what a real evaluation embedded and rendered training speech."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from acoustics.griffin_lim import GriffinLim, phase_seed
from corpora.datamodule import SpeechDataModule
from corpora.embedded import EmbeddedCorpus
from corpora.generated_noise import GeneratedNoise
from evaluation.callbacks import ScoreSpeech
from evaluation.embeddings import load_embeddings
from evaluation.identity import natural_voices
from evaluation.identity_scoring import render_training_embeddings, score_identity
from evaluation.records import TrialScoreRow, UtteranceRow, read_rows
from evaluation.sounds import as_pcm
from evaluation.trials import Trial, make_trials, save_trials
from evaluation.verifiers.verifier import Verifier
from probes.bank import ProbeBank

LAYERS = ["cnn1", "blstm5"]
SIZES = {
    "n_train_speakers": 3,
    "n_dev_speakers": 1,
    "n_test_speakers": 2,
    "utterances_per_train_speaker": 3,
    "utterances_per_dev_speaker": 1,
    "utterances_per_test_speaker": 2,
}


class Loudness(Verifier):
    """A verifier that costs nothing: the levels of eight stretches."""

    name, sample_rate, width, min_samples = "loudness", 16000, 8, 8

    def embed_valid(self, waveforms: list[np.ndarray]) -> np.ndarray:
        return np.stack([[np.abs(p).mean() for p in np.array_split(w, 8)] for w in waveforms])


def speech(**settings: object) -> SpeechDataModule:
    noise = GeneratedNoise(n_music=1, n_noise=1)
    given = {"conditions": ["clean", "snr0"], "noisy_fraction": 0.5, "batch_duration_s": 8.0}
    return SpeechDataModule(EmbeddedCorpus(**SIZES), noise=noise, **(given | settings))


class Run(NamedTuple):
    folder: Path
    trials: list[Trial]
    bank: ProbeBank
    vocoder: GriffinLim


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_recogniser, quiet_trainer) -> Run:
    """An evaluation that kept its embeddings."""
    folder = tmp_path_factory.mktemp("evaluated")
    data, bank = speech(), ProbeBank(tiny_recogniser(), layers=LAYERS, hidden=16)
    for name in LAYERS:
        bank.probe(name).mean -= 4.0  # a log-mel that can be heard
    bank.constant -= 4.0
    data.prepare_data()
    rows = [
        UtteranceRow(c.id, c.supervisions[0].speaker, "", c.duration, 1, 1, "")
        for c in data.cuts("test")
    ]
    trials, _ = make_trials(rows)
    save_trials(folder / "trials.csv", trials)
    callback = ScoreSpeech(
        str(folder), quality=[], verifiers=[Loudness()], keep_audio=0, n_iter=1,
        keep_embeddings=True,
    )  # fmt: skip
    quiet_trainer(folder, callbacks=[callback]).test(bank, datamodule=data, verbose=False)
    return Run(folder, trials, bank, GriffinLim(bank.log_mel, n_iter=1))


def test_an_evaluation_keeps_the_embeddings_behind_its_scores(run) -> None:
    voices, checked = load_embeddings(run.folder), 0
    trials = {trial.trial: trial for trial in run.trials}
    for row in read_rows(run.folder / "trial_scores.csv", TrialScoreRow):
        found, trial = voices[row.condition, row.layer, row.scorer], trials[row.trial]
        if not row.failure:
            cosine = float(found.vectors[trial.enrol] @ found.vectors[trial.test])
            assert row.score == pytest.approx(cosine, abs=1e-5)
            checked += 1
    assert checked > len(run.trials)


def test_both_ways_score_every_trial(run, tmp_path) -> None:
    voices, told = load_embeddings(run.folder), []
    score_identity(
        run.bank, run.vocoder, [Loudness()], speech(), run.trials, voices,
        natural_voices(voices), tmp_path / "identity", "baseline", per_speaker=2,
        report=lambda fraction, text: told.append(fraction),
    )  # fmt: skip
    rows = list(read_rows(tmp_path / "identity" / "trial_scores.csv", TrialScoreRow))
    counts = Counter((r.condition, r.layer, r.scorer) for r in rows)
    adapted = ["natural", "copy-synthesis", *LAYERS]
    wanted = [(c, y, "loudness:adapted") for c in ("clean", "snr0") for y in adapted]
    both = [*adapted, "mean-mel"]
    wanted += [(c, y, "loudness:natural") for c in ("clean", "snr0") for y in both]
    assert counts == dict.fromkeys(wanted, len(run.trials))
    assert told[-1] == 1.0 and told == sorted(told)
    plain = {
        row.trial: row.score
        for row in read_rows(run.folder / "trial_scores.csv", TrialScoreRow)
        if (row.condition, row.layer) == ("clean", "natural")
    }
    for row in rows:  # natural clean speech against itself is the plain trial
        if (row.condition, row.layer, row.scorer) == ("clean", "natural", "loudness:natural"):
            assert row.score == pytest.approx(plain[row.trial], abs=1e-5)


def test_training_speech_is_rendered_as_test_speech_is(run) -> None:
    """Each embedding again from its own utterance alone, through probe, vocoder and 16 bits."""
    loader = speech().first_training_dataloader(2)
    found = render_training_embeddings(run.bank, run.vocoder, [Loudness()], loader, seed=5)
    assert set(found.voices) == {(layer, "loudness") for layer in LAYERS}
    assert Counter(found.speakers.values()) == dict.fromkeys(found.speakers.values(), 2)
    for batch in speech(batch_duration_s=0.1).first_training_dataloader(2):
        (name,) = batch.ids
        with torch.no_grad():
            mels = run.bank.reconstruct(batch)
        for layer, mel in mels.items():
            sound = run.vocoder(mel, batch.lengths, [phase_seed(5, name)])[0].numpy()
            vector = Loudness().embed([as_pcm(sound)]).vectors[0]
            kept = found.voices[layer, "loudness"].vectors[name]
            assert kept == pytest.approx(vector, abs=1e-3)
