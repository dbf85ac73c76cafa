"""The sonification of one model as the page Features reads it: layers, units, rows by layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow
from jaxtyping import Int, Shaped

from asr_models.layer_card import MOST
from evaluation.atlas.catalogue import Atlas
from evaluation.sonification.section_tables import UNITS
from evaluation.sonification.study_folder import ROOT, StudyFolder

Columns = dict[str, np.ndarray]
TABLES = ("features", "segments", "labels", "discarded", "selectivity")
"""Without them there is less on a card."""

MOST_RANKS = 1000
"""A table that claims more is broken."""

WHOLE = {"feature", "depth", "rank", "segment", "count", "segments"}
WHOLE |= {"base_count", "base_segments", "occurrences", "speakers"}


@dataclass(frozen=True)
class FeatureLayer:
    """A layer, or a named set of features; `features` counts them."""

    name: str
    depth: int
    features: int


@dataclass(frozen=True)
class Rows:
    """Rows of a table by layer; texts are numbers of `names`.

    Attributes:
        columns: of all rows.
        names: what the numbers of each column of texts mean.
        places: rows of each layer, in order.
    """

    columns: Columns
    names: dict[str, Shaped[np.ndarray, " name"]]
    places: dict[str, Int[np.ndarray, " row"]]

    def __len__(self) -> int:
        """How many rows there are."""
        return sum(len(at) for at in self.places.values())

    def of(self, layer: FeatureLayer) -> Columns:
        """The columns of one layer; rows of features that there are not are left out."""
        at = self.places.get(layer.name)
        if at is None:
            return {name: column[:0] for name, column in self.columns.items()}
        kept = self.columns["feature"][at]
        at = at[(kept >= 0) & (kept < layer.features)]
        if "rank" in self.columns:
            rank = self.columns["rank"][at]
            at = at[(rank >= 1) & (rank <= MOST_RANKS)]
        return {name: column[at] for name, column in self.columns.items()}


@dataclass
class FeatureStudy:
    """What one model's sonification has left.

    Attributes:
        folder: its tables.
        number: of the model in the atlas.
        layers: by depth, as the atlas counts them; sets behind them.
        units: of search, the one that is shown first in front.
    """

    folder: StudyFolder
    number: int
    layers: list[FeatureLayer]
    units: list[str]

    @property
    def unit(self) -> str:
        """The unit of search that is shown first."""
        return self.units[0] if self.units else ""

    @cached_property
    def activity(self) -> Rows | None:
        """The table `features`."""
        numbers = ("density", "threshold", "mean", "minimum", "maximum", "q50", "q90", "q99")
        return read_rows(self.folder, "features", ["dead"], ["feature", *numbers])


def read_rows(
    folder: StudyFolder, table: str, texts: Sequence[str], numbers: Sequence[str], **wanted: str
) -> Rows | None:
    """Columns of a table of features, by layer.

    Args:
        folder: of the study.
        table: its name.
        texts: columns of texts.
        numbers: columns of numbers; `feature` is one of them.
        **wanted: values that other columns must have.

    Returns:
        None where there is no such table, or none that can be read.
    """
    columns = ["layer", *texts, *numbers]
    found = folder.table(table, columns, wanted, read_dictionary=["layer", *texts])
    if found is None:
        return None
    try:
        values: Columns = {name: _numbers(found[name], name in WHOLE) for name in numbers}
        names = {}
        for name in ("layer", *texts):
            values[name], names[name] = _codes(found[name])
    except (ValueError, TypeError, pyarrow.ArrowException) as error:
        reason = " ".join(str(error).split())[:120]
        folder.notes.append(f"{ROOT}/{folder.name}/{table}.parquet: cannot be read ({reason})")
        return None
    codes = values.pop("layer")
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names["layer"]) + 1))
    places = {
        str(layer): order[bounds[i] : bounds[i + 1]]
        for i, layer in enumerate(names["layer"].tolist())
    }
    return Rows(values, names, places)


def _numbers(column: pyarrow.ChunkedArray, whole: bool) -> np.ndarray:
    """Numbers of a column; what is absent is NaN, or -1 of whole ones."""
    found: np.ndarray = column.to_numpy()
    if found.dtype.kind not in "biuf":
        raise ValueError("a column of numbers holds something else")
    return np.nan_to_num(found, nan=-1).astype(np.int64) if whole else found


def _codes(column: pyarrow.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the texts of a column, and the texts; what is absent is an empty text."""
    if not pyarrow.types.is_dictionary(column.type):
        column = column.cast(pyarrow.string()).dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    names = np.array([*whole.dictionary.to_pylist(), ""], object)
    return whole.indices.fill_null(len(names) - 1).to_numpy().astype(np.int64), names


