"""One mask as its page reads it: frames, mask, search, sounds with their waveforms, curves."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from jaxtyping import Bool, Float

from evaluation.atlas.mask_charts import curve_charts
from evaluation.atlas.pictures import copied
from evaluation.atlas.site import Site
from evaluation.atlas.sounds import sound_of
from evaluation.listening import safe_name
from evaluation.masks import arrays
from evaluation.masks.figures import LEVEL
from evaluation.masks.logged import mask_name
from evaluation.reading import Row, number

POINTS = 600
"""Of a waveform's outline."""

LOUDEST = 127
MUTED = "muted "
JUDGED = (
    "share_kept", "frames", "frames_preserved", "transcript_preserved", "insertion_area",
    "deletion_area",
)  # fmt: skip
"""Numbers of masks.csv on the page."""


@dataclass
class FoundMask:
    """What the tables say of one mask.

    Attributes:
        utterance: of the corpus.
        scope: what it keeps.
        span: which one; nothing for the whole utterance.
        rows: of masks.csv: the mask and its controls.
        sounds: of sounds.csv.
        curves: of curves.csv.
    """

    utterance: str
    scope: str
    span: str
    rows: list[Row] = field(default_factory=list)
    sounds: list[Row] = field(default_factory=list)
    curves: list[Row] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What is kept, without its place."""
        return self.span.rpartition("@")[0] or self.span


def mask_entry(site: Site, folder: Path, found: FoundMask, inputs: list[str]) -> dict[str, Any]:
    """One mask for its shard; files that are missing or broken are None.

    Args:
        site: where sounds and pictures go.
        folder: of the model's masks.
        found: what the tables say.
        inputs: pictures of frames that the shard has already; a new one is added.
    """
    name = mask_name(found.utterance, found.span)
    kept = arrays.read_arrays(folder / arrays.FOLDER / f"{name}.safetensors")
    paths = [folder / "audio" / name / f"{safe_name(_named(row))}.flac" for row in found.sounds]
    waveforms = [_read(path) for path in paths]
    loudest = max((float(np.abs(one).max(initial=0)) for one in waveforms if one is not None),
                  default=0.0)  # fmt: skip
    quiet = {} if kept is None else _all_quiet(kept, found.sounds)
    sounds = [
        {
            "name": row["sound"], "muted_share": number(row["muted_share"]), "text": row["text"],
            "preserved": row["transcript_preserved"] == "1", "cer": number(row["cer"]),
            "src": sound_of(site, path, match=False) if waveform is not None else None,
            "outline": None if waveform is None else outline(waveform, loudest),
            "quiet": quiet.get(str(row["sound"])),
        }
        for row, path, waveform in zip(found.sounds, paths, waveforms, strict=True)
    ]  # fmt: skip
    pictures = folder / "figures"
    return {
        "scope": found.scope, "span": found.span, "label": found.label,
        "rows": [_judged(row) for row in found.rows],
        "remark": next((str(row["remark"]) for row in found.rows if row["remark"]), ""),
        "sounds": sounds,
        "arrays": None if kept is None else _drawn(kept, inputs),
        "picture": _copied(site, pictures / f"{name}.mask.png") if kept is None else None,
        "animation": _copied(site, pictures / f"{name}.gif") if kept is None else None,
        "curves": curve_charts(found.curves),
    }  # fmt: skip


def outline(waveform: Float[np.ndarray, " sample"], loudest: float) -> dict[str, str]:
    """Least and largest value of each of `POINTS` parts of a waveform, as signed bytes.

    Args:
        waveform: not empty.
        loudest: value that becomes 127.
    """
    edges = np.linspace(0, len(waveform), min(POINTS, len(waveform)) + 1).astype(int)[:-1]
    scale = LOUDEST / max(loudest, 1e-9)
    sides = {"low": np.minimum.reduceat, "high": np.maximum.reduceat}
    return {
        name: _packed((find(waveform, edges) * scale).round().astype(np.int8))
        for name, find in sides.items()
    }


def quiet_spans(
    kept: Bool[np.ndarray, "frame band"], frame_s: float, threshold: float
) -> list[tuple[float, float]]:
    """Begin and end, in seconds, of what is muted: frames of which less than this is kept."""
    quiet = np.concatenate([[False], kept.mean(1) < threshold, [False]])
    turns = np.flatnonzero(quiet[1:] != quiet[:-1])
    bounds = np.maximum((turns - 0.5) * frame_s, 0.0).round(5)
    return [(float(begin), float(end)) for begin, end in bounds.reshape(-1, 2)]


def _all_quiet(
    kept: arrays.MaskArrays, sounds: Iterable[Row]
) -> dict[str, list[tuple[float, float]]]:
    names = [_named(row) for row in sounds]
    thresholds = {name: number(name.removeprefix(MUTED)) for name in names if MUTED in name}
    mask = kept.kept[arrays.MASK]
    return {
        name: quiet_spans(mask, kept.frame_s, threshold)
        for name, threshold in thresholds.items()
        if threshold is not None
    }


def _drawn(kept: arrays.MaskArrays, inputs: list[str]) -> dict[str, Any]:
    """What canvases are drawn from; frame after frame, eight entries of a mask in a byte."""
    pixels = _packed(kept.pixels)
    if pixels not in inputs:
        inputs.append(pixels)
    frames, bands = kept.pixels.shape
    return {
        "input": inputs.index(pixels), "frames": frames, "bands": bands,
        "low": kept.low, "high": kept.high, "frame_s": kept.frame_s,
        "level": max(float(np.percentile(np.abs(kept.normal), LEVEL)), 1e-6),
        "kept": {name: _packed(np.packbits(mask)) for name, mask in kept.kept.items()},
        "steps": list(kept.steps),
        "snapshots": [_packed(np.packbits(mask)) for mask in kept.snapshots],
        "said": [one._asdict() for one in kept.said],
        "required": None if kept.required is None else kept.required._asdict(),
    }  # fmt: skip


def _judged(row: Row) -> dict[str, Any]:
    return {"mask": row["mask"], "text": row["text_masked"]} | {
        name: number(row[name]) for name in JUDGED
    }


def _named(row: Row) -> str:
    return str(row["sound"]) or "?"


def _read(path: Path) -> Float[np.ndarray, " sample"] | None:
    try:
        waveform, _ = soundfile.read(path, dtype="float64")
    except (OSError, soundfile.LibsndfileError):
        return None
    return waveform if waveform.ndim == 1 and len(waveform) else None


def _copied(site: Site, path: Path) -> str | None:
    return copied(site, path) if path.is_file() else None


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
