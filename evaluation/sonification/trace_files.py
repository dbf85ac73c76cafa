"""Traces on disk, and what was said in their utterances, so that phones can stand under them."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from evaluation.listening import write_atomically
from evaluation.sonification.describe import Columns, text_column
from evaluation.sonification.export import write_table
from evaluation.sonification.result import Sonification
from evaluation.sonification.study_folder import StudyFolder
from evaluation.sonification.traces import NOBODY, LayerTraces

TRACES, SPOKEN = "traces.safetensors", "spoken"
TYPES = {
    "values": np.uint8,
    "low": np.float32,
    "high": np.float32,
    "count": np.int32,
    "first_s": np.float32,
    "utterance": np.int32,
}
"""Of the parts of a layer in the file, where each is called as `blstm3.values`."""


def write_traces(folder: Path, found: Sonification, traces: Mapping[str, LayerTraces]) -> None:
    """Writes `traces.safetensors` and the table `spoken`; nothing where there are no traces.

    Args:
        folder: where to; it is made.
        found: of `sonify`.
        traces: by layer, of `strongest_traces`.

    Raises:
        UserError: a file cannot be written.
    """
    if not traces:
        return
    parts = {
        f"{layer}.{name}": np.ascontiguousarray(getattr(own, name), kind)
        for layer, own in traces.items()
        for name, kind in TYPES.items()
    }
    write_atomically(folder / TRACES, save(parts))
    write_table(folder, SPOKEN, _spoken(found, traces))


def _spoken(found: Sonification, traces: Mapping[str, LayerTraces]) -> Iterator[Columns]:
    """Words, then phones, of the utterances that traces are of, in order."""
    used = np.unique(np.concatenate([own.utterance for own in traces.values()])).astype(np.int64)
    for tier, items in found.units.tiers.items():
        ids, _ = items.of(used[used != NOBODY])
        names = ("utterance", "label", "start_s", "end_s")
        yield {"tier": text_column([tier] * len(ids))} | {n: getattr(items, n)[ids] for n in names}


def read_traces(folder: StudyFolder) -> dict[str, LayerTraces] | None:
    """The traces of a study, by layer; None where there are none, or none that can be read.

    Args:
        folder: of the study; what cannot be read is said in its notes.
    """
    path = folder.path / TRACES
    if not path.is_file():
        return None
    try:
        found = load_file(path)
        layers = sorted({name.rpartition(".")[0] for name in found})
        return {layer: _whole(layer, found) for layer in layers}
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        folder.notes.append(f"{path.relative_to(folder.run)}: cannot be read ({reason})")
        return None


def _whole(layer: str, found: Mapping[str, np.ndarray]) -> LayerTraces:
    """Of one layer.

    Raises:
        ValueError: its parts do not fit each other.
        KeyError: one is missing.
    """
    parts = {field.name: found[f"{layer}.{field.name}"] for field in fields(LayerTraces)}
    values, count = parts["values"], parts["count"]
    rows = {part.shape[:1] for part in parts.values()}
    flat = all(part.ndim == (2 if name == "values" else 1) for name, part in parts.items())
    typed = all(parts[name].dtype == kind for name, kind in TYPES.items())
    if not (typed and flat and len(rows) == 1) or (len(count) and not _fits(count, values)):
        raise ValueError(f"what it has of layer {layer} does not fit together")
    return LayerTraces(**parts)


def _fits(count: np.ndarray, values: np.ndarray) -> bool:
    return bool(count.min() >= 0 and count.max() <= values.shape[1])
