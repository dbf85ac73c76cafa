"""What probes learn, how they are scored, and what a probe that sees nothing would say."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from acoustics.frames import Rate, valid_mask


@dataclass(frozen=True)
class TargetStatistics:
    """Statistics of the log-mel target over training frames, each `(mel,)`.

    `constant` is the best constant under the probes' own loss, the median of each band: what a
    probe that sees nothing converges to. It is the floor `mean-mel`.
    """

    mean: Float[Tensor, " mel"]
    deviation: Float[Tensor, " mel"]
    constant: Float[Tensor, " mel"]


@dataclass(frozen=True)
class StateStatistics:
    """Mean and deviation of a layer's states over training speech, each `(width,)`."""

    mean: Float[Tensor, " width"]
    deviation: Float[Tensor, " width"]


class RunningStatistics:
    """Mean and deviation over batches of states, in the memory of one (Chan et al. 1979)."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Tensor = torch.zeros(())
        self.squares: Tensor = torch.zeros(())

    def update(self, states: Float[Tensor, "state width"]) -> None:
        """Take in the valid states of a batch."""
        count = self.count + len(states)
        if count == self.count:
            return
        variance, mean = torch.var_mean(states.float(), 0, correction=0)
        step = mean - self.mean.to(mean)
        between = step.square() * (self.count * len(states) / count)
        self.squares = self.squares.to(mean) + variance * len(states) + between
        self.mean = self.mean.to(mean) + step * (len(states) / count)
        self.count = count

    def statistics(self) -> StateStatistics:
        """What was found; a value that never moves keeps a deviation of 0.01."""
        deviation = (self.squares / max(1, self.count)).sqrt().clamp(min=1e-2)
        return StateStatistics(self.mean, deviation)


def target_statistics(frames: Float[Tensor, "frame mel"]) -> TargetStatistics:
    """Statistics of valid frames.

    Raises:
        ValueError: there is no frame.
    """
    if not len(frames):
        raise ValueError("no frame to take statistics of")
    deviation = frames.std(0, correction=0).clamp(min=1e-2)
    median = frames.sort(0).values[(len(frames) - 1) // 2]  # on CUDA `median` is not deterministic
    return TargetStatistics(frames.mean(0), deviation, median)


@dataclass(frozen=True)
class FlatTarget:
    """Targets lined up with the valid states of one rate, which form pieces of `r` frames.

    Attributes:
        states: which states of the batch are valid.
        mel: what each piece should say.
        valid: frames that lie inside the utterance.
    """

    states: Bool[Tensor, "batch state"]
    mel: Float[Tensor, "piece r mel"]
    valid: Bool[Tensor, "piece r"]


def flatten_target(
    mel: Float[Tensor, "batch frame mel"],
    frames: Int[Tensor, " batch"],
    states: Int[Tensor, " batch"],
    rate: Rate,
) -> FlatTarget:
    """Cut a target into the pieces that single states answer for; padding is never computed.

    Raises:
        ValueError: states and frames do not fit each other.
    """
    rate.check(states, frames)
    pieces = states // rate.stack
    most = int(pieces.max())
    kept = valid_mask(pieces, most)
    surplus = most * rate.expand - mel.shape[1]
    padded = functional.pad(mel, (0, 0, 0, surplus))
    valid = valid_mask(frames, most * rate.expand)
    shape = (len(mel), most, rate.expand)
    return FlatTarget(
        valid_mask(states, most * rate.stack),
        padded.reshape(*shape, -1)[kept],
        valid.reshape(shape)[kept],
    )


def masked_l1(predicted: Float[Tensor, "frame mel"], target: FlatTarget) -> Float[Tensor, ""]:
    """Mean absolute error over valid frames and bands, in nats of log magnitude."""
    error = (predicted.reshape(target.mel.shape) - target.mel).abs().mean(-1)
    return error[target.valid].mean()


def utterance_l1(
    predicted: Float[Tensor, "batch frame mel"],
    mel: Float[Tensor, "batch frame mel"],
    frames: Int[Tensor, " batch"],
) -> Float[Tensor, " batch"]:
    """Mean absolute error of each utterance over its valid frames."""
    mask = valid_mask(frames, mel.shape[1])
    error = (predicted - mel).abs().mean(-1) * mask
    return error.sum(1) / frames


def gather_frames(mel: Tensor, frames: Tensor) -> Float[Tensor, "frame mel"]:
    """Valid frames of a batch as one list."""
    return mel[valid_mask(frames, mel.shape[1])]
