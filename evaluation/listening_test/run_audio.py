"""What can be heard of a run: the layers whose audio it kept, and their utterances."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from acoustics.errors import UserError
from evaluation.listening import REFERENCE, REFERENCE_LAYERS, audio_path, safe_name
from evaluation.records import SummaryRow, UtteranceRow, read_rows
from evaluation.rendered import layer_depths, natural_order

NATURAL = "natural"
KEEP = "run again with evaluation.keep_audio null"


@dataclass(frozen=True)
class RunAudio:
    """The audio of one model in one condition.

    Attributes:
        run: the run folder.
        model: as in every table.
        condition: as in every table.
        layers: for each layer, natural first and then by depth, the utterances that can be heard.
        depths: of the layers; None for natural.
    """

    run: Path
    model: str
    condition: str
    layers: dict[str, list[UtteranceRow]]
    depths: dict[str, int | None]

    def path(self, layer: str, utterance: str) -> Path:
        """The file with the sound of an utterance."""
        return self.run / audio_path(self.model, self.condition, layer, utterance)

    def fingerprint(self) -> str:
        """SHA-256 of all that can be heard and of what is said in it.

        Raises:
            UserError: a sound cannot be read.
        """
        sounds = [(layer, row.utterance) for layer, rows in self.layers.items() for row in rows]
        told = sorted(repr(row) for rows in self.layers.values() for row in rows)
        heard = sounds_digest(self.run, self.model, self.condition, sounds)
        return hashlib.sha256("\n".join([heard, *told]).encode()).hexdigest()


def sounds_digest(run: Path, model: str, condition: str, sounds: Iterable[tuple[str, str]]) -> str:
    """SHA-256 of sound files of a run, given as layers and utterances, in any order.

    Raises:
        UserError: one of them cannot be read.
    """
    total = hashlib.sha256()
    for layer, utterance in sorted(set(sounds)):
        path = run / audio_path(model, condition, layer, utterance)
        try:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{path}: cannot be read ({reason}); {KEEP}") from error
        total.update(f"{layer}\n{utterance}\n{content}\n".encode())
    return total.hexdigest()


def find_audio(
    run: Path,
    model: str = "robust",
    condition: str = "clean",
    layers: Sequence[str] | None = None,
    natural: bool = True,
) -> RunAudio:
    """Lists what a run kept.

    Args:
        run: the run folder, or that of one of its further architectures.
        model: as in every table.
        condition: as in every table.
        layers: names of tapped layers, or globs (default: all whose audio was kept).
        natural: take natural speech as one more layer.

    Raises:
        UserError: there is no such run, model, condition or layer, or no audio was kept.
    """
    if not (run / "utterances.csv").is_file():
        raise UserError(f"--run: {run} holds no utterances.csv; give the folder of `otoscope run`")
    folder = _folder(run, model, condition)
    known = _depths(run, model, condition, folder)
    chosen = list(known) if layers is None else _matching(layers, list(known))
    depths: dict[str, int | None] = {NATURAL: None} if natural else {}
    depths |= {name: known[name] for name in chosen}
    rows = list(read_rows(run / "utterances.csv", UtteranceRow))
    found = RunAudio(run, model, condition, {}, depths)
    for layer in depths:
        kept = [row for row in rows if found.path(layer, row.utterance).is_file()]
        if not kept:
            where = found.path(layer, "x").parent
            raise UserError(f"{where}: holds no audio of the test utterances; {KEEP}")
        found.layers[layer] = kept
    return found


def _folder(run: Path, model: str, condition: str) -> Path:
    models = [name for name in _names(run / "audio") if name != REFERENCE]
    if not models:
        raise UserError(f"--run: {run} kept no audio; {KEEP}")
    folder = run / "audio" / safe_name(model) / safe_name(condition)
    if folder.is_dir():
        return folder
    if safe_name(model) not in models:
        raise UserError(f"--model: no audio of {model!r}; there is audio of {', '.join(models)}")
    conditions = ", ".join(_names(folder.parent))
    raise UserError(f"--condition: no audio of {model} in {condition!r}, but in {conditions}")


def _names(folder: Path) -> list[str]:
    """Sub-folders, in natural order."""
    inside = folder.iterdir() if folder.is_dir() else ()
    return sorted((path.name for path in inside if path.is_dir()), key=natural_order)


def _depths(run: Path, model: str, condition: str, folder: Path) -> dict[str, int]:
    """Tapped layers that have a folder, by depth: as the summary has it, else as names sort."""
    table = run / "summary.csv"
    rows = read_rows(table, SummaryRow) if table.is_file() else iter(())
    told = {
        row.layer: row.depth
        for row in rows
        if (row.model, row.condition) == (model, condition) and row.depth is not None
    }
    there = {name: depth for name, depth in told.items() if (folder / safe_name(name)).is_dir()}
    if not there:
        names = [name for name in _names(folder) if name not in REFERENCE_LAYERS]
        there = layer_depths(names)
    if not there:
        raise UserError(f"{folder}: holds no layer; {KEEP}")
    return dict(sorted(there.items(), key=lambda item: item[1]))


def _matching(globs: Sequence[str], names: Sequence[str]) -> list[str]:
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            raise UserError(f"--layers: {glob!r} is none; there is audio of {', '.join(names)}")
    return [name for name in names if any(fnmatchcase(name, glob) for glob in globs)]
