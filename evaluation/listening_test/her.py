"""Human error rate of each layer, with Wilson intervals, and that of verifiers beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, median

from evaluation.listening_test.answers import Answer
from evaluation.listening_test.folder import ListeningTest
from evaluation.listening_test.machine import MachineAnswer
from evaluation.listening_test.run_audio import NATURAL
from evaluation.listening_test.triplets import Triplet
from evaluation.records import SummaryRow

HER, HUMAN = "her", "human"
"""The metric, and the scorer of all listeners together; one alone is `human:<listener>`."""


@dataclass(frozen=True, slots=True)
class ListenerRow:
    """One listener (a row of listeners.csv); rates in percent, of tapped layers and of natural."""

    listener: str
    n_answered: int
    n_questions: int
    her: float | None
    ci_low: float | None
    ci_high: float | None
    her_natural: float | None
    median_response_ms: float | None
    n_replays: int


def wilson_interval(errors: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a proportion, as fractions: never outside [0, 1], never of no width.

    Args:
        errors: how many of `n`; a tie may count as a half.
        n: independent answers, at least one.
        level: of confidence.

    Raises:
        ValueError: for `n` below one or `errors` outside 0 to `n`.

    Source: E. B. Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    if n < 1 or not 0 <= errors <= n:
        raise ValueError(f"{errors} of {n} is no proportion")
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate, spread = errors / n, z * z / n
    centre = (rate + spread / 2) / (1 + spread)
    half = sqrt(spread * (rate * (1 - rate) + spread / 4)) / (1 + spread)
    low = 0.0 if errors == 0 else max(0.0, centre - half)
    return low, 1.0 if errors == n else min(1.0, centre + half)


def human_rows(test: ListeningTest, answers: Mapping[str, Sequence[Answer]]) -> list[SummaryRow]:
    """Error rate of every layer: of all listeners together, then of each.

    Args:
        test: the test.
        answers: of each listener.

    Returns:
        Rows of metric `her`, in percent; `n_scored` counts answers, and a layer that nobody has
        answered for has no rate.
    """
    questions = _by_name(test)
    errors: dict[tuple[str, str], float] = {}
    for listener, mine in answers.items():
        for given in mine:
            wrong = given.answer != questions[given.triplet].answer
            errors[listener, given.triplet] = float(wrong)
    rows = []
    scorers = {HUMAN: list(answers)} | {f"{HUMAN}:{name}": [name] for name in answers}
    for scorer, listeners in scorers.items():
        for layer, own in by_layer(test).items():
            asked = [(name, question.triplet) for name in listeners for question in own]
            found = [errors[key] for key in asked if key in errors]
            rows.append(_row(test, layer, scorer, found, 0))
    return rows


def verifier_rows(test: ListeningTest, answers: Sequence[MachineAnswer]) -> list[SummaryRow]:
    """Error rate of every verifier in every layer, on the same questions.

    A tie counts as half an error; a triplet that could not be embedded is in `n_failed`.
    """
    rows = []
    for scorer in dict.fromkeys(answer.scorer for answer in answers):
        given = {answer.triplet: answer for answer in answers if answer.scorer == scorer}
        for layer, questions in by_layer(test).items():
            mine = [(question, given[question.triplet]) for question in questions]
            errors = [machine.error(question) for question, machine in mine if not machine.failure]
            rows.append(_row(test, layer, scorer, errors, len(mine) - len(errors)))
    return rows


def listener_rows(
    test: ListeningTest, answers: Mapping[str, Sequence[Answer]]
) -> list[ListenerRow]:
    """What each listener did: answers, error rate, time and replays."""
    questions = _by_name(test)
    rows = []
    for listener, mine in answers.items():
        errors: dict[bool, list[float]] = {True: [], False: []}
        for given in mine:
            question = questions[given.triplet]
            errors[question.layer == NATURAL].append(float(given.answer != question.answer))
        control = errors[True]
        rows.append(
            ListenerRow(
                listener, len(mine), len(questions), *_rate(errors[False]),
                100 * sum(control) / len(control) if control else None,
                float(median(given.response_ms for given in mine)) if mine else None,
                sum(given.replays for given in mine),
            )
        )  # fmt: skip
    return rows


def by_layer(test: ListeningTest) -> dict[str, list[Triplet]]:
    """The questions of each layer, in the order of the test."""
    layers: dict[str, list[Triplet]] = {}
    for triplet in test.triplets:
        layers.setdefault(triplet.layer, []).append(triplet)
    return layers


def _by_name(test: ListeningTest) -> dict[str, Triplet]:
    return {triplet.triplet: triplet for triplet in test.triplets}


def _row(
    test: ListeningTest, layer: str, scorer: str, errors: Sequence[float], n_failed: int
) -> SummaryRow:
    settings = test.settings
    place = settings["model"], settings["condition"], layer, settings["layers"][layer]
    return SummaryRow(*place, HER, scorer, *_rate(errors), len(errors), n_failed)


def _rate(errors: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """Percentage of errors with its interval; nothing of nothing."""
    if not errors:
        return None, None, None
    low, high = wilson_interval(sum(errors), len(errors))
    return 100 * sum(errors) / len(errors), 100 * low, 100 * high