def feature_studies(atlas: Atlas) -> list[FeatureStudy]:
    """The studies of an atlas that have features; what is missing in them is noted."""
    found = []
    for name, folder in atlas.studies.items():
        missing = [table for table in TABLES if folder.file(f"{table}.parquet") is None]
        if missing:
            atlas.notes.append(f"{ROOT}/{name}: not finished, without {', '.join(missing)}")
        if name in atlas.models and len(missing) < len(TABLES):
            units = _units(folder)
            counted = _counted(folder, units[0] if units else "")
            if counted:
                layers = _layers(atlas, name, counted)
                found.append(FeatureStudy(folder, atlas.models.index(name), layers, units))
            else:
                atlas.notes.append(f"{ROOT}/{name}: no feature was searched")
    return found


def _units(folder: StudyFolder) -> list[str]:
    """Units of search, the article's first."""
    for table in ("segments", "labels", "selectivity"):
        found = folder.table(table, ["unit"], {}, read_dictionary=["unit"])
        every = [] if found is None else found["unit"].unique().to_pylist()
        names = [str(name) for name in every if name]
        if names:
            return [unit for unit in UNITS if unit in names] + sorted(set(names) - set(UNITS))
    return []


def _layers(atlas: Atlas, model: str, counted: Mapping[str, tuple[int, int]]) -> list[FeatureLayer]:
    """The layers of the atlas, and behind them what else the tables name, such as sets."""
    entries = atlas.layers.get(model, [])
    layers = [
        FeatureLayer(entry.name, entry.depth, counted.get(entry.name, (0, entry.features or 0))[1])
        for entry in entries
    ]
    known = {entry.name for entry in entries}
    return layers + [
        FeatureLayer(name, depth, features)
        for name, (depth, features) in sorted(counted.items(), key=lambda item: item[1][0])
        if name not in known
    ]


def _counted(folder: StudyFolder, unit: str) -> dict[str, tuple[int, int]]:
    """Depth and number of features of every layer, of the first table that has rows."""
    for table in TABLES:
        wanted = {} if table in ("features", "discarded") else {"unit": unit}
        rows = read_rows(folder, table, [], ["feature", "depth"], **wanted)
        if rows:
            feature, depth = rows.columns["feature"], rows.columns["depth"]
            known = (feature >= 0) & (feature < MOST)
            places = {layer: at[known[at]] for layer, at in rows.places.items()}
            return {
                layer: (int(depth[at[0]]), int(feature[at].max()) + 1)
                for layer, at in places.items()
                if len(at)
            }
    return {}


def grid(
    rows: Columns, values: np.ndarray, features: int, columns: int, empty: float
) -> Shaped[np.ndarray, "feature column"]:
    """Values of rows, by feature and rank; `empty` where there is no row."""
    found = np.full((features, columns), empty, values.dtype)
    found[rows["feature"], rows["rank"] - 1] = values
    return found


def by_feature(rows: Columns, name: str, features: int) -> Shaped[np.ndarray, " feature"]:
    """A column of single precision, NaN for features without a row."""
    found = np.full(features, np.nan, np.float32)
    found[rows["feature"]] = rows[name]
    return found


def ranks(rows: Columns) -> int:
    """How many ranks there are."""
    return int(rows["rank"].max(initial=0))
