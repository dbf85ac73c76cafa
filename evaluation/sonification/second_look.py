"""Once more through some of the corpus: how features are active, and utterances one by one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from lhotse.cut import Cut
from torch import Tensor

from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap
from corpora.audio import AudioError, load_waveform
from corpora.batch import SpeechBatch
from evaluation.sonification.activity_pattern import ActivityPattern, peak_activations
from evaluation.sonification.equal_stride import averaged_activation, averaging_factors
from evaluation.sonification.pooling import channel_states
from evaluation.sonification.result import Sonification
from evaluation.sonification.voices import Voices

Heard = dict[str, Float[np.ndarray, "state feature"]]
"""States of one utterance, by layer."""


@torch.inference_mode()
def activity_patterns(
    recogniser: Recogniser,
    batches: Callable[[], Iterable[SpeechBatch]],
    found: Sonification,
    voices: Voices,
    device: str | torch.device = "cpu",
) -> dict[str, ActivityPattern]:
    """How the features of every layer are active over time, apart for every speaker.

    The states of all layers are averaged to the stride of the coarsest, so that lengths and
    spikiness can be compared (`equal_stride`). Two passes: one for the peaks, one for the rest.

    Args:
        recogniser: the one that `found` is of.
        batches: called for each pass: utterances of `found`, each once.
        found: of `sonify`.
        voices: its speakers.
        device: where it runs.
    """
    layers = [layer for layer, one in found.searched.items() if layer == one.layer]
    tap = LayerTap(recogniser.to(device).eval(), layers)
    factors = averaging_factors({layer.name: layer.timing.stride for layer in tap.layers})
    place = found.units.utterances.position
    peaks = {layer.name: torch.zeros(layer.features, device=device) for layer in tap.layers}
    for batch in _known(batches(), place):
        for name, states, lengths in _averaged(tap, batch, factors, device):
            peaks[name] = torch.maximum(peaks[name], peak_activations(states, lengths))
    patterns = {
        layer.name: ActivityPattern(
            peaks[layer.name], len(voices.weights[0]), layer.timing.pooled(factors[layer.name])
        ).to(device)
        for layer in tap.layers
    }
    for batch in _known(batches(), place):
        who = torch.from_numpy(voices.of_utterance[[place[name] for name in batch.ids]]).to(device)
        for name, states, lengths in _averaged(tap, batch, factors, device):
            patterns[name].update(states, lengths, who)
    return patterns


def _known(batches: Iterable[SpeechBatch], place: Mapping[str, int]) -> Iterator[SpeechBatch]:
    """Of each batch the utterances that were searched."""
    for batch in batches:
        mine = [i for i, name in enumerate(batch.ids) if name in place]
        if mine:
            yield batch.select(mine)


def _averaged(
    tap: LayerTap, batch: SpeechBatch, factors: Mapping[str, int], device: str | torch.device
) -> Iterator[tuple[str, Float[Tensor, "batch state feature"], Int[Tensor, " batch"]]]:
    """Every layer's averaged states, and how many of them are valid."""
    with tap.hooked() as outputs:
        tap.recogniser(batch.waveform.to(device), batch.lengths.to(device))
    for name, factor in factors.items():
        lengths = tap.recogniser.state_lengths(name, batch.lengths).to(device)
        yield name, *averaged_activation(channel_states(outputs.pop(name)), lengths, factor)


@torch.inference_mode()
def states_of(
    recogniser: Recogniser,
    cuts: Sequence[Cut],
    layers: Sequence[str],
    device: str | torch.device = "cpu",
) -> Mapping[str, Heard]:
    """States of whole utterances, one at a time; those that cannot be read are left out.

    Args:
        recogniser: whose.
        cuts: the utterances.
        layers: which of its layers.
        device: where it runs.
    """
    tap = LayerTap(recogniser.to(device).eval(), layers)
    found: dict[str, Heard] = {}
    for cut in cuts:
        try:
            waveform, _ = load_waveform(cut)
        except AudioError:
            continue  # said by the search
        lengths = torch.tensor([len(waveform)])
        with tap.hooked() as outputs:
            recogniser(torch.from_numpy(waveform)[None].to(device), lengths.to(device))
        found[str(cut.id)] = {
            name: channel_states(outputs[name])[0, : int(recogniser.state_lengths(name, lengths))]
            .cpu()
            .numpy()
            for name in tap.names
        }
    return found
