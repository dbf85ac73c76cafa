"""How every feature is active around the segment that drives it most, as a page can draw it."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from acoustics.frames import Timing, states_between
from asr_models.layer import Layer
from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap
from corpora.batch import SpeechBatch
from corpora.corpus import SAMPLE_RATE
from evaluation.sonification.pooling import channel_states
from evaluation.sonification.result import Sonification

UNIT = "segments"
CONTEXT_S = 0.75
NOBODY = -1
TOP = 255  # of a byte


@dataclass(frozen=True)
class LayerTraces:
    """Activation over time of all features of a layer, each in a window of its own.

    A feature has no trace where it is dead, where it is not finite in its window, or where its
    utterance could not be heard again: then `count` is 0.

    Attributes:
        values: from 0 at `low` to 255 at `high`.
        low, high: least and most of each feature in its window.
        count: states of each window.
        first_s: time of each window's first state in its utterance, in seconds.
        utterance: place of each window's utterance in `utterances`, -1 where there is no trace.
    """

    values: UInt8[np.ndarray, "feature state"]
    low: Float[np.ndarray, " feature"]
    high: Float[np.ndarray, " feature"]
    count: Int[np.ndarray, " feature"]
    first_s: Float[np.ndarray, " feature"]
    utterance: Int[np.ndarray, " feature"]

    def activation(self, feature: int) -> Float[np.ndarray, " state"]:
        """Activation of one feature, to half of a 255th of its range; empty without a trace."""
        share = self.values[feature, : self.count[feature]].astype(np.float32) / TOP
        return self.low[feature] + share * (self.high[feature] - self.low[feature])


@dataclass(frozen=True)
class Windows:
    """The states that are wanted of each feature.

    Attributes:
        owner: place of the utterance, -1 where nothing is wanted.
        first: state of it.
        count: how many.
    """

    owner: Int[np.ndarray, " feature"]
    first: Int[np.ndarray, " feature"]
    count: Int[np.ndarray, " feature"]


@torch.inference_mode()
def strongest_traces(
    recogniser: Recogniser,
    batches: Callable[[Collection[str]], Iterable[SpeechBatch]],
    found: Sonification,
    device: str | torch.device = "cpu",
    context_s: float = CONTEXT_S,
) -> dict[str, LayerTraces]:
    """Activation around the strongest segment of every feature, by layer.

    One pass over the utterances that have such a segment; what is kept has the size of the result.

    Args:
        recogniser: the one that `found` is of.
        batches: takes ids of utterances and gives each of them once.
        found: of `sonify`; where it did not search `segments`, there are no traces.
        device: where it runs.
        context_s: seconds before and behind the segment, as far as the utterance reaches.
    """
    if UNIT not in found.tops:
        return {}
    layers = [layer for layer, one in found.searched.items() if layer == one.layer]
    tap = LayerTap(recogniser.to(device).eval(), layers)
    windows = {one.name: _windows(recogniser, one, found, context_s) for one in tap.layers}
    traces = {name: _empty(wanted) for name, wanted in windows.items()}
    said = found.units.utterances
    owners = np.unique(np.concatenate([wanted.owner for wanted in windows.values()]))
    for batch in batches(set(said.id[owners[owners != NOBODY]])):
        if not len(batch):
            continue  # nothing of it could be heard
        row = np.full(len(said) + 1, NOBODY)  # the last for nobody
        row[[said.position[name] for name in batch.ids]] = np.arange(len(batch))
        with tap.hooked() as outputs:
            recogniser(batch.waveform.to(device), batch.lengths.to(device))
        for layer in tap.layers:
            states = channel_states(outputs.pop(layer.name))
            wanted = windows[layer.name]
            _take(traces[layer.name], states, wanted, row[wanted.owner], layer.timing)
    return traces


def _windows(
    recogniser: Recogniser, layer: Layer, found: Sonification, context_s: float
) -> Windows:
    """Where the windows of a layer's features lie; dead features have none."""
    segments, samples = found.units.registries[UNIT], found.units.utterances.samples
    best = found.tops[UNIT][layer.name].ids[:, 0]
    wanted = (best >= 0) & (found.activity[layer.name].dead == "")
    ids, context = best[wanted], round(context_s * SAMPLE_RATE)
    owner = segments.owner[ids]
    start, end = segments.start[ids] - context, segments.end[ids] + context
    lengths = recogniser.state_lengths(layer.name, torch.from_numpy(samples[owner]))
    first, stop = states_between(
        layer.timing,
        torch.from_numpy(np.maximum(start, 0)),
        torch.from_numpy(np.minimum(end, samples[owner])),
        lengths,
    )
    windows = Windows(np.full(len(best), NOBODY), *np.zeros((2, len(best)), np.int64))
    windows.owner[wanted], windows.first[wanted] = owner, first.numpy()
    windows.count[wanted] = (stop - first).numpy()
    return windows


def _empty(wanted: Windows) -> LayerTraces:
    features, most = len(wanted.count), int(wanted.count.max(initial=0))
    return LayerTraces(
        values=np.zeros((features, most), np.uint8),
        low=np.zeros(features, np.float32),
        high=np.zeros(features, np.float32),
        count=np.zeros(features, np.int32),
        first_s=np.zeros(features, np.float32),
        utterance=np.full(features, NOBODY, np.int32),
    )


def _take(
    traces: LayerTraces,
    states: Float[Tensor, "batch state feature"],
    wanted: Windows,
    row: Int[np.ndarray, " feature"],
    timing: Timing,
) -> None:
    """Fill in the features whose window lies in a batch; `row` is where, -1 for the others."""
    features = (row != NOBODY).nonzero()[0]
    if not len(features):
        return
    first, count = wanted.first[features], wanted.count[features]
    step = np.arange(count.max())
    at = np.minimum(first[:, None] + step, states.shape[1] - 1)
    places = row[features, None], at, features[:, None]
    index = tuple(torch.from_numpy(place).to(states.device) for place in places)
    window = states[index].float()
    outside = torch.from_numpy(step >= count[:, None]).to(states.device)
    low = window.masked_fill(outside, torch.inf).amin(1)
    high = window.masked_fill(outside, -torch.inf).amax(1)
    span = (high - low).clamp(min=torch.finfo(torch.float32).tiny)
    scaled = ((window - low[:, None]) / span[:, None] * TOP).round()
    kept = (window.isfinite() | outside).all(1)
    levels = scaled.masked_fill(outside | ~kept[:, None], 0).to(torch.uint8).cpu().numpy()
    whole = kept.cpu().numpy()
    mine = features[whole]
    traces.values[mine, : len(step)] = levels[whole]
    traces.low[mine], traces.high[mine] = low.cpu().numpy()[whole], high.cpu().numpy()[whole]
    traces.count[mine], traces.utterance[mine] = count[whole], wanted.owner[mine]
    offset, stride = float(timing.offset), timing.stride
    traces.first_s[mine] = (offset + stride * first[whole]) / SAMPLE_RATE
