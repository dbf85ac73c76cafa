"""Natural against rendered, and adapted verifiers: damage is told from lost identity."""

import numpy as np
import pytest

from acoustics.errors import UserError
from evaluation.embeddings import Voices
from evaluation.identity import TrainingVoices, adapted_trials, natural_trials, natural_voices
from evaluation.records import TrialScoreRow
from evaluation.trials import Trial
from evaluation.verification import eer

PLACE = "snr0", "blstm1", "ge2e"
WIDTH = 24


def heard(speakers: range, each: int, seed: int, identity: float) -> Voices:
    """Embeddings in which what was rendered outshouts who speaks, in directions of its own."""
    rng = np.random.default_rng(seed)
    who = np.random.default_rng(50).normal(size=(100, WIDTH))
    who[:, 8:] = 0
    found = Voices()
    for speaker in speakers:
        for turn in range(each):
            vector = identity * who[speaker] + 0.1 * rng.normal(size=WIDTH)
            vector[16:] += 5 * rng.normal(size=8)
            found.vectors[f"s{speaker}-{turn}"] = (vector / np.linalg.norm(vector)).astype("f4")
    return found


def all_trials(speakers: range, each: int) -> list[Trial]:
    names = [(f"s{s}-{i}", f"s{s}") for s in speakers for i in range(each)]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return [Trial(f"t{i}", a[0], b[0], a[1], b[1], a[1] == b[1]) for i, (a, b) in enumerate(pairs)]


TRIALS = all_trials(range(60, 70), 3)


def training(identity: float) -> TrainingVoices:
    found = heard(range(40), 4, 1, identity)
    return TrainingVoices({PLACE[1:]: found}, {n: n.split("-")[0] for n in found.vectors})


def eer_of(rows: list[TrialScoreRow]) -> float:
    scores = np.array([row.score for row in rows], dtype=float)
    return eer(scores, np.array([trial.target for trial in TRIALS]))


def test_identity_under_damage_is_found_by_adapting() -> None:
    test = {PLACE: heard(range(60, 70), 3, 2, identity=1.0)}
    plain = natural_trials("robust", TRIALS, test, {"ge2e": test[PLACE]})
    adapted = adapted_trials("robust", TRIALS, test, training(identity=1.0))
    assert eer_of(plain) > 0.25
    assert eer_of(adapted) < 0.1
    assert {(r.model, r.condition, r.layer, r.scorer) for r in adapted} == {
        ("robust", "snr0", "blstm1", "ge2e:adapted")
    }
    assert [row.trial for row in adapted] == [trial.trial for trial in TRIALS]


def test_lost_identity_stays_lost() -> None:
    test = {PLACE: heard(range(60, 70), 3, 2, identity=0.0)}
    adapted = adapted_trials("robust", TRIALS, test, training(identity=0.0))
    assert eer_of(adapted) == pytest.approx(0.5, abs=0.15)


def test_natural_enrolment_is_the_cosine_of_both_sounds() -> None:
    natural, rendered = heard(range(60, 70), 3, 3, 1.0), heard(range(60, 70), 3, 4, 1.0)
    rows = natural_trials("baseline", TRIALS, {PLACE: rendered}, {"ge2e": natural})
    assert {row.scorer for row in rows} == {"ge2e:natural"}
    for row, trial in list(zip(rows, TRIALS, strict=True))[::50]:
        expected = natural.vectors[trial.enrol] @ rendered.vectors[trial.test]
        assert row.score == pytest.approx(float(expected))


def test_natural_clean_speech_is_picked_out() -> None:
    kept = {
        ("clean", "natural", "ge2e"): heard(range(2), 1, 0, 1.0),
        ("clean", "natural", "own"): heard(range(2), 1, 1, 1.0),
        ("snr0", "natural", "ge2e"): heard(range(2), 1, 2, 1.0),
        ("clean", "cnn1", "ge2e"): heard(range(2), 1, 3, 1.0),
    }
    found = natural_voices(kept)
    assert found == {
        "ge2e": kept["clean", "natural", "ge2e"],
        "own": kept["clean", "natural", "own"],
    }
    with pytest.raises(UserError, match="need the condition clean"):
        natural_voices({k: v for k, v in kept.items() if k[0] != "clean"})


def test_failures_keep_their_reasons() -> None:
    found = heard(range(60, 70), 3, 2, 1.0)
    del found.vectors["s60-0"]
    found.failures["s60-0"] = "silent"
    rows = adapted_trials("baseline", TRIALS, {PLACE: found}, training(1.0))
    for row, trial in zip(rows, TRIALS, strict=True):
        lost = "s60-0" in (trial.enrol, trial.test)
        assert row.failure == ("s60-0: silent" if lost else "")


def test_a_verifier_that_cannot_be_adapted_fails_every_trial() -> None:
    found = heard(range(1), 4, 1, 1.0)
    alone = TrainingVoices({PLACE[1:]: found}, dict.fromkeys(found.vectors, "s0"))
    test = {PLACE: heard(range(60, 70), 3, 2, 1.0)}
    rows = adapted_trials("baseline", TRIALS, test, alone)
    assert len(rows) == len(TRIALS)
    assert all(row.score is None and "cannot be adapted" in row.failure for row in rows)


def test_layers_without_training_voices_are_left_out() -> None:
    test = {("clean", "mean-mel", "ge2e"): heard(range(60, 70), 3, 2, 1.0)}
    assert adapted_trials("baseline", TRIALS, test, training(1.0)) == []
