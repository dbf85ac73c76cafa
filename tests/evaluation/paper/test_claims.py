"""The claims: the paper's own numbers bear them out, and they flip when the data flip."""

import pytest
import yaml

from evaluation.contrasts import LESS, ContrastRow
from evaluation.paper.claims import CLAIMS, HOW, claims_markdown, how_judged, judge
from evaluation.paper.depth_claim import _Rise, falls_with_depth
from evaluation.paper.finished_run import FinishedRun, read_finished_run
from evaluation.paper.noise_claims import comes_closer, discards_interference, gap_widens
from evaluation.paper.speaker_claims import (
    WIPED_OUT,
    blstms_wipe_out,
    similar_on_clean,
    told_apart,
    verifiers_agree,
)
from evaluation.paper.verdicts import BEYOND_CLEAN, DIFFERENCE, FAILS, HOLDS, OPEN, ClaimRow, Margin
from evaluation.steps import StepRow

LAYERS = ("cnn1", "cnn2", "blstm1", "blstm2", "blstm3")


def step(earlier: str, later: str, difference: float, half: float = 1.0) -> list[StepRow]:
    """The same step of both models on clean speech."""
    ends = (difference, difference - half, difference + half)
    return [StepRow(model, "clean", "eer", "v", earlier, later, *ends)
            for model in ("baseline", "robust")]  # fmt: skip


def curve(
    values: tuple[float, ...], scorer: str = "v", condition: str = "clean", metric: str = "eer"
):
    """The same curve over depth of both models."""
    return {(model, condition, layer, metric, scorer): value
            for model in ("baseline", "robust")
            for layer, value in zip(LAYERS, values, strict=True)}  # fmt: skip


def contrasts(
    values: tuple[float, ...],
    metric: str,
    half: float,
    contrast: str = DIFFERENCE,
    scorer: str = "",
) -> list[ContrastRow]:
    return [
        ContrastRow(contrast, "", "snr0", layer, at + 1, metric, scorer,
                    value, value - half, value + half, 3, value, value)
        for at, (layer, value) in enumerate(zip(LAYERS, values, strict=False))
    ]  # fmt: skip


def only(rows: list[ClaimRow]) -> ClaimRow:
    assert len(rows) == 1
    return rows[0]


def test_the_papers_own_numbers_bear_the_paper_out(make_run, papers_numbers) -> None:
    run = make_run(papers_numbers)
    falls = only(falls_with_depth(run))
    assert falls.verdict == HOLDS
    assert falls.value == pytest.approx(46.22 - 23.15)  # least: robust at 0 dB
    assert "in 8 of 8 models and conditions" in falls.sentence and "1.00 to 1.00" in falls.sentence
    at = {row.condition: row for row in discards_interference(run) if row.scorer == "thin_resnet"}
    assert at["snr0"].verdict == HOLDS
    assert "at 6 of 6 layers, surely at 4, and surely the higher one at 0" in at["snr0"].sentence
    assert at["snr20"].verdict == OPEN and "surely at 2" in at["snr20"].sentence
    similar = only(similar_on_clean(run))
    assert similar.verdict == HOLDS and similar.value == pytest.approx(-2.84)


def test_claim_1_flips_with_the_curve(make_run) -> None:
    rising = make_run(curve((3, 4, 15, 30, 45)), steps=step("blstm1", "blstm3", 30))
    assert only(falls_with_depth(rising)).verdict == HOLDS
    assert "5 of 5 steps surely rise and 0 surely fall" in only(falls_with_depth(rising)).sentence
    falling = make_run(curve((45, 30, 15, 4, 3)))
    row = only(falls_with_depth(falling))
    assert (row.verdict, row.value) == (FAILS, -42.0)
    flat = make_run(curve((20, 20.5, 20, 20.5, 20.1)), steps=step("blstm1", "blstm3", 0.1))
    assert only(falls_with_depth(flat)).verdict == OPEN
    paired = make_run(curve((3, 4, 15, 30, 45)), steps=step("cnn1", "blstm3", 42), half=50)
    assert only(falls_with_depth(paired)).ci_low == 41.0  # MOVER would give -29
    dented = make_run(curve((3, 4, 15, 30, 45)), steps=step("cnn1", "cnn2", -2))
    assert only(falls_with_depth(dented)).verdict == FAILS  # the paired step comes first


