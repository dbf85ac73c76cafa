"""Which noise goes to which utterance: decided by a seed, never by the order of the batches."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from acoustics.errors import UserError
from corpora.corpus import NOISE_KINDS, REVERB
from corpora.mixing import SILENCE, MixingError, looped, mean_power
from corpora.noise_bank import NoiseBank
from corpora.seeding import generator

SNR_RANGES_DB: dict[str, tuple[float, float]] = {
    "babble": (13.0, 20.0),
    "music": (5.0, 15.0),
    "noise": (0.0, 15.0),
}
"""Of the x-vector recipe (Snyder et al. 2018, Kaldi's egs/voxceleb/v2/run.sh)."""

_VOICES = (3, 7)
_ATTEMPTS = 8


@dataclass(frozen=True)
class Recipe:
    """What is added to one utterance; the same recipe always gives the same mixture.

    ``noises`` are recordings (several for babble), ``offsets`` the fraction of each at which it
    begins, in as many attempts as may be needed to find a stretch that is not silent. Of kind
    "reverb" the one recording is a room's impulse response, and the SNR infinite.
    """

    kind: str
    noises: tuple[str, ...]
    offsets: tuple[tuple[float, ...], ...]
    snr_db: float

    @property
    def noise_id(self) -> str:
        """The recordings' ids, joined by "+"."""
        return "+".join(self.noises)


def condition_snr_db(condition: str) -> float | None:
    """The SNR of a condition: None for "clean", 10.0 for "snr10".

    Raises:
        UserError: When the name is neither.
    """
    if condition == "clean":
        return None
    match = re.fullmatch(r"snr(-?\d+)", condition)
    if match is None:
        raise UserError(f"unknown condition {condition!r}: say clean, or snr20, snr10, snr0, ...")
    return float(match[1])


def training_recipe(
    bank: NoiseBank,
    utterance: str,
    epoch: int,
    seed: int,
    noisy_fraction: float,
    snr_ranges_db: Mapping[str, tuple[float, float]] = SNR_RANGES_DB,
) -> Recipe | None:
    """The noise of one utterance in one epoch; None when it stays clean.

    Each kind that the bank holds, rooms included, is equally likely; the SNR of a kind of noise is
    uniform in its range.
    """
    rng = generator("training noise", seed, epoch, utterance)
    if rng.random() >= noisy_fraction:
        return None
    kind = _kind(bank, rng, [kind for kind in bank.kinds if kind in (*snr_ranges_db, REVERB)])
    if kind == REVERB:
        rooms = bank.kinds[REVERB]
        return Recipe(REVERB, (rooms[int(rng.integers(len(rooms)))],), ((),), float("inf"))
    return _recipe(bank, kind, float(rng.uniform(*snr_ranges_db[kind])), rng)


def test_recipe(bank: NoiseBank, condition: str, utterance: str, seed: int) -> Recipe | None:
    """The noise of one utterance in a test condition, the same for every model; None when clean.

    The recordings do not depend on the SNR: all noisy conditions of an utterance share them.
    """
    snr_db = condition_snr_db(condition)
    if snr_db is None:
        return None
    rng = generator("test noise", seed, utterance)
    return _recipe(bank, _kind(bank, rng, list(NOISE_KINDS)), snr_db, rng)


test_recipe.__test__ = False  # type: ignore[attr-defined]  # pytest: this is not a test


def noise_signal(bank: NoiseBank, recipe: Recipe, count: int) -> Float[np.ndarray, " sample"]:
    """``(sample,)`` of ``count`` samples of noise; babble is the sum of voices of equal power.

    Raises:
        MixingError: When a recording is silent wherever it was tried.
    """
    total = np.zeros(count, np.float32)
    for noise, offsets in zip(recipe.noises, recipe.offsets, strict=True):
        recording = bank(noise)
        for offset in offsets if len(recording) else ():
            part = looped(recording, int(offset * len(recording)), count)
            power = mean_power(part)
            if power > SILENCE * 1e2:
                total += part / np.float32(np.sqrt(power))
                break
        else:
            raise MixingError(f"noise recording {noise} is silent")
    return total


def babble_remark(bank: NoiseBank) -> str | None:
    """What to say of babble that has fewer voices than the recipe takes; None where it has not."""
    voices = len(bank.kinds["babble"])
    if voices == 0 or voices >= _VOICES[0]:
        return None
    return (
        f"babble is {voices} voice{'s' * (voices > 1)} instead of {_VOICES[0]} to {_VOICES[1]}: "
        "there are no more recordings of speech; add some"
    )


def _kind(bank: NoiseBank, rng: np.random.Generator, allowed: list[str]) -> str:
    kinds = [kind for kind in allowed if bank.kinds[kind]]
    if not kinds:
        raise MixingError("there is no noise recording of the kinds asked for")
    return kinds[int(rng.integers(len(kinds)))]


def _recipe(bank: NoiseBank, kind: str, snr_db: float, rng: np.random.Generator) -> Recipe:
    pool = bank.kinds[kind]
    count = int(rng.integers(_VOICES[0], _VOICES[1] + 1)) if kind == "babble" else 1
    chosen = rng.permutation(len(pool))[:count]
    offsets = rng.random((len(chosen), _ATTEMPTS))
    return Recipe(
        kind=kind,
        noises=tuple(pool[int(i)] for i in chosen),
        offsets=tuple(tuple(map(float, row)) for row in offsets),
        snr_db=snr_db,
    )
