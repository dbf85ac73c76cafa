"""Objectives: laws of composition, and every term against its definition."""

import numpy as np
import pytest
import torch
from torch.nn.functional import ctc_loss

from acoustics.errors import UserError
from asr_models.decoding import encode
from evaluation.audiation.feature_terms import Direction, FeatureSet, channel
from evaluation.audiation.heard import FRAMES, FREE, MEL, OUTPUT, Heard
from evaluation.audiation.neuron_terms import Activation, Elsewhere, neuron
from evaluation.audiation.objective import Context, Score, Sum
from evaluation.audiation.output_terms import OutputClass, Transcript
from evaluation.audiation.shaping_terms import (
    L2,
    Diversity,
    Similarity,
    SpectralPower,
    TotalVariation,
    gram_cosine,
)

SAMPLES, STATES = 4000, 26  # the last of them is centred behind the last sample


@pytest.fixture
def context(toy) -> Context:
    return Context(toy.recogniser(), SAMPLES)


def hear(rows: int, seed: int = 0) -> Heard:
    """Made-up states of both layers, output, frames, log-mel and free numbers."""
    torch.manual_seed(seed)
    return Heard(
        states={"filters": torch.randn(rows, STATES, 4), "deep": torch.randn(rows, STATES, 5)},
        log_probs=torch.randn(rows, STATES, 28).log_softmax(-1),
        frames=torch.randn(rows, STATES, 80),
        mel=torch.randn(rows, STATES, 80),
        free=torch.randn(rows, 30),
    )


def pick(heard: Heard, rows: list[int]) -> Heard:
    return Heard(
        {name: states[rows] for name, states in heard.states.items()},
        heard.log_probs[rows],
        heard.frames[rows],
        heard.mel[rows],
        heard.free[rows],
    )


def totals(objectives: list[Sum], heard: Heard, context: Context) -> torch.Tensor:
    score = Score(objectives, context)
    return score.totals(score.values(heard))


ONE, TWO = channel("filters", 1), Transcript("a cat")
THREE = TotalVariation()
LAWS = [
    (ONE + TWO, TWO + ONE),
    ((ONE + TWO) + THREE, ONE + (TWO + THREE)),
    (ONE - TWO, ONE + (-1) * TWO),
    (ONE - ONE, 0 * ONE),
    (2 * (ONE - 3 * TWO), 2 * ONE - 6 * TWO),
    (-(ONE - TWO), TWO - ONE),
    (ONE * 0.5 + 0.5 * ONE, ONE),
]


@pytest.mark.parametrize("number", range(len(LAWS)))
def test_objectives_obey_the_laws_of_sums(number: int, context) -> None:
    left, right = LAWS[number]
    heard = hear(2)
    torch.testing.assert_close(
        totals([left] * 2, heard, context), totals([right] * 2, heard, context)
    )
    terms = [totals([term] * 2, heard, context) for term in (ONE, TWO, THREE)]
    weights = [sum(p.weight for p in left.parts if p.term is term) for term in (ONE, TWO, THREE)]
    wanted = sum(w * t for w, t in zip(weights, terms, strict=True))
    torch.testing.assert_close(totals([left] * 2, heard, context), wanted, rtol=0, atol=1e-5)


EVERY = [
    channel("deep", 2, (1000, 3000)) + 0.5 * TotalVariation(),
    neuron("filters", 3, 7) - L2(),
    FeatureSet("deep", features=(0, 4)) - 0.1 * SpectralPower(),
    Direction("filters", direction=(1, -1, 0, 2)),
    OutputClass("a") + OutputClass(""),
    Transcript("hello") - Transcript("bye"),
    channel("deep", 2) + channel("filters", 2),
    Similarity("deep", np.sin(np.arange(SAMPLES)).astype(np.float32)),
]


def test_a_row_is_measured_as_it_is_alone(context) -> None:
    heard = hear(len(EVERY))
    together = totals(EVERY, heard, context)
    for row, objective in enumerate(EVERY):
        alone = totals([objective], pick(heard, [row]), context)
        torch.testing.assert_close(alone[0], together[row], rtol=1e-5, atol=1e-5)


def test_parts_are_given_in_order_row_by_row(context) -> None:
    score, heard = Score(EVERY, context), hear(len(EVERY))
    assert score.owners == [0, 0, 1, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6, 7]
    assert score.sizes == [2, 3, 2, 1, 2, 2, 2, 1]
    assert score.reads == {"deep", "filters", OUTPUT, FRAMES, MEL, FREE}
    values = score.values(heard)
    for number, (row, part) in enumerate(zip(score.owners, score.parts, strict=True)):
        alone = totals([part.term], pick(heard, [row]), context)
        torch.testing.assert_close(alone[0], values[number], rtol=1e-5, atol=1e-5)