def test_claim_1_fails_where_one_layer_surely_lies_below_the_one_before(make_run) -> None:
    """Pure-LSTM has only the step from the first layer to the last in steps.csv, which rises."""
    whole = step("blstm1", "blstm3", 30)
    dented = make_run(curve((3, 4, 30, 28, 45)), steps=whole)
    row = only(falls_with_depth(dented))
    assert row.verdict == FAILS and "1 surely fall" in row.sentence
    blurred = make_run(curve((3, 4, 30, 28, 45)), steps=whole, half=1.5)
    assert only(falls_with_depth(blurred)).verdict == HOLDS  # -2 by MOVER, give or take 2.1
    sure = make_run(curve((3, 4, 30, 28, 45)), steps=step("blstm1", "blstm2", -2), half=1.5)
    assert only(falls_with_depth(sure)).verdict == FAILS  # -2 give or take 1, paired


def test_claim_1_asks_for_a_rank_correlation_of_nine_tenths(make_run) -> None:
    for values, order, verdict in (
        ((3, 4, 15, 30.2, 30), 0.9, HOLDS),  # two neighbours exchanged: 1 - 6 * 2 / (5 * 24)
        ((3, 2.8, 15, 30.2, 30), 0.8, OPEN),
    ):
        row = only(falls_with_depth(make_run(curve(values))))
        assert row.verdict == verdict and f"{order:.2f} to {order:.2f}" in row.sentence
    for order, verdict in ((0.9, HOLDS), (0.9 - 1e-12, HOLDS), (0.9 - 1e-6, OPEN), (None, OPEN)):
        rise = _Rise("here", Margin(9, 8, 10), order, [], [])
        assert rise.verdict == verdict


def test_claim_1_does_not_hold_while_a_layer_or_a_place_is_missing(make_run) -> None:
    rising = curve((3, 4, 15, 30, 45)) | curve((4, 5, 16, 31, 46), condition="snr0")
    assert only(falls_with_depth(make_run(rising))).verdict == HOLDS
    for layer in ("cnn2", "blstm3"):
        holed = rising | {("robust", "snr0", layer, "eer", "v"): None}
        row = only(falls_with_depth(make_run(holed)))
        assert row.verdict == OPEN and row.sentence.endswith("known of robust at snr0.")
        assert "in 3 of 4 models and conditions" in row.sentence
    half = {place: value for place, value in rising.items() if place[0] == "robust"}
    row = only(falls_with_depth(make_run(half)))
    assert row.verdict == OPEN and "baseline at clean, baseline at snr0" in row.sentence
    fallen = rising | {("robust", "snr0", "cnn2", "eer", "v"): None}
    fallen |= {("robust", "clean", "blstm3", "eer", "v"): 20.0}
    assert only(falls_with_depth(make_run(fallen))).verdict == FAILS  # what is known is enough


def test_claim_2_flips_with_the_differences_and_is_open_about_zero(make_run) -> None:
    numbers = curve((3, 4, 15, 30, 45), condition="snr0")

    def verdict(values: tuple[float, ...]) -> ClaimRow:
        run = make_run(numbers, contrasts=contrasts(values, "eer", 1.0, scorer="v"))
        return next(row for row in discards_interference(run) if row.scorer == "v")

    row = verdict((-5, -4, -3, 0, 2))
    assert (row.verdict, row.value, row.ci_low, row.ci_high) == (HOLDS, -3.0, -4.0, -2.0)
    assert "lower EER (v) at 3 of 5 layers, surely at 3" in row.sentence
    assert "surely the higher one at 1" in row.sentence and "paired, 3 probe seeds" in row.sentence
    assert verdict((5, 4, 3, 0, -2)).verdict == FAILS
    assert verdict((-5, -4, -0.5, 0, 2)).verdict == OPEN


def test_claim_2_by_stoi_counts_higher_as_better(make_run) -> None:
    numbers = curve((0.9, 0.9, 0.8, 0.7, 0.6), "", "snr0", "stoi")
    for sign, verdict in ((1, HOLDS), (-1, FAILS)):
        values = tuple(sign * value for value in (0.01, 0.02, 0.03, 0.04, 0.05))
        run = make_run(numbers, contrasts=contrasts(values, "stoi", 0.001))
        row = only(discards_interference(run))
        assert (row.verdict, row.value) == (verdict, pytest.approx(sign * 0.03))


