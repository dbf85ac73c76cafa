"""A corpus in files, with alignments, out of made-up speech; all names in it may be hostile."""

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from lhotse import CutSet, MonoCut, Recording
from lhotse.utils import fastcopy
from made_up_speech import MadeUpSpeech

from corpora.corpus import SAMPLE_RATE
from corpora.manifests import ManifestCorpus
from evaluation.listening import safe_name, write_audio

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img/src=x/onerror=alert(2)>",
    "\"'><b/onmouseover='alert(3)'>",
    "../../../etc/passwd",
    "100%25%",
    "a\u2028b\u2029c",
    "&lt;&amp;#model=x&feature=y/0",
    "{{7*7}}${7*7}{%if%}",
    "[/b][red]",  # markup of the terminal
)
TEST_EVERY = 3  # utterances

Spell = Callable[[str], str]
"""How a name is written: as it is, or by `hostile`."""


def hostile(name: str) -> str:
    """The name, with something behind it that a page must show as text and a path must not follow.

    Which one depends on the name alone, and different names stay different.
    """
    return name + HOSTILE[zlib.crc32(name.encode()) % len(HOSTILE)]


def make_corpus(
    folder: Path, minutes: float, spell: Spell = str
) -> tuple[ManifestCorpus, dict[str, MonoCut]]:
    """Writes sounds and manifests; every third speaker is for testing.

    Args:
        folder: where to.
        minutes: of speech.
        spell: how utterances, speakers, words and phones are written.

    Returns:
        The corpus, and its cuts by id.
    """
    speech = MadeUpSpeech(minutes)
    cuts = [_cut(folder / "sounds", speech, i, spell) for i in range(len(speech.lengths))]
    splits = {
        "test": [cut for i, cut in enumerate(cuts) if i % TEST_EVERY == 0],
        "train": [cut for i, cut in enumerate(cuts) if i % TEST_EVERY],
    }
    paths = {split: str(folder / f"{split}.jsonl") for split in splits}
    for split, mine in splits.items():
        CutSet.from_cuts(mine).to_file(paths[split])
    return ManifestCorpus(**paths), {str(cut.id): cut for cut in cuts}


def split_of(cuts: Mapping[str, MonoCut]) -> list[str]:
    """The split of each cut, in order."""
    return ["train" if i % TEST_EVERY else "test" for i in range(len(cuts))]


def _cut(folder: Path, speech: MadeUpSpeech, number: int, spell: Spell) -> MonoCut:
    bare = speech.cut(number)
    (said,) = bare.supervisions
    name, path = spell(str(bare.id)), folder / f"{safe_name(spell(str(bare.id)))}.flac"
    write_audio(path, speech.waveform(number).numpy(), SAMPLE_RATE)
    assert said.alignment
    tiers = {
        tier: [item._replace(symbol=spell(item.symbol)) for item in items]
        for tier, items in said.alignment.items()
    }
    recording = Recording.from_file(path, recording_id=name)
    spoken = fastcopy(
        said,
        id=name,
        recording_id=name,
        duration=recording.duration,
        speaker=spell(str(said.speaker)),
        text=" ".join(item.symbol for item in tiers["word"]),
        alignment=tiers,
    )
    return MonoCut(name, 0.0, recording.duration, 0, recording=recording, supervisions=[spoken])
