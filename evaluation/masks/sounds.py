"""Masks as something to listen to: sound with what is not needed muted, or rendered anew."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from acoustics.frames import mel_frames
from acoustics.griffin_lim import phase_seed
from evaluation.audiation.hearing import heard_as
from evaluation.masks.mask_settings import THRESHOLDS
from evaluation.masks.subjects import Subjects


class Sound(NamedTuple):
    """A sound of one utterance.

    Attributes:
        name: what was done: `natural`, `muted 0.1`, `masked` or `copy-synthesis`.
        waveform: as long as the utterance; shorter by less than a frame where it is rendered.
        muted_share: of its samples.
    """

    name: str
    waveform: Float[np.ndarray, " sample"]
    muted_share: float


def muted(
    waveform: Float[np.ndarray, " sample"],
    kept: Bool[np.ndarray, "frame band"],
    hop_length: int,
    threshold: float,
) -> Sound:
    """The waveform without the time around frames of which less than `threshold` is kept.

    A frame is centred on a sample; the time that is nearer to it than to its neighbours is its own.
    """
    frame = np.minimum((np.arange(len(waveform)) + hop_length // 2) // hop_length, len(kept) - 1)
    quiet = (kept.mean(1) < threshold)[frame]
    heard = np.where(quiet, waveform.dtype.type(0), waveform)
    return Sound(f"muted {threshold:g}", heard, float(quiet.mean()))


@torch.no_grad()
def masked_frames(
    frames: Float[Tensor, "frame band"],
    normal: Float[Tensor, "frame band"],
    kept: Bool[Tensor, "frame band"],
) -> Float[Tensor, "frame band"]:
    """Frames as measured, with what is not kept at the value that is 0 when normalised.

    In every band, normalised frames are measured ones less a mean, divided by a deviation; two
    means and a slope tell where 0 lies. A band that never changes is at it.
    """
    exact, scaled = frames.double(), normal.double()
    centre, centre_scaled = exact.mean(0), scaled.mean(0)
    spread = scaled - centre_scaled
    variance = spread.square().sum(0)
    slope = ((exact - centre) * spread).sum(0) / torch.where(variance > 0, variance, 1.0)
    zero = centre - slope * centre_scaled
    return torch.where(kept, frames, zero.to(frames.dtype))


@torch.no_grad()
def resynthesised(
    subjects: Subjects, row: int, kept: Bool[Tensor, "frame band"], name: str, seed: int = 0
) -> Sound:
    """The masked frames of an utterance as sound, by the vocoder.

    Args:
        subjects: the utterances.
        row: which one.
        kept: its mask, as many frames as it has.
        name: of the sound.
        seed: of its phases.
    """
    frontend, batch = subjects.recogniser.frontend, subjects.batch
    samples = int(batch.lengths[row])
    waveform = batch.waveform[row : row + 1, :samples].to(subjects.normal.device)
    frames, counts = frontend.frames(waveform, torch.tensor([samples], device=waveform.device))
    normal = frontend.normalise(frames, counts)
    masked = masked_frames(frames[0], normal[0], kept.to(frames.device))
    mel = frontend.to_log_mel(masked[None])
    seeds = [phase_seed(seed, batch.ids[row])]
    sound = heard_as(subjects.recogniser, mel, "log_mel", seeds)[0].cpu().numpy()
    return Sound(name, sound, 0.0)


def mask_sounds(
    subjects: Subjects,
    row: int,
    kept: Bool[Tensor, "frame band"],
    thresholds: Sequence[float] = THRESHOLDS,
    seed: int = 0,
) -> list[Sound]:
    """All sounds of one utterance: as it is, muted, and its masked and whole frames rendered.

    Args:
        subjects: the utterances.
        row: which one.
        kept: its mask; frames beyond the utterance are ignored.
        thresholds: shares of a frame's entries.
        seed: of the phases, the same for both renderings.
    """
    count, hop = int(subjects.counts[row]), subjects.recogniser.log_mel.hop_length
    waveform = subjects.batch.waveform[row, : int(subjects.batch.lengths[row])].cpu().numpy()
    mask = kept[:count]
    assert count == int(mel_frames(torch.tensor([len(waveform)]), hop))  # noqa: S101
    quiet = [muted(waveform, mask.numpy(), hop, threshold) for threshold in thresholds]
    masked = resynthesised(subjects, row, mask, "masked", seed)
    whole = resynthesised(subjects, row, torch.ones_like(mask), "copy-synthesis", seed)
    return [Sound("natural", waveform, 0.0), *quiet, masked, whole]
