"""How noise is chosen in training and in a test condition; both can go to a worker process."""

from collections.abc import Mapping
from dataclasses import dataclass

from corpora.augmentation import Recipe, test_recipe, training_recipe
from corpora.noise_bank import NoiseBank


@dataclass(frozen=True)
class TrainingNoise:
    """Noise that changes from epoch to epoch, unless ``fixed_epoch`` holds it still.

    The first ``clean_epochs`` have none.
    """

    bank: NoiseBank
    seed: int
    noisy_fraction: float
    snr_ranges_db: Mapping[str, tuple[float, float]]
    fixed_epoch: int | None = None
    clean_epochs: int = 0

    def __call__(self, utterance: str, epoch: int) -> Recipe | None:
        """The recipe of an utterance in an epoch; None when it stays clean."""
        when = epoch if self.fixed_epoch is None else self.fixed_epoch
        if 0 <= when < self.clean_epochs:
            return None
        return training_recipe(
            self.bank, utterance, when, self.seed, self.noisy_fraction, self.snr_ranges_db
        )


@dataclass(frozen=True)
class TestNoise:
    """The noise of a test condition, whatever the epoch and the order of the utterances."""

    __test__ = False  # pytest: this is not a test

    bank: NoiseBank
    condition: str
    seed: int

    def __call__(self, utterance: str, epoch: int) -> Recipe | None:
        """The recipe of an utterance; None when the condition is clean."""
        return test_recipe(self.bank, self.condition, utterance, self.seed)
