"""Word and character errors of one transcript, so that rates can be pooled over utterances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torchmetrics.functional.text import char_error_rate, word_error_rate

from asr_models.recogniser import Recogniser
from evaluation.quality import Score


@dataclass(frozen=True)
class TranscriptErrors:
    """Edit distances of one utterance, and the lengths they are divided by.

    Characters include the spaces between words.
    """

    word_errors: int
    n_words: int
    char_errors: int
    n_chars: int

    def score(self, metric: str) -> Score:
        """`wer` or `cer` in percent, or the reason why there is none."""
        errors, length = {
            "wer": (self.word_errors, self.n_words),
            "cer": (self.char_errors, self.n_chars),
        }[metric]
        return Score(100 * errors / length) if length else Score(None, "the reference is empty")


def transcript_errors(reference: str, hypothesis: str) -> TranscriptErrors:
    """Counts substitutions, insertions and deletions; both texts as the alphabet writes them."""
    n_words, n_chars = len(reference.split()), len(reference)
    if not n_words:
        return TranscriptErrors(len(hypothesis.split()), 0, len(hypothesis), 0)
    # torchmetrics divides the edit distance by the length, in float32: exact when rounded back
    word_rate = float(word_error_rate([hypothesis], [reference]))
    char_rate = float(char_error_rate([hypothesis], [reference]))
    return TranscriptErrors(
        round(word_rate * n_words), n_words, round(char_rate * n_chars), n_chars
    )


def score_transcript(metric: str, reference: str, hypothesis: str, alphabet: str) -> Score:
    """`wer` or `cer` in percent; none where the reference cannot be spelled in `alphabet`."""
    unknown = sorted(set(reference) - set(alphabet))
    if unknown:
        return Score(None, f"transcript outside the alphabet: {''.join(unknown)}")
    return transcript_errors(reference, hypothesis).score(metric)


@torch.no_grad()
def transcribe(recogniser: Recogniser, waveforms: Sequence[np.ndarray]) -> list[str]:
    """What a recogniser hears in utterances, each of shape (sample,) in [-1, 1], as one batch."""
    device = next(recogniser.parameters()).device
    lengths = torch.tensor([len(waveform) for waveform in waveforms])
    padded = torch.zeros(len(waveforms), int(lengths.max()))
    for row, waveform in zip(padded, waveforms, strict=True):
        row[: len(waveform)] = torch.from_numpy(waveform)
    log_probs, steps = recogniser(padded.to(device), lengths.to(device))
    return recogniser.spelt(log_probs, steps)
