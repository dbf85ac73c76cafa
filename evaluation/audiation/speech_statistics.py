"""What speech is like as log-mel, so that frames begin as loud as it is."""

from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float
from lhotse.cut import Cut
from torch import Tensor
from torchaudio.functional import preemphasis

from acoustics.errors import UserError
from asr_models.recogniser import FrameRecogniser, Recogniser
from corpora.audio import AudioError, load_waveform
from evaluation.audiation.parameterisations import frame_statistics

MOST = 64  # stretches of speech


def stretches(cuts: Iterable[Cut], samples: int, most: int = MOST) -> Float[Tensor, "row sample"]:
    """The beginnings of utterances that are long enough; of what is too short nothing.

    Args:
        cuts: utterances.
        samples: length of a stretch.
        most: so many at most.

    Raises:
        UserError: no utterance is that long.
    """
    found: list[np.ndarray] = []
    for cut in cuts:
        if len(found) == most:
            break
        try:
            waveform = load_waveform(cut)[0]
        except AudioError:
            continue  # said by the search
        if len(waveform) >= samples:
            found.append(waveform[:samples])
    if not found:
        raise UserError(f"no utterance has the {samples} samples of a sound; set a shorter sound_s")
    return torch.from_numpy(np.stack(found))


def speech_statistics(
    recogniser: Recogniser, cuts: Iterable[Cut], samples: int
) -> tuple[Float[Tensor, " mel"], Float[Tensor, " mel"]]:
    """Mean and deviation of every band of the recogniser's log-mel over speech.

    Args:
        recogniser: whose.
        cuts: utterances.
        samples: of each so many.

    Raises:
        UserError: no utterance is that long.
    """
    sounds = stretches(cuts, samples)
    if isinstance(recogniser, FrameRecogniser) and recogniser.frontend.pre_emphasis:
        sounds = preemphasis(sounds, recogniser.frontend.pre_emphasis)
    device = next(recogniser.parameters()).device
    mean, deviation = frame_statistics(recogniser.log_mel, sounds.to(device))
    return mean.cpu(), deviation.cpu()
