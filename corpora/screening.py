"""Why an utterance cannot be used, in one line; and what is worth a remark."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from lhotse.cut import Cut

from corpora.corpus import SAMPLE_RATE
from corpora.text import DEFAULT_ALPHABET, normalise

SHORTEST_S = 0.25
_SILENT_PEAK = 1e-4
_CLIPPED_LEVEL, _CLIPPED_SHARE = 0.999, 1e-3


def transcript_problem(text: str, alphabet: str = DEFAULT_ALPHABET) -> str | None:
    """Why a transcript cannot be learnt or scored; None when it can."""
    cleaned, foreign = normalise(text, alphabet)
    if foreign:
        return f"transcript has characters outside the alphabet: {' '.join(map(repr, foreign))}"
    return None if cleaned else "transcript is empty"


def length_problem(duration_s: float) -> str | None:
    """Why an utterance of this duration is too short; None when it is not."""
    if duration_s < SHORTEST_S:
        return f"too short ({duration_s:.2f} s, at least {SHORTEST_S} s are needed)"
    return None


def waveform_problem(waveform: Float[np.ndarray, " sample"]) -> str | None:
    """Why the samples ``(sample,)`` cannot be used; None when they can."""
    if len(waveform) == 0:
        return "empty"
    if not np.isfinite(waveform).all():
        return "contains NaN or infinite samples"
    if np.abs(waveform).max() < _SILENT_PEAK:
        return "silent"
    return length_problem(len(waveform) / SAMPLE_RATE)


def waveform_remark(waveform: Float[np.ndarray, " sample"]) -> str | None:
    """A warning about samples that are used all the same; None when there is none."""
    share = float(np.mean(np.abs(waveform) >= _CLIPPED_LEVEL))
    return f"clipped ({100 * share:.1f} % of the samples)" if share >= _CLIPPED_SHARE else None


def cut_problem(cut: Cut, alphabet: str, needs_text: bool) -> str | None:
    """Why a cut cannot be used, as far as its manifest tells.

    Args:
        cut: The utterance.
        alphabet: The characters a recogniser can spell.
        needs_text: Whether its transcript is needed (for training it is).
    """
    if len(cut.supervisions) != 1:
        return f"has {len(cut.supervisions)} supervisions instead of one"
    problem = length_problem(cut.duration)
    if problem is None and needs_text:
        problem = transcript_problem(cut.supervisions[0].text or "", alphabet)
    return problem


def screened(
    cuts: Iterable[Cut], alphabet: str, needs_text: bool
) -> tuple[list[Cut], list[tuple[str, str]], list[tuple[str, str]]]:
    """The cuts that can be used as far as their manifests tell, in order of their ids.

    Returns:
        They; ``(utterance id, reason)`` of the others; ``(utterance id, remark)`` of transcripts
        that recognisers cannot spell, where they are not needed.
    """
    kept, problems, remarks = [], [], []
    for cut in sorted(cuts, key=lambda cut: str(cut.id)):
        problem = cut_problem(cut, alphabet, needs_text)
        if problem is not None:
            problems.append((cut.id, problem))
            continue
        foreign = transcript_problem(cut.supervisions[0].text or "", alphabet)
        remarks += [(cut.id, foreign)] if foreign is not None else []
        kept.append(cut)
    return kept, problems, remarks
