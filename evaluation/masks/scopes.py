"""What a mask has to keep: the whole utterance, one word, one character or phone."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from lhotse.supervision import AlignmentItem
from torch import Tensor
from torchaudio.functional import forced_align, merge_tokens

from acoustics.errors import UserError
from acoustics.frames import states_between
from asr_models.recogniser import Recogniser
from corpora.tiers import label_of
from evaluation.masks.mask_settings import Scope
from evaluation.masks.subjects import Subjects


class Span(NamedTuple):
    """Steps of an output, from `first` to before `stop`, that say `label`, a word or the like."""

    label: str
    first: int
    stop: int
    scope: Scope = "word"


def scope_of(span: Span | None) -> Scope:
    """What a mask is to keep: the whole utterance where there is no span."""
    return "utterance" if span is None else span.scope


def span_name(span: Span | None) -> str:
    """A label with its first step, as `sea@41`; nothing for a whole utterance."""
    return "" if span is None else f"{span.label}@{span.first}"


def aligned_characters(subjects: Subjects, texts: Sequence[str] | None = None) -> list[list[Span]]:
    """Where each character is said, by the likeliest path of CTC.

    Args:
        subjects: the utterances.
        texts: that are aligned (None: what the recogniser spells itself, its greedy path).

    Raises:
        UserError: a text is longer than its output has steps, or outside the alphabet.
    """
    texts = subjects.texts if texts is None else texts
    rows = zip(subjects.log_probs, subjects.steps.tolist(), texts, strict=True)
    return [_aligned(subjects.recogniser, said[:count].cpu(), text) for said, count, text in rows]


def _aligned(
    recogniser: Recogniser, log_probs: Float[Tensor, "step token"], text: str
) -> list[Span]:
    tokens = recogniser.tokens_of(text)
    if not tokens:
        return []
    try:
        path, scores = forced_align(log_probs[None].float(), torch.tensor([tokens]))
    except RuntimeError:
        steps = len(log_probs)
        reason = f"'{text}' cannot be aligned: it has more characters than the output its {steps}"
        raise UserError(f"{reason} steps can say; choose a longer utterance") from None
    spans = merge_tokens(path[0], scores[0])
    return [Span(text[i], s.start, s.end, "character") for i, s in enumerate(spans)]


def aligned_words(subjects: Subjects, texts: Sequence[str] | None = None) -> list[list[Span]]:
    """Where each word is said: from its first character to its last; see `aligned_characters`."""
    found = []
    for spans in aligned_characters(subjects, texts):
        words: list[Span] = []
        fresh = True
        for label, first, stop, _ in spans:
            if label == " ":
                fresh = True
            elif fresh:
                words.append(Span(label, first, stop))
                fresh = False
            else:
                words[-1] = Span(words[-1].label + label, words[-1].first, stop)
        found.append(words)
    return found


def timed_spans(recogniser: Recogniser, items: Sequence[AlignmentItem], steps: int) -> list[Span]:
    """Phones of an alignment in time, as the steps that are centred in them.

    CTC says a sound when it has heard enough of it, which may be later: `aligned_words` tells
    when a word is said, this one what is said while a phone is heard.

    Args:
        recogniser: whose steps they are.
        items: a tier of an alignment.
        steps: valid ones of the utterance.
    """
    if not items:
        return []
    *_, last = recogniser.layers.values()
    rate, each = recogniser.log_mel.config["sample_rate"], recogniser.tokens_per_state
    start = torch.tensor([round(item.start * rate) for item in items])
    end = torch.tensor([round(item.end * rate) for item in items])
    states = torch.full_like(start, -(-steps // each))
    first, stop = (x * each for x in states_between(last.timing, start, end, states))
    spans = zip(items, first.tolist(), stop.clamp(max=steps).tolist(), strict=True)
    return [Span(label_of(item), begin, until, "phone") for item, begin, until in spans]


def find_span(spans: Sequence[Span], label: str, utterance: str) -> Span:
    """The first span with a label.

    Raises:
        UserError: there is none; what there is is listed.
    """
    for span in spans:
        if span.label == label:
            return span
    there = ", ".join(dict.fromkeys(span.label for span in spans)) or "nothing"
    raise UserError(f"'{label}' is not in what is said in {utterance} ({there}); choose one of it")


def required_steps(
    subjects: Subjects, spans: Sequence[Span | None] | None = None
) -> Bool[Tensor, "batch step"]:
    """The steps whose class a mask has to keep.

    Args:
        subjects: the utterances.
        spans: one for each; None for a whole utterance, or for all.
    """
    required = subjects.spoken.clone()
    for row, span in zip(required, spans or [None] * len(required), strict=True):
        if span is not None:
            row[: span.first] = False
            row[span.stop :] = False
    return required


def required_text(
    subjects: Subjects,
    log_probs: Float[Tensor, "batch step token"],
    required: Bool[Tensor, "batch step"],
) -> list[str]:
    """What an output spells in the required steps."""
    lengths: Int[Tensor, " batch"] = required.sum(1)
    order = (~required).int().argsort(dim=1, stable=True)  # required ones first
    chosen = log_probs.gather(1, order[..., None].expand_as(log_probs))
    return subjects.recogniser.spelt(chosen, lengths)
