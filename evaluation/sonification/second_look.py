"""Once more through some of the corpus, when every feature's peak is known: how it is active."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from lhotse.cut import Cut

from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap
from corpora.audio import AudioError, load_waveform
from corpora.batch import SpeechBatch
from evaluation.sonification.activity_pattern import ActivityPattern
from evaluation.sonification.pooling import channel_states
from evaluation.sonification.result import Sonification
from evaluation.sonification.voices import Voices

Heard = dict[str, Float[np.ndarray, "state feature"]]
"""States of one utterance, by layer."""


@torch.inference_mode()
def activity_patterns(
    recogniser: Recogniser,
    batches: Iterable[SpeechBatch],
    found: Sonification,
    voices: Voices,
    device: str | torch.device = "cpu",
) -> dict[str, ActivityPattern]:
    """How the features of every layer are active over time, apart for every speaker.

    Args:
        recogniser: the one that `found` is of.
        batches: utterances of it, each once; the peaks are those of the first pass.
        found: of `sonify`.
        voices: its speakers.
        device: where it runs.
    """
    layers = [layer for layer, one in found.searched.items() if layer == one.layer]
    tap = LayerTap(recogniser.to(device).eval(), layers)
    patterns = {
        layer.name: ActivityPattern(
            torch.from_numpy(np.nan_to_num(found.activity[layer.name].maximum)).clamp(min=0),
            len(voices.weights[0]),
            layer.timing,
        ).to(device)
        for layer in tap.layers
    }
    place = found.units.utterances.position
    for batch in batches:
        mine = [i for i, name in enumerate(batch.ids) if name in place]
        if not mine:
            continue
        batch = batch.select(mine)
        speakers = torch.from_numpy(voices.of_utterance[[place[name] for name in batch.ids]])
        with tap.hooked() as outputs:
            recogniser(batch.waveform.to(device), batch.lengths.to(device))
        for name, pattern in patterns.items():
            lengths = recogniser.state_lengths(name, batch.lengths)
            states = channel_states(outputs.pop(name))
            pattern.update(states, lengths.to(device), speakers.to(device))
    return patterns


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
