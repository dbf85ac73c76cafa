"""A recogniser whose features are matched filters: a tone, a chirp, a band and an onset."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from acoustics.frames import Timing
from acoustics.mel import LogMel
from asr_models.layer import Layer
from asr_models.recogniser import Recogniser
from corpora.text import DEFAULT_ALPHABET

REACH, HOP = 800, 160  # samples of a filter, and from one state to the next
TONE_HZ, BAND_HZ = 1000.0, (2000.0, 2800.0)
CHIRP_HZ = (500.0, 3000.0)
FEATURES = ("tone", "chirp", "band", "onset")


def chirp() -> Tensor:
    """`(2, sample)`: a rising chirp and the same a quarter later, under a Hann window."""
    time = torch.arange(REACH) / 16000
    low, high = CHIRP_HZ
    phase = 2 * math.pi * (low * time + (high - low) * time.square() * 8000 / REACH)
    return torch.stack([phase.cos(), phase.sin()]) * torch.hann_window(REACH)


def tones(hertz: list[float]) -> Tensor:
    """`(2 tone, sample)`: tones and the same a quarter later, under a Hann window."""
    phase = 2 * math.pi * torch.tensor(hertz)[:, None] * torch.arange(REACH) / 16000
    return torch.stack([phase.cos(), phase.sin()], 1).flatten(0, 1) * torch.hann_window(REACH)


class Filters(nn.Module):
    """Size of the output of every filter, every 10 ms."""

    def __init__(self) -> None:
        super().__init__()
        band = [BAND_HZ[0] + 100 * i for i in range(9)]
        kernels = torch.cat([tones([TONE_HZ]), chirp(), tones(band)])
        kernels = kernels / kernels.norm(dim=1, keepdim=True)
        self.weight = nn.Parameter(kernels[:, None])

    def forward(self, sound: Tensor) -> Tensor:
        out = nn.functional.conv1d(sound[:, None], self.weight, stride=HOP, padding=REACH // 2)
        power = out.unflatten(1, (-1, 2)).square().sum(2)  # (batch, filter, state)
        size = (power + 1e-6).sqrt()
        band = (power[:, 2:].sum(1) + 1e-6).sqrt()
        local = nn.functional.avg_pool1d(sound.square()[:, None], HOP, HOP, padding=HOP // 2)
        loud = (local[:, 0, : out.shape[2]] + 1e-6).sqrt()
        loud = nn.functional.pad(loud, (0, out.shape[2] - loud.shape[1]))
        onset = (nn.functional.pad(loud, (0, 3))[:, 3:] - loud).relu()
        return torch.stack([size[:, 0], size[:, 1], band, onset], dim=2)


class Deep(nn.Module):
    """Mixtures of what happens around each state; the last is a feature that never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv1d(4, 5, 5, padding=2)
        with torch.no_grad():
            self.mix.weight.copy_(torch.randn(5, 4, 5, generator=torch.Generator().manual_seed(1)))
            self.mix.bias.zero_()
            self.mix.weight[4] = 0
            self.mix.bias[4] = -1

    def forward(self, states: Tensor) -> Tensor:
        return self.mix(states.transpose(1, 2)).transpose(1, 2).relu()


class Matched(Recogniser):
    """Hears waveforms of unit power; nothing is learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.config = {}
        self.log_mel = LogMel()
        self.filters, self.deep = Filters(), Deep()
        self.head = nn.Linear(5, len(DEFAULT_ALPHABET) + 1)
        with torch.no_grad():
            rng = torch.Generator().manual_seed(2)
            self.head.weight.copy_(torch.randn(self.head.weight.shape, generator=rng))
            self.head.bias.zero_()
        timing = Timing(HOP)
        self.layers = {
            "filters": Layer("filters", "filters", 1, timing, 4, 4),
            "deep": Layer("deep", "deep", 2, timing, 5, 5),
        }
        self.passes: list[str] = []
        self.head.register_forward_pre_hook(lambda *_: self.passes.append("head"))

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        power = waveform.square().mean(1, keepdim=True).clamp(min=1e-8)
        states = self.deep(self.filters(waveform / power.sqrt()))
        return self.head(states).log_softmax(-1), lengths // HOP + 1


@pytest.fixture(scope="session")
def toy() -> SimpleNamespace:
    """The recogniser, frozen, and what its filters are made of."""
    return SimpleNamespace(
        recogniser=lambda: Matched().freeze(),
        chirp=chirp,
        tone_hz=TONE_HZ,
        band_hz=BAND_HZ,
        feature={name: i for i, name in enumerate(FEATURES)},
        dead=4,
        hooks=lambda module: sum(
            len(m._forward_hooks) + len(m._backward_hooks) for m in module.modules()
        ),
    )
