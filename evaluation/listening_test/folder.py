"""The folder of a listening test: made of a run's audio, complete in itself, checked when loaded.

`triplets.csv` and `listen.json` hold the truth and are never served; `audio/` holds copies under
names that tell nothing; `answers/` holds one file for each listener.
"""

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acoustics.errors import UserError
from corpora.audio import AudioError
from evaluation.listening_test.run_audio import NATURAL, RunAudio, sounds_digest
from evaluation.listening_test.triplets import Triplet, key_of, make_triplets, opaque
from evaluation.records import read_rows, write_rows
from evaluation.sound_files import read_pcm

TRIPLETS, SETTINGS, AUDIO, ANSWERS = "triplets.csv", "listen.json", "audio", "answers"
VERSION = 3


@dataclass(frozen=True)
class ListeningTest:
    """A test as it lies on disk.

    Attributes:
        folder: where.
        settings: how it was made (listen.json).
        triplets: the questions, layer by layer.
    """

    folder: Path
    settings: dict[str, Any]
    triplets: list[Triplet]

    @property
    def check(self) -> str:
        """Name of the sound by which listeners set their volume."""
        return str(self.settings["volume_check"])

    @property
    def key(self) -> str:
        """By which names, sides and orders were drawn; listeners never see it."""
        return key_of(int(self.settings["seed"]), str(self.settings["salt"]))

    def sound(self, name: str) -> Path:
        """The file of a sound."""
        return self.folder / AUDIO / f"{name}.flac"


