"""One pass over a corpus: every feature of every layer, every unit of search, tables and activity.

What is kept has the size of its result: nothing grows with the audio but the list of segments.
"""

import warnings
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from asr_models.layer import Layer
from asr_models.memory import give_back_freed
from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap
from corpora.batch import SpeechBatch
from corpora.corpus import Progress
from evaluation.sonification.activity import FeatureActivity
from evaluation.sonification.attendance import Attendance
from evaluation.sonification.batch_segments import BatchSegments
from evaluation.sonification.feature_sets import sets_by_layer
from evaluation.sonification.layer_groups import grouped, searched_layers
from evaluation.sonification.pooling import channel_states, pooled, pooled_sum
from evaluation.sonification.result import (
    DiscardedTable,
    SearchSettings,
    Sonification,
)
from evaluation.sonification.top_segments import TopSegments
from evaluation.sonification.units import SpeechUnits
from evaluation.sonification.word_table import WordTable, table_labels

GIVE_BACK_EVERY = 4  # batches: to take freed pages anew costs up to a third of a pass


class Search:
    """Takes in batches one by one, as they come; `result` is asked for at the end.

    Across processes every utterance goes to one of them, and `result` is called on all.

    Args:
        recogniser: frozen; it is moved to `device`.
        units: what to search; made of the utterances that the batches bring.
        settings: how.
        device: where it runs.

    Raises:
        UserError: a layer or a set is unknown.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        units: SpeechUnits,
        settings: SearchSettings | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        self.units, self.settings = units, settings or SearchSettings()
        self.device = torch.device(device)
        self.tap = LayerTap(recogniser.to(self.device).eval(), self.settings.layers)
        self.sets = sets_by_layer(self.settings.sets, self.tap.layers)
        self.searched = searched_layers(self.tap.layers, self.sets)
        self.attendance = Attendance(units.utterances)
        self.labels = {
            tier: table_labels(items, self.settings.most_labels)
            for tier, items in units.tiers.items()
            if len(items)
        }
        features = {name: one.features for name, one in self.searched.items()}
        self.activity = {n: FeatureActivity(size).to(self.device) for n, size in features.items()}
        self.groups = grouped(features)
        self.tops: dict[str, list[TopSegments]] = {}
        for unit in units.registries:
            owners = self._owners(unit)  # shared by all layers
            self.tops[unit] = [
                TopSegments(sum(group.values()), self.settings.k, owners).to(self.device)
                for group in self.groups
            ]
        self.tables: dict[str, dict[str, WordTable]] = {}
        for tier, labels in self.labels.items():
            on_device = labels.to(self.device)
            self.tables[tier] = {
                n: WordTable(on_device, size).to(self.device) for n, size in features.items()
            }

    @torch.inference_mode()
    def add(self, batch: SpeechBatch) -> None:
        """Take in a batch; what could not be loaded is noted.

        Raises:
            UserError: an utterance is not among the units, or has another length there.
        """
        batch, places = self.attendance.admit(batch)
        if not len(batch):
            return
        with self.tap.hooked() as outputs:
            self.tap.recogniser(batch.waveform.to(self.device), batch.lengths.to(self.device))
        here = BatchSegments(self.units, places, self.device)
        heard = self._layer_states(outputs, batch.lengths.cpu(), here)
        for number, group in enumerate(self.groups):
            parts = [self._take(*next(heard), here) for _ in group]
            for unit, tops in self.tops.items():
                if len(here.ids[unit]):
                    scores = torch.cat([part[unit] for part in parts], dim=1)
                    tops[number].update(scores.T, here.ids[unit])

    def _layer_states(
        self, outputs: dict[str, Tensor], samples: Int[Tensor, " batch"], here: BatchSegments
    ) -> Iterator[tuple[str, Layer, Int[Tensor, " batch"], Float[Tensor, "state feature"]]]:
        """Names of layers and sets with their layer, its states per utterance, and all states."""
        for layer in self.tap.layers:
            lengths = self.tap.recogniser.state_lengths(layer.name, samples)
            values = channel_states(outputs.pop(layer.name))
            states = values.flatten(0, 1).index_select(0, here.valid_rows(lengths, values.shape[1]))
            yield layer.name, layer, lengths, states
            for name, chosen in self.sets[layer.name].items():
                yield name, layer, lengths, states[:, chosen].mean(1, keepdim=True)

    def _take(
        self,
        name: str,
        layer: Layer,
        lengths: Int[Tensor, " batch"],
        states: Float[Tensor, "state feature"],
        here: BatchSegments,
    ) -> dict[str, Float[Tensor, "segment feature"]]:
        """Take in a layer's, or set's, states; scores by unit of search, where it has segments."""
        self.activity[name].update(states, here.sampled(lengths))
        tables = {self.units.tiers[tier].unit: table for tier, table in self.tables.items()}
        scores = {}
        for unit in dict.fromkeys([*self.tops, *tables]):
            if len(here.ids[unit]):
                spans = here.spans(unit, layer.timing, lengths)
                total = pooled_sum(states, spans)
                if unit in self.tops:
                    scores[unit] = pooled(states, spans, self.settings.score, total)
                if unit in tables:
                    tables[unit][name].update(total, here.ids[unit])
        return scores

    def _owners(self, unit: str) -> Int[Tensor, " segment"] | None:
        if self.settings.limit is None:
            return None
        owners = self.units.registries[unit].owners(self.settings.limit)
        return torch.from_numpy(owners).to(self.device)

    def result(self) -> Sonification:
        """What was found, by all processes.

        Raises:
            UserError: an utterance was heard twice.
        """
        heard, lost = self.attendance.close(self.device)
        with warnings.catch_warnings():  # a process may have had nothing to do
            warnings.filterwarnings("ignore", message=".*was called before the ``update`` method")
            return self._computed(heard, lost)

    def _computed(
        self, heard: Bool[np.ndarray, " utterance"], lost: dict[str, str]
    ) -> Sonification:
        return Sonification(
            units=self.units,
            settings=self.settings,
            searched=self.searched,
            tops={
                unit: {
                    name: top
                    for group, found in zip(self.groups, tops, strict=True)
                    for name, top in zip(group, found.compute().split(group.values()), strict=True)
                }
                for unit, tops in self.tops.items()
            },
            tables={
                tier: DiscardedTable(
                    self.labels[tier], {name: table.compute() for name, table in tables.items()}
                )
                for tier, tables in self.tables.items()
            },
            activity={name: activity.compute() for name, activity in self.activity.items()},
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
) -> Sonification:
    """Finds what drives every feature, in one pass.

    Args:
        recogniser: frozen; it is moved to `device`.
        batches: every utterance of the units once, in any order.
        units: what to search.
        settings: how.
        device: where it runs.
        progress: called after every batch.

    Example:
        >>> units = build_units(data.cuts("test"))  # doctest: +SKIP
        >>> found = sonify(recogniser, data.condition_dataloader("clean"), units)  # doctest: +SKIP
        >>> best = found.tops["segments"]["blstm3"].ids[0]  # of feature 0  # doctest: +SKIP
        >>> units.registries["segments"].utterance[best]  # doctest: +SKIP
    """
    search = Search(recogniser, units, settings, device)
    for number, batch in enumerate(batches, start=1):
        search.add(batch)
        if number % GIVE_BACK_EVERY == 0:
            give_back_freed()
        if progress is not None:
            done, total = search.attendance.done, len(units.utterances)
            progress(done / max(total, 1), f"{done} of {total} utterances heard")
    return search.result()
