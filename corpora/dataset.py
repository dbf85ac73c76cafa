"""From a list of cuts to a batch; one bad file costs one utterance, never the batch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from lhotse import CutSet
from lhotse.cut import Cut
from torch import Tensor
from torch.utils.data import Dataset

from corpora.audio import AudioError, load_waveform
from corpora.augmentation import Recipe, noise_signal
from corpora.batch import SpeechBatch
from corpora.corpus import REVERB
from corpora.mixing import MixingError, Mixture, mix_at_snr
from corpora.noise_bank import NoiseBank
from corpora.room_acoustics import reverberate
from corpora.screening import waveform_problem, waveform_remark
from corpora.text import DEFAULT_ALPHABET, normalise

ChooseNoise = Callable[[str, int], Recipe | None]
"""From an utterance id and an epoch to what is done to it; None when it stays clean."""


class UnusableError(Exception):
    """An utterance cannot be used; the message is one line and says why."""


@dataclass(frozen=True)
class Heard:
    """One utterance as it is fed in, ``(sample,)`` at 16 kHz, and the clean speech under it.

    ``scale`` is the factor that was applied to the clean speech, 1 where nothing was mixed in.
    """

    waveform: Float[np.ndarray, " sample"]
    clean: Float[np.ndarray, " sample"]
    scale: float
    remarks: list[str]


def hear(cut: Cut, recipe: Recipe | None = None, bank: NoiseBank | None = None) -> Heard:
    """Load one utterance, and add the noise of a recipe or put it into its room.

    Raises:
        UnusableError: When the file is unreadable, truncated, empty, silent, not finite or too
            short, or the noise cannot be mixed in.
    """
    try:
        clean, remarks = load_waveform(cut)
        problem = waveform_problem(clean)
        if problem is not None:
            raise UnusableError(problem)
        remark = waveform_remark(clean)
        remarks += [remark] if remark is not None else []
        if recipe is None or bank is None:
            return Heard(clean, clean, 1.0, remarks)
        mixture = _mixture(clean, recipe, bank)
        return Heard(mixture.waveform, mixture.clean, mixture.scale, remarks)
    except (AudioError, MixingError) as error:
        raise UnusableError(str(error)) from error


def _mixture(clean: Float[np.ndarray, " sample"], recipe: Recipe, bank: NoiseBank) -> Mixture:
    if recipe.kind == REVERB:
        return reverberate(clean, bank(recipe.noises[0]))
    return mix_at_snr(clean, noise_signal(bank, recipe, len(clean)), recipe.snr_db)


class SpeechDataset(Dataset[SpeechBatch]):
    """Map-style dataset whose index is ``(epoch, cuts of a batch)``, as the samplers yield it.

    Args:
        choose: Decides on the noise of each utterance; None leaves all of them clean.
        bank: The noise recordings that ``choose`` draws from.
        alphabet: The characters that transcripts are normalised to.
    """

    def __init__(
        self,
        choose: ChooseNoise | None = None,
        bank: NoiseBank | None = None,
        alphabet: str = DEFAULT_ALPHABET,
    ) -> None:
        self.choose = choose
        self.bank = bank
        self.alphabet = alphabet

    def __getitem__(self, index: tuple[int, CutSet]) -> SpeechBatch:
        """Load and mix one batch; utterances that cannot be used go to ``failures``."""
        epoch, cuts = index
        batch = SpeechBatch(
            *(torch.zeros(0, 0), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 0)),
            *([], [], [], [], [], [], []),
        )
        heard = []
        for cut in cuts:
            try:
                recipe = self.choose(cut.id, epoch) if self.choose is not None else None
                one = hear(cut, recipe, self.bank)
            except (UnusableError, MixingError) as error:
                batch.failures.append((cut.id, str(error)))
                continue
            heard.append(one)
            batch.warnings += [(cut.id, remark) for remark in one.remarks]
            self._describe(batch, cut, recipe)
        if heard:
            batch.lengths = torch.tensor([len(one.waveform) for one in heard])
            batch.waveform = _padded([one.waveform for one in heard])
            batch.clean = _padded([one.clean for one in heard])
        return batch

    def _describe(self, batch: SpeechBatch, cut: Cut, recipe: Recipe | None) -> None:
        supervision = cut.supervisions[0]
        batch.ids.append(cut.id)
        batch.speakers.append(supervision.speaker or "")
        batch.texts.append(normalise(supervision.text or "", self.alphabet)[0])
        batch.noises.append(recipe.noise_id if recipe is not None else "")
        batch.snr_db.append(recipe.snr_db if recipe is not None else float("inf"))
        batch.sexes.append(supervision.gender or "")


def _padded(waveforms: list[Float[np.ndarray, " _"]]) -> Float[Tensor, "batch sample"]:
    padded = torch.zeros(len(waveforms), max(map(len, waveforms)))
    for row, waveform in zip(padded, waveforms, strict=True):
        row[: len(waveform)] = torch.from_numpy(waveform)
    return padded