def test_nan_stays_in_its_row(context) -> None:
    heard = hear(len(EVERY))
    fine = totals(EVERY, heard, context)
    heard.states["deep"][2] = torch.nan
    broken = totals(EVERY, heard, context)
    assert broken[2].isnan()
    rest = [row for row in range(len(EVERY)) if row != 2]
    assert broken[rest].equal(fine[rest])


def test_only_what_drives_is_the_drive(context) -> None:
    score, heard = Score([neuron("deep", 1, 3) - TotalVariation(), L2()], context), hear(2)
    drive = score.drive(score.values(heard))
    torch.testing.assert_close(drive, torch.stack([heard.states["deep"][0, 3, 1], torch.zeros(())]))
    assert score.driven.tolist() == [True, False]


def test_a_set_is_the_notebooks_equation_1(context) -> None:
    heard = hear(1)
    count = STATES - 1
    wanted = sum(heard.states["deep"][0, t, f] for t in range(count) for f in (0, 3)) / count / 2
    found = totals([FeatureSet("deep", features=(0, 3))], heard, context)
    torch.testing.assert_close(found[0], wanted)
    torch.testing.assert_close(
        totals([channel("deep", 3)], heard, context)[0], heard.states["deep"][0, :-1, 3].mean()
    )


def test_a_window_holds_the_states_that_are_centred_in_it(context) -> None:
    heard = hear(1)
    found = totals([channel("deep", 1, (800, 1600))], heard, context)  # 5 * 160 to 9 * 160
    torch.testing.assert_close(found[0], heard.states["deep"][0, 5:10, 1].mean())


def test_a_direction_is_a_projection_whatever_its_length(context) -> None:
    heard, direction = hear(1), torch.tensor([3.0, 0, -4, 0])
    wanted = (heard.states["filters"][0, :-1].mean(0) @ direction) / 5
    for scale in (1, 10):
        term = Direction("filters", direction=tuple((scale * direction).tolist()))
        torch.testing.assert_close(totals([term], heard, context)[0], wanted)


def test_elsewhere_is_the_mean_size_of_all_but_one(context) -> None:
    heard = hear(1)
    states = heard.states["deep"][0]
    sizes = [abs(states[t, f]) for t in range(STATES) for f in range(5) if (t, f) != (7, 2)]
    found = totals([Elsewhere("deep", 2, 7)], heard, context)
    torch.testing.assert_close(found[0], torch.stack(sizes).mean())
    both = totals([neuron("deep", 2, 7, others=3)], heard, context)
    torch.testing.assert_close(both, totals([Activation("deep", 2, 7)], heard, context) - 3 * found)


def test_a_class_is_its_mean_log_probability(context) -> None:
    heard = hear(3)
    found = totals([OutputClass(""), OutputClass("a"), OutputClass("c")], heard, context)
    tokens = [
        0,
        encode("a", context.recogniser.alphabet)[0],
        encode("c", context.recogniser.alphabet)[0],
    ]
    wanted = [heard.log_probs[row, :, token].mean() for row, token in enumerate(tokens)]
    torch.testing.assert_close(found, torch.stack(wanted))


def test_a_transcript_is_ctc_per_character(context) -> None:
    heard, texts = hear(2), ["hello", "a cat sat"]
    found = totals([Transcript(text) for text in texts], heard, context)
    for row, text in enumerate(texts):
        tokens = torch.tensor([encode(text, context.recogniser.alphabet)])
        one = heard.log_probs[row : row + 1].transpose(0, 1)
        loss = ctc_loss(one, tokens, (STATES,), (len(text),), reduction="sum")
        torch.testing.assert_close(found[row], -loss / len(text))


def test_a_transcript_that_is_certain_scores_zero(context) -> None:
    alphabet = context.recogniser.alphabet
    path = encode("go", alphabet)
    sure = torch.full((1, STATES, len(alphabet) + 1), -100.0)
    for state in range(STATES):
        sure[0, state, path[0] if state < 3 else path[1] if state < 9 else 0] = 0
    assert abs(float(totals([Transcript("go")], Heard(log_probs=sure), context))) < 1e-4


def test_total_variation_is_the_notebooks_equation_2(context) -> None:
    frames = torch.randn(1, 3, 4)
    total = sum(abs(frames[0, t + 1, n] - frames[0, t, n]) for t in range(2) for n in range(4))
    total += sum(abs(frames[0, t, n + 1] - frames[0, t, n]) for t in range(3) for n in range(3))
    found = totals([TotalVariation()], Heard(frames=frames), context)
    torch.testing.assert_close(found[0], total / 12)
    assert totals([TotalVariation()], Heard(frames=torch.ones(1, 3, 4)), context).tolist() == [0]


def test_power_and_squares_are_means(context) -> None:
    heard, silence = hear(2), context.recogniser.log_mel.silence
    found = totals([SpectralPower(), L2()], heard, context)
    torch.testing.assert_close(found[0], heard.mel[0].mean() - silence)
    torch.testing.assert_close(found[1], heard.free[1].square().mean())


