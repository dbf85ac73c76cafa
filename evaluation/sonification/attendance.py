"""Which utterances were heard, and which were not, and why."""

import numpy as np
import torch
from jaxtyping import Bool, Int

from acoustics.errors import UserError
from corpora.batch import SpeechBatch
from evaluation.sonification.ranks import summed, united
from evaluation.sonification.registry import Utterances

DUPLICATE = "_dup"  # lhotse's mark on an utterance that it hands out twice, lest a process be idle


class Attendance:
    """Keeps count of the utterances that batches bring.

    Args:
        utterances: those that are expected, each once, in one process or another.
    """

    def __init__(self, utterances: Utterances) -> None:
        self.utterances = utterances
        self.heard = np.zeros(len(utterances), np.int64)
        self.lost: dict[str, str] = {}

    @property
    def done(self) -> int:
        """How many utterances this process has heard or lost."""
        return int(self.heard.sum()) + len(self.lost)

    def admit(self, batch: SpeechBatch) -> tuple[SpeechBatch, Int[np.ndarray, " batch"]]:
        """Counts a batch's utterances.

        Returns:
            The batch without lhotse's duplicates, and the places of its utterances.

        Raises:
            UserError: an utterance is not expected, or has another length.
        """
        self.lost.update(batch.failures)
        mine = [i for i, name in enumerate(batch.ids) if not self._is_duplicate(name)]
        batch = batch if len(mine) == len(batch) else batch.select(mine)
        advice = "build the units of search from the cuts that the batches are made of"
        places = []
        for name, length in zip(batch.ids, batch.lengths.tolist(), strict=True):
            place = self.utterances.position.get(name)
            if place is None:
                raise UserError(f"utterance '{name}' is not among those to be searched: {advice}")
            samples = int(self.utterances.samples[place])
            if abs(length - samples) > 1:  # a resampled one may have one more
                raise UserError(
                    f"utterance '{name}' has {length} samples, but its cut {samples}: {advice}"
                )
            places.append(place)
        here = np.array(places, np.int64)
        np.add.at(self.heard, here, 1)
        return batch, here

    def close(self, device: torch.device) -> tuple[Bool[np.ndarray, " utterance"], dict[str, str]]:
        """Which utterances were heard, by any process, and why the others were not.

        Args:
            device: on which processes can talk to each other.

        Raises:
            UserError: one was heard twice.
        """
        heard = summed(torch.from_numpy(self.heard).to(device)).cpu().numpy()
        names = self.utterances.id
        if heard.max(initial=0) > 1:
            raise UserError(
                f"utterance '{names[heard.argmax()]}' came {heard.max()} times: go through the "
                "utterances once, and share them out among the processes"
            )
        reasons = united(self.lost, device)
        lost = {name: reasons.get(name, "no batch had it") for name in names[heard == 0]}
        return heard > 0, lost

    def _is_duplicate(self, name: str) -> bool:
        known = self.utterances.position
        original, mark, number = name.rpartition(DUPLICATE)
        return bool(mark) and number.isdigit() and name not in known and original in known
