"""What the corpora that are indexed file by file have in common."""

import json
from pathlib import Path

from lhotse import CutSet, SupervisionSegment
from lhotse.cut import Cut

from acoustics.errors import UserError
from corpora.corpus import Split
from corpora.folders import recording_from_file
from corpora.seeding import derived_seed

_PROBLEMS = "problems.json"


def file_cut(
    path: Path,
    root: Path,
    name: str,
    speaker: str,
    gender: str | None,
    text: str = "",
    language: str | None = None,
) -> Cut:
    """The cut of a whole audio file, its path relative to ``root``.

    Raises:
        ValueError: When the header cannot be read or announces no samples.
    """
    recording = recording_from_file(path, name)
    recording.sources[0].source = path.relative_to(root).as_posix()
    cut = recording.to_cut()
    cut.id = name
    cut.supervisions = [
        SupervisionSegment(
            id=name,
            recording_id=name,
            start=0.0,
            duration=recording.duration,
            channel=cut.channel,
            text=text,
            language=language,
            speaker=speaker,
            gender=gender,
        )
    ]
    return cut


def hold_out(cuts: dict[Split, list[Cut]], count: int, seed: int, where: str) -> None:
    """Move ``count`` training speakers to the development split.

    Args:
        cuts: The splits, which are changed.
        count: How many speakers.
        seed: Seed of their choice.
        where: Corpus and folder, for the error.

    Raises:
        UserError: When no speaker would be left for training.
    """
    held_out = choose_speakers(cuts["train"], count, seed, where)
    cuts["dev"] = [c for c in cuts["train"] if c.supervisions[0].speaker in held_out]
    cuts["train"] = [c for c in cuts["train"] if c.supervisions[0].speaker not in held_out]


def write_index(
    folder: Path,
    cuts: dict[Split, list[Cut]],
    problems: dict[Split, list[tuple[str, str]]],
) -> None:
    """Write a manifest for each split, and what could not be listed in them."""
    for split, found in cuts.items():
        CutSet.from_cuts(found).to_file(folder / f"{split}.jsonl.gz")
    (folder / _PROBLEMS).write_text(json.dumps(problems))


def read_problems(folder: Path, split: Split) -> list[tuple[str, str]]:
    """What `write_index` was told of a split."""
    return [(name, reason) for name, reason in json.loads((folder / _PROBLEMS).read_text())[split]]


def choose_speakers(cuts: list[Cut], count: int, seed: int, where: str) -> set[str]:
    """Speakers to hold out, of each sex in turn, beginning with the one that has more speakers.

    Raises:
        UserError: When no speaker would be left for training; it begins with ``where``.
    """
    groups: dict[str, list[str]] = {}
    for cut in cuts:
        group = groups.setdefault(cut.supervisions[0].gender or "", [])
        if cut.supervisions[0].speaker not in group:
            group.append(cut.supervisions[0].speaker)
    total = sum(map(len, groups.values()))
    if total <= count:
        found = "only one speaker was" if total == 1 else f"{total} speakers were"
        way_out = "add speakers" if total == 1 else "set it lower, or add speakers"
        raise UserError(
            f"{where}: {found} found with usable audio and dev_speakers is {count}, which leaves "
            f"no speaker for training; {way_out}"
        )
    queues = sorted(
        (sorted(g, key=lambda s: derived_seed(seed, s)) for g in groups.values()),
        key=len,
        reverse=True,
    )
    chosen: list[str] = []
    while len(chosen) < count:
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(queue.pop())
    return set(chosen)
