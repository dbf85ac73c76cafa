"""Audio files that belong to no corpus, and utterances chosen from one, as batches."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import soundfile
from lhotse import MonoCut, MultiCut, Recording, SupervisionSegment
from lhotse.cut import Cut

from corpora.batch import SpeechBatch
from corpora.dataset import SpeechDataset
from corpora.samplers import OnceSampler
from corpora.selection import in_order
from corpora.text import DEFAULT_ALPHABET


def cuts_of_files(files: Sequence[str | Path]) -> tuple[list[Cut], list[tuple[str, str]]]:
    """Each file as an utterance without a transcript, whose id is the file's name.

    Where several files have one name, their ids are the paths as given; a file that is given twice
    counts once.

    Returns:
        The cuts of what is audio, and ``(id, reason)`` of the rest.
    """
    paths = list(dict.fromkeys(Path(file) for file in files))
    stems = [path.stem for path in paths]
    cuts: list[Cut] = []
    problems = []
    for path, stem in zip(paths, stems, strict=True):
        name = stem if stems.count(stem) == 1 else str(path)
        try:
            channels = soundfile.info(str(path)).channels
            recording = Recording.from_file(path, recording_id=name)
        except Exception as error:  # every decoder has exceptions of its own
            reason = str(error).strip().splitlines() or [type(error).__name__]
            missing = "there is no such file" if not path.is_file() else f"unreadable: {reason[0]}"
            problems.append((name, missing))
            continue
        kept = SupervisionSegment(name, name, 0.0, recording.duration)
        common = {"id": name, "start": 0.0, "duration": recording.duration, "supervisions": [kept]}
        if channels == 1:
            cuts.append(MonoCut(**common, channel=0, recording=recording))
        else:
            cuts.append(MultiCut(**common, channel=list(range(channels)), recording=recording))
    return cuts, problems


def batches_of(
    cuts: Iterable[Cut], batch_duration_s: float, alphabet: str = DEFAULT_ALPHABET
) -> Iterator[SpeechBatch]:
    """Some utterances, clean, in batches of similar durations.

    Args:
        cuts: The utterances.
        batch_duration_s: Summed duration of the utterances of a batch, in seconds.
        alphabet: The characters that transcripts are normalised to.
    """
    dataset = SpeechDataset(alphabet=alphabet)
    yield from map(dataset.__getitem__, OnceSampler(in_order(cuts, "duration"), batch_duration_s))