def test_claim_3_asks_for_a_gap_that_grows_and_is_there_at_the_end(make_run) -> None:
    numbers = curve((0.9, 0.9, 0.8, 0.7, 0.6), "", "snr0", "stoi")
    numbers |= curve((0.9, 0.9, 0.8, 0.7, 0.6), "", "clean", "stoi")

    def judged(values: tuple[float, ...]) -> ClaimRow:
        rows = contrasts(values, "stoi", 0.01, BEYOND_CLEAN)
        return only(gap_widens(make_run(numbers, contrasts=rows)))

    row = judged((0, 0, 0.01, 0.03, 0.06))
    assert row.verdict == HOLDS and row.value == pytest.approx(0.05)
    assert row.ci_low == pytest.approx(0.05 - 0.01 * 2**0.5)
    assert "takes the two layers for independent" in row.sentence
    rows = contrasts((0, 0, 0.01, 0.03, 0.06), "stoi", 0.01, BEYOND_CLEAN)
    rows += contrasts((0, 0, 0, 0.02, 0.05), "stoi", 0.002, BEYOND_CLEAN + LESS + "blstm1")
    paired = only(gap_widens(make_run(numbers, contrasts=rows)))
    assert paired.ci_low == pytest.approx(0.05 - 0.002) and "independent" not in paired.sentence
    assert judged((0, 0, 0.06, 0.03, 0.01)).verdict == FAILS  # it narrows
    assert judged((0, 0, 0.05, 0.05, 0.055)).verdict == OPEN  # it hardly grows
    assert judged((0, 0, -0.06, -0.05, -0.03)).verdict == FAILS  # it grows towards none


def test_claim_4_weighs_blstms_against_convolutions(make_run) -> None:
    def judged(convolutions: float) -> ClaimRow:
        steps = step("cnn1", "cnn2", convolutions) + step("worst of cnn1-cnn2", "blstm3", 40)
        run = make_run(curve((3, 4, 15, 30, 45)), steps=[*steps, *step("blstm1", "blstm3", 30)])
        return only(blstms_wipe_out(run))

    row = judged(2)
    assert row.verdict == HOLDS and row.value == pytest.approx(40 - 3 * 2)
    assert row.ci_low == pytest.approx(34 - (1 + 9) ** 0.5)
    assert judged(13).verdict == OPEN and judged(20).verdict == FAILS


def test_claim_4_of_blstms_alone_is_their_rise(make_run) -> None:
    numbers = {(model, "clean", f"blstm{n}", "eer", "v"): 20.0 * n - 10
               for model in ("robust", "baseline") for n in (1, 2, 3)}  # fmt: skip
    run = make_run(numbers, name="pure_lstm", steps=step("blstm1", "blstm3", 20))
    row = only(blstms_wipe_out(run))
    assert (row.verdict, row.value, row.ci_low) == (HOLDS, 20.0, 19.0)
    alone = {place: value for place, value in numbers.items() if place[0] == "robust"}
    row = only(blstms_wipe_out(make_run(alone, name="alone", steps=step("blstm1", "blstm3", 20))))
    assert row.verdict == OPEN and row.sentence.endswith("Not all is known of baseline.")
    jasper = make_run({("robust", "clean", "block1", "eer", "v"): 5.0}, name="jasper")
    assert only(blstms_wipe_out(jasper)).sentence == ("The recogniser has no BLSTM layers.")


def test_claim_4_asks_for_a_deepest_layer_beyond_the_bar(make_run) -> None:
    def judged(deepest: float) -> ClaimRow:
        steps = step("cnn1", "cnn2", 1) + step("worst of cnn1-cnn2", "blstm3", 19)
        run = make_run(curve((3, 4, 15, 20, deepest)), steps=[*steps, *step("blstm1", "blstm3", 9)])
        return only(blstms_wipe_out(run))

    assert WIPED_OUT == 35.0
    assert judged(35.6).verdict == HOLDS and judged(35.6).value == pytest.approx(19 - 3)
    row = judged(35.4)  # its interval has the bar in it
    assert (row.verdict, row.quantity) == (OPEN, "eer, blstm3 of robust - 35")
    assert (row.value, row.ci_low) == pytest.approx((0.4, -0.1))
    assert judged(24).verdict == FAILS and "24.0 % [23.5, 24.5] (bar 35 %)" in judged(24).sentence


