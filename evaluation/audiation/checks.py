"""Whether an audiation is more than pretty: what it reaches, survives, and shares with others.

All are functions of sounds `(sound, sample)` of one length, so they judge what was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from acoustics.errors import UserError
from acoustics.mel import LogMel
from asr_models.recogniser import Recogniser
from evaluation.audiation.draws import Draws
from evaluation.audiation.feature_terms import Window
from evaluation.audiation.heard import Listener
from evaluation.audiation.transforms import Transform
from evaluation.sonification.pooling import Score, pooled, segment_spans

BATCH = 32  # sounds heard at once


@torch.no_grad()
def layer_scores(
    recogniser: Recogniser,
    layer: str,
    sounds: Float[Tensor, "sound sample"],
    window: Window | None = None,
    score: Score = "mean",
) -> Float[np.ndarray, "sound feature"]:
    """Score of every feature of a layer over a window of every sound.

    By the functions that score the corpus, so it is comparable with the scores of its segments.

    Args:
        recogniser: frozen.
        layer: its name.
        sounds: as they are written.
        window: the segment, in samples (None: the whole sound).
        score: as in sonification.
    """
    samples = sounds.shape[1]
    listener = Listener(recogniser, [layer], samples)
    start, end = window or (0, samples)
    found = []
    for some in sounds.split(BATCH):
        lengths = listener.lengths(len(some))
        states = listener(some.to(lengths.device), "waveform").states[layer]
        spans = segment_spans(
            recogniser.layers[layer].timing,
            recogniser.state_lengths(layer, lengths.cpu()),
            np.arange(len(some)),
            np.full(len(some), start),
            np.full(len(some), end),
        )
        scores = pooled(states.flatten(0, 1), spans.to(states.device), score)
        found.append(scores.float().cpu().numpy())
    return np.concatenate(found)


@dataclass(frozen=True)
class Reached:
    """What audiations reach against the strongest segments of a corpus.

    Attributes:
        scores: of the audiations.
        strongest: of the corpus, NaN where a feature has no segment.
        above: whether an audiation scores higher; not where there is no segment.
    """

    scores: Float[np.ndarray, " target"]
    strongest: Float[np.ndarray, " target"]
    above: Bool[np.ndarray, " target"]

    @property
    def compared(self) -> int:
        """Targets that have both scores."""
        return int((np.isfinite(self.scores) & np.isfinite(self.strongest)).sum())

    @property
    def share(self) -> float:
        """Share of those that end above their strongest segment; NaN if there are none."""
        return float(self.above.sum() / self.compared) if self.compared else float("nan")


def against_corpus(
    scores: Float[np.ndarray, " target"], strongest: Float[np.ndarray, " target"]
) -> Reached:
    """Compares scores of one kind over windows of one length.

    Args:
        scores: of the audiations, by `layer_scores`.
        strongest: the best score of a corpus segment, as in `Sonification.tops`.
    """
    with np.errstate(invalid="ignore"):
        return Reached(scores, strongest, scores > strongest)


def held_out(
    recogniser: Recogniser,
    layer: str,
    features: Sequence[int],
    sounds: Float[Tensor, "sound sample"],
    transform: Transform,
    repeats: int = 8,
    seed: int = 0,
    window: Window | None = None,
    score: Score = "mean",
) -> Float[np.ndarray, "repeat sound"]:
    """Score of each sound's own feature under changes that the optimisation did not see.

    Args:
        recogniser: frozen.
        layer: its name.
        features: of each sound.
        sounds: as they are written.
        transform: what changes them.
        repeats: how often each is changed anew.
        seed: of the changes; other numbers than the loop's, whatever it is.
        window: the segment, in samples (None: the whole sound).
        score: as in sonification.
    """
    draws = Draws([(seed, row) for row in range(len(sounds))], "held-out")
    rate, own = recogniser.log_mel.config["sample_rate"], np.arange(len(sounds))
    found = []
    for _ in range(repeats):
        changed = transform(sounds, draws, rate)
        scores = layer_scores(recogniser, layer, changed, window, score)
        found.append(scores[own, list(features)])
    return np.stack(found)


def feature_ranks(
    scores: Float[np.ndarray, "sound feature"],
    features: Sequence[int],
    mean: Float[np.ndarray, " feature"] | None = None,
    deviation: Float[np.ndarray, " feature"] | None = None,
) -> Int[np.ndarray, " sound"]:
    """Rank of each sound's own feature among all of its layer, 1 being the strongest.

    Features differ in size: given what they do on speech, each is ranked by how far it is above
    that. A feature that never varies there is not ranked ahead of anything.

    Args:
        scores: of all features, by `layer_scores`.
        features: of each sound.
        mean: of every feature's scores on speech.
        deviation: of the same.

    Raises:
        UserError: one of mean and deviation is missing.
    """
    if (mean is None) != (deviation is None):
        raise UserError("features are ranked by mean and deviation together; give both or neither")
    if mean is not None and deviation is not None:
        varies = deviation > 0
        scores = np.where(varies, (scores - mean) / np.where(varies, deviation, 1), -np.inf)
    own = scores[np.arange(len(scores)), list(features)]
    return 1 + (scores > own[:, None]).sum(1)


@torch.no_grad()
def sound_distances(
    sounds: Float[Tensor, "sound sample"], log_mel: LogMel | None = None
) -> Float[np.ndarray, "sound sound"]:
    """Root mean square difference of log-mel between all pairs of sounds, in dB.

    Args:
        sounds: samples of one target.
        log_mel: in which they are compared (None: the usual one).
    """
    log_mel = log_mel or LogMel()
    lengths = torch.full((len(sounds),), sounds.shape[1])
    mel = log_mel(sounds, lengths)[0].flatten(1).double()
    nats = torch.cdist(mel, mel, compute_mode="donot_use_mm_for_euclid_dist") / mel.shape[1] ** 0.5
    return (nats * 20 / np.log(10) / log_mel.power).numpy()
