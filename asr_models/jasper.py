"""Jasper 10x5 with dense residuals (Li et al. 2019, arXiv:1904.03288), the article's recogniser."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, channels_last, nn

from acoustics.errors import UserError
from acoustics.frames import Timing, pooled_length, valid_mask
from acoustics.mel import LogMel
from asr_models.frontend import NormalisedBands
from asr_models.jasper_blocks import ConvNorm, DenseBlock, SubBlock
from asr_models.layer import Layer
from asr_models.recogniser import FrameRecogniser
from corpora.text import DEFAULT_ALPHABET

N_MELS, WINDOW = 64, 320  # bands, samples (20 ms)
NEMO_FLOOR, EXAMPLES_FLOOR = 3e-6, 1e-7  # powers
STRIDE = 2  # mel frames, of the prologue
EPILOGUE = 2  # stages behind the blocks
DILATION = 2  # of the first of them

PAPER: dict[str, Any] = {
    "widths": [256, 256, 256, 384, 384, 512, 512, 640, 640, 768, 768, 896, 1024],
    "kernels": [11, 11, 11, 13, 13, 17, 17, 21, 21, 25, 25, 29, 1],
    "sub_blocks": 5,
    "dropout": [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.3, 0.3, 0.3, 0.3, 0.4, 0.4],
}
"""Arguments of the paper's Jasper 10x5 (its Table 1), which the public weights are of: 333 M."""