def test_claim_4_gives_no_credit_for_convolutions_that_lower_the_eer(make_run) -> None:
    steps = step("cnn1", "cnn2", -20) + step("worst of cnn1-cnn2", "blstm3", -0.5)
    run = make_run(curve((30, 10, 40, 40.2, 40.5)), steps=[*steps, *step("blstm1", "blstm3", 0.5)])
    row = only(blstms_wipe_out(run))
    assert (row.verdict, row.value) == (OPEN, -0.5)  # not -0.5 + 3 * 20
    assert row.ci_low == pytest.approx(-1.5)


def test_claim_5_counts_only_layers_that_differ_beyond_their_intervals(make_run) -> None:
    first = curve((3, 3.2, 15, 30, 45), "v")
    same = make_run(first | curve((4, 3.9, 14, 33, 44), "w"))
    row = only(verifiers_agree(same))
    assert (row.verdict, row.value) == (HOLDS, 1.0)
    assert "cnn1, blstm1, blstm2, blstm3" in row.sentence  # cnn2 cannot be told from cnn1
    other = make_run(first | curve((4, 3.9, 33, 14, 44), "w"))
    row = only(verifiers_agree(other))
    assert row.verdict == FAILS and row.value == pytest.approx(0.8)  # of four layers
    assert only(verifiers_agree(make_run(first))).verdict == OPEN
    blurred = make_run(first | curve((4, 4, 4, 4, 4), "w"))
    assert "Nowhere do three layers differ" in only(verifiers_agree(blurred)).sentence


def test_claim_5_holds_at_nine_tenths_exactly_and_says_what_was_not_compared(make_run) -> None:
    """Five layers, two neighbours exchanged: 1 - 6 * 2 / (5 * 24)."""
    first = curve((3, 6, 15, 30, 45), "v") | curve((40, 40, 40, 40, 40), "v", "snr0")
    swapped = curve((4, 7, 33, 14, 44), "w") | curve((40, 40, 40, 40, 40), "w", "snr0")
    row = only(verifiers_agree(make_run(first | swapped)))
    assert row.verdict == HOLDS and row.value == pytest.approx(0.9)
    assert "in 2 of 4 models and conditions" in row.sentence
    assert row.sentence.endswith("2 of 4 could not be compared.")
    dull = {(m, c, *r): 40.0 for (m, _, *r) in first | swapped for c in ("snr10", "snr20")}
    row = only(verifiers_agree(make_run(first | swapped | dull)))
    assert row.verdict == OPEN and "in 2 of 8 models and conditions" in row.sentence
    unheard = first | swapped | {("robust", "clean", "blstm3", "eer", "w"): None}
    row = only(verifiers_agree(make_run(unheard)))
    assert row.verdict != HOLDS and "Not all is known of robust at clean" in row.sentence
    twice = curve((7, 4, 33, 14, 44), "w") | curve((40, 40, 40, 40, 40), "w", "snr0")
    assert only(verifiers_agree(make_run(first | twice))).verdict == FAILS  # 0.8
    assert "too narrow" in HOW and "in how many models and conditions that is not so" in HOW


def test_layers_are_told_apart_by_both_verifiers() -> None:
    first = {"a": Margin(1, 0, 2), "b": Margin(5, 4, 6), "c": Margin(9, 8, 10)}
    second = {"a": Margin(1, 0, 2), "b": Margin(2, 1, 3), "c": Margin(0, -2, -1)}
    assert told_apart(first, second) == ["a", "c"]


