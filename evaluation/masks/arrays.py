"""What a mask's pictures are drawn from, kept beside them: small, and without a pickle."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from evaluation.listening import write_atomically
from evaluation.masks.judging import MASK
from evaluation.masks.scopes import Span, aligned_words
from evaluation.masks.study import MaskStudy

FOLDER = "arrays"
DEEPEST = 255


class Said(NamedTuple):
    """Something that is said, and when."""

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class MaskArrays:
    """Frames, mask, controls, and how the mask was found (arrays/<mask>.safetensors).

    Attributes:
        pixels: normalised frames, from 0 at `low` to 255 at `high`.
        low: the smallest of them.
        high: the largest of them.
        kept: `mask`, and its controls `random` and `energy`; strictly binary.
        snapshots: masks on the way; the last one is the result.
        steps: of the search, at which they are from.
        frame_s: seconds from one frame to the next; the first is centred on 0.
        said: the words that the recogniser spells, where CTC says them.
        required: what the mask is to keep; None for all of it.
    """

    pixels: UInt8[np.ndarray, "frame band"]
    low: float
    high: float
    kept: Mapping[str, Bool[np.ndarray, "frame band"]]
    snapshots: Bool[np.ndarray, "snapshot frame band"]
    steps: Sequence[int]
    frame_s: float
    said: Sequence[Said] = ()
    required: Said | None = None

    @property
    def normal(self) -> Float[np.ndarray, "frame band"]:
        """The frames, within half a step of a 255th of their range."""
        return self.low + (self.high - self.low) * self.pixels.astype(np.float64) / DEEPEST


def arrays_of(study: MaskStudy, row: int) -> MaskArrays:
    """The arrays of one mask of a study."""
    subjects, count = study.subjects, int(study.subjects.counts[row])
    normal = subjects.normal[row, :count].float().cpu().numpy()
    low, high = float(normal.min()), float(normal.max())
    scaled = (normal - low) / max(high - low, 1e-12) * DEEPEST
    step_s = subjects.step_s
    span = study.spans[row]
    return MaskArrays(
        scaled.round().astype(np.uint8),
        low,
        high,
        {name: one[row, :count].numpy() for name, one in study.judgement.kept.items()},
        study.masks.snapshots[:, row, :count].numpy(),
        study.masks.snapshot_steps,
        subjects.frame_s,
        [_timed(word, step_s) for word in aligned_words(subjects.alone(row))[0]],
        None if span is None else _timed(span, step_s),
    )


def _timed(span: Span, step_s: float) -> Said:
    return Said(span.label, span.first * step_s, span.stop * step_s)


def write_arrays(path: Path, arrays: MaskArrays) -> None:
    """Writes them; eight entries of a mask take a byte.

    Raises:
        UserError: the file cannot be written.
    """
    masks = {f"kept.{name}": np.packbits(kept) for name, kept in arrays.kept.items()}
    packed = np.packbits(arrays.snapshots.reshape(len(arrays.snapshots), -1), axis=1)
    facts = {
        "low": arrays.low, "high": arrays.high, "frame_s": arrays.frame_s,
        "steps": list(arrays.steps), "said": arrays.said, "required": arrays.required,
    }  # fmt: skip
    tensors = {"pixels": arrays.pixels, "snapshots": packed, **masks}
    write_atomically(path, save(tensors, {"facts": json.dumps(facts)}))


def read_arrays(path: Path) -> MaskArrays | None:
    """Reads them; None where there is no such file, or where it is broken."""
    try:
        with safe_open(path, framework="np") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = json.loads((file.metadata() or {})["facts"])
        return _read(tensors, facts)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def _read(tensors: Mapping[str, np.ndarray], facts: dict[str, Any]) -> MaskArrays:
    """Of a file's content.

    Raises:
        KeyError, ValueError, TypeError: it is another one.
    """
    pixels = tensors["pixels"]
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or not pixels.size:
        raise ValueError("no picture")
    kept = {
        name.removeprefix("kept."): _unpacked(bits, pixels.shape)
        for name, bits in tensors.items()
        if name.startswith("kept.")
    }
    shots = [_unpacked(bits, pixels.shape) for bits in tensors["snapshots"]]
    steps = [int(step) for step in facts["steps"]]
    if MASK not in kept or len(steps) != len(shots):
        raise ValueError("no mask")
    required = facts["required"]
    return MaskArrays(
        pixels,
        float(facts["low"]),
        float(facts["high"]),
        kept,
        np.stack(shots),
        steps,
        float(facts["frame_s"]),
        [_said(entry) for entry in facts["said"]],
        None if required is None else _said(required),
    )


def _unpacked(bits: np.ndarray, shape: tuple[int, ...]) -> Bool[np.ndarray, "frame band"]:
    count = shape[0] * shape[1]
    if bits.dtype != np.uint8 or bits.shape != (-(-count // 8),):
        raise ValueError("a mask of another shape")
    return np.unpackbits(bits, count=count).reshape(shape).astype(bool)


def _said(entry: Sequence[Any]) -> Said:
    label, start_s, end_s = entry
    return Said(str(label), float(start_s), float(end_s))
