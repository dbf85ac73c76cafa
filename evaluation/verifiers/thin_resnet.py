"""ThinResNet-34 with NetVLAD or GhostVLAD (Xie et al. 2019, arXiv:1902.10107)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from acoustics.frames import pooled_length, valid_mask
from acoustics.mel import LogMel
from asr_models.blocks import conv_norm
from evaluation.verifiers.encoder import SpeakerEncoder

BLOCKS = (2, 3, 3, 3)  # residual blocks of each stage (table 1)


def masked(
    x: Float[Tensor, "batch channel frame bin"], frames: Int[Tensor, " batch"]
) -> Float[Tensor, "batch channel frame bin"]:
    """Zeros beyond each utterance, in place and only where an utterance has ended."""
    shortest = int(frames.min()) if frames.device.type == "cpu" else 0  # a GPU need not wait
    if shortest < x.shape[2]:
        x[:, :, shortest:] *= valid_mask(frames, x.shape[2])[:, None, shortest:, None]
    return x


def pooled(x: Float[Tensor, "batch channel frame bin"], *dims: int) -> Tensor:
    """The larger of every two neighbours along `dims` (2: frames, 3: bins), a last one alone.

    Without a gradient, slices are several times as fast as `max_pool2d`, which keeps indices.
    """
    if x.requires_grad:
        kernel = (2 if 2 in dims else 1, 2 if 3 in dims else 1)
        return functional.max_pool2d(x, kernel, ceil_mode=True)
    for dim in dims:
        pairs = x.shape[dim] // 2
        first, second = x.narrow(dim, 0, 2 * pairs).unflatten(dim, (pairs, 2)).unbind(dim + 1)
        larger = torch.maximum(first, second)
        x = torch.cat([larger, x.narrow(dim, 2 * pairs, x.shape[dim] % 2)], dim)
    return x


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions beside a shortcut, thin in the middle."""

    def __init__(self, channels_in: int, middle: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.reduce = nn.Conv2d(channels_in, middle, 1, stride, bias=False)
        self.conv = nn.Conv2d(middle, middle, 3, padding=1, bias=False)
        self.expand = nn.Conv2d(middle, channels, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in (middle, middle, channels))
        changes = stride > 1 or channels_in != channels
        self.shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False) if changes else None
        self.shortcut_norm = nn.BatchNorm2d(channels) if changes else None

    def forward(
        self, x: Float[Tensor, "batch channel frame bin"], frames: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch channel_out frame_out bin_out"], Int[Tensor, " batch"]]:
        """Output and its valid frames."""
        frames = pooled_length(frames, self.stride)
        y = x
        for conv, norm in zip((self.reduce, self.conv, self.expand), self.norms, strict=True):
            assert isinstance(norm, nn.BatchNorm2d)  # noqa: S101 - for the type checker
            y = conv_norm(y, conv, norm)
            if conv is not self.expand:
                y = masked(y, frames).relu_()
        if self.shortcut is not None and self.shortcut_norm is not None:
            x = conv_norm(x, self.shortcut, self.shortcut_norm)
        return masked(y.add_(x), frames).relu_(), frames


class GhostVLAD(nn.Module):
    """Residuals of the frames to learnt clusters, some of which are ghosts and thrown away.

    With no ghosts it is NetVLAD. Ghosts take the frames that say nothing of the speaker
    (Zhong et al. 2018; Xie et al. 2019, section 2.2).

    Args:
        width: of a frame.
        clusters: that count.
        ghosts: that do not.
    """

    def __init__(self, width: int, clusters: int = 8, ghosts: int = 2) -> None:
        super().__init__()
        self.clusters = clusters
        self.assign = nn.Linear(width, clusters + ghosts)
        self.centres = nn.Parameter(torch.empty(clusters, width))
        nn.init.orthogonal_(self.centres)

    def forward(
        self, x: Float[Tensor, "batch frame width"], frames: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch descriptor"]:
        """One descriptor of `clusters * width` values per utterance, however long it is."""
        mask = valid_mask(frames, x.shape[1])[..., None]
        weights = (self.assign(x).softmax(-1) * mask)[..., : self.clusters]
        sums = torch.einsum("bfc,bfw->bcw", weights, x)
        residuals = sums - weights.sum(1)[..., None] * self.centres
        return functional.normalize(residuals, dim=-1).flatten(1)


class ThinResNet(SpeakerEncoder):
    """ThinResNet-34 on the magnitude spectrum, aggregated over time by GhostVLAD.

    Args:
        channels: of the first convolution and of the four stages; 64-96-128-256-512 in the paper.
            The 3 x 3 convolutions of a stage are as wide as the stage before, those of the first
            one half as wide as their stage (table 1: 48, 96, 128, 256).
        clusters: of the aggregation.
        ghosts: of the aggregation; 0 gives NetVLAD.
        width: length of a vector.
        n_fft: samples of a spectrum, which has `n_fft / 2 + 1` bins.
    """

    name = "thin_resnet"
    batch_duration_s = 16.0  # its first states are a dozen times the sound: more leaves the cache

    def __init__(
        self,
        channels: Sequence[int] = (64, 96, 128, 256, 512),
        clusters: int = 8,
        ghosts: int = 2,
        width: int = 512,
        n_fft: int = 512,
    ) -> None:
        super().__init__()
        self.config = {
            "channels": list(channels),
            "clusters": clusters,
            "ghosts": ghosts,
            "width": width,
            "n_fft": n_fft,
        }
        self.width = width
        self.log_mel = LogMel(self.sample_rate, n_fft=n_fft)  # its spectrum only
        first, *stages = channels
        self.first = nn.Conv2d(1, first, 7, padding=3, bias=False)
        self.first_norm = nn.BatchNorm2d(first)
        middles = [max(1, stages[0] // 2), *stages[:-1]]  # 48, 96, 128, 256 in table 1
        blocks, before = [], first
        for stage, (count, middle, after) in enumerate(zip(BLOCKS, middles, stages, strict=True)):
            for i in range(count):
                stride = 2 if i == 0 and stage > 0 else 1
                blocks.append(Bottleneck(before, middle, after, stride))
                before = after
        self.blocks = nn.ModuleList(blocks)
        bins = -(-(n_fft // 2 + 1) // 2)
        for _ in range(len(stages) - 1):
            bins = -(-bins // 2)
        bins = -(-bins // 2)
        self.last = nn.Conv2d(before, before, (1, bins), bias=True)
        self.aggregate = GhostVLAD(before, clusters, ghosts)
        self.linear = nn.Linear(clusters * before, width)

    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch embedding"]:
        """Unit vectors of utterances of any length."""
        x, frames = self._spectrum(waveform, lengths)
        x = masked(conv_norm(x, self.first, self.first_norm), frames).relu_()
        x, frames = pooled(x, 3, 2), pooled_length(frames, 2)
        for block in self.blocks:
            x, frames = block(x, frames)
        x = pooled(x, 3)  # over frequency only (table 1)
        x = self.last(x).relu().squeeze(-1).transpose(1, 2)
        return functional.normalize(self.linear(self.aggregate(x, frames)), dim=-1)

    def _spectrum(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Magnitudes `(batch, 1, frame, bin)`, each bin normalised over the utterance's frames."""
        magnitude = self.log_mel.stft(waveform).abs().transpose(1, 2)
        frames = lengths // self.log_mel.hop_length + 1
        magnitude = magnitude[:, : int(frames.max())]
        mask = valid_mask(frames, magnitude.shape[1])[..., None]
        count = frames[:, None, None]
        mean = (magnitude * mask).sum(1, keepdim=True) / count
        centred = (magnitude - mean) * mask
        deviation = (centred.square().sum(1, keepdim=True) / count).sqrt()
        spectrum = centred / deviation.clamp(min=1e-5)
        return spectrum[..., None].permute(0, 3, 1, 2), frames  # channels last, also in memory
