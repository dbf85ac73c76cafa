"""Figure 3: mel pictures of clean, noisy and re-synthesised speech per layer, for both models."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from acoustics.errors import UserError
from corpora.augmentation import condition_snr_db
from evaluation.listening import REFERENCE, Sample, read_mel, read_samples
from evaluation.mel_sheet import TILE, draw_mel
from evaluation.paper.finished_run import FinishedRun, ordered_conditions
from evaluation.paper.panels import NothingToDrawError
from evaluation.paper.published import BASELINE, CLEAN, ROBUST, layers_of
from evaluation.pictures import mel_levels

Mel = Float[np.ndarray, "frame mel"]
INPUT = "natural"


def mel_figure(run: FinishedRun) -> Figure:
    """What went in and what comes out of each layer; rows are conditions and models.

    Clean speech and the noisiest condition are shown, of an utterance that is mixed with music
    there where there is one, as in the paper. Columns are the layers of the paper's Table 2 where
    the architecture is the paper's, else all. Pictures of one condition share their levels.

    Raises:
        NothingToDrawError: no sample of the run has its mels kept.
    """
    samples = {sample.key: sample for sample in read_samples(run.path)}
    models = [model for model in (BASELINE, ROBUST) if any(key[0] == model for key in samples)]
    conditions = ordered_conditions(key[1] for key in samples)
    shown = [name for name in dict.fromkeys((CLEAN, noisiest(conditions))) if name in conditions]
    layers = [name for name in layers_of(run.name) if name in run.depths] or list(run.depths)
    utterance = _utterance(run.path, samples, models, shown, layers)
    if utterance is None:
        raise NothingToDrawError(f"{run.name} has no listening samples with their mels")
    rows = [(condition, model) for condition in shown for model in models]
    width, height = TILE[0] * (len(layers) + 1), TILE[1] * len(rows) + 0.7
    sheet = Figure(figsize=(width, height), layout="constrained")
    panels = sheet.subplots(len(rows), len(layers) + 1, squeeze=False, sharex=True, sharey=True)
    for line, (condition, model) in zip(panels, rows, strict=True):
        mels = _mels(run.path, samples, (model, condition, utterance), layers)
        levels = mel_levels(mels[INPUT]) if INPUT in mels else None
        for panel, layer in zip(line, (INPUT, *layers), strict=True):
            draw_mel(panel, mels.get(layer), levels)
        line[0].set_ylabel(f"{model}\n{condition}".replace("$", r"\$"), fontsize=9)
    for panel, layer in zip(panels[0], ("input", *layers), strict=True):
        panel.set_title(layer.replace("$", r"\$"), fontsize=10)
    for panel in panels[-1]:
        panel.set_xlabel("s", fontsize=8)
    sheet.suptitle(f"{run.name}: utterance {utterance}".replace("$", r"\$"), fontsize=10)
    return sheet


def noisiest(conditions: Sequence[str]) -> str:
    """The condition of the lowest SNR, whatever its place; the last one where no name tells any."""
    levels: dict[str, float] = {}
    for name in conditions:
        try:
            level = condition_snr_db(name)
        except UserError:
            continue  # a name of somebody's own
        if level is not None:
            levels[name] = level
    return min(levels, key=lambda name: levels[name]) if levels else ["", *conditions][-1]


def _utterance(
    run: Path,
    samples: Mapping[tuple[str, str, str, str], Sample],
    models: Sequence[str],
    conditions: Sequence[str],
    layers: Sequence[str],
) -> str | None:
    """The utterance with most of the mels; of equals one mixed with music, else the first."""
    music = _mixed_with_music(run, conditions[-1]) if conditions else set()

    def kept(name: str) -> tuple[int, bool]:
        keys = [(m, c, layer, name) for m in models for c in conditions for layer in layers]
        keys += [(REFERENCE, condition, INPUT, name) for condition in conditions]
        found = [key for key in keys if key in samples and (run / samples[key].mel).is_file()]
        return len(found), name in music

    names = list(dict.fromkeys(key[3] for key in samples))
    best = max(names, key=kept, default=None)
    return best if best is not None and kept(best)[0] else None


def _mixed_with_music(run: Path, condition: str) -> set[str]:
    path = run / "mixtures.csv"
    if not path.is_file():
        return set()
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = [row for row in csv.DictReader(file) if row.get("condition") == condition]
    return {str(row.get("utterance")) for row in rows if row.get("kind") == "music"}


def _mels(
    run: Path,
    samples: Mapping[tuple[str, str, str, str], Sample],
    place: tuple[str, str, str],
    layers: Sequence[str],
) -> dict[str, Mel]:
    """The input and the layers of one model, condition and utterance, as far as they are kept."""
    model, condition, utterance = place
    keys = {INPUT: (REFERENCE, condition, INPUT, utterance)}
    keys |= {layer: (model, condition, layer, utterance) for layer in layers}
    found = {}
    for layer, key in keys.items():
        mel = read_mel(run / samples[key].mel) if key in samples else None
        if mel is not None:
            found[layer] = mel
    return found
