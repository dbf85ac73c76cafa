"""What audiation is measured against: the published code's scheme, and what each part of it costs.

Trenaman's experiments (2021): one target at a time; a full complex spectrum scaled by
1 / (frequency + 1), of whose inverse transform only the real part is heard; a small shift and
noise; every layer computed and collected, whatever the target; Adam. Written anew, with the loss'
sign the right way round.
"""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from asr_models.gradients import differentiable
from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap
from evaluation.audiation.draws import Draws
from evaluation.audiation.transforms import Chain, Noise, TimeShift
from evaluation.sonification.pooling import channel_states


class NearlyFlatSpectrum(nn.Module):
    """Coefficients over 1 + their frequency (in cycles a sample, so at most 1.5).

    Args:
        samples: length of a sound.
        real: by the real transform; else by the complex one, half of which is redundant.
    """

    scale: Tensor

    def __init__(self, samples: int, real: bool) -> None:
        super().__init__()
        self.samples, self.real = samples, real
        cycles = (torch.fft.rfftfreq if real else torch.fft.fftfreq)(samples)
        self.register_buffer("scale", 1 / (cycles.abs() + 1))

    def start(self, draws: Draws) -> Float[Tensor, "row coefficient part"]:
        """Real and imaginary parts."""
        return draws.normal(len(self.scale), 2)

    def forward(self, free: Float[Tensor, "row coefficient part"]) -> Float[Tensor, "row sample"]:
        """The inverse transform; of the complex one the real part."""
        coefficients = torch.view_as_complex(free * self.scale[:, None])
        if self.real:
            return torch.fft.irfft(coefficients, n=self.samples)
        return torch.fft.ifft(coefficients).real


def published(
    recogniser: Recogniser,
    layer: str,
    feature: int,
    samples: int,
    steps: int,
    *,
    cut: bool = False,
    real: bool = False,
) -> Float[Tensor, "row sample"]:
    """One sound for one feature, averaged over time.

    Args:
        recogniser: frozen; on the device where it is to run.
        layer: of the feature.
        feature: counted from 0.
        samples: length of the sound.
        steps: of Adam.
        cut: end the pass behind the layer, and collect it alone.
        real: optimise the coefficients of a real transform instead.
    """
    device = next(recogniser.parameters()).device
    shape = NearlyFlatSpectrum(samples, real).to(device)
    draws, moves = Draws([("published", layer, feature)], "start"), Chain([TimeShift(), Noise()])
    free = shape.start(draws).to(device).requires_grad_()
    lengths = torch.tensor([samples], device=device)
    tap = LayerTap(recogniser, [layer] if cut else ["*"])
    adam = torch.optim.Adam([free], lr=0.05, maximize=True)
    with differentiable(recogniser):
        for _ in range(steps):
            sound = moves(shape(free), draws, recogniser.log_mel.config["sample_rate"])
            if cut:
                states = tap.until_heard(partial(recogniser, sound, lengths))
            else:
                with tap.hooked() as states:
                    recogniser(sound, lengths)
            height = channel_states(states[layer])[..., feature].mean()
            (free.grad,) = torch.autograd.grad(height, free)
            adam.step()
        with torch.no_grad():
            return shape(free)
