"""The notebook's figures: inputs learnt for sets of features, their evolution, the top examples.

Lake, "Feature visualisation of DeepSpeech": for every layer a set J of features, and an input that
makes their mean activation large while its total variation, times lambda, stays small (equation 2);
beside them the utterances of the corpus that drive the sets most. Inputs are frames: MFCCs where
the recogniser hears those, else log-mel.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from lhotse.cut import Cut

from asr_models.recogniser import FrameRecogniser
from corpora.audio import AudioError, load_waveform
from corpora.batch import SpeechBatch
from corpora.corpus import SAMPLE_RATE
from evaluation.audiation.asked import hears_mfccs
from evaluation.audiation.feature_terms import FeatureSet
from evaluation.audiation.hearing import heard_as
from evaluation.audiation.learned_figures import (
    Example,
    Learned,
    examples_figure,
    learned_figure,
    write_animation,
)
from evaluation.audiation.loop import LoopSettings, audiate
from evaluation.audiation.made import parameterisation
from evaluation.audiation.result import Audiations
from evaluation.audiation.shaping_terms import TotalVariation
from evaluation.audiation.speech_statistics import speech_statistics
from evaluation.audiation.study_settings import AudiationSettings
from evaluation.audiation.targets import Target
from evaluation.audiation.wanted import live
from evaluation.listening import write_audio
from evaluation.paper.panels import save_figure
from evaluation.sonification.export import write_records
from evaluation.sonification.result import Sonification
from evaluation.sonification.search import sonify
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.units import SpeechUnits, build_units
from evaluation.sounds import as_pcm

SHOTS = 41
EXAMPLES = 4
FOLDER = "learned_inputs"


@dataclass(frozen=True, slots=True)
class LearnedRow:
    """One learned input at one step (learned_inputs.csv); total variation is per value of it."""

    model: str
    layer: str
    depth: int
    features: str
    weight: float
    step: int
    activation: float | None
    total_variation: float | None


def learn_inputs(
    recogniser: FrameRecogniser,
    batches: Callable[[], Iterable[SpeechBatch]],
    found: Sonification,
    cuts: Sequence[Cut],
    folder: Path,
    name: str,
    settings: AudiationSettings,
    seed: int,
) -> None:
    """Learns an input for a set of every layer and every lambda, and writes figures and tables.

    Args:
        recogniser: frozen; on the device where it is to run.
        batches: called once: the utterances of `cuts`.
        found: of a search: which features are alive.
        cuts: the corpus.
        folder: figures go to `learned_inputs/` below it.
        name: of the recogniser.
        settings: of the study.
        seed: of the sets and of all that is random.

    Raises:
        UserError: no utterance is as long as a sound, or something cannot be written.
    """
    layers = [layer for layer, one in found.searched.items() if layer == one.layer]
    drawn = {layer: live(found, layer, settings.set_size, seed, "set") for layer in layers}
    sets = {layer: features for layer, features in drawn.items() if features}
    place = folder / FOLDER
    rows: list[LearnedRow] = []
    learned: dict[float, list[Learned]] = {}
    for weight in settings.lambdas:
        result = _optimised(recogniser, sets, weight, cuts, settings, seed)
        learned[weight] = _learned(recogniser, sets, result)
        rows += _rows(recogniser, name, sets, weight, result)
        write_animation(place / f"evolution-{weight:g}.gif", learned[weight], weight, name)
        _write_sounds(recogniser, place, sets, weight, result, seed)
    save_figure(learned_figure(learned, name), place, "learned_inputs", ("png",))
    write_records(folder, "learned_inputs", LearnedRow, rows)
    examples = _examples(recogniser, batches(), sets, cuts)
    save_figure(examples_figure(examples, name), place, "top_examples", ("png",))


def _optimised(
    recogniser: FrameRecogniser,
    sets: Mapping[str, list[int]],
    weight: float,
    cuts: Sequence[Cut],
    settings: AudiationSettings,
    seed: int,
) -> Audiations:
    """One input for every set, measured as often as it is drawn."""
    samples = settings.samples_of_sound
    mean, deviation = speech_statistics(recogniser, cuts, samples)
    kind = "mfcc" if hears_mfccs(recogniser) else "mel"
    asked = AudiationSettings(representation=kind, sound_s=settings.sound_s)  # type: ignore[arg-type]
    targets = [
        Target(layer, FeatureSet(layer, None, tuple(features)) - weight * TotalVariation())
        for layer, features in sets.items()
    ]
    loop = LoopSettings(
        settings.steps, settings.learning_rate, SHOTS, SHOTS, settings.batch_size, seed=seed
    )
    frames = parameterisation(recogniser, asked, lambda: (mean, deviation))
    return audiate(recogniser, targets, frames, None, loop)


@torch.no_grad()
def normal_frames(
    recogniser: FrameRecogniser, mel: Float[torch.Tensor, "row frame mel"]
) -> Float[np.ndarray, "row frame band"]:
    """What the recogniser makes of log-mel before its first layer, 0 being the mean."""
    device = next(recogniser.parameters()).device
    counts = torch.full((len(mel),), mel.shape[1], device=device)
    frames = recogniser.frontend.from_log_mel(mel.to(device))
    normal: np.ndarray = recogniser.frontend.normalise(frames, counts).float().cpu().numpy()
    return normal


def _learned(
    recogniser: FrameRecogniser, sets: Mapping[str, list[int]], result: Audiations
) -> list[Learned]:
    found = []
    for row, (layer, features) in enumerate(sets.items()):
        values = result.values[row]
        found.append(
            Learned(
                layer=layer,
                features=features,
                problem=result.problems[row],
                steps=result.snapshot_steps,
                frames=normal_frames(recogniser, result.snapshots[:, row]),
                activation=values[:, 0],
                total_variation=values[:, 1],
            )
        )
    return found


def _rows(
    recogniser: FrameRecogniser,
    name: str,
    sets: Mapping[str, list[int]],
    weight: float,
    result: Audiations,
) -> list[LearnedRow]:
    return [
        LearnedRow(
            name, layer, recogniser.layers[layer].depth, " ".join(map(str, features)), weight,
            step, *(float(v) if np.isfinite(v) else None for v in result.values[row][check]),
        )
        for row, (layer, features) in enumerate(sets.items())
        for check, step in enumerate(result.steps)
    ]  # fmt: skip


def _write_sounds(
    recogniser: FrameRecogniser,
    folder: Path,
    sets: Mapping[str, list[int]],
    weight: float,
    result: Audiations,
    seed: int,
) -> None:
    """The inputs as sound."""
    device = next(recogniser.parameters()).device
    heard = heard_as(recogniser, result.signals.to(device), "log_mel", [seed] * len(sets)).cpu()
    for layer, sound in zip(sets, heard, strict=True):
        path = folder / f"{layer}-{weight:g}.flac"
        write_audio(path, as_pcm(sound.nan_to_num().numpy()), SAMPLE_RATE)


def _examples(
    recogniser: FrameRecogniser,
    batches: Iterable[SpeechBatch],
    sets: Mapping[str, list[int]],
    cuts: Sequence[Cut],
) -> dict[str, list[Example]]:
    """The utterances that drive every set most, by layer."""
    units: SpeechUnits = build_units(cuts, ["utterances"])
    named = {f"{layer}:set": features for layer, features in sets.items()}
    settings = SearchSettings(list(sets), k=EXAMPLES, sets=named, most_labels=1)
    device = next(recogniser.parameters()).device
    found = sonify(recogniser, batches, units, settings, device)
    by_id = {str(cut.id): cut for cut in cuts}
    registry = units.registries["utterances"]
    examples: dict[str, list[Example]] = {}
    for layer in sets:
        top = found.tops["utterances"][f"{layer}:set"]
        for score, segment in zip(top.scores[0], top.ids[0], strict=True):
            name = str(registry.utterance[segment]) if segment >= 0 else ""
            try:
                waveform = load_waveform(by_id[name])[0]
            except (KeyError, AudioError):
                continue
            sound = torch.from_numpy(waveform)[None].to(device)
            lengths = torch.tensor([sound.shape[1]], device=device)
            frames, counts = recogniser.frontend.frames(sound, lengths)
            normal = recogniser.frontend.normalise(frames, counts)[0].detach().cpu().numpy()
            text = str(registry.label[segment])
            examples.setdefault(layer, []).append(Example(name, text, float(score), normal))
    return examples
