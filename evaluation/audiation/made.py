"""From what is wanted to sounds: targets that share a parameterisation share a loop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int16
from torch import Tensor

from acoustics.errors import UserError
from acoustics.frames import states_between
from asr_models.recogniser import Recogniser
from corpora.corpus import Progress
from corpora.seeding import derived_seed
from evaluation.audiation.asked import mfccs_of
from evaluation.audiation.feature_terms import channel
from evaluation.audiation.heard import Listener
from evaluation.audiation.hearing import heard_as
from evaluation.audiation.loop import audiate
from evaluation.audiation.neuron_terms import neuron
from evaluation.audiation.objective import Sum
from evaluation.audiation.parameterisations import (
    CepstralFrames,
    MelFrames,
    Parameterisation,
    Samples,
    Spectrum,
)
from evaluation.audiation.result import Audiations
from evaluation.audiation.shaping_terms import L2, Diversity, SpectralPower, TotalVariation
from evaluation.audiation.study_settings import AudiationSettings
from evaluation.audiation.targets import Target
from evaluation.audiation.transforms import robust, robust_log_mel
from evaluation.audiation.wanted import DIFFERING, Wanted
from evaluation.sounds import PCM_PEAK, as_pcm

USUAL_MFCCS = 26  # the notebook's, for a recogniser that hears none
Statistics = Callable[[], tuple[Float[Tensor, " mel"], Float[Tensor, " mel"]]]
"""Mean and deviation of every band of log-mel over speech."""


@dataclass(frozen=True)
class Made:
    """One sound, as it is written, and how it came about.

    Attributes:
        wanted: what it was to be.
        problem: why it is none, or was given up; else empty.
        pcm: 16-bit samples.
        steps: at which its input was measured.
        activation: there, of the feature, not of the whole objective; NaN where not measured.
        objective: there, with what shapes the input.
        snapshot_steps: at which the sound was kept.
        snapshots: those sounds.
    """

    wanted: Wanted
    problem: str
    pcm: Int16[np.ndarray, " sample"]
    steps: list[int]
    activation: Float[np.ndarray, " check"]
    objective: Float[np.ndarray, " check"]
    snapshot_steps: list[int]
    snapshots: Float[Tensor, "snapshot sample"]

    @property
    def sound(self) -> Float[np.ndarray, " sample"]:
        """As it is heard from its file."""
        return self.pcm.astype(np.float32) / (PCM_PEAK + 1)


def make_sounds(
    recogniser: Recogniser,
    wanted: Sequence[Wanted],
    scale: Mapping[str, Float[np.ndarray, " feature"]],
    statistics: Statistics,
    seed: int,
    report: Progress,
) -> list[Made]:
    """Optimises everything that is wanted, as much of it at once as goes together.

    Args:
        recogniser: frozen; on the device where it is to run.
        wanted: the sounds.
        scale: of every feature of each layer, the unit of the regularisers' weights.
        statistics: of speech, for frames.
        seed: of all random numbers.
        report: called with the fraction that is done and one line.

    Raises:
        UserError: the recogniser lacks a layer or a feature, or cannot be fed frames.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for row, each in enumerate(wanted):
        asked = each.settings
        groups.setdefault((asked.representation, asked.decay, asked.transforms), []).append(row)
    found: dict[int, Made] = {}
    for rows in groups.values():
        mine, done = [wanted[row] for row in rows], len(found) / len(wanted)
        share = len(rows) / len(wanted)

        def tell(fraction: float, text: str, done: float = done, share: float = share) -> None:
            report(done + share * fraction, text)

        asked = mine[0].settings
        heard = audiate(
            recogniser,
            [_target(recogniser, each, scale) for each in mine],
            parameterisation(recogniser, asked, statistics),
            _transform(asked),
            asked.loop(seed),
            tell,
        )
        for row, one in zip(rows, _made(recogniser, mine, heard, asked, seed), strict=True):
            found[row] = one
    return [found[row] for row in range(len(wanted))]


