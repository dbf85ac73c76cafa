"""Speaker-verification trials: a seeded, saved list of pairs, the same for everything scored."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from acoustics.errors import UserError
from evaluation.records import UtteranceRow, read_rows, write_rows


@dataclass(frozen=True, slots=True)
class Trial:
    """Whether `enrol` and `test` are of the same speaker: a row of trials.csv."""

    trial: str
    enrol: str
    test: str
    enrol_speaker: str
    test_speaker: str
    target: bool


def make_trials(
    utterances: Sequence[UtteranceRow], seed: int = 0, n_positive: int | None = None
) -> tuple[list[Trial], list[str]]:
    """Draws equally many pairs of one speaker and of two.

    Positive pairs are all that exist, or `n_positive` of them spread evenly over speakers.
    Negative pairs are spread evenly over pairs of speakers, of either sex; where these run out
    (few utterances of all but one speaker) there are fewer positive ones too.

    Args:
        utterances: the test set; the trials depend on it and on the seed, not on its order.
        seed: of the draw.
        n_positive: at most that many positive pairs.

    Returns:
        The trials, and notes for the reader: speakers with a single utterance, which give no
        positive pair, and the share of negative pairs of the same sex.

    Raises:
        UserError: with fewer than two speakers, or no speaker with two utterances.
    """
    by_speaker: dict[str, list[str]] = {}
    for row in sorted(utterances, key=lambda row: (row.speaker, row.utterance)):
        by_speaker.setdefault(row.speaker, []).append(row.utterance)
    counts = {speaker: len(ids) for speaker, ids in by_speaker.items()}
    _check_speakers(counts)
    positive_room = {(s, s): n * (n - 1) // 2 for s, n in counts.items() if n > 1}
    negative_room = {(a, b): counts[a] * counts[b] for a, b in combinations(counts, 2)}
    n_pairs = min(sum(positive_room.values()), sum(negative_room.values()))
    n_pairs = n_pairs if n_positive is None else min(n_pairs, n_positive)
    generator = np.random.default_rng(seed)
    trials: list[Trial] = []
    for room in (positive_room, negative_room):
        for (a, b), n in _spread(room, n_pairs, generator).items():
            for chosen in np.sort(generator.choice(room[a, b], size=n, replace=False)):
                first, second = _pair(int(chosen), counts[a], counts[b], same=a == b)
                ids = by_speaker[a][first], by_speaker[b][second]
                trials.append(Trial(f"t{len(trials):06d}", *ids, a, b, a == b))
    return trials, _notes(trials, counts, {row.speaker: row.sex for row in utterances})


def save_trials(path: Path, trials: Sequence[Trial]) -> None:
    """Writes trials.csv."""
    write_rows(path, Trial, trials)


def load_trials(path: Path) -> list[Trial]:
    """Reads trials.csv; raises UserError if it is missing or damaged."""
    return list(read_rows(path, Trial))


def trials_hash(trials: Sequence[Trial]) -> str:
    """SHA-256 of the list, order included."""
    digest = hashlib.sha256()
    for trial in trials:
        digest.update(repr(astuple(trial)).encode())
    return digest.hexdigest()


def _check_speakers(counts: Mapping[str, int]) -> None:
    if len(counts) < 2:
        raise UserError(
            f"speaker trials need at least two speakers, the test set has {len(counts)}: "
            "add speakers to the test set"
        )
    if max(counts.values()) < 2:
        raise UserError(
            "speaker trials need a speaker with two utterances, every one of the test set has one: "
            "add utterances to the test set"
        )


def _spread(
    room: Mapping[tuple[str, str], int], total: int, generator: np.random.Generator
) -> dict[tuple[str, str], int]:
    """Splits `total` over the cells as evenly as their room allows; odd ones fall at random."""
    given = dict.fromkeys(room, 0)
    while total > 0:
        open_cells = [cell for cell in room if given[cell] < room[cell]]
        share = total // len(open_cells)
        if share == 0:
            open_cells = [open_cells[i] for i in generator.permutation(len(open_cells))[:total]]
        for cell in open_cells:
            step = min(max(share, 1), room[cell] - given[cell])
            given[cell] += step
            total -= step
    return given


def _pair(index: int, n_first: int, n_second: int, same: bool) -> tuple[int, int]:
    """The pair of utterances behind a number below the count of pairs."""
    if not same:
        return divmod(index, n_second)
    first = 0
    while index >= n_first - 1 - first:
        index -= n_first - 1 - first
        first += 1
    return first, first + 1 + index


def _notes(
    trials: Sequence[Trial], counts: Mapping[str, int], sexes: Mapping[str, str]
) -> list[str]:
    notes = [
        f"speaker {speaker} has a single utterance: no positive trial"
        for speaker, n in counts.items()
        if n == 1
    ]
    if all(sexes.values()):
        negative = [trial for trial in trials if not trial.target]
        same = sum(sexes[trial.enrol_speaker] == sexes[trial.test_speaker] for trial in negative)
        notes.append(f"{100 * same / len(negative):.0f} % of the negative trials are of one sex")
    return notes