def build_test(
    audio: RunAudio, output: Path, per_layer: int = 10, seed: int = 0, pairs: str = "balanced"
) -> ListeningTest:
    """Draws the questions and writes the folder, whole or not at all.

    The same call finds its own work and leaves it, with its answers, as it is; made of other
    recordings, it is something else.

    Args:
        audio: what there is to hear.
        output: the folder to make.
        per_layer: questions of each layer.
        seed: of the questions, and of their order for each listener.
        pairs: as in `make_triplets`.

    Raises:
        UserError: too few speakers in a layer, an unreadable sound, or a folder that holds
            something else.
    """
    salt = audio.fingerprint()
    triplets = make_triplets(audio.layers, audio.depths, per_layer, seed, pairs, salt)
    check = opaque(key_of(seed, salt), "volume", 0)
    sources = _sources(audio, triplets, check)
    settings: dict[str, Any] = {
        "version": VERSION, "run": audio.run.resolve().name, "model": audio.model,
        "condition": audio.condition, "layers": audio.depths, "per_layer": per_layer, "seed": seed,
        "pairs": pairs, "volume_check": check, "triplets_sha256": digest(triplets), "salt": salt,
        "audio_sha256": sounds_digest(audio.run, audio.model, audio.condition, _sounds(triplets)),
        "copies_sha256": {name: _digest_of(source) for name, source in sorted(sources.items())},
        "notes": notes(audio, triplets),
    }  # fmt: skip
    settings["settings_sha256"] = settings_digest(settings)
    if _is_built(output, settings):
        return load_test(output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
        try:
            _fill(scratch, sources)
            write_rows(scratch / TRIPLETS, Triplet, triplets)
            (scratch / SETTINGS).write_text(json.dumps(settings, indent=2), encoding="utf-8")
            scratch.chmod(0o755)
            scratch.replace(output)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise UserError(
            f"{output}: cannot be written ({error.strerror or error}); free some space or choose "
            "another --output"
        ) from error
    return load_test(output)


def load_test(folder: Path) -> ListeningTest:
    """Reads a folder that `build_test` made.

    Raises:
        UserError: it is none, or something in it is missing or was changed, sounds included.
    """
    settings, triplets = _read(folder)
    test = ListeningTest(folder, settings, triplets)
    names = [test.check, *(name for triplet in triplets for name in triplet.sounds)]
    missing = [test.sound(name) for name in names if not test.sound(name).is_file()]
    if missing:
        raise UserError(
            f"{missing[0]}: is missing, with {len(missing) - 1} more; build another test"
        )
    for name in names:
        if _digest_of(test.sound(name)) != settings["copies_sha256"].get(name):
            raise UserError(
                f"{test.sound(name)}: was changed since it was built, so listeners would hear "
                "another sound than before; put it back or build another test"
            )
    return test


def why_unheard(folder: Path, run: Path) -> str:
    """Why the answers of a test are not to the recordings that a run has now; empty if they are.

    Args:
        folder: of the test.
        run: whose audio it is compared with.
    """
    try:
        settings, triplets = _read(folder)
        place = str(settings["model"]), str(settings["condition"])
        found = sounds_digest(run, *place, _sounds(triplets))
    except UserError as error:
        return f"the recordings of the listening test cannot be compared with this run's: {error}"
    if found == settings["audio_sha256"]:
        return ""
    return "the listening test heard other recordings than this run's; build it again"


def _read(folder: Path) -> tuple[dict[str, Any], list[Triplet]]:
    """Settings and questions of a test, checked."""
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        version = settings["version"]
    except (OSError, ValueError, TypeError, KeyError):
        raise UserError(
            f"{folder}: holds no listening test; make one with `otoscope listen build`"
        ) from None
    if version != VERSION:
        raise UserError(f"{folder / SETTINGS}: of another version of Otoscope; build another test")
    if settings_digest(settings) != settings.get("settings_sha256"):
        raise UserError(
            f"{folder / SETTINGS}: was changed since it was built, and with it who hears what in "
            "which order; put it back or build another test"
        )
    try:
        triplets = list(read_rows(folder / TRIPLETS, Triplet))
    except UserError as error:
        reason = str(error).rpartition(";")[0]
        raise UserError(f"{reason}; put it back or build another test") from error
    if digest(triplets) != settings["triplets_sha256"]:
        raise UserError(
            f"{folder / TRIPLETS}: was changed since it was built, so answers would be to other "
            "questions; put it back or build another test"
        )
    return settings, triplets


def _sounds(triplets: Sequence[Triplet]) -> list[tuple[str, str]]:
    """Layer and utterance of everything that is asked about."""
    return [(triplet.layer, name) for triplet in triplets for name in triplet.utterances]


def digest(triplets: Sequence[Triplet]) -> str:
    """SHA-256 of the questions, order included."""
    return hashlib.sha256("\n".join(map(repr, triplets)).encode()).hexdigest()


def settings_digest(settings: Mapping[str, Any]) -> str:
    """SHA-256 of all settings but itself: nothing is missing where it agrees."""
    told = {name: value for name, value in settings.items() if name != "settings_sha256"}
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _digest_of(sound: Path) -> str:
    try:
        return hashlib.sha256(sound.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(
            f"{sound}: cannot be read ({error.strerror or error}); mend it or build another test"
        ) from error


def notes(audio: RunAudio, triplets: Sequence[Triplet]) -> list[str]:
    """What is worth knowing about the questions: sexes, sentences said twice, use of speakers."""
    told = [triplet for triplet in triplets if triplet.sex_a and triplet.sex_b]
    same = sum(triplet.sex_a == triplet.sex_b for triplet in told)
    found = [f"{same} of {len(told)} pairs of known sex are of one sex"]
    if len(told) < len(triplets):
        found.append(f"the sex of a speaker is unknown in {len(triplets) - len(told)} questions")
    texts = {row.utterance: row.text for rows in audio.layers.values() for row in rows}
    shared = 0
    for triplet in triplets:
        match = texts[triplet.a if triplet.answer == "a" else triplet.b]
        shared += bool(match) and match == texts[triplet.x]
    if shared:
        found.append(f"{shared} questions have one sentence twice, for there is no other")
    uses = Counter(speaker for t in triplets for speaker in (t.speaker_a, t.speaker_b))
    found.append(
        f"{len(uses)} speakers are heard in {min(uses.values())} to {max(uses.values())} questions"
    )
    return found


def _spare(audio: RunAudio, triplets: Sequence[Triplet]) -> tuple[str, str]:
    """Layer and utterance for the volume check: of the first layer, heard least in the test."""
    layer = NATURAL if NATURAL in audio.layers else next(iter(audio.layers))
    uses = Counter(name for triplet in triplets for name in triplet.utterances)
    rows = sorted(audio.layers[layer], key=lambda row: (uses[row.utterance], row.utterance))
    return layer, rows[0].utterance


def _sources(audio: RunAudio, triplets: Sequence[Triplet], check: str) -> dict[str, Path]:
    """Which file of the run every sound is a copy of."""
    found = {check: audio.path(*_spare(audio, triplets))}
    for triplet in triplets:
        for name, utterance in zip(triplet.sounds, triplet.utterances, strict=True):
            found[name] = audio.path(triplet.layer, utterance)
    return found


def _is_built(output: Path, settings: dict[str, Any]) -> bool:
    """Whether this very test lies there already."""
    if not output.exists():
        return False
    if output.is_dir() and not any(output.iterdir()):
        return False
    try:
        if json.loads((output / SETTINGS).read_text(encoding="utf-8")) == settings:
            return True
    except (OSError, ValueError):
        pass
    raise UserError(f"--output: {output} holds something else already; choose another folder")


def _fill(folder: Path, sources: dict[str, Path]) -> None:
    (folder / AUDIO).mkdir()
    (folder / ANSWERS).mkdir()
    for name, source in sorted(sources.items()):  # by name: dates tell nothing either
        try:
            read_pcm(source)
        except AudioError as error:
            raise UserError(f"{source}: {error}; render it again, or delete it") from error
        shutil.copyfile(source, folder / AUDIO / f"{name}.flac")
