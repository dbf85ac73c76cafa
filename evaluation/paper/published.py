"""What the paper reports, as constants: Table 1, Table 2 and the EER of its verifiers, in percent.

Source: C.-Y. Li, P.-C. Yuan, H.-Y. Lee, "What does a network layer hear? Analyzing hidden
representations of end-to-end ASR through speech synthesis", ICASSP 2020, section 3. All of it was
measured on LibriSpeech with 100 hours of training data; Table 2 is by ThinResNet.
"""

from collections.abc import Mapping
from typing import NamedTuple

SOURCE = "Li et al. 2020"
EER_SOURCE = f"{SOURCE}, their ThinResNet"
"""Who measured the paper's EERs of layers: whatever verifier ours are by, theirs is this one."""

VGG_LSTM, PURE_LSTM = "VGG-LSTM", "pure-LSTM"
CLEAN = "clean"
CONDITIONS = (CLEAN, "snr20", "snr10", "snr0")
BASELINE, ROBUST = "baseline", "robust"
SPLITS = ("dev", "test")

LAYERS: Mapping[str, tuple[str, ...]] = {
    VGG_LSTM: ("cnn1", "cnn2", "cnn4", "blstm1", "blstm3", "blstm5"),
    PURE_LSTM: ("blstm1", "blstm2", "blstm3", "blstm4", "blstm5"),
}
"""The layers of Table 2; ours of the same name correspond."""


class Line(NamedTuple):
    """A row of Table 2; lines of ours that the paper lacks have no letter."""

    letter: str
    condition: str
    model: str


LINES = tuple(
    Line("abcdefgh"[2 * at + place], condition, model)
    for at, condition in enumerate(CONDITIONS)
    for place, model in enumerate((ROBUST, BASELINE))
)
"""Rows a to h: from clean to 0 dB, robust before baseline."""

WER: Mapping[tuple[str, str, str], float] = {
    (PURE_LSTM, BASELINE, "dev"): 30.72,
    (PURE_LSTM, BASELINE, "test"): 30.98,
    (PURE_LSTM, ROBUST, "dev"): 25.23,
    (PURE_LSTM, ROBUST, "test"): 25.45,
    (VGG_LSTM, BASELINE, "dev"): 29.02,
    (VGG_LSTM, BASELINE, "test"): 29.55,
    (VGG_LSTM, ROBUST, "dev"): 22.64,
    (VGG_LSTM, ROBUST, "test"): 22.51,
}
"""Table 1, by architecture, model and split (dev-clean, test-clean)."""

_VGG_EER = {
    "a": (4.38, 4.68, 7.18, 16.48, 30.03, 48.07),
    "b": (4.47, 4.72, 6.76, 16.20, 32.87, 48.12),
    "c": (5.80, 6.27, 9.23, 18.11, 30.40, 47.75),
    "d": (5.80, 6.19, 9.21, 18.85, 33.28, 47.82),
    "e": (9.81, 10.75, 13.87, 20.87, 30.49, 47.37),
    "f": (9.89, 10.92, 15.00, 24.00, 36.75, 47.48),
    "g": (23.15, 24.63, 28.62, 31.50, 34.91, 46.22),
    "h": (23.18, 25.27, 29.80, 37.66, 44.56, 48.13),
}
_PURE_EER = {
    "a": (6.92, 12.63, 23.92, 33.55, 46.85),
    "b": (7.03, 13.97, 23.26, 34.55, 47.49),
    "c": (8.44, 14.97, 24.98, 33.80, 47.07),
    "d": (8.84, 17.65, 25.37, 35.53, 47.54),
    "e": (13.89, 19.66, 25.93, 33.79, 46.85),
    "f": (14.64, 24.31, 30.06, 37.83, 47.03),
    "g": (29.14, 33.15, 33.69, 38.46, 46.21),
    "h": (30.54, 39.90, 42.10, 45.41, 47.89),
}
EER: Mapping[tuple[str, str, str, str], float] = {
    (architecture, layer, line.condition, line.model): value
    for architecture, rows in ((VGG_LSTM, _VGG_EER), (PURE_LSTM, _PURE_EER))
    for line in LINES
    for layer, value in zip(LAYERS[architecture], rows[line.letter], strict=True)
}
"""Table 2, by architecture, layer, condition and model."""

VERIFIER_EER: Mapping[str, float] = {"ge2e": 4.51, "ge2e_lstm": 4.51, "thin_resnet": 3.34}
"""EER on natural speech (test-clean), by our names of the same two architectures."""

_NAMES = {"vgglstm": VGG_LSTM, "purelstm": PURE_LSTM, "lstm": PURE_LSTM}


def architecture_of(name: str) -> str | None:
    """The paper's name of an architecture of ours (`vgg_lstm`, `PureLSTM`), None if it has none."""
    return _NAMES.get("".join(letter for letter in name.lower() if letter.isalnum()))


def layers_of(name: str) -> tuple[str, ...]:
    """The layers that the paper reports of our architecture `name`, none if it lacks it."""
    known = architecture_of(name)
    return LAYERS[known] if known else ()


def eer_of(name: str, layer: str, condition: str, model: str) -> float | None:
    """The paper's EER in percent for a layer of our architecture `name`, None if it has none."""
    return EER.get((architecture_of(name) or "", layer, condition, model))


def wer_of(name: str, model: str, split: str) -> float | None:
    """The paper's WER in percent for our architecture `name`, None if it has none."""
    return WER.get((architecture_of(name) or "", model, split))