class Jasper(FrameRecogniser):
    """1-D convolutions only: a prologue, blocks of sub-blocks with dense residuals, an epilogue.

    Layers are tapped behind their ReLU: `prologue`, `block1.sub1` to `blockB.subR`, `epilogue1`
    and `epilogue2`. The article counts from 0 and ends with `epilogue1`; see `article_numbers`.
    A state every 20 ms, centred on the first of its two mel frames, as the prologue strides.

    What it hears is NVIDIA's: 64 bands on Slaney's mel scale, power spectrum, Hann window of 20 ms,
    pre-emphasis 0.97, each band normalised over the utterance. What differs, and so is new to
    public weights: no dither (theirs adds 1e-5 of noise); powers are raised to `floor`, where NeMo
    adds 2^-24 to bands of area 1 and the DeepLearningExamples leave it to the dither; the window is
    periodic; the sound is continued with zeros, not mirrored; silence at the ends is not trimmed;
    there may be one frame more. On LibriSpeech a band correlates with NeMo's by 0.999 on average.

    Args:
        widths: channels of the prologue, of each block, and of the two stages of the epilogue.
        kernels: of the same, in states; odd.
        sub_blocks: in each block.
        dropout: of the same, in training only (empty: none).
        floor: powers below it are raised to it. In the lowest bands of speech 3e-6 acts as NeMo's
            guard, 1e-7 as the DeepLearningExamples' dither.
        alphabet: characters; token `i + 1` is `alphabet[i]`, token 0 the blank.

    Raises:
        UserError: there is no block, a list is of another length, or a kernel is even.
    """

    def __init__(
        self,
        widths: Sequence[int] = (96, 96, 96, 96, 96, 96, 128, 160),
        kernels: Sequence[int] = (11, 11, 13, 17, 21, 25, 29, 1),
        sub_blocks: int = 3,
        dropout: Sequence[float] = (),
        floor: float = NEMO_FLOOR,
        alphabet: str = DEFAULT_ALPHABET,
    ) -> None:
        super().__init__()
        check_sizes(widths, kernels, sub_blocks, dropout)
        self.config = {
            "widths": list(widths),
            "kernels": list(kernels),
            "sub_blocks": sub_blocks,
            "dropout": list(dropout),
            "floor": floor,
            "alphabet": alphabet,
        }
        self.alphabet = alphabet
        self.log_mel = LogMel(
            n_mels=N_MELS, win_length=WINDOW, floor=floor, mel_scale="slaney", power=2
        )
        self.frontend = NormalisedBands(self.log_mel)
        rates, blocks = list(dropout) or [0.0] * len(widths), len(widths) - EPILOGUE
        entrance = ConvNorm(N_MELS, widths[0], kernels[0], stride=STRIDE)
        self.prologue = SubBlock(entrance, widths[0], rates[0])
        self.blocks = nn.ModuleList(
            DenseBlock(widths[:i], widths[i], kernels[i], sub_blocks, rates[i])
            for i in range(1, blocks)
        )
        self.epilogue = nn.ModuleList(
            SubBlock(
                ConvNorm(widths[i - 1], widths[i], kernels[i], dilation=dilation),
                widths[i],
                rates[i],
            )
            for i, dilation in ((blocks, DILATION), (blocks + 1, 1))
        )
        self.to(memory_format=channels_last)  # type: ignore[call-overload]
        self.head = nn.Linear(widths[-1], len(alphabet) + 1)
        self.layers = jasper_layers(widths, sub_blocks, self.log_mel.hop_length)

    @property
    def article_numbers(self) -> dict[str, int]:
        """The article's number of each layer that it counts: the prologue is Layer 0."""
        *counted, _ = self.layers.values()
        return {layer.name: layer.depth - 1 for layer in counted}

    def from_frames(
        self, normal: Float[Tensor, "batch frame band"], counts: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch state token"], Int[Tensor, " batch"]]:
        """Log-probabilities `(batch, state, token)` at half of the mel rate."""
        x = self.frontend.expand(normal, counts)
        states = pooled_length(counts, STRIDE)
        mask = valid_mask(states, int(states.max()))[:, None, :, None]
        inputs = [self.prologue(x.contiguous(memory_format=channels_last), mask)]
        for block in self.blocks:
            inputs.append(block(inputs, mask))
        x = inputs[-1]
        for stage in self.epilogue:
            x = stage(x, mask)
        return self.head(x.squeeze(-1).transpose(1, 2)).log_softmax(-1), states


def jasper_layers(widths: Sequence[int], sub_blocks: int, hop_length: int) -> dict[str, Layer]:
    """Every layer in order of depth; a depth is the article's number and 1.

    Args:
        widths: channels of the prologue, of each block, and of the two stages of the epilogue.
        sub_blocks: in each block.
        hop_length: samples of a mel frame.
    """
    first, *blocks, wide, last = widths
    places = [("prologue", "prologue", first)]
    inputs, ends = dict[str, tuple[str, ...]](), ["prologue"]
    for i, width in enumerate(blocks):
        for j in range(sub_blocks):
            before, name = places[-1][0], f"block{i + 1}.sub{j + 1}"
            places.append((name, f"blocks.{i}.subs.{j}", width))
        inputs[name] = tuple(dict.fromkeys([*ends, before]))  # its block's dense residuals
        ends.append(name)
    places += [("epilogue1", "epilogue.0", wide), ("epilogue2", "epilogue.1", last)]
    timing = Timing(hop_length * STRIDE)
    return {
        name: Layer(name, module, depth, timing, width, width, inputs.get(name))
        for depth, (name, module, width) in enumerate(places, start=1)
    }


def check_sizes(
    widths: Sequence[int], kernels: Sequence[int], sub_blocks: int, dropout: Sequence[float]
) -> None:
    """Refuse sizes that are not those of a Jasper.

    Raises:
        UserError: names the argument.
    """
    stages = len(widths)
    if stages < 2 + EPILOGUE or sub_blocks < 1:
        raise UserError(
            f"Jasper: widths {list(widths)} and {sub_blocks} sub_blocks leave nothing between "
            "the prologue and the two stages of the epilogue; give at least one block"
        )
    for name, values in (("kernels", kernels), ("dropout", dropout)):
        if len(values) != stages and (values or name == "kernels"):
            raise UserError(f"Jasper: {name} {list(values)} must be {stages}, as widths are")
    if any(kernel % 2 == 0 for kernel in kernels):
        raise UserError(f"Jasper: kernels {list(kernels)} must be odd, so that states have centres")
