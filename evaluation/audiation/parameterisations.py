"""What is optimised: free numbers, and the input that they stand for.

The free numbers of a row begin as standard normal ones, so one learning rate suits all.
"""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from acoustics.mel import SAMPLE_RATE, LogMel
from acoustics.mfcc import MFCC
from evaluation.audiation.draws import Draws

Domain = Literal["waveform", "log_mel"]

LEVEL_DB = -26.0  # of the first sounds, re full scale: speech's usual active level
LOUDEST = 0.99


class Parameterisation(nn.Module, ABC):
    """Free numbers to inputs, all of one length.

    Args:
        samples: length of an input.

    Attributes:
        domain: whether inputs are waveforms or log-mel.
    """

    domain: Domain

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.samples = samples

    @abstractmethod
    def start(self, draws: Draws) -> Float[Tensor, "row *free"]:
        """Free numbers to begin with, one set for every row."""

    @abstractmethod
    def forward(self, free: Float[Tensor, "row *free"]) -> Float[Tensor, "row time *rest"]:
        """Waveforms `(row, sample)` or log-mel `(row, frame, mel)`."""


class Spectrum(Parameterisation):
    """Fourier coefficients scaled by 1/f: noise that sounds like it, and steps of that shape.

    As Lucid parameterises pictures (Olah, Mordvintsev, Schubert 2017, "Feature Visualization"), in
    one dimension and with the real transform, of which no coefficient is redundant. Neither the
    constant nor Nyquist's frequency is among them.

    Args:
        samples: length of a sound.
        decay: power of 1/f; 0 is white, 1 falls by 6 dB an octave.
        corner_hz: below it the scale rises no further, or inaudible drifts would be all there is.
        sample_rate: in Hz.
    """

    domain = "waveform"
    scale: Tensor

    def __init__(
        self,
        samples: int,
        decay: float = 1.0,
        corner_hz: float = 100.0,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        super().__init__(samples)
        hertz = torch.fft.rfftfreq(samples, 1 / sample_rate)[1 : (samples + 1) // 2]
        scale = hertz.clamp(min=corner_hz) ** -decay
        # Two numbers with variance 1 in every coefficient, each of which stands for two.
        power = 4 * scale.square().sum() / samples**2
        self.register_buffer("scale", scale * 10 ** (LEVEL_DB / 20) / power.sqrt())

    def start(self, draws: Draws) -> Float[Tensor, "row coefficient part"]:
        """Real and imaginary parts."""
        return draws.normal(len(self.scale), 2)

    def forward(self, free: Float[Tensor, "row coefficient part"]) -> Float[Tensor, "row sample"]:
        """Waveforms."""
        coefficients = torch.view_as_complex(free * self.scale[:, None])
        missing = self.samples // 2 - len(self.scale)
        return limited(torch.fft.irfft(pad(coefficients, (1, missing)), n=self.samples))


class Samples(Parameterisation):
    """The samples themselves, beginning as white noise."""

    domain = "waveform"

    def start(self, draws: Draws) -> Float[Tensor, "row sample"]:
        """Samples over the level that sounds begin at."""
        return draws.normal(self.samples)

    def forward(self, free: Float[Tensor, "row sample"]) -> Float[Tensor, "row sample"]:
        """Waveforms."""
        return limited(free * 10 ** (LEVEL_DB / 20))


class MelFrames(Parameterisation):
    """Log-mel frames, fed where the recogniser's front-end has measured its own.

    Args:
        samples: length of the sound that they are heard as.
        log_mel: the recogniser's.
        mean: of every band, around which frames begin; see `frame_statistics`.
        deviation: of every band, the unit of the free numbers.
        noise: deviation of the free numbers that are begun with.
    """

    domain = "log_mel"
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        samples: int,
        log_mel: LogMel,
        mean: Float[Tensor, " mel"],
        deviation: Float[Tensor, " mel"],
        noise: float = 0.3,
    ) -> None:
        super().__init__(samples)
        self.frames = samples // log_mel.hop_length + 1
        self.silence, self.noise = log_mel.silence, noise
        self.register_buffer("mean", mean.clone())
        self.register_buffer("deviation", deviation.clone())

    def start(self, draws: Draws) -> Float[Tensor, "row frame mel"]:
        """Noise around the mean."""
        return self.noise * draws.normal(self.frames, len(self.mean))

    def forward(self, free: Float[Tensor, "row frame mel"]) -> Float[Tensor, "row frame mel"]:
        """Log-mel that bends towards `silence` and never falls below it."""
        return self.silence + softplus(self.mean + self.deviation * free - self.silence)


class CepstralFrames(Parameterisation):
    """MFCC frames (the notebook's X), fed where the recogniser's front-end has measured its own.

    A recogniser that hears log-mel gets the one that they describe.

    Args:
        samples: length of the sound that they are heard as.
        log_mel: the recogniser's.
        mean: of every mel band, around which frames begin.
        deviation: of every mel band; coefficients take their share of it as their unit.
        n_mfcc: coefficients of a frame.
        noise: deviation of the free numbers that are begun with.
    """

    domain = "log_mel"
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        samples: int,
        log_mel: LogMel,
        mean: Float[Tensor, " mel"],
        deviation: Float[Tensor, " mel"],
        n_mfcc: int = 26,
        noise: float = 0.3,
    ) -> None:
        super().__init__(samples)
        self.frames, self.noise = samples // log_mel.hop_length + 1, noise
        self.mfcc = MFCC(log_mel.n_mels, n_mfcc)
        self.register_buffer("mean", mean.clone())
        self.register_buffer("deviation", (deviation.square() @ self.mfcc.cosines.square()).sqrt())

    def start(self, draws: Draws) -> Float[Tensor, "row frame coefficient"]:
        """Noise around the mean."""
        return self.noise * draws.normal(self.frames, len(self.deviation))

    def forward(
        self, free: Float[Tensor, "row frame coefficient"]
    ) -> Float[Tensor, "row frame mel"]:
        """Log-mel as smooth as its coefficients allow."""
        coefficients = self.mfcc(self.mean.expand(1, 1, -1)) + self.deviation * free
        return self.mfcc.inverse(coefficients)


def limited(sound: Float[Tensor, "row sample"]) -> Float[Tensor, "row sample"]:
    """The same, scaled down where a sound would pass full scale: it can be written as it is."""
    loudest = sound.detach().abs().argmax(1, keepdim=True)  # its slope costs less than a maximum's
    peak = sound.gather(1, loudest).abs()
    return sound / (peak / LOUDEST).clamp(min=1)


@torch.no_grad()
def frame_statistics(
    log_mel: LogMel, waveform: Float[Tensor, "batch sample"]
) -> tuple[Float[Tensor, " mel"], Float[Tensor, " mel"]]:
    """Mean and deviation of every band of log-mel over whole sounds `(batch, sample)`.

    Of speech, so that frames begin as quiet and loud as those are; or of a `Spectrum` that has
    just been started, where no speech is at hand.
    """
    lengths = torch.full((len(waveform),), waveform.shape[1], device=waveform.device)
    deviation, mean = torch.std_mean(log_mel(waveform, lengths)[0].flatten(0, 1), dim=0)
    return mean, deviation.clamp(min=0.1)
