"""NVIDIA's public weights of Jasper in our network: a map of names, and outputs put in order."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from acoustics.errors import UserError
from asr_models.jasper import EXAMPLES_FLOOR, NEMO_FLOOR, PAPER, Jasper
from asr_models.jasper_checkpoint import read_checkpoint

NOT_THE_NETWORK = ("preprocessor.", "audio_preprocessor.", "acoustic_model.")
NEMO = ".mconv."
COUNTER = "num_batches_tracked"  # of the batch norms; nothing depends on it
SAME = (
    (r"^module\.", ""),
    (r"^jasper_(en|de)coder\.", r"\1coder."),  # DeepLearningExamples, 2019
    (r"^encoder\.encoder\.", "encoder.layers."),  # NeMo, and the former
    (r"^decoder\.decoder_layers\.", "decoder.layers."),
    (re.escape(NEMO), ".conv."),
    (r"\.(\d+)\.conv\.weight$", r".\1.weight"),  # NeMo's masked convolutions
)
OUTPUT = "decoder.layers.0"


def load_public_jasper(path: str | Path) -> Jasper:
    """Jasper 10x5 with the weights of a public checkpoint, frozen, on the CPU.

    Args:
        path: a `.pt` file of NVIDIA's DeepLearningExamples, or a `.nemo` or `.ckpt` file of NeMo.

    Raises:
        UserError: it cannot be read, or its weights are not those of a Jasper 10x5.
    """
    weights, labels = read_checkpoint(Path(path))  # first: a wrong file is said at once
    of_nemo = any(NEMO in name for name in weights)
    network = Jasper(**PAPER, floor=NEMO_FLOOR if of_nemo else EXAMPLES_FLOOR)
    copy_public_weights(network, weights, labels, str(path))
    network.freeze()
    return network


def copy_public_weights(
    network: Jasper, weights: Mapping[str, Tensor], labels: str, where: str
) -> None:
    """Put public weights into a Jasper of the same size.

    Args:
        network: filled in place.
        weights: by their public names, of any of NVIDIA's generations.
        labels: characters in the order of the outputs, the blank behind them.
        where: the file, for the error.

    Raises:
        UserError: names are missing, unknown or of another shape, or the characters are others.
    """
    named = {public_name(key): value for key, value in weights.items()}
    given = {
        name: value
        for name, value in named.items()
        if not name.startswith(NOT_THE_NETWORK) and not name.endswith(COUNTER)
    }
    ours = network.state_dict()
    wanted = {theirs: ours[own] for theirs, own in name_map(network)}
    if sorted(labels) != sorted(network.alphabet):
        raise UserError(
            f"{where}: its characters {labels!r} are not those of the alphabet "
            f"{network.alphabet!r}; give a model that spells with these"
        )
    _check(given, wanted, where)
    rows = [len(labels), *(labels.index(character) for character in network.alphabet)]
    with torch.no_grad():
        for name, own in wanted.items():
            value = given[name][rows] if name.startswith(OUTPUT) else given[name]
            own.copy_(value.reshape(own.shape))


def public_name(key: str) -> str:
    """A key of any generation as the DeepLearningExamples of 2020 have it."""
    for pattern, replacement in SAME:
        key = re.sub(pattern, replacement, key)
    return key


def name_map(network: Jasper) -> Iterator[tuple[str, str]]:
    """Public name and our name of every weight and statistic."""
    for conv, norm, own in _convolutions(network):
        yield f"{conv}.weight", f"{own}.conv.weight"
        for part in ("weight", "bias", "running_mean", "running_var"):
            yield f"{norm}.{part}", f"{own}.norm.{part}"
    for part in ("weight", "bias"):
        yield f"{OUTPUT}.{part}", f"head.{part}"


def _convolutions(network: Jasper) -> Iterator[tuple[str, str, str]]:
    """Public names of every convolution and its norm, and ours of both.

    A public block lists convolution, norm, ReLU and dropout of each sub-block in one row.
    """
    stages = len(network.config["widths"])
    last = network.config["sub_blocks"] - 1
    for stage in range(stages):
        block, theirs = stage - 1, f"encoder.layers.{stage}"
        if 0 <= block < len(network.blocks):
            for i in range(last + 1):
                yield (
                    f"{theirs}.conv.{4 * i}",
                    f"{theirs}.conv.{4 * i + 1}",
                    f"blocks.{block}.subs.{i}.main",
                )
            for i in range(stage):
                own = f"blocks.{block}.subs.{last}.shortcuts.{i}"
                yield f"{theirs}.res.{i}.0", f"{theirs}.res.{i}.1", own
        else:
            own = "prologue" if stage == 0 else f"epilogue.{block - len(network.blocks)}"
            yield f"{theirs}.conv.0", f"{theirs}.conv.1", f"{own}.main"


def _check(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: str) -> None:
    shapes = {name: _public_shape(own) for name, own in wanted.items()}
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    other = [n for n, shape in shapes.items() if n in given and tuple(given[n].shape) != shape]
    said = []
    if missing:
        said.append(f"{len(missing)} names are missing (first {missing[0]})")
    if unknown:
        said.append(f"{len(unknown)} are unknown (first {unknown[0]})")
    if other:
        first = other[0]
        said.append(
            f"{len(other)} are of another shape (first {first}: {tuple(given[first].shape)} "
            f"instead of {shapes[first]})"
        )
    if said:
        raise UserError(f"{where}: not the weights of this Jasper: {', '.join(said)}")


def _public_shape(own: Tensor) -> tuple[int, ...]:
    """Theirs are 1-D convolutions, the output included."""
    if own.ndim == 4:
        return tuple(own.shape[:-1])
    return (*own.shape, 1) if own.ndim == 2 else tuple(own.shape)
