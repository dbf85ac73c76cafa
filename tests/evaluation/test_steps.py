"""Steps over depth: hand-made curves whose steps are known."""

import io

from rich.console import Console

from evaluation.records import ScoreRow, TrialScoreRow, UtteranceRow
from evaluation.steps import StepRow, layer_groups, steps, steps_table
from evaluation.summary import collect
from evaluation.trials import Trial

DEPTHS = {"cnn1": 1, "cnn2": 2, "blstm1": 3, "blstm2": 4}


def test_layers_with_the_same_letters_are_one_group_in_order_of_depth() -> None:
    assert layer_groups(DEPTHS) == [["cnn1", "cnn2"], ["blstm1", "blstm2"]]
    assert layer_groups({"block4.sub2": 2, "block4.sub1": 1, "head": 3}) == [
        ["block4.sub1", "block4.sub2"],
        ["head"],
    ]


def test_a_step_is_taken_from_the_worst_of_a_group_and_keeps_its_sign() -> None:
    utterances = [UtteranceRow(f"u{i}", f"s{i}", "female", 1.0, 1, 1, "a") for i in range(4)]
    levels = {"cnn1": 0.9, "cnn2": 0.8, "blstm1": 0.6, "blstm2": 0.5}
    scores = [
        ScoreRow("baseline", "clean", "", layer, row.utterance, row.speaker, "stoi", "", level)
        for layer, level in levels.items()
        for row in utterances
    ]
    found = steps(collect(scores, [], [], utterances, n_replicates=50), DEPTHS)
    by_ends = {(row.earlier, row.later): row for row in found}
    across = by_ends["worst of cnn1-cnn2", "blstm1"]
    assert round(across.difference, 6) == -0.2  # the worst convolution has the lower STOI
    assert round(by_ends["blstm1", "blstm2"].difference, 6) == -0.1
    assert round(by_ends["worst of cnn1-cnn2", "blstm2"].difference, 6) == -0.3
    assert round(by_ends["cnn1", "blstm2"].difference, 6) == -0.4
    assert across.ci_low is not None and across.ci_high is not None and across.ci_high < 0


def test_an_eer_that_rises_is_a_positive_step() -> None:
    utterances = [
        UtteranceRow(f"u{s}{i}", f"s{s}", "male", 1.0, 1, 1, "a")
        for s in range(3)
        for i in range(2)
    ]
    pairs = [(a, b) for i, a in enumerate(utterances) for b in utterances[i + 1 :]]
    trials = [
        Trial(f"t{n}", a.utterance, b.utterance, a.speaker, b.speaker, a.speaker == b.speaker)
        for n, (a, b) in enumerate(pairs)
    ]
    rows = []
    for trial in trials:
        rows.append(
            TrialScoreRow("baseline", "clean", "cnn1", "ge2e", trial.trial, float(trial.target))
        )
        rows.append(
            TrialScoreRow("baseline", "clean", "blstm1", "ge2e", trial.trial, -float(trial.target))
        )
    found = steps(collect([], rows, trials, utterances, n_replicates=50), DEPTHS)
    assert [(row.earlier, row.later, row.difference) for row in found] == [
        ("cnn1", "blstm1", 100.0)
    ]


def test_the_console_shows_the_steps_of_plain_scorers() -> None:
    rows = [
        StepRow("baseline", "clean", "eer", scorer, "cnn1", "blstm1", 10.0, 5.0, 15.0)
        for scorer in ("ge2e", "states", "ge2e:natural")
    ]
    console = Console(file=io.StringIO(), width=160)
    console.print(steps_table(rows))
    text = console.file.getvalue()
    assert text.count("blstm1") == 1 and "eer (ge2e)" in text
