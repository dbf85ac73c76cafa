"""One pass over a corpus: every feature of every layer, every unit of search, tables and activity.

What is kept has the size of its result: nothing grows with the audio but the list of segments.
"""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from asr_models.memory import give_back_freed
from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap
from corpora.batch import SpeechBatch
from corpora.corpus import Progress
from evaluation.sonification.attendance import Attendance
from evaluation.sonification.batch_segments import BatchSegments
from evaluation.sonification.feature_sets import sets_by_layer
from evaluation.sonification.gathering import Gathering, LayerStates
from evaluation.sonification.layer_groups import searched_layers
from evaluation.sonification.pooling import channel_states
from evaluation.sonification.result import Sonification
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.units import SpeechUnits

GIVE_BACK_EVERY = 4  # batches: to take freed pages anew costs up to a third of a pass


class Search:
    """Takes in batches one by one, as they come; `result` is asked for at the end.

    Across processes every utterance goes to one of them, and `result` is called on all.

    Args:
        recogniser: frozen; it is moved to `device`.
        units: what to search; made of the utterances that the batches bring.
        settings: how.
        device: where it runs.
        kept_words: occurrences of words, sorted, whose activations are kept for comparisons.

    Raises:
        UserError: a layer or a set is unknown.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        units: SpeechUnits,
        settings: SearchSettings | None = None,
        device: str | torch.device = "cpu",
        kept_words: Int[np.ndarray, " kept"] | None = None,
    ) -> None:
        self.units, self.settings = units, settings or SearchSettings()
        self.device = torch.device(device)
        self.tap = LayerTap(recogniser.to(self.device).eval(), self.settings.layers)
        self._listening, self._overheard = ExitStack(), dict[str, Tensor]()
        self.sets = sets_by_layer(self.settings.sets, self.tap.layers)
        self.searched = searched_layers(self.tap.layers, self.sets)
        self.attendance = Attendance(units.utterances)
        features = {name: one.features for name, one in self.searched.items()}
        self.gathering = Gathering(features, units, self.settings, self.device, kept_words)

    def listen(self) -> None:
        """Keep what the layers give when somebody else runs the recogniser, until `add`."""
        self._overheard = self._listening.enter_context(self.tap.hooked())

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()
        self._overheard = {}

    @torch.inference_mode()
    def add(self, batch: SpeechBatch) -> None:
        """Take in a batch: what was overheard of it, or, if that is not all of it, by hearing it.

        What could not be loaded is noted.

        Raises:
            UserError: an utterance is not among the units, or has another length there.
        """
        outputs = self._overheard
        self.close()
        admitted, places = self.attendance.admit(batch)
        if not len(admitted):
            return
        whole = all(len(states) == len(batch) for states in outputs.values())
        if not outputs or not whole or len(admitted) < len(batch):
            with self.tap.hooked() as outputs:
                self.tap.recogniser(
                    admitted.waveform.to(self.device), admitted.lengths.to(self.device)
                )
        here = BatchSegments(self.units, places, self.device)
        self.gathering.add(self._layer_states(outputs, admitted.lengths.cpu(), here), here)

    def _layer_states(
        self, outputs: dict[str, Tensor], samples: Int[Tensor, " batch"], here: BatchSegments
    ) -> Iterator[LayerStates]:
        """Names of layers and sets with their layer, its states per utterance, and all states."""
        for layer in self.tap.layers:
            lengths = self.tap.recogniser.state_lengths(layer.name, samples)
            values = channel_states(outputs.pop(layer.name))
            states = values.flatten(0, 1).index_select(0, here.valid_rows(lengths, values.shape[1]))
            yield layer.name, layer, lengths, states
            for name, chosen in self.sets[layer.name].items():
                yield name, layer, lengths, states[:, chosen].mean(1, keepdim=True)

    def result(self) -> Sonification:
        """What was found, by all processes.

        Raises:
            UserError: an utterance was heard twice.
        """
        heard, lost = self.attendance.close(self.device)
        with warnings.catch_warnings():  # a process may have had nothing to do
            warnings.filterwarnings("ignore", message=".*was called before the ``update`` method")
            found = self.gathering.computed()
        return Sonification(
            units=self.units,
            settings=self.settings,
            searched=self.searched,
            **found,
            heard=heard,
            lost=lost,
        )


def sonify(
    recogniser: Recogniser,
    batches: Iterable[SpeechBatch],
    units: SpeechUnits,
    settings: SearchSettings | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
    kept_words: Int[np.ndarray, " kept"] | None = None,
) -> Sonification:
    """Finds what drives every feature, in one pass.

    Args:
        recogniser: frozen; it is moved to `device`.
        batches: every utterance of the units once, in any order.
        units: what to search.
        settings: how.
        device: where it runs.
        progress: called after every batch.
        kept_words: as in `Search`.

    Example:
        >>> units = build_units(data.cuts("test"))  # doctest: +SKIP
        >>> found = sonify(recogniser, data.condition_dataloader("clean"), units)  # doctest: +SKIP
        >>> best = found.tops["segments"]["blstm3"].ids[0]  # of feature 0  # doctest: +SKIP
        >>> units.registries["segments"].utterance[best]  # doctest: +SKIP
    """
    search = Search(recogniser, units, settings, device, kept_words)
    for number, batch in enumerate(batches, start=1):
        search.add(batch)
        if number % GIVE_BACK_EVERY == 0:
            give_back_freed()
        if progress is not None:
            done, total = search.attendance.done, len(units.utterances)
            progress(done / max(total, 1), f"{done} of {total} utterances heard")
    return search.result()
