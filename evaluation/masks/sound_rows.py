"""What is heard in the sounds of a mask."""

from collections.abc import Sequence

from evaluation.masks.rows import SoundRow
from evaluation.masks.sounds import Sound
from evaluation.masks.subjects import Subjects
from evaluation.transcripts import transcribe, transcript_errors


def sound_rows(
    subjects: Subjects, row: int, sounds: Sequence[Sound], model: str, scope: str
) -> list[SoundRow]:
    """Transcribes each sound, alone, and holds it against what is heard in the utterance.

    Args:
        subjects: the utterances.
        row: which one.
        sounds: of it, see `mask_sounds`.
        model: its name, for the table.
        scope: what the mask is for, for the table.
    """
    utterance, reference = subjects.batch.ids[row], subjects.texts[row]
    found = []
    for sound in sounds:
        (text,) = transcribe(subjects.recogniser, [sound.waveform])
        errors = transcript_errors(reference, text).score("cer")
        same = text == reference
        cells = (model, utterance, scope, sound.name, sound.muted_share, text, same, errors.value)
        found.append(SoundRow(*cells))
    return found
