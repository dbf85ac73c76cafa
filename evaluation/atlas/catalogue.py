"""What every page of an atlas builds on: the run, its models, conditions and layers."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from lhotse.cut import Cut

from acoustics.errors import UserError
from asr_models.layer_card import LAYERS, LayerCard, read_layers
from corpora.corpus import Progress
from evaluation.atlas.site import Site
from evaluation.audiation.audiation_folder import AudiationFolder
from evaluation.listening import REFERENCE
from evaluation.places import without_places
from evaluation.reading import (
    CONDITION_ORDER,
    MODEL_ORDER,
    Row,
    by_depth,
    colour_of,
    distinct,
    number,
    ordered,
    select,
)
from evaluation.run_folder import RunFolder
from evaluation.sonification.study_folder import StudyFolder, study_folders

METHODS = ("recognisers", "sonification", "audiation", "masks")
"""Folders of a run that hold one folder per model."""

OpenCorpus = Callable[[], Mapping[str, Cut]]


@dataclass
class Atlas:
    """What the makers of pages are handed.

    Attributes:
        run: the run folder.
        folder: its tables, read with patience.
        site: where sounds, pictures and data go.
        models: in the order of the house.
        conditions: likewise.
        layers: of each model, by depth.
        notes: what is missing or cannot be read, for the reader.
        cuts: opens the corpus, None where there is none to open.
        report: called with the fraction that is done and one line.
    """

    run: Path
    folder: RunFolder
    site: Site
    models: list[str]
    conditions: list[str]
    layers: dict[str, list[LayerCard]]
    notes: list[str]
    cuts: OpenCorpus | None
    report: Progress

    @cached_property
    def studies(self) -> dict[str, StudyFolder]:
        """The sonification of each model that has one."""
        return study_folders(self.run, self.notes, self.models)

    @cached_property
    def audiations(self) -> dict[str, AudiationFolder]:
        """The audiations of every model, be there any or not."""
        return {name: AudiationFolder(self.run, name, self.notes) for name in self.models}

    @cached_property
    def corpus(self) -> Mapping[str, Cut]:
        """All utterances by id; none where the corpus is not here, which is noted."""
        try:
            if self.cuts:
                return self.cuts()
            reason = "nothing says which it was"
        except UserError as error:
            reason = without_places(str(error))
        self.notes.append(f"corpus: {reason}; segments that were not cut before have no sound")
        return {}

    @property
    def called(self) -> str:
        """The run in a command; who publishes a site need not say where his files lie."""
        return shlex.quote(self.run.name if self.run.is_absolute() else self.run.as_posix())

    def place(self, model: str, layer: str) -> tuple[int, int] | None:
        """Numbers of a model and its layer, of which names of shards are made."""
        names = [entry.name for entry in self.layers.get(model, [])]
        return (self.models.index(model), names.index(layer)) if layer in names else None

    def colour(self, name: str) -> tuple[str, str]:
        """Colour of a model or a condition, on light and on dark paper."""
        names = self.models if name in self.models else self.conditions
        return colour_of(name, names)

    def index(self) -> dict[str, Any]:
        """What every page loads, as data/index.js."""
        return {
            "name": self.run.resolve().name,
            "models": [
                {"name": model, "colour": self.colour(model),
                 "layers": [asdict(entry) for entry in self.layers[model]]}
                for model in self.models
            ],
            "conditions": [{"name": name, "colour": self.colour(name)} for name in self.conditions],
        }  # fmt: skip


def catalogue(
    folder: RunFolder,
    site: Site,
    models: Sequence[str] | None,
    cuts: OpenCorpus | None,
    report: Progress,
) -> Atlas:
    """Looks through a run folder.

    Args:
        folder: of `read_run`.
        site: where the atlas goes.
        models: which to show (default: all that are there).
        cuts: opens the corpus.
        report: of the build.
    """
    rows: list[Row] = [*folder.summary, *(vars(sample) for sample in folder.samples)]
    names = [name for name in distinct(rows, "model") if name != REFERENCE]
    names += _folders(folder.path)
    if models is not None:
        names = [name for name in names if name in models]
    shown = ordered(names, MODEL_ORDER)
    conditions = ordered(distinct(rows, "condition"), CONDITION_ORDER)
    layers = {model: layers_of(folder, model) for model in shown}
    return Atlas(folder.path, folder, site, shown, conditions, layers, folder.notes, cuts, report)


def _folders(run: Path) -> list[str]:
    """Models that a method has left something of."""
    return [
        path.name
        for method in METHODS
        for path in sorted(run.glob(f"{method}/*"))
        if path.is_dir() and path.name != "overview" and not path.name.startswith(".")
    ]


def layers_of(folder: RunFolder, model: str) -> list[LayerCard]:
    """The layers of a model by depth: from its card, else from the tables that name them."""
    for method in ("recognisers", "sonification"):
        path = folder.path / method / model / LAYERS
        if path.is_file():
            found = read_layers(path)
            if found:
                return found
            folder.notes.append(f"{path.relative_to(folder.path)}: cannot be read")
    study = StudyFolder(folder.path, model, folder.notes)
    columns = study.columns("features", ["layer", "depth"])
    if columns is not None and len(columns["layer"]):
        names, depths = columns["layer"].astype(str).tolist(), columns["depth"].tolist()
        known = {name: LayerCard(name, depth) for name, depth in zip(names, depths, strict=True)}
        counted = [replace(entry, features=names.count(name)) for name, entry in known.items()]
        return _stacked(counted)
    rows = by_depth(select(folder.summary, model=model))
    depths_of = {str(row["layer"]): int(number(row["depth"]) or 0) for row in rows}
    return _stacked([LayerCard(name, depth) for name, depth in depths_of.items()])


def _stacked(entries: Iterable[LayerCard]) -> list[LayerCard]:
    """In order of depth, each fed by the one before."""
    placed = sorted(entries, key=lambda entry: entry.depth)
    before = {entry.name: (feeder.name,) for feeder, entry in pairwise(placed)}
    return [replace(entry, inputs=before.get(entry.name, ())) for entry in placed]
