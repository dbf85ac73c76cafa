"""Optimised inputs as sounds that can be written and heard."""

import torch
from jaxtyping import Float
from torch import Tensor
from torchaudio.functional import deemphasis

from acoustics.frames import mel_samples
from acoustics.griffin_lim import GriffinLim
from asr_models.recogniser import FrameRecogniser, Recogniser
from evaluation.audiation.parameterisations import Domain, limited


@torch.no_grad()
def heard_as(
    recogniser: Recogniser,
    signals: Float[Tensor, "target time *rest"],
    domain: Domain,
    seeds: list[int],
) -> Float[Tensor, "target sample"]:
    """Waveforms as they are; log-mel by Griffin-Lim, and without the recogniser's pre-emphasis.

    What log-mel is heard as only comes near it: its activation is to be measured again.

    Args:
        recogniser: whose log-mel it is.
        signals: inputs.
        domain: what they are.
        seeds: of the phases, one for each.
    """
    if domain == "waveform":
        return signals
    log_mel = recogniser.log_mel
    frames = torch.full((len(signals),), signals.shape[1], device=signals.device)
    vocoder = GriffinLim(log_mel).to(signals.device)
    sound = vocoder(signals, mel_samples(frames, log_mel.hop_length), seeds)
    if isinstance(recogniser, FrameRecogniser) and recogniser.frontend.pre_emphasis:
        sound = deemphasis(sound, recogniser.frontend.pre_emphasis)
    return limited(sound)
