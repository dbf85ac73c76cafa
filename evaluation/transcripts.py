"""Word and character errors of one transcript, so that rates can be pooled over utterances."""

from dataclasses import dataclass

from torchmetrics.functional.text import char_error_rate, word_error_rate

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
