"""What is heard in the sounds of a mask."""

from collections.abc import Sequence

from evaluation.masks.rows import SoundRow
from evaluation.masks.scopes import Span, scope_of, span_name
from evaluation.masks.sounds import Sound
from evaluation.masks.subjects import Subjects
from evaluation.transcripts import transcribe, transcript_errors


def sound_rows(
    subjects: Subjects, row: int, sounds: Sequence[Sound], model: str, span: Span | None = None
) -> list[SoundRow]:
    """Transcribes each sound, alone, and holds it against what is heard in the utterance.

    Args:
        subjects: the utterances.
        row: which one.
        sounds: of it, see `mask_sounds`.
        model: its name, for the table.
        span: what the mask is to keep, for the table (None: the whole utterance).
    """
    reference = subjects.texts[row]
    kept = (model, subjects.batch.ids[row], scope_of(span), span_name(span))
    found = []
    for sound in sounds:
        (text,) = transcribe(subjects.recogniser, [sound.waveform])
        errors = transcript_errors(reference, text).score("cer")
        same = text == reference
        cells = (text, same, errors.value)
        found.append(SoundRow(*kept, sound.name, sound.muted_share, *cells))
    return found
