"""Some features over an utterance, from a recogniser and a cut: the article's figure, on demand."""

from collections.abc import Mapping

import numpy as np
import torch
from lhotse.cut import Cut
from matplotlib.figure import Figure

from asr_models.recogniser import Recogniser
from corpora.audio import load_waveform
from evaluation.sonification.activation_view import FeatureTrace, Span, activation_view
from evaluation.sonification.second_look import states_of
from evaluation.sonification.units import SpeechUnits


def feature_view(
    recogniser: Recogniser,
    cut: Cut,
    features: Mapping[str, int],
    units: SpeechUnits,
    device: str | torch.device = "cpu",
) -> Figure:
    """Hears an utterance and draws a feature of each of some layers, phones, words and waveform.

    Args:
        recogniser: frozen; it is moved to `device`.
        cut: the utterance, one of the units'.
        features: of each layer, one.
        units: whose words and phones are written.
        device: where the recogniser runs.

    Raises:
        AudioError: the utterance cannot be read.
        UserError: a layer is unknown.

    Example:
        >>> sheet = feature_view(recogniser, cut, {"blstm3": 17}, units)  # doctest: +SKIP
        >>> sheet.savefig("feature.pdf")  # doctest: +SKIP
    """
    waveform, _ = load_waveform(cut)
    states = states_of(recogniser, [cut], list(features), device)[str(cut.id)]
    traces = [
        FeatureTrace(
            f"{layer}, feature {feature}",
            states[layer][:, feature],
            recogniser.layers[layer].timing,
        )
        for layer, feature in features.items()
    ]
    spans = (spans_of(units, cut, tier) for tier in ("phone", "word"))
    return activation_view(traces, waveform, *spans, title=str(cut.id))


def spans_of(units: SpeechUnits, cut: Cut, tier: str) -> list[Span]:
    """Words or phones of an utterance, in seconds."""
    items = units.tiers[tier]
    ids, _ = items.of(np.array([units.utterances.position[str(cut.id)]]))
    return [
        (str(items.label[i]), float(items.start_s[i]), float(items.end_s[i])) for i in ids.tolist()
    ]