def test_gram_cosine_is_that_of_gram_matrices() -> None:
    states = torch.randn(3, 7, 5)
    grams = (states.transpose(1, 2) @ states).flatten(1)
    wanted = torch.nn.functional.cosine_similarity(grams[:, None], grams, dim=2)
    torch.testing.assert_close(gram_cosine(states), wanted, rtol=1e-4, atol=1e-5)
    assert torch.isfinite(gram_cosine(torch.zeros(2, 7, 5))).all()


def test_diversity_is_0_for_equals_and_1_for_what_has_no_feature_in_common(context) -> None:
    states = torch.randn(4, STATES, 5)
    states[1] = states[0].flip(0)  # the same at other times
    states[2, :, 2:], states[3, :, :2] = 0, 0
    heard = Heard({"deep": states})
    pairs = [Diversity("deep", "a"), Diversity("deep", "a"), Diversity("deep", "b")]
    found = totals([*pairs, Diversity("deep", "b")], heard, context)
    torch.testing.assert_close(found, torch.tensor([0.0, 0, 1, 1]), rtol=0, atol=1e-5)
    alike = gram_cosine(states[:3])
    three = totals([Diversity("deep", "a")] * 3, Heard({"deep": states[:3]}), context)
    torch.testing.assert_close(three[0], 1 - (alike[0, 1] + alike[0, 2]) / 2)


def test_a_sound_is_similar_to_itself_and_silence_is_not(context) -> None:
    torch.manual_seed(0)
    sound = torch.randn(1, SAMPLES)
    recogniser, lengths = context.recogniser, torch.tensor([SAMPLES])
    states = {"filters": recogniser.filters(sound / sound.square().mean().sqrt())}
    assert recogniser.state_lengths("filters", lengths).tolist() == [STATES]
    term = Similarity("filters", sound[0].numpy())
    torch.testing.assert_close(totals([term], Heard(states), context), torch.ones(1))
    nothing = Heard({"filters": 0 * states["filters"]})
    torch.testing.assert_close(totals([term], nothing, context), torch.zeros(1))


@pytest.mark.parametrize(
    ("objective", "reason"),
    [
        (channel("cnn1", 0), "layer 'cnn1' is unknown; this recogniser has filters, deep"),
        (channel("deep", 5), "layer deep has no feature 5: it has 0 to 4"),
        (channel("deep", -1), "layer deep has no feature -1: it has 0 to 4"),
        (FeatureSet("deep"), "no feature of layer deep is named; give at least one"),
        (channel("deep", 0, (10, 5000)), "does not lie in the 4000 samples of an input"),
        (channel("deep", 0, (10, 10)), "does not lie in the 4000 samples of an input"),
        (neuron("deep", 0, 26), "layer deep has no state 26: .* has states 0 to 25"),
        (Elsewhere("deep", 7, 0), "layer deep has no feature 7"),
        (Direction("deep", direction=(1, 0)), "has 2 numbers; it must have 5"),
        (Direction("deep", direction=(0,) * 5), "and not be zero"),
        (Diversity("cnn1", "a"), "layer 'cnn1' is unknown"),
        (Similarity("deep", np.zeros(10, np.float32)), "has 10 samples and inputs have 4000"),
        (OutputClass("ab"), "'ab' is not one class"),
        (OutputClass("é"), "outside the alphabet"),
        (Transcript(""), "the transcript to be said is empty"),
        (Transcript("a" * 14), "needs 27 steps, but an input of 4000 samples has 26"),
    ],
)
def test_what_the_recogniser_does_not_have_is_one_line(objective, reason, context) -> None:
    with pytest.raises(UserError, match=reason):
        Score([objective], context)


def test_what_spells_has_its_own_classes(context, monkeypatch) -> None:
    """The recogniser says which class spells a character, and whether there is any."""
    recogniser, heard = context.recogniser, hear(2)
    monkeypatch.setattr(recogniser, "tokens_of", lambda text: [20 - len(text) - ord(c) % 7
                                                              for c in text])  # fmt: skip
    found = totals([OutputClass("b"), Transcript("b")], heard, context)
    assert found[0] == heard.log_probs[0, :, 19].mean()
    one = heard.log_probs[1:].transpose(0, 1)
    loss = ctc_loss(one, torch.tensor([[19]]), (STATES,), (1,), reduction="sum")
    torch.testing.assert_close(found[1], -loss)
    monkeypatch.setattr(type(recogniser), "has_classes", False)
    for term in (OutputClass(""), Transcript("b")):
        with pytest.raises(UserError, match="Matched has no output classes, so an objective on"):
            Score([term], context)


def test_an_objective_can_be_read() -> None:
    assert repr(0.5 * OutputClass("a") - TotalVariation()) == (
        "0.5 OutputClass(character='a') + -1 TotalVariation()"
    )
