"""Folders of speech that others made: which file renders which utterance, in which layer.

Files pair by their names without extension, wherever they lie below a folder. A sub-folder for each
layer gives a curve; anything else is one layer.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from acoustics.errors import UserError
from evaluation.listening import REFERENCE_LAYERS, safe_name
from evaluation.sound_files import audio_files, readable

Files = Mapping[str, Path]  # utterance: file


@dataclass(frozen=True)
class Folders:
    """Clean speech and what was made of it.

    Attributes:
        reference: file of each utterance.
        layers: for each layer, in order of depth, the file of each utterance.
        left_out: sub-folders that hold nothing of the reference.
    """

    reference: Files
    layers: Mapping[str, Files]
    left_out: Sequence[str] = ()

    @property
    def utterances(self) -> list[str]:
        """Every utterance of either side."""
        return sorted(set(self.reference).union(*self.layers.values()))

    @property
    def paired(self) -> set[str]:
        """Utterances of the reference that some layer has."""
        return set(self.reference) & set().union(*self.layers.values())


def pair_folders(
    reference: Path,
    rendered: Path,
    layers: Sequence[str] | None = None,
    known: Iterable[str] = (),
) -> Folders:
    """Lists both sides.

    Args:
        reference: folder of clean speech.
        rendered: folder of what was made of it, flat or with a sub-folder for each layer.
        layers: sub-folders to take, in this order (default: all, sorted naturally).
        known: utterances that tables name; a run escapes them where they are no file names.

    Raises:
        UserError: a folder is missing or has no audio, two files of one side have one name, or
            the sides have nothing in common.
    """
    ids = {safe_name(name): name for name in known if name}
    clean = _by_utterance(reference, "--reference", ids)
    if layers is not None:
        found = {name: _by_utterance(rendered / name, "--layers", ids) for name in layers}
        return _checked(Folders(clean, found), reference, rendered)
    if not rendered.is_dir():
        raise UserError(f"--rendered: {rendered} is no folder; give the one with the audio")
    inside, left_out = _layer_folders(rendered, reference, clean, ids)
    if not inside:
        found = {readable(rendered.resolve().name): _by_utterance(rendered, "--rendered", ids)}
        return _checked(Folders(clean, found, left_out), reference, rendered)
    found = {
        readable(path.name): _by_utterance(path, "--rendered", ids)
        for path in sorted(inside, key=lambda path: natural_order(path.name))
    }
    return _checked(Folders(clean, found, left_out), reference, rendered)


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """Sorts `block2` before `block10`."""
    parts = re.findall(r"(\d+)|(\D+)", name)
    return [(0, int(digits), "") if digits else (1, 0, text) for digits, text in parts]


def layer_depths(layers: Iterable[str], known: Iterable[Mapping[str, int]] = ()) -> dict[str, int]:
    """Depth of every layer but the references: as a recogniser has it, else the place, from 1.

    Args:
        layers: their names, in order.
        known: depths of the layers of recognisers; the first that has them all decides.
    """
    tapped = [name for name in layers if name not in REFERENCE_LAYERS]
    for depths in known:
        if set(tapped) <= set(depths):
            return {name: depths[name] for name in tapped}
    return {name: i for i, name in enumerate(tapped, start=1)}


def _layer_folders(
    rendered: Path, reference: Path, clean: Files, ids: Mapping[str, str]
) -> tuple[list[Path], list[str]]:
    """Sub-folders that are layers, none for one layer in any structure; and others, by name."""
    stems: dict[Path, set[str]] = {}
    for path in audio_files(rendered):
        top = rendered / path.relative_to(rendered).parts[0]
        stems.setdefault(top, set()).add(_name(path, ids))
    if any(not top.is_dir() for top in stems):
        return [], []  # audio beside sub-folders: all of it is one layer
    inside = {top: names for top, names in stems.items() if names & set(clean)}
    if stems and not inside:
        raise _nothing_in_common(reference, rendered, clean, set().union(*stems.values()))
    others = [readable(top.name) for top in stems if top not in inside]
    repeated = sum(len(names) for names in inside.values()) > len(set().union(*inside.values()))
    alone = len(inside) == 1 and not any((reference / top.name).is_dir() for top in inside)
    return (list(inside), others) if repeated or alone else ([], [])


def _by_utterance(folder: Path, option: str, ids: Mapping[str, str]) -> dict[str, Path]:
    if not folder.is_dir():
        raise UserError(f"{option}: {folder} is no folder; give the one with the audio")
    found: dict[str, Path] = {}
    for path in audio_files(folder):
        utterance = _name(path, ids)
        if utterance in found:
            raise UserError(
                f"{option}: two files have the name {utterance!r}, {found[utterance]} and {path}; "
                "files pair by name, so leave one of them"
            )
        found[utterance] = path
    if not found:
        raise UserError(f"{option}: {folder} holds no audio file; give another folder")
    return found


def _name(path: Path, ids: Mapping[str, str]) -> str:
    """The utterance that a file renders."""
    return ids.get(path.stem, readable(path.stem))


def _checked(folders: Folders, reference: Path, rendered: Path) -> Folders:
    if not folders.paired:
        theirs = set().union(*folders.layers.values())
        raise _nothing_in_common(reference, rendered, folders.reference, theirs)
    return folders


def _nothing_in_common(
    reference: Path, rendered: Path, ours: Collection[str], theirs: Collection[str]
) -> UserError:
    return UserError(
        f"--rendered: {rendered} has nothing in common with {reference}: files pair by name, "
        f"without extension, and names are like {min(theirs)!r} here, like {min(ours)!r} there"
    )
