"""Audiations for the page Features: each sound beside the strongest segment of the corpus."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.atlas.catalogue import Atlas
from evaluation.atlas.pictures import copied
from evaluation.atlas.site import Site
from evaluation.atlas.sounds import matched, read_sound, sound_of
from evaluation.audiation.audiation_folder import AudiationFolder
from evaluation.audiation.study_rows import EvolutionRow
from evaluation.audiation.wanted import AS_ASKED
from evaluation.pictures import mel_levels, mel_picture
from evaluation.reading import Row, number

NUMBERS = ["start", "reached", "strongest", "above", "held_out", "lowest", "rank", "features"]
NUMBERS += ["snr_db", "syllabic_share", "start_s", "end_s"]
TEXTS = ("variant", "problem", "utterance", "words", "phones")
Key = tuple[str, str, str, str]


class Audiations:
    """The audiations of one model, by layer and feature; their sounds and pictures are made.

    Args:
        atlas: where to.
        model: whose.

    Attributes:
        count: features that have one.
    """

    def __init__(self, atlas: Atlas, model: str) -> None:
        self.site, self.folder = atlas.site, atlas.audiations[model]
        self._steps = _evolution(self.folder)
        self._found: dict[str, dict[int, list[dict[str, Any]]]] = {}
        for feature, row in sorted(
            self.folder.sounds, key=lambda one: one[1]["variant"] != AS_ASKED
        ):
            layer = self._found.setdefault(row["layer"], {})
            layer.setdefault(feature, []).append(self._entry(row))
        self.count = sum(len(layer) for layer in self._found.values())

    def block(self, layer: str) -> dict[int, list[dict[str, Any]]]:
        """Those of one layer by feature, what was asked for first."""
        return self._found.get(layer, {})

    def _entry(self, row: Row) -> dict[str, Any]:
        sound, clip, picture = (
            self.folder.file(row[name]) for name in ("audio", "clip", "picture")
        )
        mels = pair_of_mels(self.site, sound, clip) if sound else (None, None)
        return {
            **{name: number(row[name]) for name in NUMBERS},
            **{name: str(row[name]) for name in TEXTS},
            "sample": int(number(row["sample"]) or 0),
            "audio": sound_of(self.site, sound) if sound else None,
            "clip": sound_of(self.site, clip) if clip else None,
            "mel": mels[0],
            "clip_mel": mels[1],
            "picture": copied(self.site, picture) if picture else None,
            "evolution": self._steps.get(_key(row), []),
        }


def _evolution(folder: AudiationFolder) -> dict[Key, list[tuple[float, float]]]:
    """Steps and activations of every sound's search."""
    found: dict[Key, list[tuple[float, float]]] = {}
    for row in folder.rows("evolution", EvolutionRow):
        step, activation = number(row["step"]), number(row["activation"])
        if step is not None and activation is not None:
            found.setdefault(_key(row), []).append((step, activation))
    return found


def _key(row: Row) -> Key:
    return row["variant"], row["layer"], row["feature"], row["sample"]


def pair_of_mels(site: Site, sound: Path, clip: Path | None) -> tuple[str | None, str | None]:
    """Mel pictures of a sound and of a segment, both equally loud and on the same scale.

    Args:
        site: where to.
        sound: of the run.
        clip: the segment; without it the sound has its own scale.

    Returns:
        The way to each from a page; None where there is none.
    """

    @cache
    def mels() -> list[np.ndarray | None]:
        return [None if path is None else _log_mel(path) for path in (sound, clip)]

    def drawn(which: int) -> bytes | None:
        mine, found = mels()[which], [mel for mel in mels() if mel is not None]
        if mine is None:
            return None
        low, high = zip(*(mel_levels(mel) for mel in found), strict=True)
        return mel_picture(mine, levels=(min(low), max(high)), axis=False, scale=1)

    both = f"{site.identity(sound)} {site.identity(clip) if clip else ''}"
    pictures = [
        site.file(f"pair {which} {both}", "pictures", ".png", lambda which=which: drawn(which))  # type: ignore[misc]
        if path
        else None
        for which, path in enumerate((sound, clip))
    ]
    return pictures[0], pictures[1]


def _log_mel(path: Path) -> np.ndarray | None:
    """Log-mel of a file at the loudness at which it is played; None where it is broken."""
    import torch  # here, for a build that finds everything made needs none of it

    from acoustics.mel import LogMel

    read = read_sound(path)
    if read is None:
        return None
    waveform, rate = read
    batch = torch.from_numpy(np.asarray(matched(waveform, rate), np.float32))[None]
    mel, _ = LogMel(sample_rate=rate)(batch, torch.tensor([len(waveform)]))
    found: np.ndarray = mel[0].numpy()
    return found