def parameterisation(
    recogniser: Recogniser, settings: AudiationSettings, statistics: Statistics
) -> Parameterisation:
    """What is optimised, as the settings say."""
    samples = settings.samples_of_sound
    if settings.representation == "spectrum":
        return Spectrum(samples, settings.decay)
    if settings.representation == "samples":
        return Samples(samples)
    log_mel = recogniser.log_mel
    if settings.representation == "mel":
        return MelFrames(samples, log_mel, *statistics())
    own = mfccs_of(recogniser) or USUAL_MFCCS
    return CepstralFrames(samples, log_mel, *statistics(), n_mfcc=min(own, log_mel.n_mels))


def _transform(settings: AudiationSettings):  # type: ignore[no-untyped-def]
    if not settings.transforms:
        return None
    return robust() if settings.representation in ("spectrum", "samples") else robust_log_mel()


def _target(
    recogniser: Recogniser, wanted: Wanted, scale: Mapping[str, Float[np.ndarray, " feature"]]
) -> Target:
    """All variants of a feature bear one name, so that they begin alike."""
    asked = wanted.settings
    unit = float(scale[wanted.layer][wanted.feature])
    objective = goal(recogniser, wanted.layer, wanted.feature, asked)
    for weight, term in (
        (asked.total_variation, TotalVariation()),
        (asked.spectral_power, SpectralPower()),
        (asked.l2, L2()),
    ):
        if weight:
            objective = objective - weight * unit * term
    if wanted.variant == DIFFERING:
        objective = objective + asked.diversity * unit * Diversity(wanted.layer, wanted.name)
    return Target(wanted.name, objective, wanted.sample)


def goal(recogniser: Recogniser, layer: str, feature: int, settings: AudiationSettings) -> Sum:
    """The objective without what shapes the input; its first part is the feature's activation."""
    if settings.goal == "channel":
        return channel(layer, feature, settings.window)
    count = recogniser.state_lengths(layer, torch.tensor([settings.samples_of_sound]))
    start, end = (torch.tensor([edge]) for edge in settings.window)
    first, stop = states_between(recogniser.layers[layer].timing, start, end, count)
    return neuron(layer, feature, (int(first) + int(stop) - 1) // 2)


def _made(
    recogniser: Recogniser,
    wanted: Sequence[Wanted],
    found: Audiations,
    settings: AudiationSettings,
    seed: int,
) -> list[Made]:
    domain = "waveform" if settings.representation in ("spectrum", "samples") else "log_mel"
    device = next(recogniser.parameters()).device
    seeds = [derived_seed("audiation phases", seed, each.name, each.sample) for each in wanted]
    sounds, *shots = (
        heard_as(recogniser, some.to(device), domain, seeds).cpu()  # type: ignore[arg-type]
        for some in (found.signals, *found.snapshots)
    )
    return [
        Made(
            wanted=each,
            problem=found.problems[row],
            pcm=as_pcm(sounds[row].nan_to_num().numpy()),
            steps=found.steps,
            activation=found.values[row][:, 0],
            objective=found.totals[:, row],
            snapshot_steps=found.snapshot_steps,
            snapshots=torch.stack([shot[row] for shot in shots]),
        )
        for row, each in enumerate(wanted)
    ]


def check_reached(recogniser: Recogniser, layers: Sequence[str], samples: int) -> None:
    """Refuse layers that a sound does not reach, before hours of work.

    Raises:
        UserError: names them.
    """
    listener = Listener(recogniser, layers, samples)
    with torch.no_grad():
        start = Spectrum(samples).to(next(recogniser.parameters()))
        free = torch.ones(1, len(start.scale), 2).to(start.scale)
        states = listener(start(free), "waveform").states
    for name in layers:
        if not states[name].isfinite().all():
            raise UserError(f"layer {name} gives NaN or infinity for noise; choose another")
