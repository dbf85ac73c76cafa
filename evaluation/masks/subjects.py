"""What is masked: utterances as a recogniser's normalised frames, and what it says to them."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from acoustics.errors import UserError
from acoustics.frames import valid_mask
from asr_models.recogniser import FrameRecogniser, Recogniser
from corpora.batch import SpeechBatch
from corpora.screening import waveform_problem


@dataclass(frozen=True)
class Subjects:
    """Utterances to be masked, on the recogniser's device.

    Attributes:
        recogniser: frozen.
        batch: the utterances.
        normal: their normalised frames X, of which 0 is the mean.
        counts: valid frames.
        log_probs: what the recogniser says, y(X).
        steps: valid steps of it.
    """

    recogniser: FrameRecogniser
    batch: SpeechBatch
    normal: Float[Tensor, "batch frame band"]
    counts: Int[Tensor, " batch"]
    log_probs: Float[Tensor, "batch step token"]
    steps: Int[Tensor, " batch"]

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self.normal)

    @property
    def classes(self) -> Int[Tensor, "batch step"]:
        """The likeliest token of every step."""
        return self.log_probs.argmax(-1)

    @property
    def spoken(self) -> Bool[Tensor, "batch step"]:
        """Steps inside each utterance."""
        return valid_mask(self.steps, self.log_probs.shape[1])

    @property
    def inside(self) -> Bool[Tensor, "batch frame band"]:
        """Entries inside each utterance."""
        mask = valid_mask(self.counts, self.normal.shape[1])
        return mask[..., None].expand_as(self.normal)

    @property
    def entries(self) -> Int[Tensor, " batch"]:
        """How many these are."""
        return self.counts * self.normal.shape[2]

    @property
    def texts(self) -> list[str]:
        """What the recogniser spells."""
        return self.recogniser.spelt(self.log_probs, self.steps)

    @property
    def frame_s(self) -> float:
        """Seconds from one frame to the next."""
        log_mel = self.recogniser.log_mel
        return log_mel.hop_length / log_mel.config["sample_rate"]

    @property
    def step_s(self) -> float:
        """Seconds from one step of the output to the next."""
        *_, last = self.recogniser.layers.values()
        rate = self.recogniser.log_mel.config["sample_rate"]
        return last.timing.stride / self.recogniser.tokens_per_state / rate

    def says(
        self, mask: Float[Tensor, "batch frame band"] | Bool[Tensor, "batch frame band"]
    ) -> Float[Tensor, "batch step token"]:
        """Log-probabilities of the masked frames, y(M * X)."""
        return self.recogniser.from_frames(mask * self.normal, self.counts)[0]

    def select(self, rows: list[int]) -> "Subjects":
        """Some of the utterances, or one several times."""
        tensors = (self.normal, self.counts, self.log_probs, self.steps)
        normal, counts, log_probs, steps = (x[rows] for x in tensors)
        batch = self.batch.select(rows)
        return Subjects(self.recogniser, batch, normal, counts, log_probs, steps)

    def ordinary(self) -> "Subjects":
        """The same, of tensors that gradients can pass; to be called outside of inference mode."""
        tensors = (self.normal, self.counts, self.log_probs, self.steps)
        normal, counts, log_probs, steps = (x.clone() for x in tensors)
        return Subjects(self.recogniser, self.batch, normal, counts, log_probs, steps)

    def alone(self, row: int) -> "Subjects":
        """One of the utterances without the others, heard anew."""
        batch = self.batch.select([row])
        counts = self.counts[row : row + 1]
        normal = self.normal[row : row + 1, : int(counts)]
        with torch.no_grad():
            log_probs, steps = self.recogniser.from_frames(normal, counts)
        return Subjects(self.recogniser, batch, normal, counts, log_probs, steps)


def require_frames(recogniser: Recogniser) -> FrameRecogniser:
    """The recogniser as one whose frames can be masked.

    Raises:
        UserError: it has no classes, or reads waveforms.
    """
    recogniser.require_classes("an importance mask")
    if not isinstance(recogniser, FrameRecogniser):
        raise UserError(
            f"{type(recogniser).__name__} reads waveforms and has no frames to mask, so an "
            "importance mask does not apply to it; probes, sonification and audiation do"
        )
    return recogniser


@torch.no_grad()
def hear(
    recogniser: Recogniser, batch: SpeechBatch
) -> tuple[Subjects | None, list[tuple[str, str]]]:
    """Utterances of a batch that can be masked, and the others with the reason.

    What is silent, shorter than 0.25 s or not finite cannot, nor what the recogniser answers with
    NaN.

    Returns:
        The subjects (None if there are none), and `(utterance id, reason)`.

    Raises:
        UserError: masks do not apply to the recogniser.
    """
    framed = require_frames(recogniser)
    failures, rows = list(batch.failures), []
    for row, name in enumerate(batch.ids):
        samples = batch.waveform[row, : int(batch.lengths[row])].cpu().numpy()
        problem = waveform_problem(samples)
        if problem:
            failures.append((name, f"{problem}, so there is nothing to mask"))
        else:
            rows.append(row)
    while rows:
        subjects = _subjects(framed, batch.select(rows))
        reasons = _broken(subjects)
        if not any(reasons):
            return subjects, failures
        named = zip(subjects.batch.ids, reasons, strict=True)
        failures += [(name, reason) for name, reason in named if reason]
        rows = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
    return None, failures


def _subjects(recogniser: FrameRecogniser, batch: SpeechBatch) -> Subjects:
    device = next(recogniser.parameters()).device
    lengths = batch.lengths.to(device)
    waveform = batch.waveform[:, : int(lengths.max())].to(device)
    frames, counts = recogniser.frontend.frames(waveform, lengths)
    normal = recogniser.frontend.normalise(frames, counts)
    log_probs, steps = recogniser.from_frames(normal, counts)
    return Subjects(recogniser, batch, normal, counts, log_probs, steps)


def _broken(subjects: Subjects) -> list[str]:
    """Why an utterance cannot be masked after all, or nothing."""
    reasons = []
    name = type(subjects.recogniser).__name__
    for row, count in enumerate(subjects.steps.tolist()):
        normal, said = subjects.normal[row], subjects.log_probs[row, :count]
        if not bool(torch.isfinite(normal).all()):
            reasons.append(f"the front-end of {name} gives NaN or infinity for it")
        elif bool(said.isnan().any()):
            reasons.append(f"{name} answers it with NaN; its weights are broken")
        elif not bool(normal.any()):
            reasons.append("all its frames are alike, so there is nothing to mask")
        else:
            reasons.append("")
    return reasons
