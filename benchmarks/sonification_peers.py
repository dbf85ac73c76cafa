"""What the search is measured against: keep every score and sort at the end; a pass per feature."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap
from corpora.batch import SpeechBatch
from evaluation.sonification.batch_segments import BatchSegments
from evaluation.sonification.pooling import channel_states, pooled_sum
from evaluation.sonification.units import SpeechUnits

TOP = 20


class KeepEverything:
    """The same segments and means, but all scores are kept and `topk` is called at the end.

    It makes no table of words and no activity, both of which the search makes on the way.

    Args:
        recogniser: in eval mode.
        units: what to search.
    """

    def __init__(self, recogniser: Recogniser, units: SpeechUnits) -> None:
        self.tap, self.units = LayerTap(recogniser), units
        self.ids: dict[str, list[Tensor]] = {unit: [] for unit in units.registries}
        self.scores: dict[tuple[str, str], list[Tensor]] = {
            (unit, layer): [] for unit in units.registries for layer in self.tap.names
        }

    @torch.inference_mode()
    def add(self, batch: SpeechBatch) -> None:
        """Score the segments of a batch."""
        known = self.units.utterances.position
        places = np.array([known[name] for name in batch.ids])
        here = BatchSegments(self.units, places, torch.device("cpu"))
        with self.tap.hooked() as outputs:
            self.tap.recogniser(batch.waveform, batch.lengths)
        for unit, ids in self.ids.items():
            ids.append(here.ids[unit])
        for layer in self.tap.layers:
            lengths = self.tap.recogniser.state_lengths(layer.name, batch.lengths)
            values = channel_states(outputs.pop(layer.name))
            states = values.flatten(0, 1)[here.valid_rows(lengths, values.shape[1])]
            for unit in self.ids:
                spans = here.spans(unit, layer.timing, lengths)
                mean = pooled_sum(states, spans) / spans.counts[:, None]
                self.scores[unit, layer.name].append(mean)

    @property
    def kept_mb(self) -> float:
        """What is kept, in MB."""
        return sum(part.nbytes for parts in self.scores.values() for part in parts) / 1e6

    @torch.inference_mode()
    def result(self) -> dict[tuple[str, str], tuple[Tensor, Tensor]]:
        """Scores and ids `(feature, k)` by unit of search and layer."""
        found = {}
        for (unit, layer), parts in self.scores.items():
            scores = torch.cat(parts).T
            values, places = scores.topk(min(TOP, scores.shape[1]), dim=1)
            found[unit, layer] = values, torch.cat(self.ids[unit])[places]
        return found


def spread_features(recogniser: Recogniser, count: int) -> list[tuple[str, int]]:
    """So many (layer, feature), from layers all through the recogniser."""
    layers = list(recogniser.layers.values())
    chosen = np.linspace(0, len(layers) - 1, count).round().astype(int)
    return [(layers[i].name, n % layers[i].features) for n, i in enumerate(chosen)]


@torch.inference_mode()
def words_of_a_feature(
    recogniser: Recogniser,
    batches: Sequence[SpeechBatch],
    units: SpeechUnits,
    layer: str,
    feature: int,
) -> list[str]:
    """The article's pseudo-code for one feature: mean by word of its summed activation, `topk`.

    Kinder than the pseudo-code, which runs the network for every word: a pass over all utterances
    in batches, in which nothing but the feature is looked at.
    """
    tap, words = LayerTap(recogniser, [layer]), units.tiers["word"]
    known, timing = units.utterances.position, recogniser.layers[layer].timing
    activations = np.full(len(words), np.nan)
    for batch in batches:
        places = np.array([known[name] for name in batch.ids])
        here = BatchSegments(units, places, torch.device("cpu"))
        with tap.hooked() as outputs:
            recogniser(batch.waveform, batch.lengths)
        lengths = recogniser.state_lengths(layer, batch.lengths)
        values = channel_states(outputs[layer])[:, :, feature : feature + 1]
        states = values.flatten(0, 1)[here.valid_rows(lengths, values.shape[1])]
        sums = pooled_sum(states, here.spans("words", timing, lengths))
        activations[here.ids["words"].numpy()] = sums[:, 0].numpy()
    label = words.parts[:, 0]
    means = np.bincount(label, activations) / np.bincount(label)
    best = np.argsort(-means, kind="stable")[:TOP]
    return [str(word) for word in words.names[best]]
