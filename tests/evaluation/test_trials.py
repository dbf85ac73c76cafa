"""The list of trials: balanced, even, seeded, saved."""

from collections import Counter
from pathlib import Path

import pytest

from acoustics.errors import UserError
from evaluation.records import UtteranceRow
from evaluation.trials import load_trials, make_trials, save_trials, trials_hash


def utterances(counts: dict[str, int]) -> list[UtteranceRow]:
    return [
        UtteranceRow(f"{speaker}-{i}", speaker, {"f": "female", "m": "male"}.get(speaker[0], ""),
                     2.0, 5, 20, "some words")
        for speaker, n in counts.items()
        for i in range(n)
    ]  # fmt: skip


FOUR = {"f1": 4, "f2": 4, "m1": 4, "m2": 4}


def test_all_positive_pairs_and_as_many_negative_ones() -> None:
    trials, _ = make_trials(utterances(FOUR))
    positive = [trial for trial in trials if trial.target]
    assert len(positive) == 4 * 6 and len(trials) == 48
    assert len({frozenset((trial.enrol, trial.test)) for trial in trials}) == 48
    assert len({trial.trial for trial in trials}) == 48
    for trial in trials:
        assert trial.enrol != trial.test
        assert trial.target == (trial.enrol_speaker == trial.test_speaker)
        assert trial.enrol.startswith(trial.enrol_speaker)
        assert trial.test.startswith(trial.test_speaker)


def test_negative_pairs_are_even_over_pairs_of_speakers() -> None:
    trials, _ = make_trials(utterances(FOUR))
    pairs = Counter((t.enrol_speaker, t.test_speaker) for t in trials if not t.target)
    assert set(pairs.values()) == {4} and len(pairs) == 6


@pytest.mark.parametrize("n", [1, 3, 10, 17])
def test_fewer_positive_pairs_are_even_over_speakers(n: int) -> None:
    trials, _ = make_trials(utterances(FOUR), n_positive=n)
    speakers = Counter(t.enrol_speaker for t in trials if t.target)
    assert sum(speakers.values()) == n and len(trials) == 2 * n
    assert max(speakers.values()) - min(speakers[s] for s in FOUR) <= 1


def test_seed_decides_order_of_utterances_does_not() -> None:
    rows = utterances(FOUR)
    first, _ = make_trials(rows, seed=1, n_positive=10)
    assert make_trials(rows[::-1], seed=1, n_positive=10)[0] == first
    assert make_trials(rows, seed=2, n_positive=10)[0] != first


def test_a_single_utterance_gives_no_positive_trial_and_a_note() -> None:
    trials, notes = make_trials(utterances({"f1": 3, "m1": 3, "m2": 1}))
    assert "speaker m2 has a single utterance: no positive trial" in notes
    assert not any(t.target and t.enrol_speaker == "m2" for t in trials)
    assert any("m2" in (t.enrol_speaker, t.test_speaker) for t in trials)


def test_positive_pairs_give_way_where_negative_ones_run_out() -> None:
    """Ten utterances against one: 45 positive pairs, but 10 negative ones."""
    trials, _ = make_trials(utterances({"f1": 10, "m1": 1}))
    assert Counter(t.target for t in trials) == {True: 10, False: 10}


def test_same_sex_share_is_noted() -> None:
    _, notes = make_trials(utterances(FOUR))
    assert notes == ["33 % of the negative trials are of one sex"]  # f1-f2 and m1-m2 of six
    assert make_trials(utterances({"x1": 2, "x2": 2}))[1] == []


def test_too_few_speakers_or_utterances() -> None:
    with pytest.raises(UserError, match="at least two speakers, the test set has 1"):
        make_trials(utterances({"f1": 5}))
    with pytest.raises(UserError, match="two utterances"):
        make_trials(utterances({"f1": 1, "m1": 1}))


def test_saved_and_loaded(tmp_path: Path) -> None:
    trials, _ = make_trials(utterances(FOUR))
    save_trials(tmp_path / "trials.csv", trials)
    header = (tmp_path / "trials.csv").read_text().splitlines()[0]
    assert header == "trial,enrol,test,enrol_speaker,test_speaker,target"
    loaded = load_trials(tmp_path / "trials.csv")
    assert loaded == trials and trials_hash(loaded) == trials_hash(trials)
    assert trials_hash(trials[::-1]) != trials_hash(trials)