def test_claim_6_holds_within_the_margin_and_fails_beyond_it(make_run) -> None:
    def judged(shift: float, half: float = 0.5) -> ClaimRow:
        numbers = curve((3, 4, 15, 30, 45))
        numbers["robust", "clean", "blstm2", "eer", "v"] = 30 + shift
        return only(similar_on_clean(make_run(numbers, half=half)))

    assert judged(2).verdict == HOLDS and judged(2).value == 2.0
    assert judged(-9).verdict == FAILS and judged(-9).value == -9.0
    assert judged(5).verdict == OPEN
    assert judged(0, half=10).verdict == OPEN  # nothing is similar for lack of evidence
    numbers = curve((3, 4, 15, 30, 45))
    numbers["robust", "clean", "blstm2", "eer", "v"] = None
    row = only(similar_on_clean(make_run(numbers)))
    assert row.verdict == OPEN and row.sentence.endswith("Not all is known of blstm2.")
    assert "at 4 of 5 layers" in row.sentence


def test_claim_7_compares_the_distances_of_states(make_run) -> None:
    near = {("robust", "snr0", layer, "state_distance", ""): 0.4 for layer in LAYERS}
    far = {("baseline", "snr0", layer, "state_distance", ""): 0.6 for layer in LAYERS}
    row = only(comes_closer(make_run(near | far, half=0.01)))
    assert row.verdict == HOLDS and row.value == pytest.approx(-0.2)
    turned = {("robust" if m == "baseline" else "baseline", *rest): value
              for (m, *rest), value in (near | far).items()}  # fmt: skip
    assert only(comes_closer(make_run(turned, half=0.01))).verdict == FAILS
    assert only(comes_closer(make_run(near | far, half=0.5))).verdict == OPEN


def test_majorities_are_of_all_layers_of_the_run(make_run) -> None:
    """Claims 2 and 7: two sure layers of five are none, though the other three have no number."""
    numbers = curve((3, 4, 15, 30, 45), condition="snr0")
    numbers |= curve((0.4, 0.4, 0.4, 0.4, 0.4), "", "snr0", "state_distance")
    for place in list(numbers):
        model, _, layer, metric, _ = place
        if metric == "state_distance":
            numbers[place] = 0.3 if model == "robust" else 0.6
        if layer.startswith("blstm"):
            numbers[place] = None
    few = contrasts((-5, -4), "eer", 1.0, scorer="v")
    run = make_run(numbers, contrasts=few, half=0.01)
    row = next(row for row in discards_interference(run) if row.scorer == "v")
    assert row.verdict == OPEN and "at 2 of 5 layers, surely at 2" in row.sentence
    assert row.sentence.endswith("3 of the 5 layers lack a number.")
    assert only(comes_closer(run)).verdict == OPEN
    three = make_run(numbers, contrasts=contrasts((-5, -4, -3), "eer", 1.0, scorer="v"))
    row = next(row for row in discards_interference(three) if row.scorer == "v")
    assert row.verdict == HOLDS  # whatever the two others are


def test_what_the_recognisers_learnt_from_stands_beside_the_verdicts(make_run) -> None:
    run = make_run(curve((3, 4, 15, 30, 45)))
    assert how_judged([run]) == HOW, "no configuration, nothing to say"
    config = {"baseline": {"max_steps": 850}, "robust": {"max_steps": 1050, "noisy_fraction": 0.85}}
    config["snr_ranges_db"] = {"babble": [0.0, 12.0]}
    (run.path / "config.yaml").write_text(yaml.safe_dump(config))
    text = how_judged([read_finished_run("vgg_lstm", run.path)])
    assert "vgg_lstm: 850 (baseline) and 1050 (robust) training steps" in text
    assert text.endswith("noise in 85% of its training speech (babble 0 to 12 dB).")
    (run.path / "config.yaml").write_text("snr_ranges_db: [")
    assert how_judged([read_finished_run("vgg_lstm", run.path)]) == HOW


def test_what_a_run_does_not_have_cannot_be_said(make_run) -> None:
    run: FinishedRun = make_run({("robust", "clean", "cnn1", "stoi", ""): 0.9})
    rows = judge([run])
    assert {row.claim for row in rows} == set(CLAIMS)
    assert all(row.verdict == OPEN and row.value is None for row in rows)
    assert all(row.sentence[0].isupper() and row.sentence.endswith(".") for row in rows)
    text = claims_markdown(rows)
    assert text.count("**cannot be said** (vgg\\_lstm)") == len(rows)
    assert all(f"## {number}. " in text for number in CLAIMS)
